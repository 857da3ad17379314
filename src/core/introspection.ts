import { attemptedWith, isAllowedFrom, type TokenCheckStore } from "./authenticate.ts";
import { type Caller, type CallerRef, callerRefOfJwt, callerRefOfToken } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { JwtClaims, Jwts } from "./jwt.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import { type Grant, mayDo, type Scopes } from "./scopes.ts";
import { opaqueIdOf, type Secrets, type Token, type TokenKind } from "./token.ts";

export interface TokenOwner {
  readonly id: string;
  readonly userId: string;
}

/** Revocation by anyone who holds a token (RFC 7009), at once and in D1, whatever the revocation lag. */
export interface RevocationStore {
  /**
   * Revokes opaque tokens of any kind. An action token of several uses, which many may hold, only for
   * its issuer. @returns those that were active
   * @param areLeaked an email to each owner is queued
   */
  revokeByHolder(
    ids: readonly string[],
    issuerId: string | null,
    nowMs: number,
    areLeaked?: boolean,
  ): Promise<readonly TokenOwner[]>;
  /**
   * Revokes a JWT with its chain, or a refresh JWT with its family. @returns false where it was not active
   * @param isLeaked an email to its owner is queued
   */
  revokeJwt(
    claims: JwtClaims,
    caller: CallerRef,
    nowMs: number,
    isLeaked?: boolean,
  ): Promise<boolean>;
}

/** D1 itself, whatever the revocation lag. */
export interface StrictCheckStore extends Pick<TokenCheckStore, "findActive" | "findActiveJwt"> {
  /** Whether a refresh JWT was replaced by a later one. */
  isSpent(claims: JwtClaims): Promise<boolean>;
}

/** What an active token is, in the terms of RFC 7662 section 2.2. Times in Unix seconds. */
export interface Introspection {
  readonly kind: TokenKind | "access" | "refresh";
  readonly id: string;
  readonly userId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Who it is for; null for this service. */
  readonly audience: string | null;
  /** Null where the token is not bound to scopes. */
  readonly scopes: Grant;
}

export type IntrospectionService = ReturnType<typeof introspection>;

interface Deps {
  readonly jwts: Jwts;
  readonly secrets: Secrets;
  readonly strict: StrictCheckStore;
  readonly tokens: TokenCheckStore & RevocationStore;
  readonly limits: RateLimits;
  readonly scopes: Scopes;
  /** Of the request being served; empty where it is not known. */
  readonly address: () => string;
}

/** Says of any token what it is and whether it is active (RFC 7662), and revokes it (RFC 7009). */
export function introspection({ jwts, secrets, strict, tokens, limits, scopes, address }: Deps) {
  return {
    /**
     * Clients authenticate with an API token: its secret and, where the protocol has one, its uuid.
     * @throws FaultError `token_invalid`, `unavailable`
     */
    async client(id: string | null, secret: string, nowMs: number): Promise<Caller> {
      const found = await secrets.idOf("api", secret);
      const active =
        found === null || (id !== null && id !== found)
          ? null
          : await strict.findActive(found, nowMs);
      if (active?.token.kind !== "api") {
        return refuse({ code: "token_invalid", attempted: { userId: null, credentialId: found } });
      }
      const { token, user } = active;
      if (!isAllowedFrom(address(), token)) {
        return refuse({ code: "token_invalid", attempted: attemptedWith(token) });
      }
      tokens.touch(token, nowMs);
      return {
        ...callerRefOfToken(token),
        scopes: token.scopes,
        by: { method: "token", token },
        authTimeMs: 0,
        user,
      };
    },

    /**
     * What a backend that asks on behalf of many users is rate-limited by, instead of its network.
     * @returns the id of an API token that may introspect; null for anything else
     * @throws FaultError `throttled` for too many from one network that are no API tokens, `unavailable`
     */
    async clientId(id: string | null, secret: string, nowMs: number): Promise<string | null> {
      const found = await secrets.idOf("api", secret);
      if (found === null || (id !== null && id !== found)) return null;
      const active = await tokens.findActive(found, nowMs);
      if (active?.token.kind !== "api" || !isAllowedFrom(address(), active.token))
        await enforceRateLimit(limits, "credential");
      else if (mayDo(active.token, "introspect")) {
        tokens.touch(active.token, nowMs);
        return found;
      }
      return null;
    },

    /**
     * Within the revocation lag, as every route checks its caller.
     * @returns null for everything that is not active, never why
     * @throws FaultError `unavailable`
     */
    async verify(token: string, nowMs: number): Promise<Introspection | null> {
      const id = await opaqueIdOf(secrets, token);
      if (id === null) {
        const claims = await jwts.verify(token, nowMs);
        const isActive = claims !== null && (await tokens.findActiveJwt(claims, nowMs)) !== null;
        return isActive ? ofJwt(claims, scopes) : null;
      }
      const active = await tokens.findActive(id, nowMs);
      if (active?.token.kind === "api") tokens.touch(active.token, nowMs);
      return active === null ? null : ofToken(active.token, scopes);
    },

    /**
     * As D1 has it, whatever the revocation lag.
     * @param by null where no client has to authenticate
     * @returns null for everything that is not active, never why
     * @throws FaultError `throttled` where the client asks too often, `unavailable`
     */
    async introspect(
      token: string,
      by: Caller | null,
      nowMs: number,
    ): Promise<Introspection | null> {
      if (by !== null && by.tokenId !== null) await enforceRateLimit(limits, "client", by.tokenId);
      const id = await opaqueIdOf(secrets, token);
      if (id !== null) {
        const active = await strict.findActive(id, nowMs);
        return active === null ? null : ofToken(active.token, scopes);
      }
      const claims = await jwts.verify(token, nowMs);
      if (claims === null) return null;
      const [active, isSpent] = await Promise.all([
        strict.findActiveJwt(claims, nowMs),
        strict.isSpent(claims),
      ]);
      if (active === null) return null;
      // guard: replaced-refresh-jwt-is-not-active
      return isSpent ? null : ofJwt(claims, scopes);
    },

    /**
     * Anyone who holds a token may revoke it; a refresh token revokes its family. Unknown ones are revoked already.
     * @param client if it authenticated: an action token of several uses is revoked by its issuer alone
     */
    async revoke(token: string, client: Caller | null, nowMs: number): Promise<void> {
      await enforceRateLimit(limits, "revoke");
      const id = await opaqueIdOf(secrets, token);
      if (id !== null) {
        await tokens.revokeByHolder([id], client?.userId ?? null, nowMs);
        return;
      }
      const claims = await jwts.verifyToRevoke(token, nowMs);
      if (claims === null) return;
      await tokens.revokeJwt(claims, callerRefOfJwt(claims), nowMs);
    },
  };
}

function ofToken(token: Token, scopes: Scopes): Introspection | null {
  if (token.kind === "action" && token.uses >= token.maxUses) return null;
  // Where it is used from is not known here: `POST /rest/token/verify` is told.
  if (!isAllowedFrom("", token)) return null;
  return {
    kind: token.kind,
    id: token.id,
    userId: token.userId,
    issuedAt: Math.floor(token.createdAtMs / 1000),
    expiresAt: Math.floor(token.expiresAtMs / 1000),
    audience: null,
    scopes: token.kind === "api" ? scopes.granted(token.scopes) : null,
  };
}

function ofJwt(claims: JwtClaims, scopes: Scopes): Introspection {
  return {
    kind: claims.type,
    id: claims.jti,
    userId: claims.userId,
    issuedAt: claims.issuedAt,
    expiresAt: claims.expiresAt,
    audience: claims.audience,
    scopes: claims.scopes && scopes.granted(claims.scopes),
  };
}
