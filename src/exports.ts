/** What package `latchkey` exports: docs/reference/api.md is made from it. */
export { createLatchkey } from "./latchkey.ts";
export type { Brand, LatchkeyOptions } from "./options.ts";
