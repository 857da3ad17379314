import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import {
  type DueNotices,
  type NoticeStore,
  type SecurityNotice,
  UNDO_ACTION,
  UNDO_MS,
} from "../core/notices.ts";
import { digestOf } from "./address-digest.ts";
import { timeOrdered } from "./audit-sql.ts";
import type { Database } from "./database.ts";
import { hasTurn, takeNoticeTurn, takeTurn } from "./mail-budget.ts";
import { USER_IS_ACTIVE } from "./active-sql.ts";

/** Whoever took notices has so long to hand them over; a turn that was not had comes again after as long. */
const LEASE_MS = 60_000;
/** Between tries that fail: the double each time, to an hour. */
const LONGEST_WAIT_MS = 3_600_000;
/** In one mail. */
const NOTICES_A_MAIL = 100;

/** Changes of the e-mail are told to the mailbox too that can put the former one back. */
const OF_EMAIL: readonly SecurityNotice[] = ["email_change_requested", "email_changed"];

/** Makes the statements that queue what an owner is told; none where no mail goes out. */
export interface NoticeSql {
  /**
   * In the batch of the change, while `users.email` is still the one to be told. Where it was never proven
   * nobody is: it may be a stranger's.
   * @param onlyIf true if, and only if, the change happens; may be `changes() > 0`
   */
  queue(
    kind: SecurityNotice,
    userId: string | Sql,
    onlyIf: Sql,
    nowMs: number,
    subject?: string,
  ): readonly Sql[];
  /** Of tokens that leaked, to the proven e-mails of their owners. */
  leaked(which: Sql, nowMs: number, subject?: string): readonly Sql[];
}

const LEAK = "token_leaked";

export function noticeSql(sendsMail: boolean): NoticeSql {
  const insert = (kind: string, subject: string | Sql | null, to: Sql, nowMs: number, from: Sql) =>
    sql`INSERT INTO notices (user_id, id, email, kind, subject, at, due_at)
      SELECT users.id, ${timeOrdered(nowMs).slice(0, -12)} || lower(hex(randomblob(6))), ${to}, ${kind},
        ${subject}, ${nowMs}, ${nowMs} ${from} AND ${USER_IS_ACTIVE} AND users.verified_on IS NOT NULL`;
  return {
    queue(kind, userId, onlyIf, nowMs, subject) {
      if (!sendsMail) return [];
      const whose = sql`FROM users WHERE users.id = ${userId} AND ${onlyIf}`;
      const own = insert(kind, subject ?? null, sql`users.email`, nowMs, whose);
      if (!OF_EMAIL.includes(kind)) return [own];
      const former = sql`${whose} AND users.undo_until > ${nowMs} AND users.undo_email <> users.email`;
      return [own, insert(kind, subject ?? null, sql`users.undo_email`, nowMs, former)];
    },
    leaked(which, nowMs, subject) {
      if (!sendsMail) return [];
      const from = sql`FROM tokens JOIN users ON users.id = tokens.user_id
        WHERE ${which}`;
      return [insert(LEAK, subject ?? sql`tokens.id`, sql`users.email`, nowMs, from)];
    },
  };
}

const DueRow = v.object({
  user_id: v.string(),
  email: v.string(),
  is_leak: v.number(),
});
const TakenRow = v.object({
  kind: v.string(),
  subject: v.nullable(v.string()),
  at: v.number(),
  lease: v.nullable(v.string()),
});

export function d1Notices(db: Database): NoticeStore {
  const group = ({ userId, email, isLeak }: DueNotices): Sql =>
    sql`user_id = ${userId} AND email = ${email} AND ${isLeak ? sql`kind = ${LEAK}` : sql`kind <> ${LEAK}`}`;

  return {
    async due(userIds, limit, nowMs) {
      const whose =
        userIds === null
          ? sql`TRUE`
          : sql`user_id IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`;
      const rows = await db.all(
        sql`SELECT user_id, email, kind = ${LEAK} AS is_leak FROM notices
          WHERE due_at <= ${nowMs} AND ${whose} GROUP BY user_id, email, kind = ${LEAK}
          ORDER BY MIN(due_at) LIMIT ${limit}`,
        DueRow,
      );
      return rows.map(({ user_id, email, is_leak }) => ({
        userId: user_id,
        email,
        isLeak: is_leak === 1,
      }));
    },

    async take(due, sending, nowMs) {
      const { userId, email, isLeak } = due;
      const address = await digestOf(email);
      const isDue = sql`${group(due)} AND due_at <= ${nowMs}`;
      const onlyIf = sql`EXISTS (SELECT 1 FROM notices WHERE ${isDue})`;
      const turn = { address, by: sending.id, onlyIf, nowMs };
      const mine = hasTurn(address, sending.id);
      // The double of the last wait, each time that it was taken.
      const leased = sql`${nowMs} + MIN(${LONGEST_WAIT_MS}, ${LEASE_MS} * (1 << MIN(tries, 6)))`;
      const undo = sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at,
          max_uses, detail)
        SELECT ${sending.tokenId}, 'action', users.id, users.credential_version, ${nowMs}, ${nowMs}, users.undo_until, 1,
          json_object('action', ${UNDO_ACTION}, 'payload', json_object('email', users.undo_email),
            'audience', users.id, 'internal', json('true'))
        FROM users WHERE users.id = ${userId} AND ${USER_IS_ACTIVE} AND users.undo_email = ${email}
          AND users.undo_until > ${nowMs} AND EXISTS (SELECT 1 FROM notices WHERE user_id = ${userId}
            AND lease = ${sending.id} AND kind IN (${join([...OF_EMAIL])}))
        RETURNING expires_at`;
      const [, taken = [], [issued] = []] = await db.batch([
        isLeak ? takeTurn(turn, sql`FALSE`) : takeNoticeTurn(turn),
        sql`UPDATE notices SET lease = CASE WHEN ${mine} THEN ${sending.id} ELSE lease END,
            tries = tries + ${mine}, due_at = CASE WHEN ${mine} THEN ${leased} ELSE ${nowMs + LEASE_MS} END
          WHERE user_id = ${userId} AND id IN (SELECT id FROM notices WHERE ${isDue} ORDER BY id LIMIT ${NOTICES_A_MAIL})
          RETURNING kind, subject, at, lease`,
        undo,
      ]);
      const rows = v.parse(v.array(TakenRow), taken).filter(({ lease }) => lease === sending.id);
      if (rows.length === 0) return null;
      return {
        notices: rows
          .map(({ kind, subject, at }) => ({ kind, subject, atMs: at }))
          .toSorted((one, other) => one.atMs - other.atMs),
        undoUntilMs:
          issued === undefined
            ? null
            : v.parse(v.object({ expires_at: v.number() }), issued).expires_at,
      };
    },

    async done({ userId }, { id }) {
      await db.run(sql`DELETE FROM notices WHERE user_id = ${userId} AND lease = ${id}`);
    },

    async failed({ userId, email, isLeak }, { id }, nowMs) {
      const address = await digestOf(email);
      await db.batch([
        sql`UPDATE notices SET due_at = CASE WHEN tries < 3 THEN ${nowMs} ELSE due_at END
          WHERE user_id = ${userId} AND lease = ${id}`,
        ...(isLeak
          ? []
          : [sql`UPDATE mails SET noticed_at = 0 WHERE id = ${address} AND token_id = ${id}`]),
      ]);
    },
  };
}

/**
 * For the batch that raises the user's credential version, behind it: the tokens by which the former mailbox takes the
 * account back stay, or whoever changed the e-mail would end them by a new password.
 */
export function carryUndo(userId: string, raised: Sql): Sql {
  // The user comes first: without a change of e-mail to undo, none of their tokens is looked at.
  return sql`UPDATE tokens SET credential_version = credential_version + 1
    WHERE ${raised} AND id IN (SELECT undo.id FROM users CROSS JOIN tokens AS undo ON undo.user_id = users.id
      WHERE users.id = ${userId} AND users.undo_until IS NOT NULL AND undo.kind = 'action'
        AND undo.revoked_at IS NULL AND undo.uses < undo.max_uses AND undo.credential_version + 1 = users.credential_version
        AND undo.detail ->> '$.action' = ${UNDO_ACTION})`;
}

/** What a change away from the present e-mail sets: only one that was settled, and proven, can be put back. */
export function keepForUndo(nowMs: number): Sql {
  const isSettled = sql`verified_on IS NOT NULL
    AND (undo_until IS NULL OR undo_until <= ${nowMs} OR undo_email = email)`;
  return sql`undo_email = CASE WHEN ${isSettled} THEN email ELSE undo_email END,
    undo_until = CASE WHEN ${isSettled} THEN ${nowMs + UNDO_MS} ELSE undo_until END`;
}
