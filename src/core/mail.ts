import type { CallerRef } from "./ports.ts";

const MINUTE = 60;

/** One row a mail: the action that its token runs, and for how long, in seconds. */
export const MAILS = {
  password_reset: { action: "resetPassword", ttlSeconds: 10 * MINUTE },
  verify_email: { action: "verifyEmail", ttlSeconds: 24 * 60 * MINUTE },
} as const;

export type MailType = keyof typeof MAILS;

/** At most one mail an account in so long: a mailbox is no target to be flooded. */
export const MAIL_INTERVAL_SECONDS = MINUTE;

interface AnyMail {
  /** The same for every attempt to send it. */
  readonly id: string;
  readonly to: string;
}

/** A mail with a token in it. */
export interface TokenMail extends AnyMail {
  readonly type: MailType;
  readonly token: string;
  /** Where a page may take the token; whoever only reads it there runs nothing. */
  readonly link: string;
  readonly expiresAtMs: number;
}

/** Tells somebody that tokens of hers were found where they should not be, and have been ended. */
export interface LeakMail extends AnyMail {
  readonly type: "tokens_leaked";
  readonly tokenIds: readonly string[];
}

export type Mail = TokenMail | LeakMail;

/** Brings mails on their way. */
export interface Mailer {
  /** @throws Error where it could not be handed over; its message says nothing of the mail */
  send(mail: Mail): Promise<void>;
}

export interface MailToken {
  readonly id: string;
  readonly type: MailType;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Issues the token of a mail, for one run by the mailbox's owner. Whether there is an account, and
 * whether it had a mail within MAIL_INTERVAL_SECONDS, is decided in the statement that issues.
 * Both throw FaultError `unavailable`.
 */
export interface MailTokens {
  /** @returns whether there is a mail to send */
  issueFor(email: string, token: MailToken): Promise<boolean>;
  /** @returns the address to send it to, null for none, or `caller_gone` */
  issueTo(
    caller: CallerRef,
    token: MailToken,
  ): Promise<{ readonly email: string } | null | "caller_gone">;
}

/** What goes on after the answer has gone out; a failure is logged. */
export type Later = (what: string, work: Promise<unknown>) => void;
