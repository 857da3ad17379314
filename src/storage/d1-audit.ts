import sql from "sql-template-tag";
import * as v from "valibot";
import { AUDIT_COUNTED, AUDIT_EVENTS, type EventStore } from "../core/events.ts";
import { type Audit, type AuditRow as NewRow, firstIdOf, NIL_USER_ID } from "./audit-sql.ts";
import type { Background } from "./background.ts";
import type { Database } from "./database.ts";
import { cache } from "./cache.ts";
import { NOISE_MS, noise } from "./noise.ts";
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

/** @param network by which what names nobody is gathered */
export function d1Audit(
  db: Database,
  audit: Audit,
  background: Background,
  network: () => string,
): EventStore {
  const gathered = noise<NewRow>();
  /** Credentials that were shown here a moment ago: their owner has been told. */
  const shown = cache<true>(NOISE_MS);

  function gather(
    row: Omit<NewRow, "userId" | "credentialId">,
    afterResponse: (work: Promise<unknown>) => void,
    nowMs: number,
  ): void {
    const nobodys = { ...row, userId: NIL_USER_ID, credentialId: null, origin: audit.origin() };
    for (const [each, count] of gathered.add(network(), nobodys, nowMs)) {
      afterResponse(db.run(audit.always({ ...each, count }, nowMs)));
    }
  }

  /**
   * Of a token that no longer stands, its row may still say whose it was. Its owner is told once in ten
   * minutes, however often and from wherever it is shown; and never that it has merely expired.
   * @returns false where there is no such token
   */
  async function ofToken(
    row: Omit<NewRow, "userId"> & { readonly credentialId: string },
    userId: string | null,
    nowMs: number,
  ): Promise<boolean> {
    const { credentialId } = row;
    const owner =
      userId === null
        ? await db.first(
            sql`SELECT user_id, expires_at FROM tokens WHERE id = ${credentialId}`,
            v.object({ user_id: v.string(), expires_at: v.number() }),
          )
        : { user_id: userId, expires_at: Number.POSITIVE_INFINITY };
    if (owner === null) return false;
    if (owner.expires_at <= nowMs) return true;
    const told = sql`WHERE NOT EXISTS (SELECT 1 FROM audit WHERE user_id = ${owner.user_id}
      AND id >= ${firstIdOf(nowMs - NOISE_MS)} AND credential = ${credentialId} AND outcome = 'refused')`;
    await db.run(audit.where({ ...row, userId: owner.user_id }, told, nowMs));
    return true;
  }

  return {
    async list(userId, page) {
      // An id says its time: the primary key leads to the page, however many events there are.
      const from = page.after === null ? sql`TRUE` : sql`id < ${page.after.id}`;
      const rows = await db.all(
        // guard: own-events-only
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
      const nowMs = Date.now();
      const afterResponse = (work: Promise<unknown>) =>
        background.afterResponse("write down a refused credential", work);
      const row = { what, outcome: "refused" as const, actorId, subjectId: null };
      if (credentialId === null && userId === null) gather(row, afterResponse, nowMs);
      else if (credentialId === null) {
        // A wrong password: how many may be tried is bounded.
        afterResponse(
          db.run(audit.always({ ...row, userId: sql`${userId}`, credentialId }, nowMs)),
        );
      } else if (shown.get(credentialId, nowMs) === null) {
        shown.set(credentialId, true, nowMs);
        afterResponse(
          ofToken({ ...row, credentialId }, userId, nowMs).then((isKnown) => {
            if (!isKnown) gather(row, afterResponse, nowMs);
          }),
        );
      }
    },
  };
}
