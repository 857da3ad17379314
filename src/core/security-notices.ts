/** What the owner of an account is told of, whoever did it: each is a way in that changed. */
export const SECURITY_NOTICES = [
  "password_changed",
  /** A new e-mail is wanted; the old one stays until the new one is proven. */
  "email_change_requested",
  "email_changed",
  /** The old e-mail was put back by a mail to it. */
  "email_restored",
  "identity_linked",
  "identity_unlinked",
  /** With every scope that there is. */
  "api_token_created",
] as const;

export type SecurityNotice = (typeof SECURITY_NOTICES)[number];

/** The action that puts the former e-mail back. */
export const UNDO_ACTION = "undoEmailChange";

/** How long after a change of the e-mail the old mailbox may put it back. */
export const UNDO_MS = 7 * 86_400_000;
