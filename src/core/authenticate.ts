import { refuse } from "./fault.ts";
import type { PasswordLogin } from "./password-login.ts";
import type { CallerRef, JwtClaims, Jwts, Secrets, Tokens } from "./ports.ts";
import { SCOPES, type Scope } from "./scope.ts";
import type { ApiToken, SessionToken } from "./token.ts";
import { TOKEN_KINDS } from "./token.ts";
import type { User } from "./user.ts";

/** What a request may show of who sends it; `http/credentials.ts` finds it. */
export type Credential =
  | { readonly method: "password"; readonly email: string; readonly password: string }
  /** A JWT or an API token. */
  | { readonly method: "bearer"; readonly token: string }
  | { readonly method: "session"; readonly token: string }
  /** Not the shape that its scheme asks for. */
  | { readonly method: "malformed" }
  | { readonly method: "google" | "facebook" | "ha1b"; readonly token: string };

/** A logged-in caller, and by what. */
export interface Caller extends CallerRef {
  readonly scopes: readonly Scope[];
  readonly by:
    | { readonly method: "password" }
    | { readonly method: "token"; readonly token: SessionToken | ApiToken }
    | { readonly method: "jwt"; readonly claims: JwtClaims };
  /** Her row, where finding out who she is has read it. */
  readonly user: User | null;
}

export type Authenticate = (credential: Credential, nowMs: number) => Promise<Caller>;

interface Deps {
  readonly login: PasswordLogin;
  readonly secrets: Secrets;
  readonly tokens: Tokens;
  readonly jwts: Jwts;
}

/**
 * The one way in, for every surface.
 * @throws FaultError `credentials_wrong`, `token_invalid`, `unavailable`
 */
export function authenticator({ login, secrets, tokens, jwts }: Deps): Authenticate {
  async function byPassword(email: string, password: string): Promise<Caller> {
    const user = await login(email, password);
    return {
      userId: user.id,
      epoch: user.epoch,
      tokenId: null,
      credentialIds: [],
      scopes: SCOPES,
      by: { method: "password" },
      user,
    };
  }

  async function byToken(kind: "session" | "api", secret: string, nowMs: number): Promise<Caller> {
    const id = await secrets.idOf(kind, secret);
    const found = id === null ? null : await tokens.standing(id, nowMs);
    if (found === null || found.token.kind !== kind) return refuse({ code: "token_invalid" });
    const { token, user } = found;
    if (token.kind === "api") tokens.touch(token, nowMs);
    return {
      userId: token.userId,
      epoch: token.epoch,
      tokenId: token.id,
      credentialIds: [],
      scopes: token.kind === "api" ? token.scopes : SCOPES,
      by: { method: "token", token },
      user,
    };
  }

  async function byJwt(jwt: string, nowMs: number): Promise<Caller> {
    const claims = await jwts.verify(jwt, nowMs);
    if (claims?.type !== "access") return refuse({ code: "token_invalid" });
    const found = await tokens.standingOfJwt(claims, nowMs);
    if (found === null) return refuse({ code: "token_invalid" });
    return {
      userId: claims.userId,
      epoch: claims.epoch,
      tokenId: null,
      credentialIds: idsBehind(claims),
      scopes: claims.scopes ?? SCOPES,
      by: { method: "jwt", claims },
      user: found.user,
    };
  }

  return (credential, nowMs) => {
    switch (credential.method) {
      case "password":
        return byPassword(credential.email, credential.password);
      case "bearer":
        return credential.token.startsWith(TOKEN_KINDS.api.prefix)
          ? byToken("api", credential.token, nowMs)
          : byJwt(credential.token, nowMs);
      case "session":
        return byToken("session", credential.token, nowMs);
      // No issuer is configured: as any wrong credential.
      case "google":
      case "facebook":
      case "ha1b":
      case "malformed":
        return refuse({ code: "credentials_wrong" });
    }
  };
}

/** Whatever ends one of these ends the JWT. */
export function idsBehind(claims: JwtClaims): readonly string[] {
  return [claims.jti, claims.rootJti, claims.sid].filter((id) => id !== null);
}
