import { refuse } from "./fault.ts";
import type { Passwords, Users } from "./ports.ts";
import { normalizeEmail, type UserWithPassword } from "./user.ts";

export type PasswordLogin = (email: string, password: string) => Promise<UserWithPassword>;

/**
 * E-mail and password to the account. One read and one password hash whatever is wrong, so that
 * neither the answer nor the work says whether the account exists.
 * @throws FaultError `credentials_wrong`, `unavailable`
 */
export function passwordLogin({
  users,
  passwords,
}: {
  readonly users: Users;
  readonly passwords: Passwords;
}): PasswordLogin {
  return async (email, password) => {
    const user = await users.byEmail(normalizeEmail(email));
    const verdict = await passwords.verify(password, user?.passwordHash ?? null);
    if (user === null || verdict === "mismatch") return refuse({ code: "credentials_wrong" });
    if (verdict === "stale") {
      await users.rehash(user.id, user.passwordHash, await passwords.hash(password));
    }
    return user;
  };
}
