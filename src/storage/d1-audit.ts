import sql from "sql-template-tag";
import * as v from "valibot";
import { AUDIT_COUNTED, AUDIT_EVENTS, type AuditLog } from "../core/audit.ts";
import { type Audit, firstIdOf, NOBODY } from "./audit-sql.ts";
import type { Background } from "./background.ts";
import type { Database } from "./database.ts";
import { toPage } from "./paging.ts";

const nullable = v.nullable(v.string());

const AuditRow = v.object({
  id: v.string(),
  at: v.number(),
  what: v.picklist(AUDIT_EVENTS),
  outcome: v.picklist(["done", "refused"]),
  actor: nullable,
  credential: nullable,
  subject: nullable,
  address: nullable,
  request_id: nullable,
});

const DayRow = v.object({ day: v.number(), done: v.number(), counted: v.number() });

const DAY_MS = 86_400_000;

export function d1Audit(db: Database, audit: Audit, background: Background): AuditLog {
  return {
    async list(userId, page) {
      // An id says its time: the primary key leads to the page, however many events there are.
      const from = page.after === null ? sql`TRUE` : sql`id < ${page.after.id}`;
      const rows = await db.all(
        sql`SELECT id, at, what, outcome, actor, credential, subject, address, request_id FROM audit
          WHERE user_id = ${userId} AND ${from} ORDER BY id DESC LIMIT ${page.limit + 1}`,
        AuditRow,
      );
      const entries = rows.map((row) => ({
        id: row.id,
        createdAtMs: row.at,
        what: row.what,
        outcome: row.outcome,
        actorId: row.actor,
        credentialId: row.credential,
        subjectId: row.subject,
        address: row.address,
        requestId: row.request_id,
      }));
      return toPage(entries, page);
    },

    async perDay(userId, days, nowMs) {
      const todayMs = nowMs - (nowMs % DAY_MS);
      const firstMs = todayMs - (days - 1) * DAY_MS;
      // A stretch of the primary key, from its end on: an id begins with its time.
      const counted = await db.all(
        sql`SELECT CAST(at / ${DAY_MS} AS INTEGER) AS day, SUM(outcome = 'done') AS done, COUNT(*) AS counted FROM
            (SELECT at, outcome FROM audit WHERE user_id = ${userId} AND id >= ${firstIdOf(firstMs)}
              ORDER BY id DESC LIMIT ${AUDIT_COUNTED})
          GROUP BY day`,
        DayRow,
      );
      const byDay = new Map(counted.map((row) => [row.day, row]));
      const total = counted.reduce((sum, row) => sum + row.counted, 0);
      return {
        isAll: total < AUDIT_COUNTED,
        days: Array.from({ length: days }, (_, index) => {
          const startMs = firstMs + index * DAY_MS;
          const { done, counted: all } = byDay.get(startMs / DAY_MS) ?? { done: 0, counted: 0 };
          return { startMs, done, refused: all - done };
        }),
      };
    },

    refused(what, { userId, credentialId, actorId = null }) {
      // Of a token that no longer stands, its row may still say whose it was.
      const owner = sql`COALESCE(${userId}, (SELECT user_id FROM tokens WHERE id = ${credentialId}), ${NOBODY})`;
      const row = { what, userId: owner, actorId, credentialId, subjectId: null };
      const statement = audit.always({ ...row, outcome: "refused" }, Date.now());
      background.later("write down a refused credential", db.run(statement));
    },
  };
}
