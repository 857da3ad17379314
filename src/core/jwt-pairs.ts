import type { Caller } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import type { PasswordLogin } from "./password-login.ts";
import type { JwtClaims, Jwts, Tokens } from "./ports.ts";
import { JWT_LIFETIMES } from "./token.ts";
import type { User } from "./user.ts";

export type JwtPairs = ReturnType<typeof jwtPairs>;

interface Deps {
  readonly login: PasswordLogin;
  readonly tokens: Tokens;
  readonly jwts: Jwts;
}

/** simplejwt's pair: a refresh JWT for a day, access JWTs of five minutes; and the JWT of `GET /rest/auth`. */
export function jwtPairs({ login, tokens, jwts }: Deps) {
  return {
    /** @throws FaultError `credentials_wrong`, `unavailable` */
    async obtain(email: string, password: string, nowMs: number) {
      const user = await login(email, password);
      const issuedAt = Math.floor(nowMs / 1000);
      const familyId = crypto.randomUUID();
      const refresh: JwtClaims = {
        type: "refresh",
        jti: crypto.randomUUID(),
        userId: user.id,
        epoch: user.epoch,
        sid: familyId,
        apiEpoch: null,
        rootJti: null,
        authTime: issuedAt,
        issuedAt,
        expiresAt: issuedAt + JWT_LIFETIMES.refresh,
        role: null,
      };
      const family = {
        kind: "family" as const,
        id: familyId,
        userId: user.id,
        epoch: user.epoch,
        createdAtMs: nowMs,
        modifiedAtMs: nowMs,
        expiresAtMs: refresh.expiresAt * 1000,
      };
      const caller = { userId: user.id, epoch: user.epoch, credentialIds: [] };
      if (!(await tokens.insertFamily(family, caller))) refuse({ code: "credentials_wrong" });
      return {
        refresh: await jwts.sign(refresh),
        access: await jwts.sign(accessFrom(refresh, issuedAt)),
      };
    },

    /** @throws FaultError `token_invalid`, `token_wrong_type` for an access JWT, `unavailable` */
    async refresh(jwt: string, nowMs: number): Promise<{ access: string }> {
      const claims = await jwts.verify(jwt, nowMs);
      if (claims === null) return refuse({ code: "token_invalid" });
      if (claims.type !== "refresh") return refuse({ code: "token_wrong_type" });
      if ((await tokens.standingOfJwt(claims, nowMs)) === null) refuse({ code: "token_invalid" });
      return { access: await jwts.sign(accessFrom(claims, Math.floor(nowMs / 1000))) };
    },

    /** Any JWT of ours, as simplejwt's UntypedToken. @throws FaultError `token_invalid`, `unavailable` */
    async verify(jwt: string, nowMs: number): Promise<void> {
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
        authTime: behind.authTime,
        issuedAt,
        expiresAt: Math.min(
          issuedAt + JWT_LIFETIMES.auth,
          behind.authTime + JWT_LIFETIMES.sinceLogin,
          behind.expiresAt,
        ),
        role: user.role,
      });
    },
  };
}

function accessFrom(refresh: JwtClaims, issuedAt: number): JwtClaims {
  return {
    ...refresh,
    type: "access",
    jti: crypto.randomUUID(),
    issuedAt,
    expiresAt: issuedAt + JWT_LIFETIMES.access,
  };
}

function originOf(caller: Caller, nowSeconds: number) {
  switch (caller.by.method) {
    case "password":
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
