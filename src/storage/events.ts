import sql, { join, raw, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { CallerRef } from "../core/caller.ts";
import {
  AUDIT_COUNTED,
  type EventFilter,
  type EventStore,
  type NamedEntry,
} from "../core/events.ts";
import { cache } from "./cache.ts";
import type { AuditClient, AuditRow, AuditStatements, StorageContext } from "./context.ts";
import type { ReceiverName } from "../core/deliveries.ts";
import { flag, toPage } from "./d1.ts";
import { DEVICE_FIELDS } from "./devices.ts";
import { EVENT_LOG, NIL_USER_ID, storedColumns } from "./event-rows.ts";
import { DISPLAY_NAME } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

/** After every UUIDv7. */
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

const HIDDEN: AuditClient = { address: null, requestId: null };

/**
 * @param client of the request being served
 * @param receivers for which each event is queued
 */
export function createAuditStatements(
  client: () => AuditClient,
  receivers: readonly ReceiverName[],
): AuditStatements {
  /** @param owners from where, after the insertion, `row.userId` has its value */
  function insert(row: AuditRow, nowMs: number, from: Sql, owners: Sql = from): Sql[] {
    const id = timeOrdered(nowMs);
    return [
      insertion(row, from, sql`${uuid(id)}`),
      ...queuedFor(row, nowMs, owners, sql`events.id = ${uuid(id)}`),
    ];
  }

  const queuedFor = ({ userId }: AuditRow, nowMs: number, owners: Sql, ids: Sql): Sql[] =>
    receivers.map((receiver) =>
      queued(receiver, sql`SELECT ${uuid(userId)} ${owners}`, ids, nowMs),
    );

  function insertion(row: AuditRow, from: Sql, id: Sql): Sql {
    const columns = storedColumns(
      row,
      row.hidesClient === true ? HIDDEN : (row.client ?? client()),
    );
    return sql`INSERT INTO events (user_id, id, credential, subject, count, ${raw(Object.keys(columns).join())})
      SELECT ${uuid(row.userId)}, ${id}, ${uuid(row.credentialId)}, ${uuid(row.subjectId)}, ${row.count ?? 1}, ${join(Object.values(columns))}
        ${from}`;
  }

  const owner = sql`tokens.user_id`;
  // guard: event-only-of-a-change
  const after = (row: AuditRow, nowMs: number) => insert(row, nowMs, sql`WHERE changes() > 0`);

  return {
    after,
    afterCaller: (what, caller, subjectId, nowMs) =>
      after({ what, ...byCaller(caller), subjectId }, nowMs),
    afterToken(what, subjectId, nowMs, actorId = owner) {
      const credentialId = actorId === null ? null : subjectId;
      return insert(
        { what, userId: owner, actorId, credentialId, subjectId },
        nowMs,
        sql`FROM tokens WHERE tokens.id = ${uuid(subjectId)} AND changes() > 0`,
      );
    },
    afterTokens(what, filter, nowMs) {
      const id = sql`tokens.id`;
      const row = { what, userId: owner, actorId: owner, credentialId: id, subjectId: id };
      const from = sql`FROM tokens WHERE ${filter} AND changes() > 0`;
      // The random part comes from SQLite, for each row.
      const prefix = timeOrdered(nowMs).replaceAll("-", "").slice(0, -12);
      return [
        insertion(row, from, sql`unhex(${prefix} || hex(randomblob(6)))`),
        ...queuedFor(
          row,
          nowMs,
          from,
          sql`events.id BETWEEN unhex(${`${prefix}000000000000`}) AND unhex(${`${prefix}ffffffffffff`})`,
        ),
      ];
    },
    always: (row, nowMs) => insert(row, nowMs, sql``),
    areReceived: receivers.length > 0,
    // guard: new-log-in-leaves-an-event
    login: (row, isKnown, nowMs) =>
      insert(row, nowMs, sql`WHERE changes() > 0 AND (${receivers.length > 0} OR NOT ${isKnown})`),
    undelivered: (row, nowMs) => insertion(row, sql``, sql`${uuid(timeOrdered(nowMs))}`),
    where: (row, from, nowMs) => insert(row, nowMs, from, sql``),
    address: () => client().address,
    client,
  };
}

/**
 * Queues events for a receiver, in the batch that wrote them and right after: the position is taken where D1 commits,
 * one after the other, while the ids of two isolates follow their clocks.
 * @param owners a query for the users whose events they are
 * @param ids the condition on `events.id` that they meet, if they were written
 */
function queued(receiver: ReceiverName, owners: Sql, ids: Sql, nowMs: number): Sql {
  // guard: only-new-events-are-queued
  return sql`INSERT INTO deliveries (receiver, user_id, position, event_id, queued_at, due_at)
    SELECT ${receiver}, events.user_id, ROW_NUMBER() OVER (PARTITION BY events.user_id ORDER BY events.id)
        + COALESCE((SELECT MAX(position) FROM deliveries AS d WHERE d.receiver = ${receiver} AND d.user_id = events.user_id), 0),
      events.id, ${nowMs}, ${nowMs}
    FROM events WHERE events.user_id IN (${owners}) AND ${ids}
    RETURNING user_id AS queued_for`;
}

/** What a caller does to their own account. */
export function byCaller({ userId, tokenId, credentialIds }: CallerRef) {
  return { userId, actorId: userId, credentialId: tokenId ?? credentialIds[0] ?? null };
}

/** How many ids this isolate has created, in 26 bits: more than it creates in any millisecond. */
let made = 0;

/**
 * A UUIDv7 (RFC 9562 section 5.7), so that a user's events sort by time. All events of one request have
 * the same time, so a counter follows it (section 6.2, method 1): 12 bits before the variant, 14 after
 * it; the rest is random.
 */
export function timeOrdered(nowMs: number): string {
  made = (made + 1) % 2 ** 26;
  const high = (made >>> 14).toString(16).padStart(3, "0");
  const low = (0x8000 | (made & 0x3fff)).toString(16);
  return `${firstIdOf(nowMs).slice(0, 13)}-7${high}-${low}-${crypto.randomUUID().slice(24)}`;
}

/** Less than each id of that instant, and more than all before. */
export function firstIdOf(atMs: number): string {
  const time = Math.max(atMs, 0).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/** How long noise from a network is gathered before it is written again. */
const NOISE_MS = 600_000;
const FAILURES_MS = 60_000;

const MAX_NETWORKS = 1_000;
/** How many an isolate writes in that time, however many networks there are. */
const MAX_WRITTEN = 100;

interface Gathered<T> {
  /** The first of them, which represents all. */
  readonly what: T;
  readonly untilMs: number;
  count: number;
}

interface Noise<T> {
  /** Counts one. @returns what to write now, each with its count */
  add(network: string, what: T, nowMs: number): readonly (readonly [T, count: number])[];
}

/**
 * What anyone can cause without bound is counted in memory, and written at most once per network in ten
 * minutes: the first one immediately, with all since the last time. An isolate that ends loses its count.
 */
export function noise<T>(gatheredMs = NOISE_MS): Noise<T> {
  // A Map keeps insertion order: the first entry is the one whose time is over first.
  const networks = new Map<string, Gathered<T>>();
  let written = 0;
  let writtenSinceMs = 0;

  /** @returns false where this isolate has written enough for now */
  function mayWrite(nowMs: number): boolean {
    if (nowMs - writtenSinceMs >= gatheredMs) {
      writtenSinceMs = nowMs;
      written = 0;
    }
    return ++written <= MAX_WRITTEN;
  }

  function* over(nowMs: number) {
    for (const [network, { what, untilMs, count }] of networks) {
      if (nowMs < untilMs) return;
      networks.delete(network);
      if (count > 0 && mayWrite(nowMs)) yield [what, count] as const;
    }
  }

  return {
    add(network, what, nowMs) {
      const present = networks.get(network);
      if (present !== undefined) present.count++;
      const due = [...over(nowMs)];
      if (networks.has(network)) return due;
      const isNew = present === undefined && mayWrite(nowMs);
      networks.set(network, { what, untilMs: nowMs + gatheredMs, count: 0 });
      const [oldest] = networks.size > MAX_NETWORKS ? networks.keys() : [];
      if (oldest !== undefined) networks.delete(oldest);
      return isNew ? [...due, [what, 1] as const] : due;
    },
  };
}

const nullable = v.nullable(v.string());

/** What the user of an event is not told where an operator did it. */
// guard: operators-are-not-named
export const unlessOperators = (column: Sql): Sql =>
  sql`CASE WHEN by_operator = 0 THEN ${column} END`;

export const EventRow = v.object({
  id: v.string(),
  createdAtMs: v.number(),
  what: v.string(),
  outcome: v.picklist(["done", "refused"]),
  actorId: nullable,
  credentialId: nullable,
  subjectId: nullable,
  address: nullable,
  requestId: nullable,
  isByOperator: flag,
});

const NamedRow = v.object({
  ...EventRow.entries,
  ...DEVICE_FIELDS,
  hasDevice: flag,
  credentialName: nullable,
  objectKind: v.nullable(v.picklist(["api", "action", "passkey"])),
  objectId: nullable,
  objectName: nullable,
  contactId: nullable,
  otherName: nullable,
});

function toNamed(row: v.InferOutput<typeof NamedRow>, userId: string): NamedEntry {
  const { hasDevice, browser, system, country, city, ...named } = row;
  const { objectKind, objectId, objectName, contactId, otherName, ...entry } = named;
  const other = otherName === null ? null : { id: contactId, name: otherName };
  const isAboutOther = entry.what === "contact.removed" && entry.actorId === userId;
  return {
    ...entry,
    device: hasDevice ? { browser, system, country, city } : null,
    object:
      isAboutOther && other !== null
        ? { kind: "contact", ...other }
        : objectKind !== null && objectName !== null
          ? { kind: objectKind, id: objectId, name: objectName }
          : null,
    actor: isAboutOther ? null : other,
  };
}

const COLUMNS: Sql = sql`e.id, e.at AS createdAtMs, e.what, e.outcome, ${unlessOperators(sql`e.actor`)} AS actorId,
  ${unlessOperators(sql`e.credential`)} AS credentialId, e.subject AS subjectId,
  ${unlessOperators(sql`e.address`)} AS address, ${unlessOperators(sql`e.request_id`)} AS requestId,
  e.by_operator AS isByOperator`;

/** The other person of an event: who did it, or whom its user removed. */
const OTHER: Sql = sql`CASE WHEN e.by_operator = 1 THEN NULL WHEN e.actor <> e.user_id THEN e.actor
  WHEN e.what = 'contact.removed' THEN e.subject END`;

/**
 * Events with their names. Each row that is joined is the user's own, or of someone whose name they may know: a contact,
 * or who ran their action token. NULL finds no row, so a join costs only what it finds.
 */
// guard: names-of-events-are-own
const NAMED: Sql = sql`SELECT ${COLUMNS},
    devices.user_id IS NOT NULL AS hasDevice, devices.browser, devices.system, devices.country,
    CASE WHEN made.device IS NOT NULL THEN made.city ELSE shown.city END AS city,
    CASE WHEN shown.kind = 'api' THEN shown.detail ->> '$.name' END AS credentialName,
    CASE WHEN passkeys.id IS NOT NULL THEN 'passkey' WHEN receipts.id IS NOT NULL THEN 'action'
      WHEN e.what LIKE 'token.%' AND made.kind = 'api' THEN 'api'
      WHEN e.what LIKE 'action.%' AND made.kind = 'action' THEN 'action' END AS objectKind,
    COALESCE(passkeys.id, made.id) AS objectId,
    COALESCE(passkeys.name, receipts.action, made.detail ->> '$.name', made.detail ->> '$.action') AS objectName,
    known.contact_id AS contactId,
    (SELECT ${DISPLAY_NAME} FROM users WHERE users.id = CASE WHEN known.user_id IS NOT NULL
      OR (e.what = 'action.run' AND made.id IS NOT NULL) THEN ${OTHER} END) AS otherName
  FROM ${EVENT_LOG} AS e
    LEFT JOIN receipts ON receipts.id = CASE WHEN e.what = 'action.run' THEN e.subject END
    LEFT JOIN tokens AS made ON made.id = COALESCE(receipts.token_id, e.subject) AND made.user_id = e.user_id
    LEFT JOIN tokens AS shown ON shown.id = ${unlessOperators(sql`e.credential`)} AND shown.user_id = e.user_id
    LEFT JOIN devices ON devices.user_id = e.user_id AND devices.first_seen_at = COALESCE(made.device, shown.device)
    LEFT JOIN passkeys ON passkeys.id = CASE WHEN e.what LIKE 'passkey.%' THEN e.subject END AND passkeys.user_id = e.user_id
    LEFT JOIN contacts AS known ON known.user_id = e.user_id AND known.contact_id = ${OTHER}`;

const isAmong = (value: Sql, names: readonly string[]): Sql =>
  sql`${value} IN (SELECT value FROM json_each(${JSON.stringify(names)}))`;

/** What an event says itself. What its user is not told is not found by it. */
function isWanted({ kinds, outcome, aboutId }: EventFilter): Sql {
  return join(
    [
      sql`TRUE`,
      ...(kinds === null
        ? []
        : [sql`${kinds.isExcluded ? sql`NOT` : sql``} ${isAmong(sql`e.what`, kinds.names)}`]),
      ...(outcome === null ? [] : [sql`e.outcome = ${outcome}`]),
      ...(aboutId === null
        ? []
        : [
            sql`(e.subject = ${uuid(aboutId)} OR ${unlessOperators(sql`e.credential`)} = ${uuid(aboutId)})`,
          ]),
    ],
    " AND ",
  );
}

/** Of what the list shows, so that no search finds what is hidden. SQLite folds the case of ASCII letters alone. */
function textIsIn({ search }: EventFilter): Sql {
  if (search === null) return sql`TRUE`;
  const texts = [
    "objectName",
    "otherName",
    "credentialName",
    "browser",
    "system",
    "city",
    "country",
  ];
  const shown = [...texts, "address", "requestId", "what"].map((name) => `COALESCE(${name}, '')`);
  const wanted = search.text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return sql`(${isAmong(sql`what`, search.kinds)}
    OR INSTR(LOWER(${raw(shown.join(" || CHAR(10) || "))}), ${wanted}) > 0)`;
}

const EdgeRow = v.object({ id: v.string(), createdAtMs: v.number() });

const DayRow = v.object({ day: v.number(), done: v.number(), counted: v.number() });

const DAY_MS = 86_400_000;

export function createEvents({
  db,
  events: statements,
  background,
  served,
}: StorageContext): EventStore {
  const gathered = noise<AuditRow>();
  const failures = noise<AuditRow>(FAILURES_MS);
  /** Credentials that were refused here a moment ago, whose owner has an event already. */
  const refusedBefore = cache<true>(NOISE_MS);

  function gather(
    row: Omit<AuditRow, "userId" | "credentialId">,
    afterResponse: (work: Promise<unknown>) => void,
    nowMs: number,
  ): void {
    const nobodys = {
      ...row,
      userId: NIL_USER_ID,
      credentialId: null,
      client: statements.client(),
    };
    for (const [each, count] of gathered.add(served.noisyNetwork(), nobodys, nowMs)) {
      afterResponse(db.batch({ event: statements.always({ ...each, count }, nowMs) }));
    }
  }

  /**
   * The row of a revoked token may still say whose it was. Its owner gets one event in ten minutes,
   * however often and from wherever it is presented, and none for a token that has merely expired.
   * @returns false where there is no such token
   */
  async function ofToken(
    row: Omit<AuditRow, "userId"> & { readonly credentialId: string },
    userId: string | null,
    nowMs: number,
  ): Promise<boolean> {
    const { credentialId } = row;
    const owner =
      userId === null
        ? await db.first(
            sql`SELECT user_id, expires_at FROM tokens WHERE id = ${uuid(credentialId)}`,
            v.object({ user_id: v.string(), expires_at: v.number() }),
          )
        : { user_id: userId, expires_at: Number.POSITIVE_INFINITY };
    if (owner === null) return false;
    if (owner.expires_at <= nowMs) return true;
    const told = sql`WHERE NOT EXISTS (SELECT 1 FROM events WHERE user_id = ${uuid(owner.user_id)}
      AND id >= ${uuid(firstIdOf(nowMs - NOISE_MS))} AND credential = ${uuid(credentialId)} AND refused = 1)`;
    await db.batch({ event: statements.where({ ...row, userId: owner.user_id }, told, nowMs) });
    return true;
  }

  return {
    failed(requestId) {
      const nowMs = Date.now();
      const nobodys = { userId: NIL_USER_ID, actorId: null, credentialId: null, subjectId: null };
      const client = { address: null, requestId };
      const row = { what: "request.failed", outcome: "refused" as const, ...nobodys, client };
      for (const [each, count] of failures.add("", row, nowMs)) {
        const written = db.run(statements.undelivered({ ...each, count }, nowMs));
        background.afterResponse("count failed requests", written);
      }
    },

    async list(userId, page) {
      // An id contains its time: the primary key leads to the page, however many events there are.
      const { limit, after, before } = page;
      const beyond = before === undefined ? sql`<` : sql`>`;
      const order = before === undefined ? sql`DESC` : sql`ASC`;
      const cursor = before ?? after;
      const from = cursor === null ? sql`TRUE` : sql`id ${beyond} ${uuid(cursor.id)}`;
      const rows = await db.all(
        // guard: own-events-only
        sql`SELECT id, at AS createdAtMs, what, outcome, ${unlessOperators(sql`actor`)} AS actorId,
            ${unlessOperators(sql`credential`)} AS credentialId, subject AS subjectId,
            ${unlessOperators(sql`address`)} AS address, ${unlessOperators(sql`request_id`)} AS requestId,
            by_operator AS isByOperator FROM ${EVENT_LOG}
          WHERE user_id = ${uuid(userId)} AND ${from} ORDER BY id ${order} LIMIT ${limit + 1}`,
        EventRow,
      );
      return toPage(rows, page);
    },

    async find(userId, filter, page, lookedAt = AUDIT_COUNTED) {
      const { limit, after, before } = page;
      const isBack = before !== undefined;
      const cursor = before ?? after;
      const { fromMs, untilMs } = filter;
      const order = isBack ? sql`ASC` : sql`DESC`;
      const beyond = (id: unknown) => (isBack ? sql`> ${id}` : sql`< ${id}`);
      // A range of the primary key, because an id begins with its time.
      // guard: own-events-are-found
      const range = sql`e.user_id = ${uuid(userId)} AND e.id >= ${uuid(fromMs === null ? "" : firstIdOf(fromMs))}
        AND e.id < ${uuid(untilMs === null ? LAST_ID : firstIdOf(untilMs))}
        AND ${cursor === null ? sql`TRUE` : sql`e.id ${beyond(uuid(cursor.id))}`}`;
      // The last event that is looked at, where there are more.
      const edge = sql`SELECT e.id, e.at AS createdAtMs FROM ${EVENT_LOG} AS e WHERE ${range}
        ORDER BY e.id ${order} LIMIT 1 OFFSET ${lookedAt - 1}`;
      const { kinds, outcome, aboutId, search } = filter;
      const isAll = [kinds, outcome, aboutId, search].every((each) => each === null);
      const end = sql`COALESCE((SELECT id FROM (${edge})), ${isBack ? uuid(LAST_ID) : ""})`;
      const looked = isAll ? sql`TRUE` : sql`e.id ${isBack ? sql`<=` : sql`>=`} ${end}`;
      const found = await db.batch({
        rows: sql`SELECT * FROM (${NAMED} WHERE ${range} AND ${looked} AND ${isWanted(filter)})
          WHERE ${textIsIn(filter)} ORDER BY id ${order} LIMIT ${limit + 1}`,
        edge: isAll ? [] : edge,
      });
      const rows = v.parse(v.array(NamedRow), found.rows);
      const [last] = v.parse(v.array(EdgeRow), found.edge);
      const { items, ...around } = toPage(rows, page);
      const isWhole = last === undefined || rows.length > limit;
      const more = isWhole
        ? {}
        : { [isBack ? "previous" : "next"]: { key: last.createdAtMs, id: last.id } };
      return { ...around, ...more, items: items.map((row) => toNamed(row, userId)), isWhole };
    },

    async perDay(userId, days, nowMs) {
      const todayMs = nowMs - (nowMs % DAY_MS);
      const firstMs = todayMs - (days - 1) * DAY_MS;
      // A range of the primary key, from its end: an id begins with its time.
      const counted = await db.all(
        sql`SELECT CAST(at / ${DAY_MS} AS INTEGER) AS day, SUM(outcome = 'done') AS done, COUNT(*) AS counted FROM
            (SELECT at, outcome FROM ${EVENT_LOG} WHERE user_id = ${uuid(userId)} AND id >= ${uuid(firstIdOf(firstMs))}
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
        // A wrong password: attempts are limited.
        afterResponse(
          db.batch({
            event: statements.always({ ...row, userId: sql`${uuid(userId)}`, credentialId }, nowMs),
          }),
        );
      } else if (refusedBefore.get(credentialId, nowMs) === null) {
        refusedBefore.set(credentialId, true, nowMs);
        afterResponse(
          ofToken({ ...row, credentialId }, userId, nowMs).then((isKnown) => {
            if (!isKnown) gather(row, afterResponse, nowMs);
          }),
        );
      }
    },
  };
}
