import type { Device, NoticedLogin } from "./devices.ts";

const MINUTE = 60;

/** One row an email: the action that its token runs, and for how long, in seconds. */
export const MAILS = {
  password_reset: { action: "resetPassword", ttlSeconds: 10 * MINUTE },
  verify_email: { action: "verifyEmail", ttlSeconds: 24 * 60 * MINUTE },
} as const;

export type MailType = keyof typeof MAILS;

/** How long the link and the code of an email log in. */
export const EMAIL_LOGIN_SECONDS = 10 * MINUTE;

/**
 * The limit of emails that strangers can cause to an address, of all kinds and for all accounts, so that
 * no mailbox can be flooded. Some are reserved for networks that the account knows, so that no one can
 * use up its owner's.
 */
export const MAIL_BUDGET = { intervalSeconds: MINUTE, aDay: 20, aDayForKnown: 25 } as const;

interface AnyMail {
  /** The same for every attempt to send it. */
  readonly id: string;
  readonly to: string;
}

/** An email with a token in it. */
export interface TokenMail extends AnyMail {
  readonly type: MailType;
  readonly token: string;
  /** A page that reads the token; opening it runs nothing. */
  readonly link: string;
  readonly expiresAtMs: number;
}

/** Logs in, whichever of link and code is used first. */
export interface LoginMail extends AnyMail, Pick<TokenMail, "token" | "link" | "expiresAtMs"> {
  readonly type: "email_login";
  /** Six digits, which work only where the log-in was asked. */
  readonly code: string;
  /** Where it was asked, so that the reader notices someone else's. */
  readonly device: Device;
}

/** Tells a user that tokens of theirs were found in a public place, and were revoked. */
export interface LeakMail extends AnyMail {
  readonly type: "tokens_leaked";
  readonly tokenIds: readonly string[];
}

/** Tells a user what was done with their account. */
export interface NoticeMail extends AnyMail {
  readonly type: "security_notice";
  /** Oldest first. */
  readonly notices: readonly {
    readonly kind: string;
    readonly subject: string | null;
    readonly login: NoticedLogin | null;
    readonly atMs: number;
  }[];
  /** Restores a changed email; only for the mailbox that had it. */
  readonly undo: Pick<TokenMail, "token" | "link" | "expiresAtMs"> | null;
  /** Revokes the log-ins among the notices; null where none has a row that could be revoked alone. */
  readonly revoke: Pick<TokenMail, "token" | "link" | "expiresAtMs"> | null;
}

export type Mail = TokenMail | LoginMail | LeakMail | NoticeMail;

/** Sends emails. */
export interface Mailer {
  /** @throws Error if it could not be handed over; its message reveals nothing of the email */
  send(mail: Mail): Promise<void>;
}

/** Work that continues after the answer was sent; a failure is logged. */
export type AfterResponse = (what: string, work: Promise<unknown>) => void;
