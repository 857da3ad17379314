import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import { RECEIVERS } from "../core/deliveries.ts";
import type { Database } from "./d1.ts";
import { IS_ROUTINE, NIL_USER_ID } from "./event-rows.ts";
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
export function eventTasks(db: Database, limits: EventLimits, nowMs: number): readonly Task[] {
  const { eventDays, routineEventDays } = limits;
  // First what expires sooner: its cursor only moves on. Later all that is left, with the rows of the days.
  const first =
    routineEventDays < eventDays
      ? daysTask(db, "events:routine", routineEventDays, IS_ROUTINE, nowMs)
      : daysTask(db, "events:security", eventDays, sql`NOT (${IS_ROUTINE})`, nowMs);
  const all = daysTask(db, "events", Math.max(eventDays, routineEventDays), null, nowMs);
  return [unattributedTask(db, nowMs), ...(eventDays === routineEventDays ? [] : [first]), all];
}

/** @param which of the day's events go; null for all, and then the row of the day too */
function daysTask(
  db: Database,
  task: string,
  days: number,
  which: Sql | null,
  nowMs: number,
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
      const users = sql`SELECT day, user_id FROM event_days
        WHERE (day, user_id) > (${Number(day)}, ${uuid(userId)}) AND day < ${before} ORDER BY day, user_id LIMIT ${DAYS_A_STEP}`;
      const { seen, gone } = await db.batch({
        seen: users,
        // guard: undelivered-events-stay
        gone: sql`DELETE FROM events WHERE (user_id, id) IN (SELECT events.user_id, events.id FROM (${users}) AS d
          CROSS JOIN events ON ${own} WHERE ${which ?? sql`TRUE`} AND ${IS_DELIVERED} LIMIT ${EVENTS_A_STEP}) RETURNING 1`,
        days:
          which === null
            ? sql`DELETE FROM event_days AS d WHERE (day, user_id) IN (${users}) AND NOT EXISTS (SELECT 1 FROM events WHERE ${own})`
            : [],
      });
      const deleted = gone.length;
      if (deleted === EVENTS_A_STEP) return { deleted, isDone: false };
      const isDone = seen.length < DAYS_A_STEP;
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
function unattributedTask(db: Database, nowMs: number): Task {
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
      const deleted =
        await db.run(sql`DELETE FROM events WHERE user_id = ${uuid(NIL_USER_ID)} AND id IN (SELECT id FROM events
        WHERE user_id = ${uuid(NIL_USER_ID)} AND id < ${uuid(before)} AND ${IS_DELIVERED} ORDER BY id LIMIT ${EVENTS_A_STEP})`);
      return { deleted, isDone: deleted < EVENTS_A_STEP };
    },
  };
}
