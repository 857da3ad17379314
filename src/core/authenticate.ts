import { UNKNOWN_SUBJECT, type AttemptedSubject, refuse } from "./fault.ts";
import type { Ha1b } from "./ha1b.ts";
import type { Identity } from "./identity-ports.ts";
import type { IdentityLogin } from "./identity-login.ts";
import type { PasswordLogin } from "./password-login.ts";
import type { CallerRef, Derivation, JwtClaims, Jwts, Secrets, TokenStore } from "./ports.ts";
import { SCOPES, type Scope } from "./scope.ts";
import type { ApiToken, SessionToken } from "./token.ts";
import { TOKEN_KINDS } from "./token.ts";
import type { User, UserWithPassword } from "./user.ts";

/** What a request may show of who sends it; `http/credentials.ts` finds it. */
export type Credential =
  | { readonly method: "password"; readonly email: string; readonly password: string }
  /** A JWT or an API token. */
  | { readonly method: "bearer"; readonly token: string }
  | { readonly method: "session"; readonly token: string }
  /** Not the shape that its scheme asks for. */
  | { readonly method: "malformed" }
  /** An OpenID issuer's ID token, and the name of the issuer's row. */
  | { readonly method: "identity"; readonly issuer: string; readonly token: string }
  | { readonly method: "ha1b"; readonly token: string };

/** A logged-in caller, and by what. */
export interface Caller extends CallerRef {
  readonly scopes: readonly Scope[];
  readonly by:
    | { readonly method: "password" | "ha1b" }
    | { readonly method: "identity"; readonly identity: Identity }
    | { readonly method: "token"; readonly token: SessionToken | ApiToken }
    | { readonly method: "jwt"; readonly claims: JwtClaims };
  /** Her row, where finding out who she is has read it. */
  readonly user: User | null;
}

export type Authenticate = (credential: Credential, nowMs: number) => Promise<Caller>;

interface Deps {
  readonly login: PasswordLogin;
  readonly identityLogin: IdentityLogin;
  /** Null where the deployment does not take it. */
  readonly ha1b: Ha1b | null;
  readonly secrets: Secrets;
  readonly tokens: TokenStore;
  readonly jwts: Jwts;
}

/**
 * The one way in, for every surface.
 * @throws FaultError `credentials_wrong`, `identity_conflict`, `token_invalid`,
 *   `throttled`, `unavailable`
 */
export function authenticator({
  login,
  identityLogin,
  ha1b,
  secrets,
  tokens,
  jwts,
}: Deps): Authenticate {
  /** She may do everything, for this request. */
  function fullCaller(user: UserWithPassword, by: Caller["by"]): Caller {
    return {
      ...callerRefOf(user),
      scopes: SCOPES,
      by,
      user,
    };
  }

  async function byIdentity(issuer: string, idToken: string, nowMs: number): Promise<Caller> {
    const { user, identity } = await identityLogin(issuer, idToken, nowMs);
    return fullCaller(user, { method: "identity", identity });
  }

  async function byToken(kind: "session" | "api", secret: string, nowMs: number): Promise<Caller> {
    const id = await secrets.idOf(kind, secret);
    const found = id === null ? null : await tokens.findActive(id, nowMs);
    if (found === null || found.token.kind !== kind) {
      return refuse({ code: "token_invalid", attempted: { userId: null, credentialId: id } });
    }
    const { token, user } = found;
    if (token.kind === "api") tokens.touch(token, nowMs);
    return {
      ...callerRefOfToken(token),
      scopes: token.kind === "api" ? token.scopes : SCOPES,
      by: { method: "token", token },
      user,
    };
  }

  async function byJwt(jwt: string, nowMs: number): Promise<Caller> {
    const claims = await jwts.verify(jwt, nowMs);
    if (claims === null) return refuseJwt(jwts, jwt, nowMs);
    // guard: only-access-jwts-open
    if (claims.type !== "access")
      return refuse({ code: "token_invalid", attempted: attemptedSubjectOf(claims) });
    const found = await tokens.findActiveJwt(claims, nowMs);
    if (found === null)
      return refuse({ code: "token_invalid", attempted: attemptedSubjectOf(claims) });
    return {
      ...callerRefOfJwt(claims),
      scopes: claims.scopes ?? SCOPES,
      by: { method: "jwt", claims },
      user: found.user,
    };
  }

  return async (credential, nowMs) => {
    switch (credential.method) {
      case "password":
        return fullCaller(await login(credential.email, credential.password, nowMs), {
          method: "password",
        });
      case "bearer":
        return credential.token.startsWith(TOKEN_KINDS.api.prefix)
          ? byToken("api", credential.token, nowMs)
          : byJwt(credential.token, nowMs);
      case "session":
        return byToken("session", credential.token, nowMs);
      case "identity":
        return byIdentity(credential.issuer, credential.token, nowMs);
      case "ha1b":
        return ha1b === null
          ? refuse({ code: "credentials_wrong" })
          : fullCaller(await ha1b.login(credential.token, nowMs), { method: "ha1b" });
      case "malformed":
        return refuse({ code: "credentials_wrong", attempted: UNKNOWN_SUBJECT });
    }
  };
}

/** A JWT that is none of ours is noise; one of ours that has merely expired is nothing at all. */
export async function refuseJwt(jwts: Jwts, jwt: string, nowMs: number): Promise<never> {
  if (await jwts.hasExpired(jwt, nowMs)) return refuse({ code: "token_invalid" });
  return refuse({ code: "token_invalid", attempted: UNKNOWN_SUBJECT });
}

/** A user who has just logged in, by whatever is not a token. */
export function callerRefOf({
  id,
  credentialVersion,
}: Pick<User, "id" | "credentialVersion">): CallerRef {
  const none = { credentialIds: [], parentIds: [], apiTokenVersion: null, loginVersion: null };
  return { userId: id, credentialVersion, tokenId: null, ...none };
}

export function callerRefOfToken({
  id,
  userId,
  credentialVersion,
}: SessionToken | ApiToken): CallerRef {
  // guard: caller-is-known-by-its-token
  return { ...callerRefOf({ id: userId, credentialVersion }), tokenId: id };
}

/** Whom a JWT of ours names that is refused. */
export const attemptedSubjectOf = ({ userId, jti }: JwtClaims): AttemptedSubject => ({
  userId,
  credentialId: jti,
});

/** Who ends a JWT by holding it: its user, as far as the JWT itself stands. */
export function callerRefOfJwt(claims: JwtClaims): CallerRef {
  return {
    ...callerRefOf({ id: claims.userId, credentialVersion: claims.credentialVersion }),
    credentialIds: jwtIdsOf(claims),
    parentIds: parentIdsOf(claims),
    apiTokenVersion: claims.apiTokenVersion,
    loginVersion: claims.loginVersion,
  };
}

/**
 * What is revoked with a JWT: a refresh JWT stands for its whole family (RFC 7009 section 2.1), and
 * one of a chain for the whole chain, or whoever renewed a stolen one first would keep it.
 */
export function revocationTarget({ type, sid, jti, rootJti }: JwtClaims): string {
  // guard: refresh-jwt-stands-for-its-family
  // guard: one-jwt-stands-for-its-chain
  return type === "refresh" && sid !== null ? sid : (rootJti ?? jti);
}

/** Revoking one of these JWTs revokes this one: itself, its chain, and what the chain was obtained with. */
export function jwtIdsOf({ jti, rootJti, fromJti }: JwtClaims): readonly string[] {
  // guard: chain-hangs-on-its-jwts
  return [...new Set([jti, rootJti, fromJti])].filter((id) => id !== null);
}

/** What the JWT was obtained with, and that one's parents: each has a row, and must be active. */
export function parentIdsOf({ sid, parentIds }: JwtClaims): readonly string[] {
  // guard: jwt-hangs-on-its-parent
  return sid === null ? [] : [sid, ...parentIds];
}

/**
 * What an API or action token hangs on that this caller creates: the API token that was shown, or
 * the JWT that was obtained with one. What a person creates while logged in hangs on nothing.
 */
export function derivationOf({ by }: Pick<Caller, "by">): Derivation {
  if (by.method === "token" && by.token.kind === "api") {
    const { id, parentIds, expiresAtMs } = by.token;
    // guard: token-hangs-on-the-token-that-made-it
    return { parentIds: [id, ...parentIds], endMs: expiresAtMs, jwtId: null };
  }
  if (by.method === "jwt" && by.claims.apiTokenVersion !== null) {
    const jwtId = revocationTarget(by.claims);
    const endMs = by.claims.endsAt * 1000;
    // guard: token-hangs-on-the-jwt-that-made-it
    return { parentIds: [jwtId, ...parentIdsOf(by.claims)], endMs, jwtId };
  }
  return { parentIds: [], endMs: Number.POSITIVE_INFINITY, jwtId: null };
}
