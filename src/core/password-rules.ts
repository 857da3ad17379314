import { refuse } from "./fault.ts";
import type { Passwords } from "./ports.ts";

/** In characters, as a reader counts code points. */
export const PASSWORD_LENGTH = { min: 8, max: 255 } as const;

const characters = (text: string) => [...text].length;

/** What is wrong with the form of a password, to stand behind the field's name; null for nothing. */
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
