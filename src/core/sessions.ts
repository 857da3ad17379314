import type { UserStore } from "./accounts.ts";
import type { TokenCheckStore } from "./authenticate.ts";
import { type Authenticated, type Spending, isSpending, type WayIn } from "./caller.ts";
import { type Fault, refuse } from "./fault.ts";
import type { PasswordLogin } from "./passwords.ts";
import type { Lifetimes, Secrets, SessionToken } from "./token.ts";
import type { User } from "./user.ts";

export interface SessionState {
  readonly expiresAtMs: number;
  readonly email: string;
}

export interface SessionStore {
  /**
   * In the batch of what is spent for it, if anything is.
   * @returns the session's final form, and the account after that; null where that is no longer active, or nothing
   *   was spent
   */
  insertSession(
    token: SessionToken,
    who: Authenticated,
    way: WayIn,
  ): Promise<{ readonly token: SessionToken; readonly user: User } | null>;
  /** For a log-in that has no row of its own. @returns the account after that; null where it was not spent */
  spend(spending: Spending, nowMs: number): Promise<User | null>;
  extendSession(id: string, nowMs: number): Promise<SessionState | null>;
  /**
   * Notes that its user has just proved who they are. @returns false where it is not active any more, or the
   * password that was checked was replaced
   */
  confirmSession(id: string, ifCredentialVersion: number, nowMs: number): Promise<boolean>;
  /** Whose session it is or was; null where it is not known any more. Asks D1. */
  ownerOf(id: string): Promise<string | null>;
  /** @returns true for exactly one of many callers */
  revokeSession(id: string, nowMs: number): Promise<boolean>;
}

export interface Session extends SessionState {
  /** Shown to someone who already has it. */
  readonly secret: string;
}

export type Sessions = ReturnType<typeof sessions>;

interface Deps {
  readonly login: PasswordLogin;
  readonly secrets: Secrets;
  readonly tokens: SessionStore & Pick<TokenCheckStore, "findActive">;
  readonly users: Pick<UserStore, "profile">;
  readonly lifetimes: Pick<Lifetimes, "session" | "login">;
}

/** For a log-in that came to nothing. Of many with one proof only the first is the account's business. */
export const notOpened = (who: Authenticated): Fault => ({
  code: "credentials_wrong",
  ...(!isSpending(who) && { attempted: { userId: who.id, credentialId: null } }),
});

const invalid = (id: string | null): Fault => ({
  code: "token_invalid",
  attempted: { userId: null, credentialId: id },
});

/** The session-tokens contract: a session can be extended, and ends with `lifetimes.login` at the latest. */
export function sessions({ login, secrets, tokens, users, lifetimes }: Deps) {
  /**
   * A session of a user who has just authenticated.
   * @param authTimeMs when they proved who they are, if that was elsewhere and before
   * @throws FaultError `credentials_wrong` where their credentials were spent or revoked meanwhile, `unavailable`
   */
  async function open(
    who: Authenticated,
    way: WayIn,
    nowMs: number,
    authTimeMs = nowMs,
  ): Promise<Session> {
    const { secret, id } = await secrets.create("session");
    const token: SessionToken = {
      kind: "session",
      id,
      userId: who.id,
      credentialVersion: who.credentialVersion,
      createdAtMs: nowMs,
      authenticatedAtMs: authTimeMs,
      modifiedAtMs: nowMs,
      expiresAtMs: nowMs + lifetimes.session * 1000,
    };
    const opened = await tokens.insertSession(token, who, way);
    if (opened === null) return refuse(notOpened(who));
    return { secret, email: opened.user.email, expiresAtMs: token.expiresAtMs };
  }

  return {
    open,

    /**
     * Uses up a proof without a session: for a JWT, which has no row, or before a second factor is asked for.
     * @throws FaultError `credentials_wrong`, `unavailable`
     */
    spend: async (spending: Spending, nowMs: number): Promise<User> =>
      (await tokens.spend(spending, nowMs)) ?? refuse(notOpened(spending)),

    /** For cookies, and for those who extend in time. */
    lifetimes,

    /** @throws FaultError `credentials_wrong`, `otp_required`, `throttled`, `unavailable` */
    async create(
      email: string,
      password: string,
      otp: string | null,
      nowMs: number,
    ): Promise<Session> {
      return open(await login(email, password, otp, nowMs), "password", nowMs);
    },

    /** @throws FaultError `token_invalid`, `unavailable` */
    async read(secret: string, nowMs: number): Promise<Session> {
      const id = await secrets.idOf("session", secret);
      const found = id === null ? null : await tokens.findActive(id, nowMs, true);
      if (found?.token.kind !== "session") return refuse(invalid(id));
      const user = found.user ?? (await users.profile(found.token.userId));
      if (user === null || user.deletedAtMs !== null) return refuse(invalid(id));
      return { secret, email: user.email, expiresAtMs: found.token.expiresAtMs };
    },

    /** The user of a session, also of one that is over; null where it is not known any more. @throws FaultError `unavailable` */
    async ownerOf(secret: string): Promise<string | null> {
      const id = await secrets.idOf("session", secret);
      return id === null ? null : tokens.ownerOf(id);
    },

    /** `lifetimes.session` from now, never less than before, never past `lifetimes.login` from creation. */
    async extend(secret: string, nowMs: number): Promise<Session> {
      const id = await secrets.idOf("session", secret);
      const state = id === null ? null : await tokens.extendSession(id, nowMs);
      return state === null ? refuse(invalid(id)) : { secret, ...state };
    },

    /** Of many at once one succeeds. @throws FaultError `token_invalid`, `unavailable` */
    async revoke(secret: string, nowMs: number): Promise<void> {
      const id = await secrets.idOf("session", secret);
      if (id === null || !(await tokens.revokeSession(id, nowMs))) refuse(invalid(id));
    },
  };
}
