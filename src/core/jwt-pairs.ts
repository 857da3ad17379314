import { type Caller, namedBy } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import type { PasswordLogin } from "./password-login.ts";
import { admit, type RateLimits } from "./password-tries.ts";
import type { JwtClaims, Jwts, RefreshClaims, Tokens } from "./ports.ts";
import { SCOPES } from "./scope.ts";
import { JWT_LIFETIMES } from "./token.ts";
import type { User } from "./user.ts";

export type JwtPairs = ReturnType<typeof jwtPairs>;

interface Deps {
  readonly login: PasswordLogin;
  readonly tokens: Tokens;
  readonly jwts: Jwts;
  readonly limits: RateLimits;
  /** Whether a refresh JWT is replaced at each use. */
  readonly rotates: boolean;
}

export type JwtPair = { readonly refresh: string; readonly access: string };

/** simplejwt's pair: a refresh JWT for a day, access JWTs of five minutes; and the JWT of `GET /rest/auth`. */
export function jwtPairs({ login, tokens, jwts, limits, rotates }: Deps) {
  const accessFrom = (refresh: RefreshClaims, nowMs: number): Promise<string> =>
    jwts.sign({
      ...refresh,
      type: "access",
      jti: crypto.randomUUID(),
      rotation: null,
      ...lifetime("access", nowMs, refresh.authTime),
    });

  return {
    /** @throws FaultError `credentials_wrong`, `throttled`, `unavailable` */
    async obtain(email: string, password: string, nowMs: number): Promise<JwtPair> {
      const user = await login(email, password, nowMs);
      const sid = crypto.randomUUID();
      const authTime = Math.floor(nowMs / 1000);
      const issued = lifetime("refresh", nowMs, authTime);
      const caller = { userId: user.id, epoch: user.epoch, tokenId: null, credentialIds: [] };
      const family = {
        kind: "family" as const,
        id: sid,
        userId: user.id,
        epoch: user.epoch,
        createdAtMs: nowMs,
        modifiedAtMs: nowMs,
        expiresAtMs: issued.expiresAt * 1000,
      };
      const statusIndex = await tokens.insertFamily(family, caller);
      if (statusIndex === null) {
        const named = { userId: user.id, credentialId: null };
        return refuse({ code: "credentials_wrong", named });
      }
      const refresh: RefreshClaims = {
        type: "refresh",
        jti: crypto.randomUUID(),
        userId: user.id,
        epoch: user.epoch,
        sid,
        apiEpoch: null,
        rootJti: null,
        rotation: 0,
        authTime,
        ...issued,
        role: null,
        statusIndex,
        scopes: null,
      };
      return { refresh: await jwts.sign(refresh), access: await accessFrom(refresh, nowMs) };
    },

    /**
     * A new access JWT; with rotation a new refresh JWT too, and the one shown is spent.
     * @throws FaultError `token_invalid`, `token_wrong_type` for an access JWT, `throttled`,
     *   `unavailable`
     */
    async refresh(jwt: string, nowMs: number): Promise<Pick<JwtPair, "access"> | JwtPair> {
      await admit(limits, "token");
      const claims = await jwts.verify(jwt, nowMs);
      const named = namedBy(claims);
      if (claims === null) return refuse({ code: "token_invalid", named });
      if (!isRefresh(claims)) return refuse({ code: "token_wrong_type" });
      if (rotates) {
        const rotation = await tokens.rotate(claims, crypto.randomUUID(), nowMs);
        if (rotation === null) return refuse({ code: "token_invalid", named });
        const { jti, rotatedAtMs } = rotation;
        const next: RefreshClaims = {
          ...claims,
          jti,
          rotation: rotation.rotation,
          ...lifetime("refresh", rotatedAtMs, claims.authTime),
        };
        return { refresh: await jwts.sign(next), access: await accessFrom(next, nowMs) };
      }
      const { expiresAt } = lifetime("access", nowMs, claims.authTime);
      if (!(await tokens.standsFor(claims, expiresAt))) refuse({ code: "token_invalid", named });
      return { access: await accessFrom(claims, nowMs) };
    },

    /** Any JWT of ours, as simplejwt's UntypedToken. @throws FaultError `token_invalid`, `throttled`, `unavailable` */
    async verify(jwt: string, nowMs: number): Promise<void> {
      await admit(limits, "token");
      const claims = await jwts.verify(jwt, nowMs);
      if (claims === null || (await tokens.standingOfJwt(claims, nowMs)) === null) {
        refuse({ code: "token_invalid" });
      }
    },

    /**
     * The JWT of `GET /rest/auth`. It ends with what it was got with: it hangs on the caller's
     * token, and a chain of JWTs got with JWTs ends 30 days after its login.
     */
    async forCaller(caller: Caller, user: User, nowMs: number): Promise<string> {
      const issuedAt = Math.floor(nowMs / 1000);
      const behind = originOf(caller, issuedAt);
      return jwts.sign({
        type: "access",
        jti: crypto.randomUUID(),
        userId: user.id,
        epoch: caller.epoch,
        sid: behind.sid,
        apiEpoch: behind.apiEpoch,
        rootJti: behind.rootJti,
        rotation: null,
        authTime: behind.authTime,
        issuedAt,
        expiresAt: Math.min(
          issuedAt + JWT_LIFETIMES.auth,
          behind.authTime + JWT_LIFETIMES.sinceLogin,
          behind.expiresAt,
        ),
        role: user.role,
        statusIndex: caller.by.method === "jwt" ? caller.by.claims.statusIndex : null,
        scopes: caller.scopes.length === SCOPES.length ? null : caller.scopes,
      });
    },
  };
}

function isRefresh(claims: JwtClaims): claims is RefreshClaims {
  return claims.type === "refresh" && claims.sid !== null && claims.rotation !== null;
}

/** `iat` and `exp`, whole seconds rounded down. However often it is refreshed, a log-in ends at last. */
function lifetime(type: "access" | "refresh", fromMs: number, authTime: number) {
  const issuedAt = Math.floor(fromMs / 1000);
  const expiresAt = Math.min(issuedAt + JWT_LIFETIMES[type], authTime + JWT_LIFETIMES.sinceLogin);
  return { issuedAt, expiresAt };
}

function originOf(caller: Caller, nowSeconds: number) {
  switch (caller.by.method) {
    case "password":
    case "identity":
    case "ha1b":
      return {
        sid: null,
        apiEpoch: null,
        rootJti: null,
        authTime: nowSeconds,
        expiresAt: Number.POSITIVE_INFINITY,
      };
    case "token": {
      const { token } = caller.by;
      return {
        sid: token.id,
        apiEpoch: token.kind === "api" ? token.apiEpoch : null,
        rootJti: null,
        authTime: nowSeconds,
        expiresAt: Math.floor(token.expiresAtMs / 1000),
      };
    }
    case "jwt": {
      const { sid, apiEpoch, rootJti, jti, authTime } = caller.by.claims;
      return {
        sid,
        apiEpoch,
        rootJti: rootJti ?? jti,
        authTime,
        expiresAt: Number.POSITIVE_INFINITY,
      };
    }
  }
}
