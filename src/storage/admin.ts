import sql, { empty, join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type {
  AccountAct,
  Account,
  AdminStore,
  DeadLetter,
  EventFilter,
  Scanned,
  Throttle,
} from "../core/admin.ts";
import type { CallerRef } from "../core/caller.ts";
import { RECEIVERS } from "../core/deliveries.ts";
import { LONGEST_LIFE_SECONDS } from "../core/token.ts";
import { hasPassword } from "../core/user.ts";
import { invalidation } from "./cached-tokens.ts";
import type { AuditRow, StorageContext } from "./context.ts";
import { column, type Database, flag, idsIn, textOf } from "./d1.ts";
import { EVENT_LOG, IS_WATCHED, NIL_USER_ID } from "./event-rows.ts";
import { byCaller, EventRow, firstIdOf } from "./events.ts";
import { tombstoneKey } from "./keys.ts";
import { FULL_COUNTER, FullCounterRow, ofOwner } from "./login-throttle.ts";
import { carryUndo } from "./mail.ts";
import {
  DEAD_LETTER_COLUMNS,
  deleting,
  disabling,
  enabling,
  erasePersonalData,
  isOneOf,
  removingOtherWaysIn,
  replaying,
  revokingAll,
  revokingOne,
  settingMetadata,
  settingRole,
  whatIsRevoked,
} from "./operations.ts";
import { allCredentialsRevocation, callerIsActive } from "./revocation.ts";
import { toUser, USER_COLUMNS, UserRow } from "./rows.ts";
import { removingFactor, removingItsCodes } from "./second-factors.ts";
import { uuid } from "../core/uuid.ts";

/** Rows that are looked at for one page, so that a filter that fits nothing reads no more. */
const SCANNED = 5_000;
/** As many as are counted of a table. */
const MOST_COUNTED = 10_001;
/** How long an operator may look at an account for one event. */
const VIEW_MS = 600_000;
const HOUR_MS = 3_600_000;

const AccountRow = v.object({
  ...UserRow.entries,
  kind: v.picklist(["person", "service"]),
  disabled_on: v.nullable(v.number()),
});
const ACCOUNT_COLUMNS = sql`${USER_COLUMNS}, users.kind, users.disabled_on`;

function toAccount(row: unknown): Account | null {
  if (row === undefined) return null;
  const parsed = v.parse(AccountRow, row);
  const { passwordHash, ha1bHash: _, ...user } = toUser(parsed);
  return {
    ...user,
    kind: parsed.kind,
    disabledAtMs: parsed.disabled_on,
    hasPassword: hasPassword({ ...user, passwordHash, ha1bHash: null }),
  };
}

const IdRow = v.object({ id: v.string() });
const AskedRow = v.object({ may: flag, found: flag });

const EventsRow = v.object({ ...EventRow.entries, userId: v.string(), count: v.number() });

const DeadLetterRow = v.object({
  receiver: v.picklist(RECEIVERS),
  userId: v.string(),
  eventId: v.string(),
  what: v.nullable(v.string()),
  attempts: v.number(),
  reason: v.string(),
  diedAtMs: v.number(),
});

const HealthRow = v.object({
  events: v.number(),
  dead: v.number(),
  notices: v.number(),
  revocations: v.number(),
  events_at: v.nullable(v.number()),
  dead_at: v.nullable(v.number()),
  notices_at: v.nullable(v.number()),
  failed: v.number(),
  finished_at: v.nullable(v.number()),
  overdue_at: v.nullable(v.number()),
  archive_failed_at: v.nullable(v.number()),
});

const counted = (table: Sql): Sql =>
  sql`(SELECT COUNT(*) FROM (SELECT 1 FROM ${table} LIMIT ${MOST_COUNTED}))`;

/** Of as many as are counted. */
const oldest = (time: Sql, table: Sql): Sql =>
  sql`(SELECT MIN(${time}) FROM (SELECT ${time} FROM ${table} LIMIT ${MOST_COUNTED}))`;

/** A list in the order of an index. `key` is its place as one text. */
interface Scan<S extends v.GenericSchema> {
  readonly columns: Sql;
  readonly key: Sql;
  /** The table with its conditions, all of which the index decides. */
  readonly from: Sql;
  readonly order: Sql;
  /** What else a row must meet. */
  readonly filter: Sql | null;
  readonly row: S;
}

/** One page: as many as asked among the next SCANNED rows. */
async function scan<S extends v.GenericSchema>(
  db: Database,
  { columns, key, from, order, filter, row }: Scan<S>,
  limit: number,
): Promise<Scanned<v.InferOutput<S>>> {
  const within = sql`SELECT ${columns}, ${key} AS place FROM ${from} ORDER BY ${order} LIMIT ${SCANNED}`;
  const { found, end } = await db.batch({
    found: sql`SELECT * FROM (${within}) AS scanned WHERE ${filter ?? sql`TRUE`} LIMIT ${limit + 1}`,
    end:
      filter === null
        ? []
        : sql`SELECT ${key} AS place FROM ${from} ORDER BY ${order} LIMIT 1 OFFSET ${SCANNED - 1}`,
  });
  const places = v.parse(v.array(v.object({ place: v.string() })), found);
  const last = v.parse(v.array(v.object({ place: v.string() })), end)[0];
  return {
    items: v.parse(v.array(row), found.slice(0, limit)),
    next: (places.length > limit ? places[limit - 1]?.place : last?.place) ?? null,
  };
}

/** The two parts of a place. */
const parts = (place: string | null): readonly [string, string] => {
  const [first = "", second = ""] = (place ?? "").split("/");
  return [first, second];
};

export function createAdmin(context: StorageContext): AdminStore {
  const { db, events, notices, revocations, invalidatingUser, isOperator, tables, size } = context;
  const { revoking: revokingInCaches } = invalidation(context);

  const byOperator = (
    what: AuditRow["what"],
    operator: CallerRef,
    userId: string | Sql,
  ): AuditRow => ({ what, ...byCaller(operator), userId, subjectId: null, byOperator: true });

  const isIt = (userId: string) => sql`users.id = ${uuid(userId)}`;

  /** Asked before the change, which may revoke the operator's own credentials. */
  const asked = (operator: CallerRef, found: Sql, nowMs: number): Sql =>
    sql`SELECT ${isOperator(operator, nowMs)} AS may, ${found} AS found`;

  const isThere = (userId: string) =>
    sql`EXISTS (SELECT 1 FROM users WHERE id = ${uuid(userId)} AND deleted_on IS NULL)`;

  function outcomeOf(rows: readonly unknown[]): "done" | "not_found" | "not_operator" {
    const { may, found } = v.parse(AskedRow, rows[0]);
    if (!may) return "not_operator";
    return found ? "done" : "not_found";
  }

  /** The condition on the one account of an act, and that the operator still is one. */
  // guard: operators-writes-ask-again
  const target = (operator: CallerRef, userId: string, nowMs: number): Sql =>
    sql`id = ${uuid(userId)} AND ${isOperator(operator, nowMs)}`;

  /** What revokes all of an account: in one batch with its tombstone. */
  async function revoking(
    what: AuditRow["what"],
    operator: CallerRef,
    userId: string,
    change: Sql,
    rest: readonly Sql[],
    nowMs: number,
  ) {
    const committed = revocations.commit(
      {
        batch: {
          asked: asked(operator, isThere(userId), nowMs),
          changed: change,
          event: events.after(byOperator(what, operator, userId), nowMs),
          rest,
          account: sql`SELECT ${ACCOUNT_COLUMNS} FROM users WHERE ${isIt(userId)}`,
        },
        ...allCredentialsRevocation({ userId }, nowMs),
      },
      nowMs,
    );
    return invalidatingUser(userId, committed);
  }

  async function changed(operator: CallerRef, userId: string, act: AccountAct, nowMs: number) {
    const which = target(operator, userId, nowMs);
    if ("disabled" in act && act.disabled) {
      const rest = removingOtherWaysIn(which);
      return revoking("user.disabled", operator, userId, disabling(which, nowMs), rest, nowMs);
    }
    const [what, change] =
      "disabled" in act
        ? ["user.enabled", enabling(which, nowMs)]
        : "role" in act
          ? ["role.changed", settingRole(which, act.role, nowMs)]
          : ["metadata.changed", settingMetadata(which, JSON.stringify(act.metadata), nowMs)];
    const done = db.batch({
      asked: asked(operator, isThere(userId), nowMs),
      changed: change,
      event: events.after(byOperator(what, operator, userId), nowMs),
      account: sql`SELECT ${ACCOUNT_COLUMNS} FROM users WHERE ${isIt(userId)}`,
    });
    return invalidatingUser(userId, done);
  }

  return {
    async operatorState(caller, nowMs) {
      const row = await db.first(
        sql`SELECT ${callerIsActive(caller, nowMs)} AS active, role = 'Admin' AS admin,
          ${isOperator(caller, nowMs)} AS may FROM users WHERE id = ${uuid(caller.userId)}`,
        v.object({ active: flag, admin: flag, may: flag }),
      );
      if (row === null || !row.active) return "caller_gone";
      if (row.may) return "operator";
      return row.admin ? "second_factor_missing" : "not_operator";
    },

    async ownerOf(id) {
      const row = await db.first(
        sql`SELECT id FROM users WHERE id = ${uuid(id)} UNION ALL SELECT user_id FROM tokens WHERE id = ${uuid(id)} LIMIT 1`,
        IdRow,
      );
      return row?.id ?? null;
    },

    async byEmail(email) {
      const row = await db.first(
        sql`SELECT id FROM users WHERE email = ${email} AND deleted_on IS NULL`,
        IdRow,
      );
      return row?.id ?? null;
    },

    async view(operator, userId, nowMs) {
      const isNew = sql`FROM users WHERE ${isIt(userId)} AND users.id <> ${uuid(operator.userId)} AND NOT EXISTS (
        SELECT 1 FROM ${EVENT_LOG} WHERE user_id = users.id AND id >= ${uuid(firstIdOf(nowMs - VIEW_MS))}
          AND what = 'account.viewed' AND actor = ${uuid(operator.userId)})`;
      const { account } = await db.batch({
        account: sql`SELECT ${ACCOUNT_COLUMNS} FROM users WHERE ${isIt(userId)}`,
        event: events.where(byOperator("account.viewed", operator, userId), isNew, nowMs),
      });
      return toAccount(account[0]);
    },

    async events(filter, after, limit) {
      const { items, next } = await scan(db, eventsOf(filter, after), limit);
      const known = items.map((item) => ({
        ...item,
        userId: item.userId === NIL_USER_ID ? null : item.userId,
      }));
      return { items: known, next };
    },

    async throttles(after, limit, nowMs) {
      const [dueAt = 0, ...id] = (after ?? "").split("/");
      const { items, next } = await scan(
        db,
        {
          columns: sql`due_at, id, drained_at`,
          key: sql`due_at || '/' || id`,
          from: sql`login_attempts WHERE (due_at, id) > (${Number(dueAt)}, ${id.join("/")})`,
          order: sql`due_at, id`,
          filter: FULL_COUNTER.isFull(nowMs),
          row: FullCounterRow,
        },
        limit,
      );
      return { items: items.map((row): Throttle => FULL_COUNTER.read(row)), next };
    },

    async liftThrottles(operator, owner, nowMs) {
      const own = ofOwner(sql`${owner}`, nowMs);
      const whose = sql`COALESCE((SELECT id FROM users WHERE id = ${uuid(owner)}), ${uuid(operator.userId)})`;
      const rows = await db.batch({
        asked: asked(
          operator,
          sql`EXISTS (SELECT 1 FROM login_attempts WHERE ${own}) OR ${isThere(owner)}`,
          nowMs,
        ),
        // The rows stay, so that a retry finds them.
        lifted: sql`UPDATE login_attempts SET drained_at = 0
          WHERE ${own} AND drained_at > ${nowMs} AND ${isOperator(operator, nowMs)}`,
        event: events.after(byOperator("throttle.lifted", operator, whose), nowMs),
      });
      return outcomeOf(rows.asked);
    },

    deadLetters(after, limit): Promise<Scanned<DeadLetter>> {
      const [receiver, ...rest] = (after ?? "").split("/");
      const [userId = "", eventId = ""] = rest;
      return scan(
        db,
        {
          columns: DEAD_LETTER_COLUMNS,
          key: sql`receiver || '/' || ${textOf(sql`d.user_id`)} || '/' || ${textOf(sql`event_id`)}`,
          from: sql`dead_letters AS d WHERE (receiver, d.user_id, event_id) > (${receiver}, ${uuid(userId)}, ${uuid(eventId)})`,
          order: sql`receiver, d.user_id, event_id`,
          filter: null,
          row: DeadLetterRow,
        },
        limit,
      );
    },

    async replay(operator, eventIds, nowMs) {
      const may = isOperator(operator, nowMs);
      const named = eventIds === null ? sql`TRUE` : sql`these.event_id IN ${idsIn(eventIds)}`;
      const which = sql`${named} AND ${may}`;
      const [queued, deleted] = replaying(which, nowMs);
      const rows = await db.batch({
        asked: asked(operator, sql`TRUE`, nowMs),
        queued,
        event: events.after(byOperator("deliveries.replayed", operator, operator.userId), nowMs),
        deleted: sql`${deleted} RETURNING event_id AS id`,
      });
      return outcomeOf(rows.asked) === "not_operator" ? "not_operator" : rows.deleted.length;
    },

    async rows() {
      const named = await db.all(
        sql`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'
          AND name NOT GLOB '*_migrations' ORDER BY name`,
        v.object({ name: v.string() }),
      );
      // Not one compound SELECT: D1 takes few terms in one.
      const { rows } = await db.batch({
        rows: named.map(({ name }) => sql`SELECT ${name} AS name, ${counted(column(name))} AS n`),
      });
      const counts = v.parse(v.array(v.object({ name: v.string(), n: v.number() })), rows);
      return Object.fromEntries(counts.map(({ name, n }) => [name, n]));
    },

    async health(nowMs) {
      const row = await db.first(
        sql`SELECT ${counted(sql`deliveries`)} AS events, ${counted(sql`dead_letters`)} AS dead,
            ${counted(sql`notices`)} AS notices, ${counted(sql`pending_revocations`)} AS revocations,
            ${oldest(sql`queued_at`, sql`deliveries`)} AS events_at, ${oldest(sql`died_at`, sql`dead_letters`)} AS dead_at,
            ${oldest(sql`at`, sql`notices`)} AS notices_at,
            (SELECT COALESCE(SUM(count), 0) FROM (SELECT what, count FROM ${EVENT_LOG} WHERE user_id = ${uuid(NIL_USER_ID)}
              AND id >= ${uuid(firstIdOf(nowMs - HOUR_MS))} LIMIT ${MOST_COUNTED}) WHERE what = 'request.failed') AS failed,
            (SELECT finished_at FROM housekeeping_run) AS finished_at, (SELECT overdue_at FROM housekeeping_run) AS overdue_at,
            (SELECT archive_failed_at FROM housekeeping_run) AS archive_failed_at`,
        HealthRow,
      );
      if (row === null) throw new Error("a SELECT without a table has one row");
      const { events, dead, notices, revocations } = row;
      return {
        databaseBytes: size.used() ?? 0,
        databaseLimitBytes: size.limitBytes,
        outboxes: { events, dead_letters: dead, notices, revocations },
        oldestAtMs: { events: row.events_at, dead_letters: row.dead_at, notices: row.notices_at },
        failedRequests: row.failed,
        housekeepingAtMs: row.finished_at,
        overdueAtMs: row.overdue_at,
        archiveFailedAtMs: row.archive_failed_at,
      };
    },

    async change(operator, userId, act, nowMs) {
      const rows = await changed(operator, userId, act, nowMs);
      const outcome = outcomeOf(rows.asked);
      return outcome === "done" ? (toAccount(rows.account[0]) ?? "not_found") : outcome;
    },

    async revokeAll(operator, userId, nowMs) {
      const which = target(operator, userId, nowMs);
      // The link with which a former email can be restored stays: it may be the owner's only one.
      const rest = [carryUndo(userId, which)];
      const change = revokingAll(which, nowMs);
      const rows = await revoking("credentials.revoked", operator, userId, change, rest, nowMs);
      return outcomeOf(rows.asked);
    },

    async revokeOne(operator, userId, kind, id, nowMs) {
      const which = isOneOf(kind, id, userId);
      const may = isOperator(operator, nowMs);
      const committed = revocations.commit(
        {
          batch: {
            asked: asked(operator, sql`EXISTS (SELECT 1 FROM tokens WHERE ${which})`, nowMs),
            // guard: operators-revoke-ask-again
            revoked: revokingOne(sql`${which} AND ${may}`, nowMs),
            event: events.after(
              { ...byOperator(whatIsRevoked(id), operator, userId), subjectId: id },
              nowMs,
            ),
          },
          key: tombstoneKey(id),
          from: sql`FROM tokens`,
          onlyIf: sql`${which} AND tokens.revoked_at = ${nowMs}`,
          untilMs: nowMs + LONGEST_LIFE_SECONDS * 1000,
        },
        nowMs,
      );
      return outcomeOf((await revokingInCaches(id, committed)).asked);
    },

    async removeSecondFactor(operator, userId, nowMs) {
      const may = sql`user_id IN (SELECT id FROM users WHERE ${target(operator, userId, nowMs)})`;
      const rows = await db.batch({
        asked: asked(operator, isThere(userId), nowMs),
        removed: removingFactor(userId, may),
        event: events.after(byOperator("second_factor.removed", operator, userId), nowMs),
        notices: notices.queue("second_factor_removed", userId, sql`changes() > 0`, nowMs),
        codes: removingItsCodes(userId),
      });
      return outcomeOf(rows.asked);
    },

    async remove(operator, userId, nowMs) {
      const change = deleting(target(operator, userId, nowMs), nowMs);
      const rest = erasePersonalData(userId, tables);
      const rows = await revoking("user.deleted", operator, userId, change, rest, nowMs);
      return outcomeOf(rows.asked);
    },
  };
}

const EVENT_COLUMNS = sql`user_id AS userId, id, at AS createdAtMs, what, outcome, actor AS actorId, credential AS credentialId,
  subject AS subjectId, address, request_id AS requestId, count, by_operator AS isByOperator`;

function eventsOf(filter: EventFilter, after: string | null): Scan<typeof EventsRow> {
  const { userId, what, outcome, actorId, fromMs, untilMs, isAll } = filter;
  const also = (value: unknown, condition: Sql) => (value === undefined ? [] : [condition]);
  const filters = [
    ...also(what, sql`what = ${what}`),
    ...also(outcome, sql`outcome = ${outcome}`),
    ...also(actorId, sql`actorId = ${uuid(actorId)}`),
  ];
  // An id begins with its time.
  const range = [
    ...also(fromMs, sql`id >= ${uuid(firstIdOf(fromMs ?? 0))}`),
    ...also(untilMs, sql`id < ${uuid(firstIdOf(untilMs ?? 0))}`),
  ];
  const where = (conditions: readonly Sql[]) =>
    conditions.length === 0 ? empty : sql` AND ${join([...conditions], " AND ")}`;
  const common = { columns: EVENT_COLUMNS, row: EventsRow };
  if (userId === undefined && isAll) {
    const [user, id] = parts(after);
    const all = [...filters, ...range];
    return {
      ...common,
      key: sql`${textOf(sql`user_id`)} || '/' || ${textOf(sql`id`)}`,
      from: sql`${EVENT_LOG} WHERE (user_id, id) > (${uuid(user)}, ${uuid(id)})`,
      order: sql`user_id, id`,
      filter: all.length === 0 ? null : join(all, " AND "),
    };
  }
  const before = after === null ? [] : [sql`id < ${uuid(after)}`];
  const from =
    userId === undefined
      ? sql`${EVENT_LOG} WHERE ${IS_WATCHED}`
      : sql`${EVENT_LOG} WHERE user_id = ${uuid(userId)}`;
  return {
    ...common,
    key: sql`id`,
    from: sql`${from}${where([...range, ...before])}`,
    order: sql`id DESC`,
    filter: filters.length === 0 ? null : join(filters, " AND "),
  };
}
