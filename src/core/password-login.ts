import type { AccountRef, VerifySecret } from "./login-throttle.ts";
import type { Passwords, UserStore } from "./ports.ts";
import { normalizeEmail, type UserWithPassword } from "./user.ts";

export type PasswordLogin = (
  email: string,
  password: string,
  nowMs: number,
) => Promise<UserWithPassword>;

export type CheckPassword = (
  account: AccountRef,
  password: string,
  nowMs: number,
  /** Ends the credential that was shown beside the password, where it has guessed too often. */
  onLast?: () => Promise<unknown>,
) => Promise<UserWithPassword>;

interface Deps {
  readonly verifySecret: VerifySecret;
  readonly users: UserStore;
  readonly passwords: Passwords;
}

/**
 * An account's password. One read and one password hash whatever is wrong, so that neither the
 * answer nor the work says whether the account exists.
 * @throws FaultError `credentials_wrong`, `throttled`, `unavailable`
 */
export function passwordCheck({ verifySecret, users, passwords }: Deps): CheckPassword {
  return (account, password, nowMs, onLast) =>
    verifySecret(
      account,
      async (user) => {
        const verdict = await passwords.verify(password, user?.passwordHash ?? null);
        if (user !== null && verdict === "stale") {
          await users.rehash(user.id, user.passwordHash, await passwords.hash(password));
        }
        return verdict !== "mismatch";
      },
      nowMs,
      onLast,
    );
}

/** E-mail and password to the account. @throws as `passwordCheck` */
export function passwordLogin(check: CheckPassword): PasswordLogin {
  return (email, password, nowMs) => check({ email: normalizeEmail(email) }, password, nowMs);
}
