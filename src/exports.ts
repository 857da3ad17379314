/** What package `latchkey` exports: docs/reference/api.md is made from it. */
export { defineAction } from "./actions/define-action.ts";
export { createLatchkey, createLatchkey as default, LatchkeyService } from "./latchkey.ts";
export type { Brand, LatchkeyOptions } from "./options.ts";
export type {
  ActiveTokenInfo,
  InactiveTokenInfo,
  UserInfo,
  VerifyOptions,
} from "./surfaces/rpc.ts";
