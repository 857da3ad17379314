import type { Sql } from "./action.ts";
import { refuse } from "./fault.ts";
import type { Identity } from "./issuers.ts";
import { type JwtClaims, jwtIdsOf, parentIdsOf, revocationTarget } from "./jwt.ts";
import { type Grant, isAllPowerful, type Scope } from "./scopes.ts";
import type { ApiToken, SessionToken } from "./token.ts";
import type { User } from "./user.ts";

/** With what a log-in was made. A token or a JWT is none: it came from one. */
export const WAYS_IN = ["password", "identity", "email", "passkey", "ha1b"] as const;
export type WayIn = (typeof WAYS_IN)[number];

/** What a request may show of its sender; `http/credentials.ts` finds it. */
export type Credential =
  | ({ readonly method: "password"; readonly email: string; readonly password: string } & WithOtp)
  /** A JWT or an API token. */
  | { readonly method: "bearer"; readonly token: string }
  | { readonly method: "session"; readonly token: string }
  /** Not in the form that its scheme requires. */
  | { readonly method: "malformed" }
  /** An OpenID issuer's ID token, and the name of the issuer's row. */
  | ({ readonly method: "identity"; readonly issuer: string; readonly token: string } & WithOtp)
  /** Any other way that is one text in a header. */
  | ({
      readonly method: Exclude<WayIn, "password" | "identity">;
      readonly token: string;
    } & WithOtp);

/** Beside what an account with a second factor is not opened by alone. */
interface WithOtp {
  /** A code of the account's second factor, as it was sent; null for none. */
  readonly otp: string | null;
}

/** Who writes. Every write asks in its own statement whether this caller is still active. */
export interface CallerRef {
  readonly userId: string;
  readonly credentialVersion: number;
  /**
   * The session or API token that was presented. Its own row says whether it is active: the credential
   * version may have been read before a new password that spared this token.
   */
  readonly tokenId: string | null;
  /** Of a JWT: its own id and those of the JWTs that it was obtained with, none of which may have been revoked. */
  readonly credentialIds: readonly string[];
  /** Of a JWT: the log-in, session or API token that it was obtained with, and that one's parents. Each must be active. */
  readonly parentIds: readonly string[];
  /** Of a JWT that was obtained with an API token: "revoke all API tokens" revokes it too. */
  readonly apiTokenVersion: number | null;
  /** Of a JWT that was obtained with a password alone: "log out everywhere else" revokes it. */
  readonly loginVersion: number | null;
}

/** A caller who is logged in, and with what. */
export interface Caller extends CallerRef {
  readonly scopes: Grant;
  readonly by:
    | { readonly method: Exclude<WayIn, "identity"> }
    | { readonly method: "identity"; readonly identity: Identity }
    | { readonly method: "token"; readonly token: SessionToken | ApiToken }
    | { readonly method: "jwt"; readonly claims: JwtClaims };
  /**
   * When the user last proved who they are with this credential; 0 for an API token and all that was derived from
   * one, which no one may have been present for.
   */
  readonly authTimeMs: number;
  /** Their row, where the check happened to read it. */
  readonly user: User | null;
}

/**
 * The account of someone who has shown a proof that works once, and what uses the proof up, in the batch that opens
 * their log-in: a failure of storage leaves both or neither.
 */
export interface Spending extends Pick<User, "id"> {
  /** Once it is spent. */
  readonly credentialVersion: number;
  readonly hasSecondFactor: boolean;
  readonly writes: readonly Sql[];
  /** Whether these writes spent it. */
  readonly won: Sql;
  /** Whether they revoke every credential that the account had. */
  readonly revokesCredentials: boolean;
}

/** Someone who has just authenticated: an account that was read in D1 just now, or what is spent for it. */
export type Authenticated = User | Spending;

export const isSpending = (who: Authenticated): who is Spending => "writes" in who;

/** What a new credential is derived from. */
export interface Derivation {
  /** Empty where it has no parent: it was created by a person who is logged in. */
  readonly parentIds: readonly string[];
  /** It expires no later; infinite where it has no parent. */
  readonly endMs: number;
  /** The JWT among the parents. It gets a row until the end of its chain, by which what is derived from it finds it. */
  readonly jwt: { readonly id: string; readonly endMs: number } | null;
}

/** A user who has just logged in, with anything but a token. */
export function callerRefOf({
  id,
  credentialVersion,
}: Pick<User, "id" | "credentialVersion">): CallerRef {
  const none = { credentialIds: [], parentIds: [], apiTokenVersion: null, loginVersion: null };
  return { userId: id, credentialVersion, tokenId: null, ...none };
}

/** Them as a caller who may do everything. */
export const loggedIn = (user: User, by: Caller["by"], authTimeMs: number): Caller => ({
  ...callerRefOf(user),
  scopes: null,
  by,
  authTimeMs,
  user,
});

export function callerRefOfToken({
  id,
  userId,
  credentialVersion,
}: SessionToken | ApiToken): CallerRef {
  // guard: caller-is-known-by-its-token
  return { ...callerRefOf({ id: userId, credentialVersion }), tokenId: id };
}

/** The user of a JWT, as far as the JWT itself is active. */
export function callerRefOfJwt(claims: JwtClaims): CallerRef {
  return {
    ...callerRefOf({ id: claims.userId, credentialVersion: claims.credentialVersion }),
    credentialIds: jwtIdsOf(claims),
    parentIds: parentIdsOf(claims),
    apiTokenVersion: claims.apiTokenVersion,
    loginVersion: claims.loginVersion,
  };
}

/** As `parentsOf`. @throws FaultError `derivation_refused` where the caller may derive nothing, as `refuseRestricted` */
export function derivationOf(caller: Pick<Caller, "by">): Derivation {
  refuseRestricted(caller);
  return parentsOf(caller);
}

/** Whatever a restricted token derived could be used more often, or elsewhere. @throws FaultError `derivation_refused` */
export function refuseRestricted({ by }: Pick<Caller, "by">): void {
  // guard: restricted-token-derives-nothing
  if (by.method === "token" && by.token.kind === "api" && by.token.restrictions !== null) {
    refuse({ code: "derivation_refused", reason: "restricted" });
  }
}

/**
 * The parents of an API or action token that this caller creates: the API token that was presented, or
 * the JWT that was obtained with one. What a person creates while logged in has no parent.
 */
export function parentsOf({ by }: Pick<Caller, "by">): Derivation {
  if (by.method === "token" && by.token.kind === "api") {
    const { id, parentIds, expiresAtMs } = by.token;
    // guard: token-has-its-token-as-parent
    return { parentIds: [id, ...parentIds], endMs: expiresAtMs, jwt: null };
  }
  if (by.method === "jwt" && by.claims.apiTokenVersion !== null) {
    const id = revocationTarget(by.claims);
    const jwt = { id, endMs: by.claims.chainEndsAt * 1000 };
    // guard: token-has-its-jwt-as-parent
    return {
      parentIds: [id, ...parentIdsOf(by.claims)],
      endMs: by.claims.endsAt * 1000,
      jwt,
    };
  }
  return { parentIds: [], endMs: Number.POSITIVE_INFINITY, jwt: null };
}

/**
 * A new password revokes the credential that asked for it, unless that is a token, which is spared.
 * @returns for the others the caller under the new password. A JWT keeps its end, scopes and parents:
 * its successor has no more. It gets no status index, because there its log-in counts as revoked.
 */
export function callerAfterPasswordChange(caller: Caller, user: User): Caller | null {
  if (caller.by.method === "token") return null;
  const renewed = { ...caller, credentialVersion: user.credentialVersion, user };
  // guard: renewed-jwt-keeps-its-bounds
  if (caller.by.method !== "jwt") return renewed;
  const claims = {
    ...caller.by.claims,
    credentialVersion: user.credentialVersion,
    statusIndex: null,
  };
  return { ...renewed, by: { method: "jwt", claims } };
}

/**
 * How old a log-in may be for an act that would give whoever stole a credential more than that one: a new way in,
 * another email or password, a powerful token, all data at once, or the account's end.
 */
export const FRESH_SECONDS = 600;

/** Locations' clocks differ by less. */
const CLOCK_SKEW_MS = 5_000;

export function isFresh({ authTimeMs }: Pick<Caller, "authTimeMs">, nowMs: number): boolean {
  // guard: fresh-is-ten-minutes
  return authTimeMs >= nowMs - FRESH_SECONDS * 1000 && authTimeMs <= nowMs + CLOCK_SKEW_MS;
}

/** @throws FaultError `login_not_fresh` */
export function requireFresh(caller: Pick<Caller, "authTimeMs">, nowMs: number): void {
  if (!isFresh(caller, nowMs)) refuseStale(caller);
}

/** @throws FaultError `login_not_fresh` always */
export const refuseStale = ({ authTimeMs }: Pick<Caller, "authTimeMs">): never =>
  refuse({ code: "login_not_fresh", reason: authTimeMs === 0 ? "never" : "old" });

const LONG_LIFE_MS = 90 * 86_400_000;

/** An API token that is worth more to a thief than the log-in that they stole: it can do everything, or lives long. */
export const isPowerful = (scopes: readonly Scope[], lifeMs: number): boolean =>
  isAllPowerful(scopes) || lifeMs > LONG_LIFE_MS;
