import type { ActionRegistry } from "../core/action.ts";
import type { IsPwned, Passwords } from "../core/passwords.ts";
import { addContact } from "./add-contact.ts";
import { resetPassword } from "./reset-password.ts";
import { undoEmailChange } from "./undo-email-change.ts";
import { verifyEmail } from "./verify-email.ts";

/** All actions. */
export function actions(passwords: Passwords, isPwned: IsPwned): ActionRegistry {
  const all = [addContact, verifyEmail, undoEmailChange, resetPassword(passwords, isPwned)];
  const byName = new Map(all.map((action) => [action.name, action]));
  return { all, find: (name) => byName.get(name) };
}
