import type { Scope } from "./token.ts";

/**
 * Everything that the core refuses, as one closed union. Each surface turns it into its own answer
 * by one exhaustive switch; nothing else is thrown on purpose.
 */
export type Fault =
  /** Nothing was sent where somebody must be logged in. */
  | { readonly code: "credentials_missing" }
  /** E-mail and password, or a foreign identity, that open no account. Never says which is wrong. */
  | { readonly code: "credentials_wrong"; readonly attempted?: AttemptedSubject }
  /** A token that does not stand: unknown, malformed, expired, ended, or of the wrong kind. */
  | { readonly code: "token_invalid"; readonly attempted?: AttemptedSubject }
  /** A JWT that stands, but is of another type than the one asked for. */
  | { readonly code: "token_wrong_type" }
  | { readonly code: "sign_up_closed" }
  | { readonly code: "user_exists" }
  /** A foreign identity whose e-mail has an account that it may not be linked to. */
  | { readonly code: "identity_conflict" }
  | { readonly code: "password_common" }
  /** A new password that is known to have leaked somewhere. */
  | { readonly code: "password_pwned" }
  /** What needs the current password did not show it; the field that it was to stand in. */
  | { readonly code: "current_password_missing"; readonly field: "current_password" | "password" }
  /** An identity to be removed without which nothing would open the account. */
  | { readonly code: "last_way_in" }
  /** No such thing among the caller's own. */
  | { readonly code: "not_found"; readonly what: "Identity" }
  /** No such token among the caller's own. */
  | { readonly code: "token_not_found" }
  /** A token asked for a scope that its maker does not have. */
  | { readonly code: "scope_exceeded"; readonly scope: Scope }
  /** What a credential asked for, it cannot give: it has not that much itself. */
  | { readonly code: "derivation_refused"; readonly reason: DerivationFault }
  | { readonly code: "action_unknown" }
  /** What an action was given does not fit its schema; paths are relative to that member. */
  | {
      readonly code: "payload_invalid";
      readonly member: "payload" | "input";
      readonly problems: readonly Problem[];
    }
  /** A field that names something which does not exist (any more). */
  | { readonly code: "reference_unknown"; readonly field: string }
  | {
      readonly code: "action_refused";
      readonly reason: RefusalReason;
      readonly message: string;
    }
  /** The same Idempotency-Key came with another request (IETF draft-ietf-httpapi-idempotency-key-header). */
  | { readonly code: "idempotency_mismatch" }
  /** Too many tries, from one network or at one account. Nothing is said of what was shown. */
  | {
      readonly code: "throttled";
      readonly retryAfterSeconds: number;
      readonly policy?: LimitPolicy;
    }
  /** A store did not answer in time, or failed: what was asked of it may have happened, now or later. */
  | { readonly code: "unavailable"; readonly retryAfterSeconds: number };

/** What is told of a limit (draft-ietf-httpapi-ratelimit-headers); the same for every account and every network. */
export interface LimitPolicy {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
}

/** Whom and what a refused credential names, as far as it does: for the audit, and never shown. */
export interface AttemptedSubject {
  readonly userId: string | null;
  /** The id of a token or a JWT; null for a password. */
  readonly credentialId: string | null;
  /** Who was logged in already, where a page asked for the password once more. */
  readonly actorId?: string;
}

export const UNKNOWN_SUBJECT: AttemptedSubject = { userId: null, credentialId: null };

export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** `replaced`: the caller, or the token that was to be changed, was rotated, and can only end sooner. */
export type DerivationFault = "replaced" | "outlives" | "too_deep" | "too_many";

/** Each in words, with the status of RFC 9110 that every surface gives it. */
export const DERIVATION_FAULTS: Readonly<
  Record<DerivationFault, { readonly status: 403 | 409; readonly message: string }>
> = {
  replaced: {
    status: 409,
    message: "This token was replaced by its rotation and can only expire sooner",
  },
  outlives: {
    status: 403,
    message: "A token cannot outlive itself, or the token that it was created with",
  },
  too_deep: { status: 403, message: "API tokens can be nested four levels deep at most" },
  too_many: { status: 409, message: "There are too many active API tokens: revoke some first" },
};

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
