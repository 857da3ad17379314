import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import {
  type ClaimedQueue,
  type DeliveryStore,
  isOwnEvent,
  type LatchkeyEvent,
  type ReceiverName,
} from "../core/deliveries.ts";
import type { Json } from "../core/token.ts";
import type { StorageContext } from "./context.ts";
import { type Batch, type BatchRows, type Database, idsIn } from "./d1.ts";
import { EVENT_LOG, NIL_USER_ID } from "./event-rows.ts";
import { uuid } from "../core/uuid.ts";

/** Of a user, in one claim. */
const EVENTS_A_CLAIM = 20;
/** Users in one step of a run. */
const USERS_A_PAGE = 200;
/** As many as a report counts. */
const MOST_COUNTED = 10_001;

/** Where the next run goes on, in `housekeeping`. Its row also tells `npm run users` that there is this receiver. */
export const taskOf = (receiver: ReceiverName) => `deliver:${receiver}`;

const QueuedRow = v.strictObject({ queued_for: v.string() });

/** The same database, which tells of the users whose events a batch has queued, after its commit. */
export function tellingOfQueued(
  db: Database,
  tell: (userIds: readonly string[]) => void,
): Database {
  return {
    ...db,
    async batch<K extends string>(statements: Batch<K>): Promise<BatchRows<K>> {
      const rows = await db.batch(statements);
      const userIds = new Set<string>();
      const others = Object.entries<readonly unknown[]>(rows).map(([name, some]) => {
        const own = some.filter((row) => {
          const isQueued = v.is(QueuedRow, row);
          if (isQueued) userIds.add(row.queued_for);
          return !isQueued;
        });
        return [name, own];
      });
      if (userIds.size > 0) tell([...userIds]);
      return Object.fromEntries(others);
    },
  };
}

const Message = v.object({ user_ids: v.array(v.string()) });

/** A message of Queues may have 128 kB, which only production enforces: this many ids are a third of it. */
const USERS_A_MESSAGE = 1_000;

/**
 * Asks the consumer of the queue to deliver. A message names users, and the outbox has their events: so a message
 * that is lost, late, doubled or out of order does no harm.
 */
export const viaQueue = (queue: Pick<Queue, "send">) => async (userIds: readonly string[]) => {
  for (let at = 0; at < userIds.length; at += USERS_A_MESSAGE) {
    await queue.send({ user_ids: userIds.slice(at, at + USERS_A_MESSAGE) });
  }
};

/** @param bodies of messages, of which those that are not ours name nobody */
export const usersOf = (bodies: readonly unknown[]): string[] =>
  bodies.flatMap((body) => (v.is(Message, body) ? body.user_ids : []));

const DueRow = v.object({ userId: v.string(), isDue: v.number() });

const nullable = v.nullable(v.string());

const WaitingRow = v.object({
  userId: v.string(),
  position: v.number(),
  eventId: v.string(),
  attempts: v.number(),
  queuedAtMs: v.number(),
  at: v.nullable(v.number()),
  what: nullable,
  outcome: v.nullable(v.picklist(["done", "refused"])),
  actor: nullable,
  credential: nullable,
  subject: nullable,
  count: v.nullable(v.number()),
  answer: nullable,
});

const Answer = v.pipe(
  v.string(),
  v.parseJson(),
  v.custom<Json>((value) => value !== undefined),
);

function eventOf(row: v.InferOutput<typeof WaitingRow>): LatchkeyEvent | null {
  const { userId, eventId: id, at, what: type, outcome, actor, credential, subject } = row;
  if (type === null || at === null || outcome === null) return null;
  const answer = row.answer !== null && isOwnEvent(type) ? v.parse(Answer, row.answer) : undefined;
  const counted = row.count !== null && row.count > 1 ? { count: row.count } : undefined;
  const data = answer ?? counted;
  return {
    id,
    type,
    at: new Date(at).toISOString(),
    user_id: userId === NIL_USER_ID ? null : userId,
    actor,
    subject,
    credential,
    outcome,
    ...(data !== undefined && { data }),
  };
}

export function createDeliveries(
  { db }: StorageContext,
  onQueued: DeliveryStore["onQueued"],
): DeliveryStore {
  /** The positions of each user's first event. */
  const first = (receiver: ReceiverName, userId: Sql) =>
    sql`(SELECT MIN(position) FROM deliveries AS d WHERE d.receiver = ${receiver} AND d.user_id = ${uuid(userId)})`;

  return {
    onQueued,

    async due(receiver, nowMs) {
      const task = taskOf(receiver);
      const next = (after: Sql) =>
        sql`(SELECT MIN(user_id) FROM deliveries WHERE receiver = ${receiver} AND user_id > ${after})`;
      const from = sql`COALESCE((SELECT unhex(cursor, '-') FROM housekeeping WHERE task = ${task}), x'')`;
      // From one user to the next in the primary key, however many events each has.
      const rows = await db.all(
        sql`WITH RECURSIVE queue (user_id) AS (
            SELECT ${next(from)} UNION ALL
            SELECT ${next(sql`queue.user_id`)} FROM queue WHERE queue.user_id IS NOT NULL LIMIT ${USERS_A_PAGE})
          SELECT queue.user_id AS userId, due_at <= ${nowMs} AS isDue FROM queue CROSS JOIN deliveries
            ON receiver = ${receiver} AND deliveries.user_id = queue.user_id
              AND position = ${first(receiver, sql`queue.user_id`)}`,
        DueRow,
      );
      const isLast = rows.length < USERS_A_PAGE;
      const cursor = isLast ? "" : (rows.at(-1)?.userId ?? "");
      await db.run(sql`INSERT INTO housekeeping (task, cursor) VALUES (${task}, ${cursor})
        ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor WHERE cursor <> excluded.cursor`);
      return { userIds: rows.filter(({ isDue }) => isDue === 1).map((row) => row.userId), isLast };
    },

    async claim(receiver, userIds, leaseUntilMs, nowMs) {
      const leaseId = crypto.randomUUID();
      const users = idsIn(userIds);
      const { waiting } = await db.batch({
        // guard: one-sender-a-user
        leased: sql`UPDATE deliveries SET lease = ${uuid(leaseId)}, due_at = ${leaseUntilMs}
          WHERE receiver = ${receiver} AND due_at <= ${nowMs} AND (user_id, position) IN
            (SELECT id, ${first(receiver, sql`users.id`)} FROM ${users} AS users)`,
        // CROSS JOIN keeps the order of the tables: otherwise SQLite begins with all that wait, of whatever user.
        waiting: sql`SELECT d.user_id AS userId, d.position, d.event_id AS eventId, d.attempts, d.queued_at AS queuedAtMs,
            e.at, e.what, e.outcome, e.actor, e.credential, e.subject, e.count, r.data AS answer
          FROM ${users} AS u
            CROSS JOIN deliveries AS head ON head.receiver = ${receiver} AND head.user_id = u.id
              AND head.position = ${first(receiver, sql`u.id`)} AND head.lease = ${uuid(leaseId)}
            CROSS JOIN deliveries AS d ON d.receiver = ${receiver} AND d.user_id = u.id
              AND d.position < head.position + ${EVENTS_A_CLAIM}
            LEFT JOIN ${EVENT_LOG} AS e ON e.user_id = d.user_id AND e.id = d.event_id
            LEFT JOIN receipts AS r ON r.id = e.subject AND r.run_by = e.user_id
          ORDER BY d.user_id, d.position`,
      });
      const queues = new Map<string, ClaimedQueue["waiting"][number][]>();
      for (const row of v.parse(v.array(WaitingRow), waiting)) {
        const { userId, position, eventId, attempts, queuedAtMs } = row;
        const queue = queues.get(userId) ?? [];
        queue.push({ position, eventId, attempts, queuedAtMs, event: eventOf(row) });
        queues.set(userId, queue);
      }
      return Array.from(queues, ([userId, waiting]) => ({ userId, leaseId, waiting }));
    },

    async finish(receiver, { userId, leaseId }, { accepted, failed }, nowMs) {
      const own = sql`receiver = ${receiver} AND user_id = ${uuid(userId)}`;
      const isFailed = sql`${own} AND position = ${failed?.position ?? 0} AND event_id = ${uuid(failed?.eventId ?? "")}
        AND EXISTS (SELECT 1 FROM deliveries AS head WHERE head.receiver = ${receiver} AND head.user_id = ${uuid(userId)}
          AND head.lease = ${uuid(leaseId)})`;
      // A position may be taken again by a later event, once nothing of the user waits: so its id too.
      const done = JSON.stringify(accepted.map(({ position, eventId }) => [position, eventId]));
      const isDead = failed !== null && failed.retryAtMs === null;
      const { more } = await db.batch({
        dead: isDead
          ? [
              sql`INSERT INTO dead_letters (receiver, user_id, event_id, attempts, reason, died_at)
                SELECT receiver, user_id, event_id, attempts + 1, ${failed.reason}, ${nowMs}
                FROM deliveries WHERE ${isFailed} ON CONFLICT DO NOTHING`,
              sql`DELETE FROM deliveries WHERE ${isFailed}`,
            ]
          : [],
        failed:
          failed === null || isDead
            ? []
            : sql`UPDATE deliveries SET attempts = attempts + 1, due_at = ${failed.retryAtMs}, lease = NULL
              WHERE ${isFailed}`,
        // guard: only-accepted-events-go
        accepted: sql`DELETE FROM deliveries WHERE ${own} AND (position, event_id) IN
          (SELECT value ->> 0, unhex(value ->> 1, '-') FROM json_each(${done}))`,
        more: sql`SELECT 1 AS more FROM deliveries WHERE ${own} LIMIT 1`,
      });
      return more.length > 0;
    },

    async report() {
      const counted = (table: Sql) =>
        sql`(SELECT COUNT(*) FROM (SELECT 1 FROM ${table} LIMIT ${MOST_COUNTED}))`;
      const found = await db.first(
        sql`SELECT ${counted(sql`deliveries`)} AS pending, ${counted(sql`dead_letters`)} AS dead`,
        v.object({ pending: v.number(), dead: v.number() }),
      );
      return { deliveriesPending: found?.pending ?? 0, deliveriesDead: found?.dead ?? 0 };
    },
  };
}
