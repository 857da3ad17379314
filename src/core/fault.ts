import type { Scope } from "./scope.ts";

/**
 * Everything that the core refuses, as one closed union. Each surface turns it into its own answer
 * by one exhaustive switch; nothing else is thrown on purpose.
 */
export type Fault =
  /** Nothing was sent where somebody must be logged in. */
  | { readonly code: "credentials_missing" }
  /** E-mail and password, or a foreign identity, that open no account. Never says which is wrong. */
  | { readonly code: "credentials_wrong" }
  /** A token that does not stand: unknown, malformed, expired, ended, or of the wrong kind. */
  | { readonly code: "token_invalid" }
  /** A JWT that stands, but is of another type than the one asked for. */
  | { readonly code: "token_wrong_type" }
  | { readonly code: "sign_up_closed" }
  | { readonly code: "user_exists" }
  | { readonly code: "password_common" }
  /** A change of e-mail or password that did not show the current password. */
  | { readonly code: "current_password_missing" }
  /** No such token among the caller's own. */
  | { readonly code: "token_not_found" }
  /** A token asked for a scope that its maker does not have. */
  | { readonly code: "scope_exceeded"; readonly scope: Scope }
  | { readonly code: "action_unknown" }
  /** The payload does not fit the action's schema; paths are relative to the payload. */
  | { readonly code: "payload_invalid"; readonly problems: readonly Problem[] }
  /** A field that names something which does not exist (any more). */
  | { readonly code: "reference_unknown"; readonly field: string }
  | {
      readonly code: "action_refused";
      readonly reason: RefusalReason;
      readonly message: string;
    }
  /** The same Idempotency-Key came with another request (IETF draft-ietf-httpapi-idempotency-key-header). */
  | { readonly code: "idempotency_mismatch" }
  /** A store did not answer in time, or failed. Nothing was decided. */
  | { readonly code: "unavailable"; readonly retryAfterSeconds: number };

export interface Problem {
  readonly path: string;
  readonly message: string;
}

export type RefusalReason = "unknown" | "expired" | "used" | "revoked" | "audience" | "rejected";

export class FaultError extends Error {
  override readonly name = "FaultError";
  readonly fault: Fault;
  constructor(fault: Fault, options?: ErrorOptions) {
    super(fault.code, options);
    this.fault = fault;
  }
}

/** @throws FaultError always */
export function refuse(fault: Fault, cause?: unknown): never {
  throw new FaultError(fault, cause === undefined ? undefined : { cause });
}
