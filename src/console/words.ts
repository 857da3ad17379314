/** The texts of the pages, in the one language there is. A translation is another file like it. */
export * from "./words/en.ts";
