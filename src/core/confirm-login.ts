import type { UserStore } from "./accounts.ts";
import type { Caller } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { RevocationStore, StrictCheckStore } from "./introspection.ts";
import type { CheckPassword } from "./passwords.ts";
import type { SessionStore } from "./sessions.ts";
import { hasPassword } from "./user.ts";

export type FreshLogins = ReturnType<typeof freshLogins>;

interface Deps {
  readonly strict: Pick<StrictCheckStore, "findActive">;
  readonly tokens: Pick<SessionStore, "confirmSession"> & Pick<RevocationStore, "revokeByHolder">;
  readonly users: Pick<UserStore, "byId">;
  readonly checkPassword: CheckPassword;
  /** Whether passwords open accounts. */
  readonly takesPasswords: boolean;
}

/** How the user of a session proves once more who they are, without losing what they were about to do. */
export function freshLogins({ strict, tokens, users, checkPassword, takesPasswords }: Deps) {
  return {
    /**
     * The caller as D1 has their session: a copy in KV or in a cache may not know yet that it was confirmed.
     * @throws FaultError `token_invalid` where it is not active any more, `unavailable`
     */
    async current(caller: Caller, nowMs: number): Promise<Caller> {
      const { tokenId } = caller;
      const found = tokenId === null ? null : await strict.findActive(tokenId, nowMs);
      if (found === null) return refuse({ code: "token_invalid" });
      const { token, user } = found;
      return token.kind === "session"
        ? { ...caller, authTimeMs: token.authenticatedAtMs, user }
        : caller;
    },

    /** Who is asked, and whether for a password. Asks D1. @throws FaultError `token_invalid`, `unavailable` */
    async account({ userId }: Caller): Promise<{ email: string; hasPassword: boolean }> {
      const user = await users.byId(userId);
      if (user === null) return refuse({ code: "token_invalid" });
      return { email: user.email, hasPassword: takesPasswords && hasPassword(user) };
    },

    /**
     * Checks the password of a session's user. Tries are counted as on every page that asks for it, and the last
     * wrong one revokes the session.
     * @returns the caller, who is fresh from now on, on each page
     * @throws FaultError `credentials_wrong`, `throttled`, `token_invalid`, `unavailable`
     */
    async prove(caller: Caller, password: string, nowMs: number): Promise<Caller> {
      const { userId, tokenId } = caller;
      if (tokenId === null) return refuse({ code: "token_invalid" });
      const account = { userId, credentialId: tokenId };
      const user = await checkPassword(account, password, nowMs, () =>
        tokens.revokeByHolder([tokenId], null, nowMs),
      );
      const isActive = await tokens.confirmSession(tokenId, user.credentialVersion, nowMs);
      return isActive ? { ...caller, authTimeMs: nowMs, user } : refuse({ code: "token_invalid" });
    },
  };
}
