import { callerRefOf } from "./authenticate.ts";
import { type Fault, refuse } from "./fault.ts";
import type { PasswordLogin } from "./password-login.ts";
import type { Secrets, SessionState, TokenStore, UserStore } from "./ports.ts";
import { type SessionToken, TOKEN_KINDS } from "./token.ts";
import type { User } from "./user.ts";

export interface Session extends SessionState {
  /** The secret, shown to who already has it. */
  readonly secret: string;
}

export type Sessions = ReturnType<typeof sessions>;

interface Deps {
  readonly login: PasswordLogin;
  readonly secrets: Secrets;
  readonly tokens: TokenStore;
  readonly users: UserStore;
}

const invalid = (id: string | null): Fault => ({
  code: "token_invalid",
  attempted: { userId: null, credentialId: id },
});

/** The session-tokens contract: a session lives an hour, can be extended, and ends at last after 30 days. */
export function sessions({ login, secrets, tokens, users }: Deps) {
  /**
   * A session of somebody who has shown who she is.
   * @throws FaultError `credentials_wrong` where she has changed meanwhile, `unavailable`
   */
  async function open(user: User, nowMs: number): Promise<Session> {
    const { secret, id } = await secrets.create("session");
    const token: SessionToken = {
      kind: "session",
      id,
      userId: user.id,
      credentialVersion: user.credentialVersion,
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
      expiresAtMs: nowMs + TOKEN_KINDS.session.ttlSeconds * 1000,
    };
    if ((await tokens.insert(token, callerRefOf(user))) === null) {
      refuse({ code: "credentials_wrong", attempted: { userId: user.id, credentialId: null } });
    }
    return { secret, email: user.email, expiresAtMs: token.expiresAtMs };
  }

  return {
    open,

    /** @throws FaultError `credentials_wrong`, `throttled`, `unavailable` */
    async create(email: string, password: string, nowMs: number): Promise<Session> {
      return open(await login(email, password, nowMs), nowMs);
    },

    /** @throws FaultError `token_invalid`, `unavailable` */
    async read(secret: string, nowMs: number): Promise<Session> {
      const id = await secrets.idOf("session", secret);
      const found = id === null ? null : await tokens.findActive(id, nowMs);
      if (found?.token.kind !== "session") return refuse(invalid(id));
      const user = found.user ?? (await users.profile(found.token.userId));
      if (user === null || user.deletedAtMs !== null) return refuse(invalid(id));
      return { secret, email: user.email, expiresAtMs: found.token.expiresAtMs };
    },

    /** One hour from now, never less than before, never past 30 days from creation. */
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
