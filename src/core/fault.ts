import type { Scope } from "./scopes.ts";

/**
 * Everything that the core refuses, as one closed union. Nothing else is thrown on purpose.
 */
export type Fault =
  /** No credential was sent where one is required. */
  | { readonly code: "credentials_missing" }
  /** Email and password, or an OpenID identity, that open no account. Never says which is wrong. */
  | { readonly code: "credentials_wrong"; readonly attempted?: AttemptedSubject }
  /** The first factor was right, and the account has a second one, of which no code was sent. */
  | { readonly code: "otp_required" }
  /** A code that does not show that an app has the new second factor. */
  | { readonly code: "otp_wrong" }
  /** There is a second factor already: it is to be removed first. */
  | { readonly code: "second_factor_on" }
  /** A token that is not active: unknown, malformed, expired, revoked, or of the wrong kind. */
  | { readonly code: "token_invalid"; readonly attempted?: AttemptedSubject }
  /** A JWT that is active, but of another type than required. */
  | { readonly code: "token_wrong_type" }
  | { readonly code: "sign_up_closed" }
  | { readonly code: "user_exists" }
  /** An OpenID identity whose email has an account that it may not be linked to. */
  | { readonly code: "identity_conflict" }
  | { readonly code: "password_common" }
  /** A new password that is known to have leaked. */
  | { readonly code: "password_pwned" }
  /** The request needs the current password in this field. */
  | { readonly code: "current_password_missing"; readonly field: "current_password" | "password" }
  /** What was to become a passkey is no right answer to the caller's challenge. */
  | { readonly code: "passkey_unverified" }
  /** The account has as many passkeys as it may. */
  | { readonly code: "passkeys_full" }
  /** Without the identity or passkey to be removed, nothing would open the account. */
  | { readonly code: "last_way_in" }
  /** The caller has no such thing. */
  | {
      readonly code: "not_found";
      readonly what: "Contact" | "Identity" | "Passkey" | "Second factor" | "User";
    }
  /** Only for Admins, with a second factor where that is required. */
  | { readonly code: "operator_required"; readonly lacks: "role" | "second_factor" }
  /** The caller has no such token. */
  | { readonly code: "token_not_found" }
  /** A token was requested with a scope that the caller does not have. */
  | { readonly code: "scope_exceeded"; readonly scope: Scope }
  /** The subject token of an exchange is not active, or logs no one in here. */
  | { readonly code: "subject_invalid"; readonly attempted?: AttemptedSubject }
  /** A JWT was requested for an audience that the deployment does not have. */
  | { readonly code: "audience_unknown" }
  /** Too long ago, or never, for an act that needs a fresh log-in: see `core/caller.ts`. */
  | { readonly code: "login_not_fresh"; readonly reason: keyof typeof STALE_LOGINS }
  /** The credential may not derive what was requested. */
  | { readonly code: "derivation_refused"; readonly reason: DerivationFault }
  | { readonly code: "action_unknown" }
  /** The value does not match the action's schema; paths are relative to that member. */
  | {
      readonly code: "payload_invalid";
      readonly member: "payload" | "input";
      readonly problems: readonly Problem[];
    }
  /** A field that names something that does not exist (any more). */
  | { readonly code: "reference_unknown"; readonly field: string }
  | {
      readonly code: "action_refused";
      readonly reason: RefusalReason;
      readonly message: string;
    }
  /** The same Idempotency-Key came with another request (IETF draft-ietf-httpapi-idempotency-key-header). */
  | { readonly code: "idempotency_mismatch" }
  /** Too many attempts, from one network or at one account. Says nothing about what was presented. */
  | {
      readonly code: "throttled";
      readonly retryAfterSeconds: number;
      readonly policy?: LimitPolicy;
    }
  /** The database is nearly full, and no log-in needs what was to be stored. Nothing was. */
  | { readonly code: "storage_full" }
  /** A store did not answer in time, or failed: the outcome is unknown, and may still change. */
  | { readonly code: "unavailable"; readonly retryAfterSeconds: number };

/** What clients are told about a limit (draft-ietf-httpapi-ratelimit-headers); the same for every account and network. */
export interface LimitPolicy {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
}

/** Who a rejected credential claims to be. Written to the event log, never returned. */
export interface AttemptedSubject {
  readonly userId: string | null;
  /** The id of a token or a JWT; null for a password. */
  readonly credentialId: string | null;
  /** Who was logged in already, if a page asked for the password again. */
  readonly actorId?: string;
}

export const UNKNOWN_SUBJECT: AttemptedSubject = { userId: null, credentialId: null };

export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** `replaced`: the caller, or the token to be changed, was rotated, and can only expire sooner. */
export type DerivationFault = "replaced" | "restricted" | "outlives" | "too_deep" | "too_many";

/** The message of each, and the status (RFC 9110) on every surface. */
export const DERIVATION_FAULTS: Readonly<
  Record<DerivationFault, { readonly status: 403 | 409; readonly message: string }>
> = {
  replaced: {
    status: 409,
    message: "This token was replaced by its rotation and can only expire sooner",
  },
  restricted: {
    status: 403,
    message: "A token with limited uses or addresses cannot create or obtain other credentials",
  },
  outlives: {
    status: 403,
    message: "A token cannot outlive itself, or the token that it was created with",
  },
  too_deep: { status: 403, message: "API tokens can be nested four levels deep at most" },
  too_many: { status: 409, message: "There are too many active API tokens: revoke some first" },
};

/** `old`: a new log-in helps. `never`: only another kind of credential does. The message and status as above. */
export const STALE_LOGINS = {
  old: {
    status: 401,
    message: "The log-in is more than ten minutes old: log in again, then repeat the request",
  },
  never: {
    status: 403,
    message:
      "API tokens, and what was obtained with one, cannot do this: send the user's own log-in, at most ten minutes old",
  },
} as const;

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
