import sql, { type Sql } from "sql-template-tag";
import type { CallerRef } from "../core/caller.ts";
import type { AuditEvent } from "../core/events.ts";

/** Whose an event is that names no user (RFC 9562's nil UUID). */
export const NIL_USER_ID = "00000000-0000-0000-0000-000000000000";

export interface AuditRow {
  readonly what: AuditEvent | Sql;
  /** Whose event it is: who may read it. */
  readonly userId: string | Sql;
  readonly actorId: string | Sql | null;
  readonly credentialId: string | Sql | null;
  readonly subjectId: string | Sql | null;
  readonly outcome?: "done" | "refused";
  /** Who reads it must not learn from where another came. */
  readonly hidesClient?: boolean;
  /** Where it is not of the request that is being served. */
  readonly origin?: AuditClient;
  readonly count?: number;
}

/** Makes the statements that write the audit. */
export interface Audit {
  /**
   * Stands right behind the statement that it speaks of, in the same batch: a row is written if,
   * and only if, that statement changed one.
   */
  after(row: AuditRow, nowMs: number): Sql;
  /** The same of what a token's holder did with the token itself: its row says whose it is. */
  afterToken(
    what: AuditEvent | Sql,
    tokenId: string,
    nowMs: number,
    actorId?: string | Sql | null,
  ): Sql;
  /** The same of many tokens: a row for each for which `which` holds. */
  afterTokens(what: AuditEvent | Sql, which: Sql, nowMs: number): Sql;
  always(row: AuditRow, nowMs: number): Sql;
  /** Once, for those that `from` finds. */
  where(row: AuditRow, from: Sql, nowMs: number): Sql;
  /** From where the request comes that is being served, in the form in which it may be kept. */
  address(): string | null;
  origin(): AuditClient;
}

/** Where a request came from, in the form in which it may be kept. */
export interface AuditClient {
  readonly address: string | null;
  readonly requestId: string | null;
}

const HIDDEN: AuditClient = { address: null, requestId: null };

/** @param origin of the request that is being served */
export function createAuditStatements(origin: () => AuditClient): Audit {
  function insert(
    row: AuditRow,
    nowMs: number,
    from: Sql,
    id: string | Sql = timeOrdered(nowMs),
  ): Sql {
    const { address, requestId } = row.hidesClient === true ? HIDDEN : (row.origin ?? origin());
    return sql`INSERT INTO audit (user_id, id, at, what, outcome, actor, credential, subject, address, request_id, count)
      SELECT ${row.userId}, ${id}, ${nowMs}, ${row.what}, ${row.outcome ?? "done"},
        ${row.actorId}, ${row.credentialId}, ${row.subjectId}, ${address}, ${requestId}, ${row.count ?? 1} ${from}`;
  }

  return {
    // guard: event-only-of-a-change
    after: (row, nowMs) => insert(row, nowMs, sql`WHERE changes() > 0`),
    afterToken: (what, tokenId, nowMs, actorId = sql`tokens.user_id`) =>
      insert(
        {
          what,
          userId: sql`tokens.user_id`,
          actorId,
          credentialId: actorId === null ? null : tokenId,
          subjectId: tokenId,
        },
        nowMs,
        sql`FROM tokens WHERE tokens.id = ${tokenId} AND changes() > 0`,
      ),
    afterTokens: (what, which, nowMs) =>
      insert(
        {
          what,
          userId: sql`tokens.user_id`,
          actorId: sql`tokens.user_id`,
          credentialId: sql`tokens.id`,
          subjectId: sql`tokens.id`,
        },
        nowMs,
        sql`FROM tokens WHERE ${which} AND changes() > 0`,
        // Its chance comes from SQLite, anew for each row.
        sql`${timeOrdered(nowMs).slice(0, -12)} || lower(hex(randomblob(6)))`,
      ),
    always: (row, nowMs) => insert(row, nowMs, sql``),
    where: (row, from, nowMs) => insert(row, nowMs, from),
    address: () => origin().address,
    origin,
  };
}

/** What a caller does to her own. */
export function byCaller({ userId, tokenId, credentialIds }: CallerRef) {
  return { userId, actorId: userId, credentialId: tokenId ?? credentialIds[0] ?? null };
}

/** How many ids this isolate has made, in 26 bits: more than it makes in any millisecond. */
let made = 0;

/**
 * A UUIDv7 (RFC 9562 section 5.7): a user's events stand in the order of their time, and those of one
 * millisecond in the order in which they were made. All of one request have its time, so behind it stands
 * a counter (section 6.2, method 1): 12 bits before the variant, 14 behind it; the rest is chance.
 */
export function timeOrdered(nowMs: number): string {
  made = (made + 1) % 2 ** 26;
  const high = (made >>> 14).toString(16).padStart(3, "0");
  const low = (0x8000 | (made & 0x3fff)).toString(16);
  return `${firstIdOf(nowMs)}-7${high}-${low}-${crypto.randomUUID().slice(24)}`;
}

/** How the ids begin of that instant: less than each of them, and more than all before. */
export function firstIdOf(atMs: number): string {
  const time = atMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}
