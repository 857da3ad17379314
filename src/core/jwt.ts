import { type AttemptedSubject, refuse, UNKNOWN_SUBJECT } from "./fault.ts";
import type { JsonObject } from "./claims.ts";
import type { Grant } from "./scopes.ts";

export type JwtType = "access" | "refresh";

export interface JwtClaims {
  readonly type: JwtType;
  readonly jti: string;
  readonly userId: string;
  readonly credentialVersion: number;
  /** What this JWT was obtained with: its refresh family, or an opaque token. */
  readonly sid: string | null;
  /** The parents of what `sid` names. */
  readonly parentIds: readonly string[];
  /** Set where `sid` is an API token: "revoke all API tokens" revokes this JWT too. */
  readonly apiTokenVersion: number | null;
  /** Set where `sid` is null: "log out everywhere else" revokes this JWT too. */
  readonly loginVersion: number | null;
  /**
   * The `jti` of the first JWT of its chain: what `GET /rest/auth` gave, each with the one before.
   * Null for a pair's JWTs, which are in no chain.
   */
  readonly rootJti: string | null;
  /** The pair's access JWT that the chain's first JWT was obtained with. */
  readonly fromJti: string | null;
  /** Unix seconds at which all that can be derived from this JWT has expired. */
  readonly endsAt: number;
  /** The same of its whole chain: an exchanged JWT ends before the others do. */
  readonly chainEndsAt: number;
  /** One of the deployment's audiences; null for this service itself, where no other JWT logs anyone in. */
  readonly audience: string | null;
  /** Refresh JWTs: how often the family's token was replaced before this one. */
  readonly rotation: number | null;
  /** Unix seconds, whole: when the user last proved who they are; 0 where it was obtained with an API token. */
  readonly authTime: number;
  /** When its log-in here began, if that is not `authTime`: an identity may have logged in elsewhere long before. */
  readonly loginAt: number | null;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Only in the JWT of `GET /rest/auth`, as in the original API. */
  readonly role: string | null;
  /** The index of its log-in in the status lists, or null where it has none. */
  readonly statusIndex: number | null;
  readonly scopes: Grant;
  /** Of an earlier system (`legacy-jwts.ts`): its refresh JWT is replaced by one of ours at once. */
  readonly isLegacy?: true;
}

/** A refresh JWT always belongs to a family. */
export interface RefreshClaims extends JwtClaims {
  readonly type: "refresh";
  readonly sid: string;
  readonly rotation: number;
}

export interface Jwts {
  /** @param own claims of the deployment's own, as `checkedClaims` returns them */
  sign(claims: JwtClaims, own?: JsonObject): Promise<string>;
  /** @returns null for anything but an unexpired JWT of ours, for this service or one of its audiences */
  verify(jwt: string, nowMs: number): Promise<JwtClaims | null>;
  /**
   * The same, also for an audience that the deployment does not have (any more, or in a version that runs beside
   * this one): such a JWT is good for nothing but to be revoked.
   */
  verifyToRevoke(jwt: string, nowMs: number): Promise<JwtClaims | null>;
  /** Whether it is one of ours that has merely expired: clients that refresh after a 401 show these. */
  hasExpired(jwt: string, nowMs: number): Promise<boolean>;
}

/**
 * What is revoked with a JWT: with a refresh JWT its whole family (RFC 7009 section 2.1), and with one
 * of a chain the whole chain. Otherwise someone who renewed a stolen JWT first would keep the new one.
 */
export function revocationTarget({ type, sid, jti, rootJti }: JwtClaims): string {
  // guard: refresh-jwt-revokes-its-family
  // guard: one-jwt-revokes-its-chain
  return type === "refresh" && sid !== null ? sid : (rootJti ?? jti);
}

/** Revoking one of these JWTs revokes this one: itself, its chain, and what the chain was obtained with. */
export function jwtIdsOf({ jti, rootJti, fromJti }: JwtClaims): readonly string[] {
  // guard: chain-has-its-jwts-as-parents
  return [...new Set([jti, rootJti, fromJti])].filter((id) => id !== null);
}

/** What the JWT was obtained with, and its parents: each has a row, and must be active. */
export function parentIdsOf({ sid, parentIds }: JwtClaims): readonly string[] {
  // guard: jwt-names-its-parents
  return sid === null ? [] : [sid, ...parentIds];
}

/** Who a rejected JWT of ours claims to be. */
export const attemptedSubjectOf = ({ userId, jti }: JwtClaims): AttemptedSubject => ({
  userId,
  credentialId: jti,
});

/** A JWT that is not ours is counted as noise; one of ours that has merely expired is not even that. */
export async function refuseJwt(jwts: Jwts, jwt: string, nowMs: number): Promise<never> {
  if (await jwts.hasExpired(jwt, nowMs)) return refuse({ code: "token_invalid" });
  return refuse({ code: "token_invalid", attempted: UNKNOWN_SUBJECT });
}
