/** The minimal Worker. */
export default {
  fetch: () => new Response("hello"),
} satisfies ExportedHandler;
