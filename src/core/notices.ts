import type { AfterResponse, Mailer } from "./mail.ts";
import type { Secrets } from "./token.ts";

/** What the owner of an account is told about, no matter who did it: each changed a way in. */
export const SECURITY_NOTICES = [
  "password_changed",
  /** A new email is wanted; the old one stays until the new one is proven. */
  "email_change_requested",
  "email_changed",
  /** The old email was restored by a link sent to it. */
  "email_restored",
  "identity_linked",
  "identity_unlinked",
  /** With every scope. */
  "api_token_created",
] as const;

export type SecurityNotice = (typeof SECURITY_NOTICES)[number];

/** The action that restores the former email. */
export const UNDO_ACTION = "undoEmailChange";

/** How long after a change of the email the old mailbox may restore it. */
export const UNDO_MS = 7 * 86_400_000;

/** Whose notices are due, at which address: one mail. */
export interface DueNotices {
  readonly userId: string;
  readonly email: string;
  /** A stranger can cause it: it waits for its turn among such mails of the address. */
  readonly isLeak: boolean;
}

export interface TakenNotices {
  readonly notices: readonly {
    readonly kind: string;
    readonly subject: string | null;
    readonly atMs: number;
  }[];
  /** Until when the token stands that puts the e-mail back; null where there is nothing to put back. */
  readonly undoUntilMs: number | null;
}

/** Notices stay until the mail was handed over: one that fails comes again, and none is lost. */
export interface NoticeStore {
  /** @param userIds of whom; null for all */
  due(userIds: readonly string[] | null, limit: number, nowMs: number): Promise<DueNotices[]>;
  /**
   * Takes what is due, for a while in which nobody else has it; issues the token that undoes a change of
   * the e-mail, if the address is the one to which it can be put back.
   * @returns null where another has it, or the address has had its mails
   */
  take(due: DueNotices, sending: Sending, nowMs: number): Promise<TakenNotices | null>;
  /** It was handed over. */
  done(due: DueNotices, sending: Sending): Promise<void>;
  /** It was not: it is due again. */
  failed(due: DueNotices, sending: Sending, nowMs: number): Promise<void>;
}

export interface Sending {
  readonly id: string;
  /** Of the token that undoes. */
  readonly tokenId: string;
}

/** Mails in one run, and how many of them at once: the runtime opens six connections. */
const MAILS_A_RUN = 60;
const AT_ONCE = 5;
/** After an answer: what there is more of, housekeeping sends. */
const MAILS_AFTER_ANSWER = 5;

interface Deps {
  readonly store: NoticeStore;
  readonly mailer: Mailer;
  readonly secrets: Secrets;
  readonly afterResponse: AfterResponse;
  readonly issuer: string;
  readonly sendsMail: boolean;
}

export type Notices = ReturnType<typeof notices>;

/** Tells people what was done with their accounts. */
export function notices({ store, mailer, secrets, afterResponse, issuer, sendsMail }: Deps) {
  async function send(due: DueNotices, nowMs: number): Promise<void> {
    const { secret, id: tokenId } = await secrets.create("action");
    const sending = { id: crypto.randomUUID(), tokenId };
    const taken = await store.take(due, sending, nowMs);
    if (taken === null) return;
    const mail = { id: sending.id, to: due.email };
    const { undoUntilMs } = taken;
    try {
      await (due.isLeak
        ? mailer.send({
            ...mail,
            type: "tokens_leaked",
            tokenIds: taken.notices.map(({ subject }) => subject ?? ""),
          })
        : mailer.send({
            ...mail,
            type: "security_notice",
            notices: taken.notices,
            undo:
              undoUntilMs === null
                ? null
                : { token: secret, link: `${issuer}/a/${secret}`, expiresAtMs: undoUntilMs },
          }));
    } catch (error) {
      // guard: failed-notice-comes-again
      await store.failed(due, sending, nowMs);
      throw error;
    }
    await store.done(due, sending);
  }

  /** Each on its own: one that fails keeps back no other. @throws what the first failure was */
  async function deliver(
    userIds: readonly string[] | null,
    limit: number,
    nowMs: number,
  ): Promise<void> {
    const due = await store.due(userIds, limit, nowMs);
    const failures: unknown[] = [];
    for (let at = 0; at < due.length; at += AT_ONCE) {
      const sent = due.slice(at, at + AT_ONCE).map((each) => send(each, nowMs));
      for (const each of await Promise.allSettled(sent)) {
        if (each.status === "rejected") failures.push(each.reason);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  return {
    /** After the answer: of a change that wrote notices. */
    tell(userIds: readonly string[], nowMs: number): void {
      if (!sendsMail || userIds.length === 0) return;
      afterResponse("send security notices", deliver(userIds, MAILS_AFTER_ANSWER, nowMs));
    },

    /** Whatever is due, as much as one run takes. */
    async housekeeping(nowMs: number): Promise<void> {
      if (sendsMail) await deliver(null, MAILS_A_RUN, nowMs);
    },
  };
}
