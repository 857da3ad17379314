import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import { RECEIVERS } from "../core/deliveries.ts";
import type { Database } from "./d1.ts";
import { IS_ROUTINE, NIL_USER_ID } from "./event-rows.ts";
import type { ArchiveRun } from "./events-archive.ts";
import { firstIdOf } from "./events.ts";
import { uuid } from "../core/uuid.ts";

const DAYS_A_STEP = 1_000;
const EVENTS_A_STEP = 1_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Events that name no user show attacks that are under way. */
const UNATTRIBUTED_KEPT_MS = 7 * DAY_MS;
const MAX_UNATTRIBUTED = 100_000;

/** One kind of work, a step at a time; steps of different tasks take turns. */
export interface Task {
  /** @returns how many rows it deleted, and whether there is nothing left to do in this run */
  step(): Promise<{ readonly deleted: number; readonly isDone: boolean }>;
  /** One number: when the oldest row that should be gone should have gone; null if there is none. */
  readonly overdue?: Sql;
}

export interface EventLimits {
  /** How long events are kept. */
  readonly eventDays: number;
  readonly routineEventDays: number;
}

/** Not while a receiver still has to get it, or may have it replayed. */
const IS_DELIVERED: Sql = join(
  [sql`deliveries`, sql`dead_letters`].map(
    (
      table,
    ) => sql`NOT EXISTS (SELECT 1 FROM ${table} AS o WHERE o.receiver IN (${join([...RECEIVERS])})
      AND o.user_id = events.user_id AND o.event_id = events.id)`,
  ),
  " AND ",
);

const Cursor = v.object({ cursor: v.string() });
const Day = v.object({ day: v.number(), user_id: v.string() });

/** The first id of a day, in SQL. */
const firstIdOn = (day: Sql): Sql =>
  sql`unhex(printf('%012x', (${day}) * ${DAY_MS}) || '00000000000000000000')`;

/**
 * Tasks that delete the events that have expired. Those of a user's day go together, once all of their kinds have: so the
 * work is in proportion to what goes.
 */
export function eventTasks(
  db: Database,
  limits: EventLimits,
  nowMs: number,
  archive: ArchiveRun | null,
): readonly Task[] {
  const { eventDays, routineEventDays } = limits;
  // First what expires sooner: its cursor only moves on. Later all that is left, with the rows of the days.
  const first =
    routineEventDays < eventDays
      ? daysTask(db, "events:routine", routineEventDays, IS_ROUTINE, nowMs, archive)
      : daysTask(db, "events:security", eventDays, sql`NOT (${IS_ROUTINE})`, nowMs, archive);
  const all = daysTask(db, "events", Math.max(eventDays, routineEventDays), null, nowMs, archive);
  return [
    unattributedTask(db, nowMs, archive),
    ...(eventDays === routineEventDays ? [] : [first]),
    all,
  ];
}

/**
 * What deletes the events that a query selects, which are of one day where there is an archive.
 * @returns "stopped" where they stay for now, null where there are none
 */
async function deletionOf(db: Database, archive: ArchiveRun | null, these: Sql) {
  if (archive !== null) return archive.store(db, these);
  return [sql`DELETE FROM events WHERE (user_id, id) IN (${these}) RETURNING 1`];
}

/** @param which of the day's events go; null for all, and then the row of the day too */
function daysTask(
  db: Database,
  task: string,
  days: number,
  which: Sql | null,
  nowMs: number,
  archive: ArchiveRun | null,
): Task {
  const before = Math.floor(nowMs / DAY_MS) - days;
  const saved = sql`COALESCE((SELECT cursor FROM housekeeping WHERE task = ${task}), '')`;
  const own = sql`events.user_id = d.user_id
    AND events.id >= ${firstIdOn(sql`d.day`)} AND events.id < ${firstIdOn(sql`d.day + 1`)}`;
  const waits = sql`EXISTS (SELECT 1 FROM events WHERE ${own} AND ${which ?? sql`TRUE`} AND ${IS_DELIVERED})`;
  let cursor: string | null = null;
  return {
    overdue: sql`SELECT (day + 1 + ${days}) * ${DAY_MS} FROM event_days AS d WHERE day < ${before}
      AND (day, user_id) > (CAST(${saved} AS INTEGER), unhex(substr(${saved}, instr(${saved}, '/') + 1), '-')) AND ${waits}
      ORDER BY day, user_id LIMIT 1`,
    async step() {
      cursor ??= (await db.first(sql`SELECT ${saved} AS cursor`, Cursor))?.cursor ?? "";
      const [day, userId = ""] = cursor.split("/");
      // guard: only-expired-days-go
      const rest = sql`FROM event_days WHERE (day, user_id) > (${Number(day)}, ${uuid(userId)}) AND day < ${before}`;
      const oneDay = sql`AND day = (SELECT day ${rest} ORDER BY day, user_id LIMIT 1)`;
      const users = sql`SELECT day, user_id ${rest} ${archive === null ? sql`` : oneDay} ORDER BY day, user_id LIMIT ${DAYS_A_STEP}`;
      // guard: undelivered-events-stay
      const these = sql`SELECT events.user_id, events.id FROM (${users}) AS d
        CROSS JOIN events ON ${own} WHERE ${which ?? sql`TRUE`} AND ${IS_DELIVERED} LIMIT ${EVENTS_A_STEP}`;
      const deletion = await deletionOf(db, archive, these);
      if (deletion === "stopped") return { deleted: 0, isDone: true };
      const { seen, gone } = await db.batch({
        seen: users,
        gone: deletion ?? [],
        days:
          which === null
            ? sql`DELETE FROM event_days AS d WHERE (day, user_id) IN (${users}) AND NOT EXISTS (SELECT 1 FROM events WHERE ${own})`
            : [],
      });
      const deleted = gone.length;
      // What was archived may be less than what there is.
      const hasMore = archive === null ? deleted === EVENTS_A_STEP : deletion !== null;
      if (hasMore) return { deleted, isDone: false };
      const isDone = archive === null ? seen.length < DAYS_A_STEP : seen.length === 0;
      const last = v.parse(v.array(Day), seen).at(-1);
      const behind = last === undefined ? cursor : `${last.day}/${last.user_id}`;
      // Some may have stayed for a receiver: the next run begins again.
      const next = isDone && which === null ? "" : behind;
      if (next !== cursor) {
        await db.run(sql`INSERT INTO housekeeping (task, cursor) VALUES (${task}, ${next})
        ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor`);
      }
      cursor = next;
      return { deleted, isDone };
    },
  };
}

/** Those of no user are a range of the primary key. Once an hour all but the newest go. */
function unattributedTask(db: Database, nowMs: number, archive: ArchiveRun | null): Task {
  let before: string | null = null;
  async function expired(): Promise<string> {
    const old = firstIdOf(nowMs - UNATTRIBUTED_KEPT_MS);
    if (nowMs % HOUR_MS >= MINUTE_MS) return old;
    const newest = await db.first(
      sql`SELECT id AS cursor FROM events WHERE user_id = ${uuid(NIL_USER_ID)} ORDER BY id DESC LIMIT 1 OFFSET ${MAX_UNATTRIBUTED - 1}`,
      Cursor,
    );
    return newest !== null && newest.cursor > old ? newest.cursor : old;
  }
  return {
    async step() {
      before ??= await expired();
      const old = sql`FROM events WHERE user_id = ${uuid(NIL_USER_ID)} AND id < ${uuid(before)} AND ${IS_DELIVERED}`;
      const firstDay = sql`(SELECT ('0x' || substr(hex(id), 1, 12)) ->> '$' ${old} ORDER BY id LIMIT 1) / ${DAY_MS}`;
      const ofDay = archive === null ? sql`` : sql`AND id < ${firstIdOn(sql`${firstDay} + 1`)}`;
      const these = sql`SELECT user_id, id ${old} ${ofDay} ORDER BY id LIMIT ${EVENTS_A_STEP}`;
      const deletion = await deletionOf(db, archive, these);
      if (deletion === "stopped" || deletion === null) return { deleted: 0, isDone: true };
      const { length: deleted } = (await db.batch({ gone: deletion })).gone;
      return { deleted, isDone: archive === null && deleted < EVENTS_A_STEP };
    },
  };
}
