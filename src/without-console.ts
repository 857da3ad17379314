import type { LatchkeyOptions } from "./options.ts";
import { worker } from "./worker.ts";

/** What package `latchkey/without-console` exports: the same as `latchkey`, a third smaller. */
export { defineAction } from "./actions/define-action.ts";
export type { Brand, LatchkeyOptions } from "./options.ts";
export type {
  ActiveTokenInfo,
  InactiveTokenInfo,
  UserInfo,
  VerifyOptions,
} from "./surfaces/rpc.ts";
export { LatchkeyService } from "./worker.ts";

/**
 * The service without the pages for people and the API document, as a Worker. Call it at module scope, so that
 * a bad setting or option stops the start (and a deployment) instead of each request.
 * @throws Error that lists every bad setting and option
 */
export const createLatchkey = (options: LatchkeyOptions = {}) => worker(options, null);
export default createLatchkey;
