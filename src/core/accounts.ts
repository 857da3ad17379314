import type { Caller } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import type { Passwords, UserChange, Users } from "./ports.ts";
import { normalizeEmail, type Profile, type User } from "./user.ts";

export interface SignUp extends Profile {
  readonly email: string;
  /** Exactly as sent. */
  readonly password: string;
}

export interface AccountChange extends Partial<Profile> {
  readonly email?: string;
  readonly password?: string;
  readonly currentPassword?: string;
}

export type Accounts = ReturnType<typeof accounts>;

interface Deps {
  readonly users: Users;
  readonly passwords: Passwords;
  readonly signUpIsOpen: boolean;
}

/** Sign-up, read, change, delete, as `contracts` of the four surfaces share them. */
export function accounts({ users, passwords, signUpIsOpen }: Deps) {
  /**
   * One password hash, whatever is wrong.
   * @returns the epoch of which it is the password
   * @throws FaultError `credentials_wrong`
   */
  async function confirmPassword(userId: string, password: string): Promise<number> {
    const user = await users.byId(userId);
    const verdict = await passwords.verify(password, user?.passwordHash ?? null);
    if (user === null || verdict === "mismatch") return refuse({ code: "credentials_wrong" });
    return user.epoch;
  }

  /** @throws FaultError `token_invalid` where the account is gone, `unavailable` */
  async function read(caller: Caller): Promise<User> {
    const user = caller.user ?? (await users.profile(caller.userId));
    return user === null || user.deletedAtMs !== null ? refuse({ code: "token_invalid" }) : user;
  }

  /** @returns the new e-mail as it compares, or undefined where it is none or the present one */
  async function newEmail(caller: Caller, email: string | undefined): Promise<string | undefined> {
    if (email === undefined) return undefined;
    const wanted = normalizeEmail(email);
    return wanted === (await read(caller)).email ? undefined : wanted;
  }

  return {
    /** @throws FaultError `sign_up_closed`, `password_common`, `user_exists`, `unavailable` */
    async signUp({ email, password, ...profile }: SignUp, nowMs: number): Promise<User> {
      if (!signUpIsOpen) refuse({ code: "sign_up_closed" });
      if (passwords.isCommon(password)) refuse({ code: "password_common" });
      const user = {
        ...profile,
        id: crypto.randomUUID(),
        email: normalizeEmail(email),
        role: "User" as const,
        epoch: 0,
        apiEpoch: 0,
        createdAtMs: nowMs,
        modifiedAtMs: nowMs,
        deletedAtMs: null,
        emailVerifiedAtMs: null,
      };
      const passwordHash = await passwords.hash(password);
      if (!(await users.insert({ ...user, passwordHash }))) refuse({ code: "user_exists" });
      return user;
    },

    read,

    /**
     * A new e-mail or password needs the current password. A new password ends every other
     * credential of the user, JWTs and outstanding action tokens too.
     * @throws FaultError `current_password_missing`, `credentials_wrong`, `password_common`,
     *   `user_exists`, `token_invalid`, `unavailable`
     */
    async change(caller: Caller, change: AccountChange, nowMs: number): Promise<User> {
      const { email: sentEmail, password, currentPassword, ...profile } = change;
      const email = await newEmail(caller, sentEmail);
      let ifEpoch: number | null = null;
      if (email !== undefined || password !== undefined) {
        if (currentPassword === undefined) return refuse({ code: "current_password_missing" });
        if (password !== undefined && passwords.isCommon(password)) {
          refuse({ code: "password_common" });
        }
        ifEpoch = await confirmPassword(caller.userId, currentPassword);
      }
      const update: UserChange = {
        ...profile,
        ...(email === undefined ? {} : { email }),
        ...(password === undefined ? {} : { passwordHash: await passwords.hash(password) }),
      };
      const changed = await users.update(caller, update, ifEpoch, nowMs);
      if (changed === "email_taken") return refuse({ code: "user_exists" });
      return changed ?? refuse({ code: "token_invalid" });
    },

    /** Ends the account and every credential of it at once; the e-mail may sign up again. */
    async remove(caller: Caller, password: string, nowMs: number): Promise<void> {
      const ifEpoch = await confirmPassword(caller.userId, password);
      if (!(await users.remove(caller, ifEpoch, nowMs))) refuse({ code: "token_invalid" });
    },
  };
}
