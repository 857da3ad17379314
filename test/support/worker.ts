import "./quick-hashes.ts";

/** The Worker as it is deployed, but for the work of its hashes. */
export { default, LatchkeyService } from "../../src/index.ts";
