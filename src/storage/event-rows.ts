import sql, { raw, type Sql } from "sql-template-tag";
import { AUDIT_EVENTS, EVENT_KINDS, isAuditEvent } from "../core/events.ts";
import { ipv4, ipv6 } from "../core/networks.ts";
import { uuid } from "../core/uuid.ts";

/** The user of an event that names none (RFC 9562's nil UUID). */
export const NIL_USER_ID = "00000000-0000-0000-0000-000000000000";

/** Of the kinds that actions name: `own_kind` has the name. */
const OWN = 0;

/** What `events.kind` has. */
export const storedKind = (name: string): number =>
  isAuditEvent(name) ? EVENT_KINDS[name][0] : OWN;

const isSecurity = (name: string): boolean =>
  isAuditEvent(name) && EVENT_KINDS[name][1] === "security";

const asJson = (value: unknown): Sql => raw(`'${JSON.stringify(value)}'`);
const nameOf = new Map(AUDIT_EVENTS.map((name) => [EVENT_KINDS[name][0], name]));
const NAMES = asJson(
  Array.from({ length: Math.max(...nameOf.keys()) + 1 }, (_, number) => nameOf.get(number)),
);
const NUMBERS = asJson(Object.fromEntries(AUDIT_EVENTS.map((name) => [name, storedKind(name)])));
const OF_SECURITY = raw(AUDIT_EVENTS.filter(isSecurity).map(storedKind).join());

const OF_LOGINS = raw(
  AUDIT_EVENTS.filter((name) => name === "session.created" || name === "jwt.obtained")
    .map(storedKind)
    .join(),
);

/**
 * Whatever was refused, and what operators did, is never routine; nor is a log-in from a new device, which alone of its
 * kind has a request.
 */
export const IS_ROUTINE: Sql = sql`refused = 0 AND done_by <> 2 AND kind NOT IN (${OF_SECURITY})
  AND (kind NOT IN (${OF_LOGINS}) OR request_id IS NULL)`;

/** What operators look for, as the index has it. */
export const IS_WATCHED: Sql = raw(
  `((refused = 1 AND user_id <> x'${NIL_USER_ID.replaceAll("-", "")}') OR done_by = 2)`,
);

/** @param address as `anonymizedAddress` has it: IPv4 below 0, its /24 in three bytes, an IPv6 /48 in six; text for all else */
function packed(address: string | null) {
  const [text = "", length] = address?.split("/") ?? [];
  const bytes = ipv4(text)?.slice(0, length === undefined ? 4 : 3);
  const groups = length === "48" ? (ipv6(text) ?? []).slice(0, 3) : [];
  const parts = bytes ?? groups.map((group) => Number.parseInt(group, 16));
  const value = parts.reduce((sum, part) => sum * (bytes === undefined ? 65_536 : 256) + part, 0);
  if (bytes === undefined && value < 2 ** 24) return { address: null, ipv6: address };
  return { address: parts.length === 4 ? -1 - value : value, ipv6: null };
}

const ADDRESS = raw(`CASE WHEN address < 0 THEN format('%d.%d.%d.%d',
    -1 - address >> 24, -1 - address >> 16 & 255, -1 - address >> 8 & 255, -1 - address & 255)
  WHEN address < 16777216 THEN format('%d.%d.%d.0/24', address >> 16, address >> 8 & 255, address & 255)
  WHEN address IS NULL THEN ipv6 ELSE replace(replace(format('%x:%x:%x::/48',
    address >> 32, address >> 16 & 65535, address & 65535), ':0::', '::'), ':0::', '::') END`);

interface Described {
  readonly what: string | Sql;
  readonly userId: string | Sql;
  readonly actorId: string | Sql | null;
  readonly outcome?: "done" | "refused";
  readonly byOperator?: boolean;
  readonly isKept?: Sql;
}

function kindColumns(what: string | Sql) {
  if (typeof what === "string") {
    const kind = storedKind(what);
    return { kind, own_kind: kind === OWN ? what : null };
  }
  const number = sql`${NUMBERS} ->> ${what}`;
  return {
    kind: sql`COALESCE(${number}, ${OWN})`,
    own_kind: sql`CASE WHEN ${number} IS NULL THEN ${what} END`,
  };
}

function actorColumns({ userId, actorId, byOperator }: Described) {
  if (byOperator === true) return { done_by: 2, actor: sql`${uuid(actorId)}` };
  if (actorId === userId) return { done_by: 1, actor: null };
  if (actorId === null || typeof actorId === typeof userId)
    return { done_by: 0, actor: sql`${uuid(actorId)}` };
  return {
    done_by: sql`(${uuid(actorId)} = ${uuid(userId)})`,
    actor: sql`NULLIF(${uuid(actorId)}, ${uuid(userId)})`,
  };
}

/** The columns of a row, by name, but for the ids. @param client from where, as far as it may be stored */
export function storedColumns(
  row: Described,
  client: { readonly address: string | null; readonly requestId: string | null },
): Readonly<Record<string, string | number | Sql | null>> {
  const { kind, own_kind } = kindColumns(row.what);
  const refused = row.outcome === "refused" ? 1 : 0;
  const { done_by, actor } = actorColumns(row);
  // For the log, which has more on what matters when an account was attacked.
  const isKept = sql`${row.isKept ?? sql`FALSE`} OR ${refused} OR ${done_by} = 2 OR ${kind} IN (${OF_SECURITY})`;
  return {
    kind,
    own_kind,
    refused,
    done_by,
    actor,
    ...packed(client.address),
    request_id: sql`CASE WHEN ${isKept} THEN ${client.requestId} END`,
  };
}

/** Events with their words, for `FROM`. SQLite reads through it, by the same keys. */
export const EVENT_LOG: Sql = sql`(SELECT user_id, id,
    ('0x' || substr(hex(id), 1, 12)) ->> '$' AS at, COALESCE(own_kind, ${NAMES} ->> kind, 'kind ' || kind) AS what,
    CASE refused WHEN 1 THEN 'refused' ELSE 'done' END AS outcome, CASE done_by WHEN 1 THEN user_id ELSE actor END AS actor,
    credential, subject, ${ADDRESS} AS address, request_id, count, refused, done_by, done_by = 2 AS by_operator FROM events)`;
