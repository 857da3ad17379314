import { refuse } from "./fault.ts";
import type { Passwords } from "./ports.ts";

const characters = (text: string) => [...text].length;

/** What is wrong with the form of a password, to stand behind the field's name; null for nothing. */
export function passwordProblem(text: string): string | null {
  if (!text.isWellFormed() || text.includes("\0")) return "must be well-formed text";
  if (characters(text) < 8 || characters(text) > 255) return "must be 8 to 255 characters";
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
