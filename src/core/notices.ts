import type { NoticedLogin } from "./devices.ts";
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
  "passkey_added",
  "passkey_removed",
  "second_factor_added",
  "second_factor_removed",
  "recovery_code_used",
  /** With every scope. */
  "api_token_created",
  /** A log-in from a device and a network that the account had not used before. */
  "new_login",
] as const;

export type SecurityNotice = (typeof SECURITY_NOTICES)[number];

/** The action that restores the former email. */
export const UNDO_ACTION = "undoEmailChange";

/** The action that revokes log-ins that their user was told of. */
export const REVOKE_LOGINS_ACTION = "revokeLogins";

/** How long after a change of the email the old mailbox may restore it. */
export const UNDO_MS = 7 * 86_400_000;

/** Notices that are due, for one user at one address: one email. */
export interface DueNotices {
  readonly userId: string;
  readonly email: string;
  /** Strangers can cause it, so it counts toward MAIL_BUDGET of the address. */
  readonly isLeak: boolean;
}

export interface TakenNotices {
  readonly notices: readonly {
    readonly kind: string;
    readonly subject: string | null;
    /** Of `new_login`. */
    readonly login: NoticedLogin | null;
    readonly atMs: number;
  }[];
  /** Until when the token is valid that revokes the log-ins; null where there are none to revoke. */
  readonly revokeUntilMs: number | null;
  /** Until when the token is valid that restores the email; null where there is nothing to restore. */
  readonly undoUntilMs: number | null;
}

/** Notices stay until the email was handed over: a failure is retried, and none is lost. */
export interface NoticeStore {
  /** @param userIds null for all */
  due(userIds: readonly string[] | null, limit: number, nowMs: number): Promise<DueNotices[]>;
  /**
   * Leases what is due, so that no one else sends it meanwhile, and issues the token that undoes a change
   * of the email, if this is the address that it restores, and the one that revokes new log-ins.
   * @returns null where another has it, or the address has no turn now
   */
  take(due: DueNotices, sending: Sending, nowMs: number): Promise<TakenNotices | null>;
  /** It was sent. */
  done(due: DueNotices, sending: Sending): Promise<void>;
  /** It was not sent: it is due again. */
  failed(due: DueNotices, sending: Sending, nowMs: number): Promise<void>;
}

export interface Sending {
  readonly id: string;
  /** Of the token that undoes the change. */
  readonly tokenId: string;
  /** Of the token that revokes the log-ins. */
  readonly revokeTokenId: string;
}

/** Emails in one run, and how many at once: the runtime opens six connections. */
const MAILS_A_RUN = 60;
const AT_ONCE = 5;
/** After an answer; housekeeping sends the rest. */
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

/** Tells users what was done with their accounts. */
export function notices({ store, mailer, secrets, afterResponse, issuer, sendsMail }: Deps) {
  async function send(due: DueNotices, nowMs: number): Promise<void> {
    const { secret, id: tokenId } = await secrets.create("action");
    const revoking = await secrets.create("action");
    const sending = { id: crypto.randomUUID(), tokenId, revokeTokenId: revoking.id };
    const taken = await store.take(due, sending, nowMs);
    if (taken === null) return;
    const mail = { id: sending.id, to: due.email };
    const linkOf = (token: string, expiresAtMs: number | null) =>
      expiresAtMs === null ? null : { token, link: `${issuer}/a/${token}`, expiresAtMs };
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
            undo: linkOf(secret, taken.undoUntilMs),
            revoke: linkOf(revoking.secret, taken.revokeUntilMs),
          }));
    } catch (error) {
      // guard: failed-notice-is-retried
      await store.failed(due, sending, nowMs);
      throw error;
    }
    await store.done(due, sending);
  }

  /** Each on its own: one that fails does not hold back the others. @throws the first failure */
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
    /** After the answer: sends the notices of a change. */
    tell(userIds: readonly string[], nowMs: number): void {
      if (!sendsMail || userIds.length === 0) return;
      afterResponse("send security notices", deliver(userIds, MAILS_AFTER_ANSWER, nowMs));
    },

    /** Sends what is due, as much as fits in one run. */
    async housekeeping(nowMs: number): Promise<void> {
      if (sendsMail) await deliver(null, MAILS_A_RUN, nowMs);
    },
  };
}
