const MINUTE = 60;

/** One row a mail: the action that its token runs, and for how long, in seconds. */
export const MAILS = {
  password_reset: { action: "resetPassword", ttlSeconds: 10 * MINUTE },
  verify_email: { action: "verifyEmail", ttlSeconds: 24 * 60 * MINUTE },
} as const;

export type MailType = keyof typeof MAILS;

/**
 * What an address gets at most of the mails that strangers can cause, of whatever kind and whichever account
 * names it: a mailbox is no target to be flooded. Some are kept for networks that the account knows, so
 * that nobody can use up its owner's.
 */
export const MAIL_BUDGET = { intervalSeconds: MINUTE, aDay: 20, aDayForKnown: 25 } as const;

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

/** Tells somebody what was done with the account. */
export interface NoticeMail extends AnyMail {
  readonly type: "security_notice";
  /** Oldest first. */
  readonly notices: readonly {
    readonly kind: string;
    readonly subject: string | null;
    readonly atMs: number;
  }[];
  /** Puts a changed e-mail back; only for the mailbox that had it. */
  readonly undo: Pick<TokenMail, "token" | "link" | "expiresAtMs"> | null;
}

export type Mail = TokenMail | LeakMail | NoticeMail;

/** Brings mails on their way. */
export interface Mailer {
  /** @throws Error where it could not be handed over; its message says nothing of the mail */
  send(mail: Mail): Promise<void>;
}

/** What goes on after the answer has gone out; a failure is logged. */
export type AfterResponse = (what: string, work: Promise<unknown>) => void;
