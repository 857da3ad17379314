import type { AuditEntry, AuditEvent } from "../core/events.ts";

/** Every event as its owner reads it. */
const SENTENCES: Readonly<Record<AuditEvent, string>> = {
  "user.created": "The account was made",
  "user.changed": "You changed your profile",
  "identity.linked": "A login with another provider was linked to the account",
  "identity.unlinked": "You removed a login with another provider",
  "email.requested": "You asked for a new e-mail",
  "email.changed": "Your e-mail was changed",
  "email.restored": "Your e-mail was put back by a mail to it, and all was logged out",
  "email.verified": "Your e-mail was verified",
  "password.changed": "Your password was changed, and all else was logged out",
  "mail.issued": "A mail with a link was sent to you",
  "user.deleted": "The account was deleted",
  "user.disabled": "Whoever runs the service disabled the account",
  "user.enabled": "Whoever runs the service enabled the account again",
  "role.changed": "Whoever runs the service changed your role",
  "session.created": "You logged in",
  "session.extended": "A session was extended",
  "session.revoked": "A session was ended",
  "logins.revoked_others": "You logged out everywhere else",
  "token.created": "You made an API token",
  "token.changed": "You changed an API token",
  "token.rotated": "You gave an API token a new secret",
  "token.revoked": "An API token was ended",
  "tokens.revoked_all": "You ended all API tokens",
  "jwt.obtained": "A program logged in as you",
  "jwt.refreshed": "A program renewed its login",
  "jwt.revoked": "A program's login was ended",
  "family.revoked":
    "A program's login was ended: an old refresh token of it was shown, as after a theft",
  "action.issued": "You issued an action token",
  "action.run": "You ran an action token",
  "action.revoked": "An action token was ended",
  "contact.removed": "You removed a contact",
  "login.failed": "Somebody tried a wrong password",
  "credential.refused": "A token that is not valid was refused",
};

/** Whoever was logged in gave a wrong password where it is asked for once more. */
const isOwnMistake = ({ what, actorId }: AuditEntry, userId: string): boolean =>
  what === "login.failed" && actorId === userId;

/** @param userId whose list it stands in */
export function sentenceOf(entry: AuditEntry, userId: string): string {
  const { what, actorId } = entry;
  if (what === "action.run" && actorId !== userId) return "Somebody ran your action token";
  if (isOwnMistake(entry, userId)) return "The password was mistyped while logged in";
  if (what === "contact.removed" && actorId !== userId) {
    return "Somebody removed you from their contacts";
  }
  return SENTENCES[what];
}

export function toneOf(entry: AuditEntry, userId: string): "good" | "waiting" | "bad" {
  if (entry.outcome === "done") return "good";
  return isOwnMistake(entry, userId) ? "waiting" : "bad";
}
