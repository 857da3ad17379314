import type { Grant, Scope, Scopes } from "./scopes.ts";
import type { Json } from "./token.ts";
import { profileToRow, type User } from "./user.ts";

/** A user as `GET /rest/user` shows them, without the dates. */
export interface ClaimsUser extends Readonly<Record<string, Json>> {
  readonly uuid: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly role: User["role"];
  /** Their id in the system that they came from. */
  readonly external_id: string | number | null;
  readonly metadata: Readonly<Record<string, Json>>;
}

export interface ClaimsInput {
  readonly user: ClaimsUser;
  /** What the JWT may do. */
  readonly scopes: readonly Scope[];
  /** Who the JWT is for: this service's origin, or one of the deployment's `audiences`. */
  readonly audience: string;
}

/** Claims of a deployment's own, as an object of JSON: in every access JWT. It is not awaited. */
export type ClaimsFunction = (input: ClaimsInput) => object;

export type JsonObject = Readonly<Record<string, Json>>;

/** In bytes, as JSON. */
export const OWN_CLAIMS_MAX = 2_048;

/**
 * Names that no claim of a deployment's own may have: those registered with a meaning for whoever verifies a
 * JWT (RFC 7519 section 4.1, RFC 7800, RFC 8693, RFC 9068, OpenID Connect Core, Token Status List), ours,
 * and those that an object cannot safely have.
 */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  ...["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "typ", "cnf", "act", "may_act", "azp"],
  ...[
    "client_id",
    "scope",
    "auth_time",
    "login_at",
    "acr",
    "amr",
    "nonce",
    "at_hash",
    "c_hash",
    "status",
  ],
  ...["token_type", "user_id", "uuid", "role", "credential_version", "sid", "rotation", "end"],
  ...["chain_end", "api_token_version", "login_version", "root_jti", "from_jti", "parents"],
  ...["status_index", "__proto__", "constructor", "prototype"],
]);

/** A promise, a class's instance and a function would silently lose what is in them. */
function checkedJson(_: string, value: unknown): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const prototype: unknown = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  const isPlain = prototype === Object.prototype || prototype === null || Array.isArray(value);
  if (!isPlain) throw new TypeError("claims must be JSON");
  return value;
}

/**
 * What a claims function returned, as JSON of its own.
 * @throws Error that says what is wrong, without the values
 */
export function checkedClaims(returned: unknown): JsonObject {
  const text = JSON.stringify(returned, checkedJson);
  if (new TextEncoder().encode(text).length > OWN_CLAIMS_MAX) {
    throw new RangeError(`claims have more than ${OWN_CLAIMS_MAX} bytes`);
  }
  const claims: unknown = JSON.parse(text);
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
    throw new TypeError("claims must be an object");
  }
  const reserved = Object.keys(claims).find((name) => RESERVED_CLAIMS.has(name));
  // guard: reserved-claims-are-ours
  if (reserved !== undefined) throw new TypeError(`the claim ${reserved} is reserved`);
  return claims as JsonObject;
}

/** @returns the claims of a deployment's own that an access JWT of this user gets */
export type OwnClaims = (user: User, scopes: Grant, audience: string | null) => JsonObject;

/**
 * No JWT goes out without its claims: what the function throws, and what is wrong with what it returns, is
 * thrown on, as an error of ours.
 */
export const ownClaims =
  (claims: ClaimsFunction, issuer: string, scopes: Scopes): OwnClaims =>
  (user, granted, audience) =>
    checkedClaims(
      claims({
        user: claimsUser(user),
        scopes: [...scopes.granted(granted)],
        audience: audience ?? issuer,
      }),
    );

/** The same, and `user_id` with the id from an earlier system, of those who have one. */
export const withExternalId =
  (own: OwnClaims | null): OwnClaims =>
  (user, granted, audience) => ({
    ...own?.(user, granted, audience),
    ...(user.externalId !== null && { user_id: user.externalId }),
  });

/** What of them a refresh JWT has too. */
export const refreshClaims = ({ user_id }: JsonObject): JsonObject =>
  user_id === undefined ? {} : { user_id };

/** A copy: the caller's own may be cached. */
const claimsUser = (user: User): ClaimsUser => ({
  ...profileToRow(user),
  uuid: user.id,
  external_id: user.externalId,
  email: user.email,
  email_verified: user.emailVerifiedAtMs !== null,
  role: user.role,
  metadata: structuredClone(user.metadata) as Readonly<Record<string, Json>>,
});

const SAMPLE: ClaimsInput = {
  user: {
    uuid: "00000000-0000-4000-8000-000000000000",
    external_id: null,
    email: "sample@example.com",
    email_verified: true,
    role: "User",
    first_name: null,
    last_name: null,
    metadata: {},
  },
  scopes: [],
  audience: "https://sample.example",
};

/** What is wrong with a claims function as far as it can be known at start; null for nothing. */
export function claimsProblem(claims: ClaimsFunction): string | null {
  let returned: unknown;
  try {
    returned = claims(SAMPLE);
  } catch {
    // It may need a real user, or what the platform has only while it serves a request.
    return null;
  }
  if (returned instanceof Promise) {
    returned.catch(() => undefined);
    return "must not return a promise";
  }
  try {
    checkedClaims(returned);
    return null;
  } catch (error) {
    return error instanceof Error ? `returns something else: ${error.message}` : null;
  }
}
