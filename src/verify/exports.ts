/** What `latchkey/verify` exports. */
export { expressGuard, guarded, honoGuard } from "./guards.ts";
export { VerifyError, type VerifyErrorCode } from "./verify-error.ts";
export {
  createVerifier,
  type Needed,
  type VerifiedToken,
  type Verifier,
  type VerifierOptions,
} from "./verify.ts";
