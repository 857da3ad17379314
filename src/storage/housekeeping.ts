import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { PersonalTable } from "../core/action.ts";
import { RECEIVERS, type ReceiverName } from "../core/deliveries.ts";
import type { StorageContext } from "./context.ts";
import { column, type Database, ownKey } from "./d1.ts";
import { taskOf } from "./deliveries.ts";
import { NIL_USER_ID } from "./events.ts";
import { KNOWN_MS } from "./login-throttle.ts";

/** Rows read in one step, and steps in one run: a run stays far below every limit of the platform. */
const ROWS_A_STEP = 1_000;
const STEPS_A_RUN = 20;
const TOMBSTONES_A_RUN = 200;
const COPIES_A_RUN = 400;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Nothing that is derived from a token outlives it, whatever the lifetimes were: this is a margin for clocks. */
const TOKEN_KEPT_MS = 2 * DAY_MS;
/** Events that name no user show attacks that are under way. */
const UNATTRIBUTED_KEPT_MS = 7 * DAY_MS;
const MAX_UNATTRIBUTED = 100_000;
/** As long as the token can be shown again, and one more day for a late retry. */
const RECEIPT_KEPT_MS = 31 * DAY_MS;
/** How long an idempotency key keeps a token from being charged again. */
const CHARGE_KEPT_MS = DAY_MS;
/** Writes that were under way when a user was deleted have arrived by then, also in KV. */
const DELETED_SETTLE_MS = 3_600_000;

/** How a table is scanned: by its primary key, with the position as one text. */
interface Key {
  readonly columns: Sql;
  readonly text: Sql;
  readonly after: (text: Sql) => Sql;
}

const ID: Key = { columns: sql`id`, text: sql`id`, after: (text) => sql`id > ${text}` };

/** Of two ids, the first of them a UUID. */
const pair = (first: Sql, second: Sql): Key => ({
  columns: sql`${first}, ${second}`,
  text: sql`${first} || '/' || ${second}`,
  after: (text) => sql`(${first}, ${second}) > (substr(${text}, 1, 36), substr(${text}, 38))`,
});
/** What an address got is limited by the day. */
const MAIL_KEPT_MS = DAY_MS;

/** Of a deleted user: attempts are now counted by email, as for an unknown account. */
const isOfDeleted = sql`EXISTS (SELECT 1 FROM users WHERE users.deleted_on IS NOT NULL
  AND users.id = substr(login_attempts.id, 1, 36))`;

interface Task {
  readonly table: Sql;
  readonly key: Key;
  readonly hasExpired: (nowMs: number) => Sql;
  /** Whether KV may still have a copy of the deleted row. */
  readonly hasCopy?: (nowMs: number) => Sql;
}

const Gone = v.object({ id: v.string(), has_copy: v.number() });
type Gone = v.InferOutput<typeof Gone>;

const isDeleted = (column: Sql, nowMs: number) =>
  sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${column}
    AND deleted_on < ${nowMs - DELETED_SETTLE_MS})`;

const tasks = (eventDays: number): Readonly<Record<string, Task>> => ({
  tokens: {
    table: sql`tokens`,
    key: ID,
    // Of a deleted user, rows that contain a name they chose or their email go soon. Log-ins stay for the
    // status lists, and action tokens to be refused as revoked, until they expire.
    hasExpired: (nowMs) => sql`(expires_at < ${nowMs - TOKEN_KEPT_MS}
      OR (kind IN ('session', 'api') OR detail ->> '$.internal') AND ${isDeleted(sql`tokens.user_id`, nowMs)})`,
    hasCopy: (nowMs) => sql`expires_at > ${nowMs}`,
  },
  receipts: {
    table: sql`receipts`,
    key: ID,
    hasExpired: (nowMs) => sql`run_at < ${nowMs - RECEIPT_KEPT_MS}`,
  },
  token_meters: {
    table: sql`token_meters`,
    key: ID,
    hasExpired: () => sql`NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.meter = token_meters.id)`,
  },
  token_charges: {
    table: sql`token_charges`,
    key: ID,
    hasExpired: (nowMs) => sql`charged_at < ${nowMs - CHARGE_KEPT_MS}`,
  },
  contacts: {
    table: sql`contacts`,
    key: pair(sql`user_id`, sql`contact_id`),
    hasExpired: (nowMs) => isDeleted(sql`contacts.contact_id`, nowMs),
  },
  devices: {
    table: sql`devices`,
    key: pair(sql`user_id`, sql`id`),
    hasExpired: (nowMs) => isDeleted(sql`devices.user_id`, nowMs),
  },
  events: {
    table: sql`events`,
    key: pair(sql`user_id`, sql`id`),
    // Not while a receiver still has to get it, or may have it replayed.
    // guard: undelivered-events-stay
    hasExpired: (nowMs) => sql`(at < ${nowMs - eventDays * DAY_MS}
      OR user_id = ${NIL_USER_ID} AND at < ${nowMs - UNATTRIBUTED_KEPT_MS})
      AND ${join(OUTBOXES.map(isNotIn), " AND ")}`,
  },
  mails: {
    table: sql`mails`,
    key: ID,
    hasExpired: (nowMs) => sql`MAX(sent_at, noticed_at) < ${nowMs - MAIL_KEPT_MS}`,
  },
  used_challenges: {
    table: sql`used_challenges`,
    key: ID,
    // An isolate whose clock is behind would take it again.
    hasExpired: (nowMs) => sql`expires_at < ${nowMs - HOUR_MS}`,
  },
  email_logins: {
    table: sql`email_logins`,
    key: ID,
    hasExpired: (nowMs) => sql`expires_at < ${nowMs}`,
  },
  login_attempts: {
    table: sql`login_attempts`,
    key: ID,
    hasExpired: (nowMs) => sql`(${isOfDeleted} OR drained_at < ${nowMs}
      AND (last_login_at IS NULL OR last_login_at < ${nowMs - KNOWN_MS}))`,
  },
});

/** Where an event may be named that is still to be delivered. */
const OUTBOXES = [sql`deliveries`, sql`dead_letters`];
const isNotIn = (table: Sql) => sql`NOT EXISTS (SELECT 1 FROM ${table} AS o
  WHERE o.receiver IN (${join([...RECEIVERS])}) AND o.user_id = events.user_id AND o.event_id = events.id)`;

/** As long as a receiver is tried. Until then a version beside this one may have the receiver. */
const DELIVERIES_KEPT_MS = 3 * DAY_MS;
const DEAD_A_RUN = 20_000;

/** Once an hour: dead letters that are as old as events may get, and the outbox of receivers that are no more. */
function deleteOldDeliveries({ eventDays, receivers }: Limits, nowMs: number) {
  const former = RECEIVERS.filter((each) => !receivers.includes(each));
  return {
    dead: sql`DELETE FROM dead_letters WHERE (receiver, user_id, event_id) IN (SELECT receiver, user_id, event_id
      FROM dead_letters WHERE died_at < ${nowMs - eventDays * DAY_MS} LIMIT ${DEAD_A_RUN})`,
    former: former.flatMap((receiver) => [
      sql`DELETE FROM deliveries WHERE receiver = ${receiver} AND queued_at < ${nowMs - DELIVERIES_KEPT_MS}`,
      sql`DELETE FROM housekeeping WHERE task = ${taskOf(receiver)}`,
    ]),
  };
}

/** Events that name no user: once an hour all but the newest are deleted. They are a range of the primary key. */
const deleteOldUnattributed = sql`DELETE FROM events WHERE user_id = ${NIL_USER_ID} AND id < (SELECT id FROM events
  WHERE user_id = ${NIL_USER_ID} ORDER BY id DESC LIMIT 1 OFFSET ${MAX_UNATTRIBUTED})`;

export interface CleanupReport {
  readonly deleted: number;
  readonly tombstonesFlushed: number;
}

/**
 * Deletes expired rows, and flushes pending tombstones to KV. It scans each table by its primary key,
 * because an index on the expiry would cost every insert one more row written. Each step saves its
 * position for the next run; repeating a step is harmless.
 */
interface Limits {
  /** How long events are kept. */
  readonly eventDays: number;
  readonly receivers: readonly ReceiverName[];
}

/** In `housekeeping`: when a run last finished. */
export const LAST_RUN = "last run";

export function createHousekeeping(
  { db, revocations, kv, tables }: StorageContext,
  limits: Limits,
) {
  /** The rest, and those that fail, expire with the token. */
  const evictCopies = (ids: readonly string[]) =>
    Promise.allSettled(ids.slice(0, COPIES_A_RUN).map((id) => kv.evict(id)));

  return async (nowMs: number): Promise<CleanupReport> => {
    let tombstonesFlushed = 0;
    let deleted = 0;
    try {
      tombstonesFlushed = await revocations.flush(TOMBSTONES_A_RUN, nowMs);
    } finally {
      // A tombstone that KV does not take must not stop the deletion.
      for (const [name, task] of Object.entries(tasks(limits.eventDays))) {
        const gone = await cleanUp(db, name, task, nowMs);
        deleted += gone.length;
        await evictCopies(gone.filter((row) => row.has_copy === 1).map((row) => row.id));
      }
      if (nowMs % HOUR_MS < MINUTE_MS) {
        deleted += await db.run(deleteOldUnattributed);
        await db.batch(deleteOldDeliveries(limits, nowMs));
      }
      // Last, so that one that is not there stops nothing else.
      for (const table of tables) deleted += await cleanUpOwn(db, table, nowMs);
    }
    await db.run(saveCursor(LAST_RUN, String(nowMs)));
    return { deleted, tombstonesFlushed };
  };
}

async function cleanUp(db: Database, name: string, task: Task, nowMs: number): Promise<Gone[]> {
  const deleted: Gone[] = [];
  for (let step = 0; step < STEPS_A_RUN; step++) {
    const { gone, wrapped } = await cleanUpStep(db, name, task, nowMs);
    deleted.push(...gone);
    if (wrapped) break;
  }
  return deleted;
}

/**
 * The same for a table of an action's own: what has expired, and what was written for a user after their
 * deletion. @returns how many rows were deleted
 */
async function cleanUpOwn(db: Database, table: PersonalTable, nowMs: number): Promise<number> {
  const { name, userColumn, expiresColumn } = table;
  const task = `table ${name}`;
  const isExpired =
    expiresColumn === undefined ? sql`FALSE` : sql`${column(expiresColumn)} < ${nowMs}`;
  const isGone = isDeleted(sql`${column(name)}.${column(userColumn)}`, nowMs);
  const saved = await db.first(
    sql`SELECT cursor FROM housekeeping WHERE task = ${task} AND cursor <> ''`,
    v.object({ cursor: v.string() }),
  );
  let after = saved === null ? null : encodeURIComponent(saved.cursor);
  let deleted = 0;
  for (let step = 0; step < STEPS_A_RUN; step++) {
    const { key, from, upTo } = await ownKey(db, name, after);
    const end = await db.first(
      sql`SELECT json_array(${key}) AS last FROM ${column(name)} WHERE ${from}
        ORDER BY ${key} LIMIT 1 OFFSET ${ROWS_A_STEP - 1}`,
      v.object({ last: v.string() }),
    );
    const isInStep = end === null ? from : sql`${from} AND ${upTo(end.last)}`;
    deleted += await db.run(
      sql`DELETE FROM ${column(name)} WHERE ${isInStep} AND (${isExpired} OR ${isGone})`,
    );
    await db.run(saveCursor(task, end?.last ?? ""));
    if (end === null) break;
    after = encodeURIComponent(end.last);
  }
  return deleted;
}

const saveCursor = (task: string, cursor: string): Sql =>
  sql`INSERT INTO housekeeping (task, cursor) VALUES (${task}, ${cursor})
    ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor`;

const cursorOf = (name: string): Sql =>
  sql`COALESCE((SELECT cursor FROM housekeeping WHERE task = ${name}), '')`;

async function cleanUpStep(
  db: Database,
  name: string,
  { table, key, hasExpired, hasCopy }: Task,
  nowMs: number,
): Promise<{ gone: Gone[]; wrapped: boolean }> {
  const scanned = sql`SELECT ${key.columns} FROM ${table} WHERE ${key.after(cursorOf(name))}
    ORDER BY ${key.columns} LIMIT ${ROWS_A_STEP}`;
  const { range, gone } = await db.batch({
    range: sql`SELECT MAX(${key.text}) AS last, COUNT(*) AS seen FROM (${scanned})`,
    gone: sql`DELETE FROM ${table} WHERE (${key.columns}) IN (${scanned}) AND ${hasExpired(nowMs)}
      RETURNING ${key.text} AS id, ${hasCopy?.(nowMs) ?? sql`FALSE`} AS has_copy`,
  });
  const { last, seen } = v.parse(
    v.object({ last: v.nullable(v.string()), seen: v.number() }),
    range[0],
  );
  const wrapped = seen < ROWS_A_STEP;
  await db.run(saveCursor(name, wrapped ? "" : (last ?? "")));
  return { gone: v.parse(v.array(Gone), gone), wrapped };
}
