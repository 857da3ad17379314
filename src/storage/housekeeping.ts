import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { PersonalTable } from "../core/action.ts";
import { RECEIVERS, type ReceiverName } from "../core/deliveries.ts";
import { firstIdAt } from "../core/token.ts";
import type { Background, Deadline } from "./calls.ts";
import type { StorageContext } from "./context.ts";
import { column, type Database, ownKey, textOf } from "./d1.ts";
import { taskOf } from "./deliveries.ts";
import { type ArchiveBucket, type ArchiveRun, archiveRun } from "./events-archive.ts";
import { type EventLimits, eventTasks, type Task } from "./expired-events.ts";
import { ofOwner } from "./login-throttle.ts";
import { NOT_USED_UP, type PendingRevocations } from "./revocation.ts";
import { EXPIRING_KINDS } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

/** Rows looked at in one step, and steps in one run: each step is short, because D1 serves one query at a time. */
const ROWS_A_STEP = 1_000;
const STEPS_A_RUN = 120;
const TOMBSTONES_A_RUN = 200;
const COPIES_A_RUN = 400;
const DELETED_USERS_A_STEP = 100;
/** Of a table without an order of expiry, in one run. */
const WALKED_STEPS_A_RUN = 20;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Of each minute, how long the primary may work for housekeeping: a tenth. */
export const STATEMENT_MS_A_MINUTE = 6_000;
/** A run that died is taken over after so long. A live one begins no step in the last part of it. */
const LEASE_MS = 50_000;
const LAST_STEP_MS = 15_000;

/**
 * Log-ins, and JWTs. Nothing that is derived from a row outlives it, whatever the lifetimes were: this is a margin for
 * clocks, and for status lists that are cached.
 */
// guard: log-ins-outlive-what-is-derived
const LOGIN_KEPT_MS = 60 * MINUTE_MS;
/** API and action tokens, for which their owners may still look in their lists. */
const TOKEN_KEPT_MS = 2 * DAY_MS;
/** As long as the token can be shown again, and one more day for a late retry. */
const RECEIPT_KEPT_MS = 31 * DAY_MS;
/** How long an idempotency key keeps a token from being charged again. */
const CHARGE_KEPT_MS = DAY_MS;
/** Writes that were under way when a user was deleted have arrived by then, also in KV. */
const DELETED_SETTLE_MS = HOUR_MS;
/** What an address got is limited by the day. */
const MAIL_KEPT_MS = DAY_MS;
/** An isolate whose clock is behind would take a challenge again. */
const CHALLENGE_KEPT_MS = HOUR_MS;

/**
 * A table whose rows an index, or the key itself, has in the order in which they expire. So a step reads and writes
 * in proportion to what has expired, however many rows are alive.
 */
interface Expiring {
  readonly table: Sql;
  readonly key: Sql;
  /** When a row is looked at next: what the index is on. */
  readonly due: Sql;
  /** What the index is limited to. */
  readonly among?: Sql;
  readonly keptMs: number;
  /** When a row really expires, where that moves while `due_at` stays: it is then looked at again. */
  readonly until?: Sql;
  /** What goes with the rows that this condition selects, before they do. */
  readonly before?: (gone: Sql, beforeMs: number) => Sql;
}

const EXPIRING: Readonly<Record<string, Expiring>> = {
  logins: {
    table: sql`tokens`,
    key: sql`id`,
    due: sql`expires_at`,
    among: EXPIRING_KINDS.logins,
    keptMs: LOGIN_KEPT_MS,
  },
  tokens: {
    table: sql`tokens`,
    key: sql`id`,
    due: sql`expires_at`,
    among: EXPIRING_KINDS.tokens,
    keptMs: TOKEN_KEPT_MS,
    before: (
      gone,
      beforeMs,
    ) => sql`DELETE FROM token_meters WHERE id IN (SELECT meter FROM tokens WHERE ${gone} AND meter IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM tokens AS other WHERE other.meter = token_meters.id AND other.expires_at >= ${beforeMs})`,
  },
  token_charges: {
    table: sql`token_charges`,
    key: sql`id`,
    due: sql`charged_at`,
    keptMs: CHARGE_KEPT_MS,
  },
  mails: {
    table: sql`mails`,
    key: sql`id`,
    due: sql`due_at`,
    until: sql`MAX(sent_at, noticed_at)`,
    keptMs: MAIL_KEPT_MS,
  },
  used_challenges: {
    table: sql`used_challenges`,
    key: sql`expires_at, id`,
    due: sql`expires_at`,
    keptMs: CHALLENGE_KEPT_MS,
  },
  email_logins: {
    table: sql`email_logins`,
    key: sql`id`,
    due: sql`expires_at`,
    keptMs: 0,
  },
  login_attempts: {
    table: sql`login_attempts`,
    key: sql`due_at, id`,
    due: sql`due_at`,
    keptMs: 0,
  },
};

const CountRow = v.object({ n: v.number() });
const changed = sql`SELECT changes() AS n`;
const countIn = (rows: readonly unknown[]): number =>
  rows.reduce<number>((sum, row) => sum + v.parse(CountRow, row).n, 0);

function expiringTask(db: Database, each: Expiring, nowMs: number): Task {
  const { table, key, due, among = sql`TRUE`, keptMs, until, before } = each;
  const beforeMs = nowMs - keptMs;
  const isDue = sql`${among} AND ${due} < ${beforeMs}`;
  const hasExpired = sql`(${key}) IN (SELECT ${key} FROM ${table} WHERE ${isDue} ORDER BY ${due} LIMIT ${ROWS_A_STEP})
    AND ${until ?? due} < ${beforeMs}`;
  return {
    overdue: sql`SELECT MIN(${due}) + ${keptMs} FROM ${table} WHERE ${isDue}`,
    async step() {
      const { movedRows, goneRows } = await db.batch({
        moved:
          until === undefined
            ? []
            : sql`UPDATE ${table} SET due_at = ${until} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${isDue}
                ORDER BY ${due} LIMIT ${ROWS_A_STEP}) AND ${until} >= ${beforeMs}`,
        movedRows: until === undefined ? [] : changed,
        before: before === undefined ? [] : before(hasExpired, beforeMs),
        // guard: expired-rows-alone-go
        gone: sql`DELETE FROM ${table} WHERE ${hasExpired}`,
        goneRows: changed,
      });
      const deleted = countIn(goneRows);
      return { deleted, isDone: countIn(movedRows) + deleted < ROWS_A_STEP };
    },
  };
}

/** Receipts, whose ids tell when the run was. */
function receiptsTask(db: Database, nowMs: number): Task {
  const isOld = sql`id < ${uuid(firstIdAt(nowMs - RECEIPT_KEPT_MS))}`;
  return {
    overdue: sql`SELECT MIN(run_at) + ${RECEIPT_KEPT_MS} FROM (SELECT run_at FROM receipts WHERE ${isOld} ORDER BY id LIMIT 1)`,
    async step() {
      const deleted = await db.run(
        sql`DELETE FROM receipts WHERE id IN (SELECT id FROM receipts WHERE ${isOld} ORDER BY id LIMIT ${ROWS_A_STEP})`,
      );
      return { deleted, isDone: deleted < ROWS_A_STEP };
    },
  };
}

const CursorRow = v.object({ cursor: v.string() });
const FAMILIES = "families";

/**
 * Refresh families, whose ids tell when they expire unless they are extended: a range of the primary key, looked at
 * once. Those that live on then get a row in `family_expiries`, by which they are found the next time.
 */
function familiesTasks(db: Database, nowMs: number): readonly Task[] {
  const beforeMs = nowMs - LOGIN_KEPT_MS;
  const end = firstIdAt(beforeMs);
  const isFamily = sql`kind = 'family'`;
  let from: string | null = null;
  const saved = sql`unhex(${cursorOf(FAMILIES)}, '-')`;
  const looked = sql`SELECT id FROM family_expiries WHERE at < ${beforeMs} ORDER BY at, id LIMIT ${ROWS_A_STEP}`;
  return [
    {
      overdue: sql`SELECT MIN(expires_at) + ${LOGIN_KEPT_MS} FROM (SELECT expires_at FROM tokens
        WHERE id > ${saved} AND id < ${uuid(end)} AND ${isFamily} ORDER BY id LIMIT 1) WHERE expires_at < ${beforeMs}`,
      async step() {
        from ??=
          (await db.first(sql`SELECT ${cursorOf(FAMILIES)} AS cursor`, CursorRow))?.cursor ?? "";
        // Saved by a clock that was ahead: what it passed over is looked at again.
        if (from > firstIdAt(nowMs)) from = "";
        if (from >= end) return { deleted: 0, isDone: true };
        const range = sql`id > ${uuid(from)} AND id <= ${saved} AND ${isFamily}`;
        const { next, goneRows } = await db.batch({
          next: sql`INSERT INTO housekeeping (task, cursor) VALUES (${FAMILIES}, COALESCE((SELECT ${textOf(sql`id`)} FROM tokens
              WHERE id > ${uuid(from)} AND id < ${uuid(end)} ORDER BY id LIMIT 1 OFFSET ${ROWS_A_STEP - 1}), ${end}))
            ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor RETURNING cursor`,
          again: sql`INSERT OR IGNORE INTO family_expiries (at, id) SELECT expires_at, id FROM tokens
            WHERE ${range} AND expires_at >= ${beforeMs}`,
          // guard: families-go-after-their-last-expiry
          gone: sql`DELETE FROM tokens WHERE ${range} AND expires_at < ${beforeMs}`,
          goneRows: changed,
        });
        from = v.parse(CursorRow, next[0]).cursor;
        return { deleted: countIn(goneRows), isDone: from >= end };
      },
    },
    {
      overdue: sql`SELECT MIN(at) + ${LOGIN_KEPT_MS} FROM family_expiries WHERE at < ${beforeMs}`,
      async step() {
        const { goneRows, doneRows } = await db.batch({
          again: sql`INSERT OR IGNORE INTO family_expiries (at, id) SELECT expires_at, id FROM tokens
            WHERE id IN (${looked}) AND expires_at >= ${beforeMs}`,
          gone: sql`DELETE FROM tokens WHERE id IN (${looked}) AND ${isFamily} AND expires_at < ${beforeMs}`,
          goneRows: changed,
          done: sql`DELETE FROM family_expiries WHERE at < ${beforeMs} AND id IN (${looked})`,
          doneRows: changed,
        });
        return { deleted: countIn(goneRows), isDone: countIn(doneRows) < ROWS_A_STEP };
      },
    },
  ];
}

const DELETED = "deleted users";
const DeletedRow = v.object({ at: v.number(), id: v.string() });
const Gone = v.object({ id: v.string(), has_copy: v.number() });

/**
 * What was written for a user while they were deleted, once after each deletion. Rows that contain a name they chose
 * or their email go. Log-ins stay for the status lists, and action tokens to be refused as revoked, until they expire.
 * @param evict removes KV's copies
 */
function deletedUsersTask(
  db: Database,
  evict: (ids: readonly string[]) => Promise<unknown>,
  nowMs: number,
): Task {
  const part = (name: string) =>
    sql`COALESCE((SELECT cursor ->> ${`$.${name}`} FROM housekeeping WHERE task = ${DELETED}), '')`;
  const waiting = sql`FROM users WHERE deleted_on < ${nowMs - DELETED_SETTLE_MS}
    AND (deleted_on, id) > (CAST(${part("at")} AS INTEGER), unhex(${part("id")}, '-'))`;
  const these = sql`SELECT id ${waiting} ORDER BY deleted_on, id LIMIT ${DELETED_USERS_A_STEP}`;
  // Worded as in the indexes `tokens_list`, `tokens_revoked` and `tokens_owner`.
  const theirs = sql`SELECT id FROM tokens WHERE user_id IN (${these}) AND kind IN ('session', 'api')
      AND revoked_at IS NULL AND ${NOT_USED_UP}
    UNION ALL SELECT id FROM tokens WHERE user_id IN (${these}) AND kind IN ('session', 'api')
      AND kind <> 'action' AND revoked_at IS NOT NULL
    UNION ALL SELECT id FROM tokens WHERE user_id IN (${these}) AND kind = 'action' AND detail ->> '$.internal'`;
  return {
    overdue: sql`SELECT MIN(deleted_on) + ${DELETED_SETTLE_MS} ${waiting}`,
    async step() {
      const { users, tokens, counts } = await db.batch({
        users: sql`SELECT deleted_on AS at, id ${waiting} ORDER BY deleted_on, id LIMIT ${DELETED_USERS_A_STEP}`,
        meters: sql`DELETE FROM token_meters WHERE id IN (SELECT meter FROM tokens WHERE id IN (${theirs}))`,
        tokens: sql`DELETE FROM tokens WHERE id IN (${theirs}) RETURNING id, expires_at > ${nowMs} AS has_copy`,
        counts: [
          sql`DELETE FROM contacts WHERE contact_id IN (${these})`,
          changed,
          sql`DELETE FROM devices WHERE user_id IN (${these})`,
          changed,
          // Attempts are now counted by email, as for an unknown account.
          sql`DELETE FROM login_attempts WHERE (due_at, id) IN (SELECT due_at, login_attempts.id FROM (${these}) AS gone
            CROSS JOIN login_attempts ON ${ofOwner(textOf(sql`gone.id`), nowMs)})`,
          changed,
        ],
      });
      const last = v.parse(v.array(DeletedRow), users).at(-1);
      if (last === undefined) return { deleted: 0, isDone: true };
      const gone = v.parse(v.array(Gone), tokens);
      await evict(gone.filter(({ has_copy }) => has_copy === 1).map(({ id }) => id));
      await db.run(saveCursor(DELETED, JSON.stringify(last)));
      const isDone = users.length < DELETED_USERS_A_STEP;
      return { deleted: gone.length + countIn(counts), isDone };
    },
  };
}

/** A meter that counts nothing any more; one that is not in use goes with its last token. */
const deleteIdleMeters = sql`DELETE FROM token_meters WHERE remaining IS NULL AND limit_max IS NULL
  AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.meter = token_meters.id)`;

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

export interface CleanupReport {
  readonly deleted: number;
  readonly tombstonesFlushed: number;
  /** How long D1 worked for it. */
  readonly statementMs: number;
  /** For how long the oldest row that is still there should have been gone. */
  readonly lagSeconds: number;
  /** Where the bucket did not take events, which therefore stay. */
  readonly archiveFailed?: true;
}

interface Limits extends EventLimits {
  readonly receivers: readonly ReceiverName[];
}

interface Deps extends Pick<StorageContext, "kv" | "tables"> {
  readonly db: Database;
  readonly background: Background;
  readonly revocations: PendingRevocations;
  /** @returns how many milliseconds D1 has worked for these two since it was last asked */
  readonly statementMs: () => number;
  readonly withDeadline: Deadline;
  /** Where events go before they are deleted. */
  readonly archive: ArchiveBucket | undefined;
}

/** Since when the bucket has failed. A run that had nothing to archive knows nothing new. */
const archiveFailedAt = (archiving: ReturnType<ArchiveRun["outcome"]>, nowMs: number): Sql =>
  archiving === "archived"
    ? sql`NULL`
    : archiving === "failed"
      ? sql`COALESCE(archive_failed_at, ${nowMs})`
      : sql`archive_failed_at`;

const LeaseRow = v.object({ left_ms: v.number() });
const OverdueRow = v.object({ at: v.nullable(v.number()) });

/**
 * Deletes expired rows, and flushes pending tombstones to KV. At most one run works at a time, for at most a tenth of
 * the primary's time; what one does not finish, the next one does. Repeating a step is harmless.
 * @returns null where another run is at work
 */
export function createHousekeeping(
  { db, revocations, kv, tables, background, statementMs, withDeadline, archive: bucket }: Deps,
  limits: Limits,
) {
  /** The rest of a run's, and those that fail, expire with the token. */
  function evictor() {
    let left = COPIES_A_RUN;
    return (ids: readonly string[]) => {
      const evicted = ids.slice(0, left);
      left -= evicted.length;
      return Promise.allSettled(evicted.map((id) => kv.evict(id)));
    };
  }

  /**
   * Takes the lease, unless another run has it. If the answer is lost, it is free again when the lease has run out. A
   * run that died has used up its minute. @returns what may be spent, in milliseconds; null where it was not taken
   */
  async function take(run: string, nowMs: number): Promise<number | null> {
    const isNewMinute = sql`minute_at NOT BETWEEN ${nowMs - MINUTE_MS + 1} AND ${nowMs}`;
    const taken = await db.first(
      // guard: housekeeping-runs-alone
      sql`INSERT INTO housekeeping_run (only, lease, until, minute_at, left_ms)
        VALUES (1, ${uuid(run)}, ${nowMs + LEASE_MS}, ${nowMs}, ${STATEMENT_MS_A_MINUTE})
        ON CONFLICT (only) DO UPDATE SET lease = excluded.lease, until = excluded.until,
          left_ms = CASE WHEN ${isNewMinute} THEN excluded.left_ms WHEN lease IS NOT NULL THEN 0 ELSE left_ms END,
          minute_at = CASE WHEN ${isNewMinute} THEN excluded.minute_at ELSE minute_at END
        WHERE lease IS NULL OR until NOT BETWEEN ${nowMs} AND ${nowMs + LEASE_MS}
        RETURNING left_ms`,
      LeaseRow,
    );
    return taken?.left_ms ?? null;
  }

  const release = (run: string, spentMs: number, finished: Sql) =>
    db.run(sql`UPDATE housekeeping_run SET lease = NULL, left_ms = MAX(0, left_ms - ${Math.ceil(spentMs)})${finished}
      WHERE lease = ${uuid(run)}`);

  function tasksOf(nowMs: number, archive: ArchiveRun | null): Task[] {
    const expiring = Object.values(EXPIRING).map((each) => expiringTask(db, each, nowMs));
    return [
      ...familiesTasks(db, nowMs),
      ...expiring,
      receiptsTask(db, nowMs),
      deletedUsersTask(db, evictor(), nowMs),
      ...eventTasks(db, limits, nowMs, archive),
    ];
  }

  /** One step of each in turn. @returns how many rows were deleted */
  async function work(tasks: readonly Task[], mayGoOn: () => boolean): Promise<number> {
    let deleted = 0;
    const open = new Set(tasks);
    for (let steps = 0; open.size > 0; ) {
      for (const task of open) {
        // guard: housekeeping-stops-at-its-share
        if (!mayGoOn()) return deleted;
        if (steps++ === STEPS_A_RUN) return deleted;
        const done = await task.step();
        deleted += done.deleted;
        if (done.isDone) open.delete(task);
      }
    }
    return deleted;
  }

  async function overdueSince(tasks: readonly Task[]): Promise<number | null> {
    const rows = await db.batch({
      overdue: tasks.flatMap(({ overdue }) =>
        overdue === undefined ? [] : [sql`SELECT (${overdue}) AS at`],
      ),
    });
    const times = v.parse(v.array(OverdueRow), rows.overdue).flatMap(({ at }) => at ?? []);
    return times.length === 0 ? null : Math.min(...times);
  }

  return async (nowMs: number): Promise<CleanupReport | null> => {
    const run = crypto.randomUUID();
    const begunMs = Date.now();
    statementMs();
    const budgetMs = await take(run, nowMs);
    if (budgetMs === null) return null;
    let spentMs = 0;
    const mayGoOn = () => {
      spentMs += statementMs();
      return spentMs < budgetMs && Date.now() - begunMs < LEASE_MS - LAST_STEP_MS;
    };
    let finished = sql``;
    try {
      let tombstonesFlushed = 0;
      let deleted = 0;
      const archive = bucket === undefined ? null : archiveRun(bucket, withDeadline, background);
      const tasks = tasksOf(nowMs, archive);
      try {
        tombstonesFlushed = await revocations.flush(TOMBSTONES_A_RUN, nowMs, mayGoOn);
      } finally {
        // A tombstone that KV does not take must not stop the deletion.
        deleted += await work(tasks, mayGoOn);
        if (nowMs % HOUR_MS < MINUTE_MS && mayGoOn()) {
          await db.batch({ ...deleteOldDeliveries(limits, nowMs), meters: deleteIdleMeters });
        }
        // Last, so that one that is not there stops nothing else.
        for (const table of tables) deleted += await cleanUpOwn(db, table, nowMs, mayGoOn);
      }
      const overdueMs = await overdueSince(tasks);
      const archiving = archive === null ? "archived" : archive.outcome();
      finished = sql`, finished_at = ${nowMs}, overdue_at = ${overdueMs}, archive_failed_at = ${archiveFailedAt(archiving, nowMs)}`;
      spentMs += statementMs();
      const lagSeconds = overdueMs === null ? 0 : Math.ceil((nowMs - overdueMs) / 1000);
      const report = { deleted, tombstonesFlushed, statementMs: Math.round(spentMs), lagSeconds };
      return archiving === "failed" ? { ...report, archiveFailed: true } : report;
    } finally {
      spentMs += statementMs();
      // Otherwise the lease runs out by itself.
      await background.bestEffort(
        "release the lease of housekeeping",
        release(run, spentMs, finished),
      );
    }
  };
}

/**
 * A table of an action's own is walked: what has expired, and what was written for a user after their
 * deletion. @returns how many rows were deleted
 */
async function cleanUpOwn(
  db: Database,
  table: PersonalTable,
  nowMs: number,
  mayGoOn: () => boolean,
): Promise<number> {
  const { name, userColumn, expiresColumn } = table;
  const task = `table ${name}`;
  const isExpired =
    expiresColumn === undefined ? sql`FALSE` : sql`${column(expiresColumn)} < ${nowMs}`;
  const owner = sql`${column(name)}.${column(userColumn)}`;
  const isGone = sql`EXISTS (SELECT 1 FROM users WHERE users.id IN (${owner}, unhex(${owner}, '-'))
    AND deleted_on < ${nowMs - DELETED_SETTLE_MS})`;
  const saved = await db.first(
    sql`SELECT cursor FROM housekeeping WHERE task = ${task} AND cursor <> ''`,
    v.object({ cursor: v.string() }),
  );
  let after = saved === null ? null : encodeURIComponent(saved.cursor);
  let deleted = 0;
  for (let step = 0; step < WALKED_STEPS_A_RUN && mayGoOn(); step++) {
    const { key, position, from, upTo } = await ownKey(db, name, after);
    const end = await db.first(
      sql`SELECT ${position} AS last FROM ${column(name)} WHERE ${from}
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
