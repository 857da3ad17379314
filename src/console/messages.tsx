import type { HonoRequest } from "hono";
import type { Child } from "hono/jsx";
import { messageCookie, readMessageCookie } from "../http/browser.ts";
import { UserText } from "./components.tsx";

/**
 * What was done, on the page that comes next. Never by the address: a link could say anything then,
 * and a reload would say it again. In a cookie of this origin, which that page takes away.
 * Null: the page is there for nothing else, and says it itself.
 */
const MESSAGES = {
  session_expired: () => "Your session has expired. Log in to continue.",
  profile_saved: () => "Your profile was saved.",
  email_changed: () => "Your e-mail was changed.",
  email_wanted: () =>
    "A link is on its way to the new e-mail. It counts once you have opened that.",
  identity_removed: () => "That provider does not open your account any more.",
  contact_removed: () => "The contact was removed.",
  password_changed: () =>
    "Your password was changed. Everything else that was logged in is logged out.",
  mail_sent: () => "A link is on its way to your mailbox, unless one went out a moment ago.",
  token_renamed: (name: Child) => <>Renamed to “{name}”.</>,
  token_revoked: (name: Child) => <>“{name}” was revoked. Whoever shows it is refused.</>,
  tokens_revoked: () => "All your API tokens were ended.",
  action_revoked: () => "Revoked. The code and the link no longer work.",
  login_revoked: () => "That login was ended.",
  logins_ended: () => "You are logged out everywhere but here.",
  logins_ended_some: () => "Many logins were ended, and some are left: end the others once more.",
  reset_sent: () => null,
  account_deleted: () => null,
} as const satisfies Record<string, (name: Child) => Child>;

export type Message = keyof typeof MESSAGES;

/** What the page before has left to be said. */
export interface FlashMessage {
  readonly message: Message;
  readonly text: Child;
}

/**
 * The cookie that says it once.
 * @param name of what it was done to, where several could be meant
 */
export const flashCookie = (message: Message, name = ""): string =>
  messageCookie(name === "" ? message : `${message} ${name}`);

/** @returns null for nothing, and for what is none of ours */
export function readFlash(request: HonoRequest): FlashMessage | null {
  const text = readMessageCookie(request);
  const [, message = "", name] = /^(\w+)(?: (.{1,64}))?$/su.exec(text ?? "") ?? [];
  if (!isMessage(message)) return null;
  return { message, text: MESSAGES[message](<UserText text={name ?? "It"} />) };
}

const isMessage = (message: string): message is Message => Object.hasOwn(MESSAGES, message);
