import { refuse } from "./fault.ts";
import type { Passwords } from "./ports.ts";

/** Whether a password is known to have leaked; false where that could not be found out. */
export type IsPwned = (password: string) => Promise<boolean>;

/** @throws FaultError `password_common`, `password_pwned` */
export type PasswordRules = (password: string) => Promise<void>;

/** What a new password must not be, wherever one is chosen. Its length is the surface's to check. */
export function passwordRules(passwords: Passwords, isPwned: IsPwned): PasswordRules {
  return async (password) => {
    if (passwords.isCommon(password)) refuse({ code: "password_common" });
    if (await isPwned(password)) refuse({ code: "password_pwned" });
  };
}
