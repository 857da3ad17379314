import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import { MAIL_BUDGET, MAILS } from "../core/mail.ts";
import {
  type DueNotices,
  type NoticeStore,
  REVOKE_LOGINS_ACTION,
  type SecurityNotice,
  UNDO_ACTION,
  UNDO_MS,
} from "../core/notices.ts";
import type { MailToken, MailTokenStore } from "../core/recovery.ts";
import type { NoticeStatements, StorageContext } from "./context.ts";
import { digestOf, flag, idsIn, json, networkDigest, textOf } from "./d1.ts";
import { DEVICE_FIELDS, isKnownNetwork } from "./devices.ts";
import { byCaller, timeOrdered } from "./events.ts";
import { callerIsActive, USER_IS_ACTIVE } from "./revocation.ts";
import { isFree } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

const INTERVAL_MS = MAIL_BUDGET.intervalSeconds * 1000;
const DAY_MS = 86_400_000;

interface Turn {
  /** Digest of the address. */
  readonly address: string;
  /** What takes it: the id of a token, or of a sending. */
  readonly by: string;
  /** Whether there is anything to send. */
  readonly onlyIf: Sql;
  readonly nowMs: number;
}

/**
 * Reserves one of the emails that strangers can cause to an address, if MAIL_BUDGET allows it. One
 * statement, so of two at once one gets it. It stores the times of the last day, not a counter, so that
 * the day's limit holds for any 24 hours.
 * @param isKnown whether the request came from a network that the address's account knows
 */
export function takeTurn({ address, by, onlyIf, nowMs }: Turn, isKnown: Sql): Sql {
  const recent = sql`FROM json_each(mails.sent) WHERE value > ${nowMs - DAY_MS}`;
  // guard: mail-budget-has-an-interval
  return sql`INSERT INTO mails (id, token_id, sent_at, sent, due_at)
    SELECT ${address}, ${uuid(by)}, ${nowMs}, json_array(${nowMs}), ${nowMs} WHERE ${onlyIf}
    ON CONFLICT (id) DO UPDATE SET token_id = excluded.token_id, sent_at = excluded.sent_at,
      sent = (SELECT json_group_array(value) FROM (SELECT value ${recent} UNION ALL SELECT ${nowMs}))
    WHERE mails.sent_at <= ${nowMs - INTERVAL_MS}
      AND (SELECT COUNT(*) ${recent}) < CASE WHEN ${isKnown} THEN ${MAIL_BUDGET.aDayForKnown} ELSE ${MAIL_BUDGET.aDay} END`;
}

/** The same for emails that only the account's own changes cause: those of a minute in one, with no daily limit. */
function takeNoticeTurn({ address, by, onlyIf, nowMs }: Turn): Sql {
  return sql`INSERT INTO mails (id, token_id, sent_at, noticed_at, due_at)
    SELECT ${address}, ${uuid(by)}, 0, ${nowMs}, ${nowMs} WHERE ${onlyIf}
    ON CONFLICT (id) DO UPDATE SET token_id = excluded.token_id, noticed_at = excluded.noticed_at
    WHERE mails.noticed_at <= ${nowMs - INTERVAL_MS}`;
}

export const hasTurn = (address: string, by: string): Sql =>
  sql`EXISTS (SELECT 1 FROM mails WHERE mails.id = ${address} AND mails.token_id = ${uuid(by)})`;

/** How long a sender may take to hand notices over, and how long until a denied turn is tried again. */
const LEASE_MS = 60_000;
/** The delay after a failure doubles each time, up to an hour. */
const LONGEST_WAIT_MS = 3_600_000;
/** In one email. */
const NOTICES_A_MAIL = 100;

/** Changes of the email are also told to the mailbox that can restore the former one. */
const OF_EMAIL: readonly SecurityNotice[] = ["email_change_requested", "email_changed"];

const LEAK = "token_leaked";

export function createNoticeStatements(sendsMail: boolean): NoticeStatements {
  const insert = (
    kind: string,
    subject: string | Sql | null,
    to: Sql,
    nowMs: number,
    from: Sql,
    detail: string | null = null,
  ) =>
    sql`INSERT INTO notices (user_id, id, email, kind, subject, detail, at, due_at)
      SELECT users.id, unhex(${timeOrdered(nowMs).slice(0, -12)} || hex(randomblob(6)), '-'), ${to}, ${kind},
        ${uuid(subject)}, ${detail}, ${nowMs}, ${nowMs} ${from} AND ${USER_IS_ACTIVE} AND users.verified_on IS NOT NULL`;
  return {
    queue(kind, userId, onlyIf, nowMs, subject, detail) {
      if (!sendsMail) return [];
      const owner = sql`FROM users WHERE users.id = ${uuid(userId)} AND ${onlyIf}`;
      const own = insert(kind, subject ?? null, sql`users.email`, nowMs, owner, detail);
      if (!OF_EMAIL.includes(kind)) return [own];
      const former = sql`${owner} AND users.undo_until > ${nowMs} AND users.undo_email <> users.email`;
      return [own, insert(kind, subject ?? null, sql`users.undo_email`, nowMs, former)];
    },
    leaked(filter, nowMs, subject) {
      if (!sendsMail) return [];
      const from = sql`FROM tokens JOIN users ON users.id = tokens.user_id
        WHERE ${filter}`;
      return [insert(LEAK, subject ?? sql`tokens.id`, sql`users.email`, nowMs, from)];
    },
  };
}

const DueRow = v.object({
  userId: v.string(),
  email: v.string(),
  isLeak: flag,
});
const NoticedLogin = v.object({ ...DEVICE_FIELDS, way: v.string() });

const TakenRow = v.object({
  kind: v.string(),
  subject: v.nullable(v.string()),
  login: v.nullable(v.pipe(json, NoticedLogin)),
  atMs: v.number(),
  lease: v.nullable(v.string()),
});

const endOf = ([row]: readonly unknown[]) =>
  row === undefined ? null : v.parse(v.object({ expires_at: v.number() }), row).expires_at;

/** How long a new log-in can be revoked by the link in its email. */
const REVOKE_MS = 7 * DAY_MS;

export function createNotices({ db }: StorageContext): NoticeStore {
  const group = ({ userId, email, isLeak }: DueNotices): Sql =>
    sql`user_id = ${uuid(userId)} AND email = ${email} AND ${isLeak ? sql`kind = ${LEAK}` : sql`kind <> ${LEAK}`}`;

  return {
    async due(userIds, limit, nowMs) {
      const owners = userIds === null ? sql`TRUE` : sql`user_id IN ${idsIn(userIds)}`;
      return db.all(
        sql`SELECT user_id AS userId, email, kind = ${LEAK} AS isLeak FROM notices
          WHERE due_at <= ${nowMs} AND ${owners} GROUP BY user_id, email, kind = ${LEAK}
          ORDER BY MIN(due_at) LIMIT ${limit}`,
        DueRow,
      );
    },

    async take(due, sending, nowMs) {
      const { userId, email, isLeak } = due;
      const address = await digestOf(email);
      const isDue = sql`${group(due)} AND due_at <= ${nowMs}`;
      const onlyIf = sql`EXISTS (SELECT 1 FROM notices WHERE ${isDue})`;
      const turn = { address, by: sending.id, onlyIf, nowMs };
      const mine = hasTurn(address, sending.id);
      // Doubles each time that it is taken.
      const leased = sql`${nowMs} + MIN(${LONGEST_WAIT_MS}, ${LEASE_MS} * (1 << MIN(attempts, 6)))`;
      const undo = sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at,
          max_uses, detail)
        SELECT ${uuid(sending.tokenId)}, 'action', users.id, users.credential_version, ${nowMs}, ${nowMs}, users.undo_until, 1,
          json_object('action', ${UNDO_ACTION}, 'payload', json_object('email', users.undo_email),
            'audience', ${textOf(sql`users.id`)}, 'internal', json('true'))
        FROM users WHERE users.id = ${uuid(userId)} AND ${USER_IS_ACTIVE} AND users.undo_email = ${email}
          AND users.undo_until > ${nowMs} AND EXISTS (SELECT 1 FROM notices WHERE user_id = ${uuid(userId)}
            AND lease = ${uuid(sending.id)} AND kind IN (${join([...OF_EMAIL])}))
        RETURNING expires_at`;
      const isNewLogin = sql`user_id = ${uuid(userId)} AND lease = ${uuid(sending.id)} AND kind = 'new_login' AND subject IS NOT NULL`;
      const revoke = sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at,
          max_uses, detail)
        SELECT ${uuid(sending.revokeTokenId)}, 'action', users.id, users.credential_version, ${nowMs}, ${nowMs}, ${nowMs + REVOKE_MS}, 1,
          json_object('action', ${REVOKE_LOGINS_ACTION}, 'payload', json_object('logins',
              json((SELECT json_group_array(${textOf(sql`subject`)}) FROM notices WHERE ${isNewLogin}))),
            'audience', ${textOf(sql`users.id`)}, 'internal', json('true'))
        FROM users WHERE users.id = ${uuid(userId)} AND ${USER_IS_ACTIVE} AND EXISTS (SELECT 1 FROM notices WHERE ${isNewLogin})
        RETURNING expires_at`;
      const { taken, issued, revoking } = await db.batch({
        turn: isLeak ? takeTurn(turn, sql`FALSE`) : takeNoticeTurn(turn),
        taken: sql`UPDATE notices SET lease = CASE WHEN ${mine} THEN ${uuid(sending.id)} ELSE lease END,
            attempts = attempts + ${mine}, due_at = CASE WHEN ${mine} THEN ${leased} ELSE ${nowMs + LEASE_MS} END
          WHERE user_id = ${uuid(userId)} AND id IN (SELECT id FROM notices WHERE ${isDue} ORDER BY id LIMIT ${NOTICES_A_MAIL})
          RETURNING kind, subject, detail AS login, at AS atMs, lease`,
        issued: undo,
        revoking: revoke,
      });
      const rows = v.parse(v.array(TakenRow), taken).filter(({ lease }) => lease === sending.id);
      if (rows.length === 0) return null;
      return {
        notices: rows
          .map(({ lease: _, ...notice }) => notice)
          .toSorted((one, other) => one.atMs - other.atMs),
        undoUntilMs: endOf(issued),
        revokeUntilMs: endOf(revoking),
      };
    },

    async done({ userId }, { id }) {
      await db.run(
        sql`DELETE FROM notices WHERE user_id = ${uuid(userId)} AND lease = ${uuid(id)}`,
      );
    },

    async failed({ userId, email, isLeak }, { id }, nowMs) {
      const address = await digestOf(email);
      await db.batch({
        notices: sql`UPDATE notices SET due_at = CASE WHEN attempts < 3 THEN ${nowMs} ELSE due_at END
          WHERE user_id = ${uuid(userId)} AND lease = ${uuid(id)}`,
        turn: isLeak
          ? []
          : sql`UPDATE mails SET noticed_at = 0 WHERE id = ${address} AND token_id = ${uuid(id)}`,
      });
    },
  };
}

/**
 * For the batch that raises the user's credential version, after it: the tokens with which the former
 * mailbox can restore the email stay valid. Otherwise the one who changed it would revoke them by a new password.
 */
export function carryUndo(userId: string, raised: Sql): Sql {
  // The user comes first: without a change of the email to undo, none of their tokens is read.
  return sql`UPDATE tokens SET credential_version = credential_version + 1
    WHERE ${raised} AND id IN (SELECT undo.id FROM users CROSS JOIN tokens AS undo ON undo.user_id = users.id
      WHERE users.id = ${uuid(userId)} AND users.undo_until IS NOT NULL AND undo.kind = 'action'
        AND undo.revoked_at IS NULL AND undo.uses < undo.max_uses AND undo.credential_version + 1 = users.credential_version
        AND undo.detail ->> '$.action' = ${UNDO_ACTION})`;
}

/** What a change of the email sets: only one that was settled, and proven, can be restored. */
export function keepForUndo(nowMs: number): Sql {
  const isSettled = sql`verified_on IS NOT NULL
    AND (undo_until IS NULL OR undo_until <= ${nowMs} OR undo_email = email)`;
  return sql`undo_email = CASE WHEN ${isSettled} THEN email ELSE undo_email END,
    undo_until = CASE WHEN ${isSettled} THEN ${nowMs + UNDO_MS} ELSE undo_until END`;
}

const IsActiveRow = v.object({ is_active: v.number() });
const AskedRow = v.object({ ...IsActiveRow.entries, email: v.nullable(v.string()) });

export function createMailTokens({
  db,
  events,
  served,
  isOperator,
}: StorageContext): MailTokenStore {
  /**
   * One batch. The first statement takes the address's turn to get an email, if there is an account and
   * MAIL_BUDGET allows it; the second issues the token if this token has the turn. `internal` keeps the
   * token out of its user's lists.
   * @param who the account, among `users`
   * @param after what else to ask, at the same instant
   * @param isTrusted whether the reserve of MAIL_BUDGET is open, from whatever network
   */
  async function issue(
    email: string,
    who: Sql,
    { id, type, createdAtMs, expiresAtMs }: MailToken,
    event: readonly Sql[],
    after: Sql | readonly Sql[] = [],
    isTrusted: Sql = sql`FALSE`,
  ): Promise<{ readonly isIssued: boolean; readonly after: readonly unknown[] }> {
    const [address, from] = await Promise.all([digestOf(email), networkDigest(served.network())]);
    const { action } = MAILS[type];
    const account = sql`${USER_IS_ACTIVE} AND ${who}`;
    // The reserve for known networks is for an account's own email, not for one that it merely wants.
    const isKnown = sql`(${isTrusted} OR ${isKnownNetwork(sql`(SELECT id FROM users WHERE ${account} AND users.email = ${email})`, from, createdAtMs)})`;
    const onlyIf = sql`EXISTS (SELECT 1 FROM users WHERE ${account})`;
    const rows = await db.batch({
      turn: takeTurn({ address, by: id, onlyIf, nowMs: createdAtMs }, isKnown),
      issued: sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, max_uses,
          detail)
        SELECT ${uuid(id)}, 'action', users.id, users.credential_version, ${createdAtMs}, ${createdAtMs}, ${expiresAtMs},
          1, json_object('action', ${action}, 'payload', json_object('email', ${email}),
            'audience', ${textOf(sql`users.id`)}, 'internal', json('true'))
        FROM users WHERE ${hasTurn(address, id)} AND ${account}
        RETURNING user_id`,
      event,
      after,
    });
    return { isIssued: rows.issued.length > 0, after: rows.after };
  }

  return {
    async issueFor(email, token) {
      // Anyone may ask, without a credential.
      const event = events.afterToken("mail.issued", token.id, token.createdAtMs, null);
      return (await issue(email, sql`users.email = ${email}`, token, event)).isIssued;
    },

    async issueTo(caller, token) {
      const nowMs = token.createdAtMs;
      const isActive = callerIsActive(caller, nowMs);
      const asked = await db.first(
        // A service has no mailbox.
        sql`SELECT ${isActive} AS is_active, CASE WHEN kind = 'service' THEN NULL
            WHEN verified_on IS NULL THEN email ELSE pending_email END AS email
          FROM users WHERE id = ${uuid(caller.userId)}`,
        AskedRow,
      );
      if (asked === null || asked.is_active === 0) return "caller_gone";
      const { email } = asked;
      if (email === null) return null;
      const isTheirs = sql`(users.email = ${email} AND users.verified_on IS NULL
        OR users.pending_email = ${email} AND ${isFree(email, caller.userId, nowMs)})`;
      const who = sql`users.id = ${uuid(caller.userId)} AND ${isTheirs} AND ${isActive}`;
      const event = events.afterCaller("mail.issued", caller, token.id, nowMs);
      const asksAgain = sql`SELECT ${isActive} AS is_active`;
      const { isIssued, after } = await issue(email, who, token, event, asksAgain);
      if (isIssued) return { email };
      return v.parse(IsActiveRow, after[0]).is_active === 1 ? null : "caller_gone";
    },

    async issueByOperator(operator, userId, token) {
      const nowMs = token.createdAtMs;
      const may = isOperator(operator, nowMs);
      const asked = await db.first(
        sql`SELECT email FROM users WHERE id = ${uuid(userId)} AND kind = 'person' AND ${USER_IS_ACTIVE}`,
        v.object({ email: v.string() }),
      );
      if (asked === null) return "not_found";
      const { email } = asked;
      const who = sql`users.id = ${uuid(userId)} AND users.email = ${email} AND ${may}`;
      const event = events.after(
        {
          what: "mail.issued",
          ...byCaller(operator),
          userId,
          subjectId: token.id,
          byOperator: true,
        },
        nowMs,
      );
      const asksAgain = sql`SELECT ${may} AS is_active`;
      const { isIssued, after } = await issue(email, who, token, event, asksAgain, sql`TRUE`);
      if (isIssued) return { email };
      return v.parse(IsActiveRow, after[0]).is_active === 1 ? "over_budget" : "not_operator";
    },

    async issueToPending(userId, email, token) {
      const nowMs = token.createdAtMs;
      const who = sql`users.id = ${uuid(userId)} AND users.pending_email = ${email}
        AND ${isFree(email, userId, nowMs)}`;
      const event = events.afterToken("mail.issued", token.id, nowMs, userId);
      return (await issue(email, who, token, event)).isIssued;
    },
  };
}
