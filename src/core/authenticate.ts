import {
  type Caller,
  callerRefOfJwt,
  callerRefOfToken,
  type Credential,
  loggedIn,
  type WayIn,
} from "./caller.ts";
import { type AttemptedSubject, refuse, UNKNOWN_SUBJECT } from "./fault.ts";
import type { IdentityLogin } from "./identities.ts";
import { attemptedSubjectOf, type JwtClaims, type Jwts, refuseJwt } from "./jwt.ts";
import { networksOf } from "./networks.ts";
import type { PasswordLogin } from "./passwords.ts";
import type { SecondFactor } from "./second-factor.ts";
import type { ApiToken, Secrets, Token } from "./token.ts";
import type { User, UserWithPassword } from "./user.ts";

/** A token that is active, and its user where the check happened to read their row. */
export interface ActiveToken<T extends Token = Token> {
  readonly token: T;
  readonly user: User | null;
}

/** Whether a credential is active. All answers but `touch` may be as old as the revocation lag. */
export interface TokenCheckStore {
  /**
   * @param wantsUser whether to read them too, if that takes no further trip
   * @returns null for a token that is unknown, revoked, expired, or whose user is gone
   */
  findActive(id: string, nowMs: number, wantsUser?: boolean): Promise<ActiveToken | null>;
  /** @returns null where the JWT, a parent or its user was revoked; its expiry was checked before */
  findActiveJwt(
    claims: JwtClaims,
    nowMs: number,
    wantsUser?: boolean,
  ): Promise<{ user: User | null } | null>;
  /** Notes the use of an API token: to the hour, after the answer, and never fails. */
  touch(token: ApiToken, nowMs: number): void;
  /**
   * Notes from which device a log-in without a row of its own was made (a JWT with a password alone, a password
   * beside each request), and tells its user of an unknown one: once an hour for each device, after the answer.
   */
  noteLogin(userId: string, way: WayIn, nowMs: number): void;
}

/** @param wantsUser whether the answer shows the user, who is then read with the check where that is one trip */
export type Authenticate = (
  credential: Credential,
  nowMs: number,
  wantsUser?: boolean,
) => Promise<Caller>;

interface Deps {
  readonly login: PasswordLogin;
  readonly identityLogin: IdentityLogin;
  /** The other ways that are one text in a header, as far as the deployment has them on. */
  readonly others: Partial<
    Record<WayIn, (token: string, nowMs: number) => Promise<UserWithPassword>>
  >;
  readonly secondFactor: Pick<SecondFactor, "pass">;
  readonly secrets: Secrets;
  readonly tokens: TokenCheckStore;
  readonly jwts: Jwts;
  /** Of the request being served; empty where it is not known. */
  readonly address: () => string;
}

/** Of a token that was shown from an address that it is not for: its owner should know. */
export const attemptedWith = ({ userId, id }: Token): AttemptedSubject => ({
  userId,
  credentialId: id,
});

/** Whether a token may be used from this address; empty where it is not known. */
export function isAllowedFrom(address: string, token: Token): boolean {
  const allowedIps = token.kind === "api" ? (token.restrictions?.allowedIps ?? null) : null;
  // guard: restricted-token-asks-for-the-address
  return allowedIps === null || networksOf(address).some((each) => allowedIps.includes(each));
}

/**
 * The only way to a caller, for every surface.
 * @throws FaultError `credentials_wrong`, `otp_required`, `identity_conflict`, `token_invalid`,
 *   `throttled`, `unavailable`
 */
export function authenticator({
  login,
  identityLogin,
  others,
  secondFactor,
  secrets,
  tokens,
  jwts,
  address,
}: Deps): Authenticate {
  async function byToken(
    kind: "session" | "api",
    secret: string,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<Caller> {
    const id = await secrets.idOf(kind, secret);
    const found = id === null ? null : await tokens.findActive(id, nowMs, wantsUser);
    if (found === null || found.token.kind !== kind) {
      return refuse({ code: "token_invalid", attempted: { userId: null, credentialId: id } });
    }
    const { token, user } = found;
    if (!isAllowedFrom(address(), token)) {
      return refuse({ code: "token_invalid", attempted: attemptedWith(token) });
    }
    if (token.kind === "api") tokens.touch(token, nowMs);
    return {
      ...callerRefOfToken(token),
      scopes: token.kind === "api" ? token.scopes : null,
      by: { method: "token", token },
      // guard: api-tokens-are-never-fresh
      authTimeMs: token.kind === "session" ? token.authenticatedAtMs : 0,
      user,
    };
  }

  async function byJwt(jwt: string, nowMs: number, wantsUser: boolean): Promise<Caller> {
    const claims = await jwts.verify(jwt, nowMs);
    if (claims === null) return refuseJwt(jwts, jwt, nowMs);
    const refused = { code: "token_invalid", attempted: attemptedSubjectOf(claims) } as const;
    // guard: only-access-jwts-open
    if (claims.type !== "access") return refuse(refused);
    // Whoever was given a JWT for their own API must not act with it here.
    // guard: jwt-for-others-does-not-open
    if (claims.audience !== null) return refuse(refused);
    const found = await tokens.findActiveJwt(claims, nowMs, wantsUser);
    if (found === null) return refuse(refused);
    return {
      ...callerRefOfJwt(claims),
      scopes: claims.scopes,
      by: { method: "jwt", claims },
      authTimeMs: claims.authTime * 1000,
      user: found.user,
    };
  }

  async function identify(
    credential: Credential,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<Caller> {
    switch (credential.method) {
      case "password": {
        const { email, password, otp } = credential;
        const user = await login(email, password, otp, nowMs);
        return loggedIn(user, { method: "password" }, nowMs);
      }
      case "bearer":
        return secrets.kindOf(credential.token) === "api"
          ? byToken("api", credential.token, nowMs, wantsUser)
          : byJwt(credential.token, nowMs, wantsUser);
      case "session":
        return byToken("session", credential.token, nowMs, wantsUser);
      case "identity": {
        const { issuer, token } = credential;
        const { user, identity } = await identityLogin(issuer, token, nowMs);
        // guard: identity-asks-for-the-second-factor
        await secondFactor.pass(user, credential.otp, "identity", nowMs);
        return loggedIn(user, { method: "identity", identity }, identity.authTimeMs);
      }
      case "malformed":
        return refuse({ code: "credentials_wrong", attempted: UNKNOWN_SUBJECT });
      default: {
        const { method, token, otp } = credential;
        const login = others[method];
        if (login === undefined) return refuse({ code: "credentials_wrong" });
        const user = await login(token, nowMs);
        // guard: ha1b-asks-for-the-second-factor
        await secondFactor.pass(user, otp, method, nowMs);
        return loggedIn(user, { method }, nowMs);
      }
    }
  }

  return async (credential, nowMs, wantsUser = false) => {
    const caller = await identify(credential, nowMs, wantsUser);
    const { method } = caller.by;
    if (method !== "token" && method !== "jwt") tokens.noteLogin(caller.userId, method, nowMs);
    return caller;
  };
}
