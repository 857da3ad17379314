import type { UserStore } from "./accounts.ts";
import type { Caller } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { RevocationStore, StrictCheckStore } from "./introspection.ts";
import type { CheckPassword } from "./passwords.ts";
import type { SecondFactor } from "./second-factor.ts";
import type { SessionStore } from "./sessions.ts";
import { hasPassword, type UserWithPassword } from "./user.ts";

export type FreshLogins = ReturnType<typeof freshLogins>;

interface Deps {
  readonly strict: Pick<StrictCheckStore, "findActive">;
  readonly tokens: Pick<SessionStore, "confirmSession"> & Pick<RevocationStore, "revokeByHolder">;
  readonly users: Pick<UserStore, "byId">;
  readonly checkPassword: CheckPassword;
  readonly secondFactor: Pick<SecondFactor, "pass">;
  /** Whether passwords open accounts. */
  readonly takesPasswords: boolean;
}

/** What proves it: the password or, on an account without one, a code of its second factor. */
export type Proof = "password" | "code";

/** How the user of a session proves once more who they are, without losing what they were about to do. */
export function freshLogins({
  strict,
  tokens,
  users,
  checkPassword,
  secondFactor,
  takesPasswords,
}: Deps) {
  const proofOf = (user: UserWithPassword): Proof | null =>
    takesPasswords && hasPassword(user) ? "password" : user.hasSecondFactor ? "code" : null;

  async function checkCode(userId: string, code: string, nowMs: number): Promise<UserWithPassword> {
    const user = await users.byId(userId);
    if (user === null) return refuse({ code: "token_invalid" });
    // guard: code-is-no-password
    if (proofOf(user) !== "code") return refuse({ code: "credentials_wrong" });
    await secondFactor.pass(user, code, "email", nowMs);
    return user;
  }

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

    /** Who is asked, and for what; null for a new log-in. Asks D1. @throws FaultError `token_invalid`, `unavailable` */
    async account({
      userId,
    }: Caller): Promise<{ email: string; hasPassword: boolean; proof: Proof | null }> {
      const user = await users.byId(userId);
      if (user === null) return refuse({ code: "token_invalid" });
      const proof = proofOf(user);
      return { email: user.email, hasPassword: proof === "password", proof };
    },

    /**
     * Checks the password of a session's user, or their code. Tries are counted as on every page that asks for it, and
     * the last wrong password revokes the session.
     * @returns the caller, who is fresh from now on, on each page
     * @throws FaultError `credentials_wrong`, `throttled`, `token_invalid`, `unavailable`
     */
    async prove(caller: Caller, proof: Proof, text: string, nowMs: number): Promise<Caller> {
      const { userId, tokenId } = caller;
      if (tokenId === null) return refuse({ code: "token_invalid" });
      const account = { userId, credentialId: tokenId };
      const user =
        proof === "code"
          ? await checkCode(userId, text, nowMs)
          : await checkPassword(account, text, nowMs, () =>
              tokens.revokeByHolder([tokenId], null, nowMs),
            );
      const isActive = await tokens.confirmSession(tokenId, user.credentialVersion, nowMs);
      return isActive ? { ...caller, authTimeMs: nowMs, user } : refuse({ code: "token_invalid" });
    },
  };
}
