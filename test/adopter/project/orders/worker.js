/** A second Worker, which Latchkey guards over a service binding. */
export default {
  async fetch(request, env) {
    const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    const found = await env.AUTH.verify(token, { scopes: ["orders:read"] });
    if (!found.active) return new Response(null, { status: found.reason === "scope" ? 403 : 401 });
    return Response.json({ ordersOf: found.userId });
  },
};
