import { refuse, UNKNOWN_SUBJECT } from "./fault.ts";
import {
  type AccountRef,
  enforceRateLimit,
  type RateLimits,
  refuseAttempt,
  reserveAttempt,
  type Throttles,
} from "./login-throttle.ts";
import type { SecondFactor } from "./second-factor.ts";
import { normalizeEmail, type UserWithPassword } from "./user.ts";

export interface Passwords {
  /** @returns a PHC string */
  hash(password: string): Promise<string>;
  /** The same work for every input, null (no such account) included. `stale`: right, but hash it again. */
  verify(password: string, phc: string | null): Promise<"match" | "stale" | "mismatch">;
  isCommon(password: string): boolean;
}

export interface PasswordHashStore {
  /** Replaces a hash of outdated parameters, if it is still `oldHash`. Never fails: the log-in is right without it. */
  rehash(id: string, oldHash: string, newHash: string): Promise<void>;
}

/** In characters, counted as Unicode code points. */
export const PASSWORD_LENGTH = { min: 8, max: 255 } as const;

const characters = (text: string) => [...text].length;

/** What is wrong with the form of a password, to follow the field's name; null for nothing. */
export function passwordProblem(text: string): string | null {
  if (!text.isWellFormed() || text.includes("\0")) return "must be well-formed text";
  const { min, max } = PASSWORD_LENGTH;
  if (characters(text) < min || characters(text) > max)
    return `must be ${min} to ${max} characters`;
  return text.trim() === "" ? "must not be all white space" : null;
}

/** Whether a password is known to have leaked; false where that could not be found out. */
export type IsPwned = (password: string) => Promise<boolean>;

/** @throws FaultError `password_common`, `password_pwned` */
export type PasswordRules = (password: string) => Promise<void>;

/** What a new password must not be, wherever one is chosen. */
export function passwordRules(passwords: Passwords, isPwned: IsPwned): PasswordRules {
  return async (password) => {
    if (passwords.isCommon(password)) refuse({ code: "password_common" });
    if (await isPwned(password)) refuse({ code: "password_pwned" });
  };
}

export type CheckPassword = (
  account: AccountRef,
  password: string,
  nowMs: number,
  /** Revokes the credential that was presented beside the password, where it has guessed too often. */
  onLast?: () => Promise<unknown>,
) => Promise<UserWithPassword>;

interface Deps extends Throttles {
  readonly store: PasswordHashStore;
  readonly passwords: Passwords;
}

/**
 * Checks an account's password: the only way to do so, on every surface. The attempt is counted before
 * any work is done on it, and released if it was right. One read and one password hash whatever is
 * wrong, so that neither the answer nor the work says whether the account exists.
 * @throws FaultError `credentials_wrong`, `throttled`, `unavailable`
 */
export function passwordCheck({ store, passwords, ...throttles }: Deps): CheckPassword {
  return async (account, password, nowMs, onLast) => {
    const reserved = await reserveAttempt(throttles, account, nowMs);
    const { user, counters, isLast, wrongRetryAfterSeconds } = reserved;
    const result = await passwords.verify(password, user?.passwordHash ?? null);
    if (user === null || result === "mismatch") {
      if (isLast) await onLast?.();
      if (wrongRetryAfterSeconds !== null) return refuseAttempt(wrongRetryAfterSeconds);
      const attempted = { userId: user?.id ?? null, credentialId: null };
      return refuse({ code: "credentials_wrong", attempted });
    }
    if (result === "stale") {
      await store.rehash(user.id, user.passwordHash, await passwords.hash(password));
    }
    // Half of a log-in makes no network known. The second factor releases both.
    // guard: half-a-log-in-releases-nothing
    if (!(user.hasSecondFactor && "email" in account)) throttles.attempts.release(counters, nowMs);
    return user;
  };
}

/** Where no account has a password: as wrong as any other, without a read or a hash. */
export const noPasswords =
  (limits: RateLimits): CheckPassword =>
  async () => {
    await enforceRateLimit(limits, "login");
    return refuse({ code: "credentials_wrong", attempted: UNKNOWN_SUBJECT });
  };

/** Email and password to the account: half of a log-in where it has a second factor. @throws as `passwordCheck` */
export type FirstFactor = (
  email: string,
  password: string,
  nowMs: number,
) => Promise<UserWithPassword>;

export function firstFactor(check: CheckPassword): FirstFactor {
  return (email, password, nowMs) => check({ email: normalizeEmail(email) }, password, nowMs);
}

export type PasswordLogin = (
  email: string,
  password: string,
  otp: string | null,
  nowMs: number,
) => Promise<UserWithPassword>;

/** Email, password and second factor to the account. @throws as `passwordCheck`, and FaultError `otp_required` */
export function passwordLogin(
  byPassword: FirstFactor,
  { pass }: Pick<SecondFactor, "pass">,
): PasswordLogin {
  return async (email, password, otp, nowMs) => {
    const user = await byPassword(email, password, nowMs);
    // guard: password-asks-for-the-second-factor
    await pass(user, otp, "password", nowMs);
    return user;
  };
}
