import { type Caller, callerRefOfToken, callerRefOfJwt } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { JwtClaims, Jwts, Secrets, TokenStore } from "./ports.ts";
import type { Scope } from "./scope.ts";
import { kindOf, type Token, type TokenKind } from "./token.ts";

/** What a token that stands is, as RFC 7662 section 2.2 names it. Times in Unix seconds. */
export interface Introspection {
  readonly kind: TokenKind | "access" | "refresh";
  readonly id: string;
  readonly userId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Null where the token is not bound to scopes. */
  readonly scopes: readonly Scope[] | null;
}

export type IntrospectionService = ReturnType<typeof introspection>;

interface Deps {
  readonly jwts: Jwts;
  readonly secrets: Secrets;
  /** Asked without any lag, whatever the promise is. */
  readonly strict: Pick<TokenStore, "findActive" | "findActiveJwt"> & {
    /** Whether a refresh JWT was replaced by a later one. */
    isSpent(claims: JwtClaims): Promise<boolean>;
  };
  readonly tokens: TokenStore;
  readonly limits: RateLimits;
}

/** Says of any token what it is and whether it stands (RFC 7662), and ends it (RFC 7009). */
export function introspection({ jwts, secrets, strict, tokens, limits }: Deps) {
  async function opaqueId(secret: string): Promise<string | null> {
    const kind = kindOf(secret);
    return kind === null ? null : secrets.idOf(kind, secret);
  }

  return {
    /**
     * Who asks shows an API token: its secret, and where the protocol has it, its uuid.
     * @throws FaultError `token_invalid`, `unavailable`
     */
    async client(id: string | null, secret: string, nowMs: number): Promise<Caller> {
      const found = await secrets.idOf("api", secret);
      const standing =
        found === null || (id !== null && id !== found)
          ? null
          : await strict.findActive(found, nowMs);
      if (standing?.token.kind !== "api") {
        return refuse({ code: "token_invalid", attempted: { userId: null, credentialId: found } });
      }
      const { token, user } = standing;
      tokens.touch(token, nowMs);
      return {
        ...callerRefOfToken(token),
        scopes: token.scopes,
        by: { method: "token", token },
        user,
      };
    },

    /**
     * By what a back end that asks for many users is limited, in place of its network.
     * @returns the id of an API token that may introspect; null for anything else
     * @throws FaultError `throttled` for too many from one network that are no API tokens, `unavailable`
     */
    async clientId(id: string | null, secret: string, nowMs: number): Promise<string | null> {
      const found = await secrets.idOf("api", secret);
      if (found === null || (id !== null && id !== found)) return null;
      const standing = await tokens.findActive(found, nowMs);
      if (standing?.token.kind !== "api") await enforceRateLimit(limits, "credential");
      else if (standing.token.scopes.includes("introspect")) {
        tokens.touch(standing.token, nowMs);
        return found;
      }
      return null;
    },

    /**
     * @returns null for all that does not stand: never why
     * @throws FaultError `throttled` where the client asks too often, `unavailable`
     */
    async introspect(shown: string, by: Caller, nowMs: number): Promise<Introspection | null> {
      if (by.tokenId !== null) await enforceRateLimit(limits, "client", by.tokenId);
      const id = await opaqueId(shown);
      if (id !== null) {
        const standing = await strict.findActive(id, nowMs);
        return standing === null ? null : ofToken(standing.token);
      }
      const claims = await jwts.verify(shown, nowMs);
      if (claims === null) return null;
      if ((await strict.findActiveJwt(claims, nowMs)) === null) return null;
      // guard: replaced-refresh-jwt-is-not-active
      return (await strict.isSpent(claims)) ? null : ofJwt(claims);
    },

    /**
     * Whoever holds a token may revoke it; a refresh token revokes its family. Unknown ones are revoked already.
     * @param client who says who it is: an action token of several uses is revoked by its issuer alone
     */
    async revoke(shown: string, client: Caller | null, nowMs: number): Promise<void> {
      await enforceRateLimit(limits, "revoke");
      const id = await opaqueId(shown);
      if (id !== null) {
        await tokens.revokeByHolder([id], client?.userId ?? null, nowMs);
        return;
      }
      const claims = await jwts.verify(shown, nowMs);
      if (claims === null) return;
      await tokens.revokeJwt(claims, callerRefOfJwt(claims), nowMs);
    },
  };
}

function ofToken(token: Token): Introspection | null {
  if (token.kind === "action" && token.uses >= token.maxUses) return null;
  return {
    kind: token.kind,
    id: token.id,
    userId: token.userId,
    issuedAt: Math.floor(token.createdAtMs / 1000),
    expiresAt: Math.floor(token.expiresAtMs / 1000),
    scopes: token.kind === "api" ? token.scopes : null,
  };
}

function ofJwt(claims: JwtClaims): Introspection {
  return {
    kind: claims.type,
    id: claims.jti,
    userId: claims.userId,
    issuedAt: claims.issuedAt,
    expiresAt: claims.expiresAt,
    scopes: claims.scopes,
  };
}
