import sql, { join, raw, Sql } from "sql-template-tag";
import * as v from "valibot";
import { FaultError } from "../core/fault.ts";
import type { PersonalTable } from "../core/action.ts";
import type { Cursor, Page, PageRequest } from "../core/page.ts";
import type { Json } from "../core/token.ts";
import type { Deadline } from "./calls.ts";
import { idAsText, idsToText, uuid } from "../core/uuid.ts";

/** The statements of a batch by name; one that varies is a list, which may be empty. */
export type Batch<K extends string> = Readonly<Record<K, Sql | readonly Sql[]>>;

/** The rows of each statement of a batch, unparsed, by the same names. */
export type BatchRows<K extends string> = Readonly<Record<K, readonly unknown[]>>;

/** D1 with a deadline on each call; rows are parsed, never cast. */
export interface Database {
  first<S extends v.GenericSchema>(statement: Sql, row: S): Promise<v.InferOutput<S> | null>;
  all<S extends v.GenericSchema>(statement: Sql, row: S): Promise<v.InferOutput<S>[]>;
  /** The rows of a table of an action's own, whose bytes are no ids. */
  allOfOthers(statement: Sql): Promise<Record<string, unknown>[]>;
  /** @returns how many rows it changed */
  run(statement: Sql): Promise<number>;
  /** One transaction, in the order of the names: all of it or none. */
  batch<K extends string>(statements: Batch<K>): Promise<BatchRows<K>>;
}

/**
 * @param d1 the database, or a session on it
 * @param onMeta what D1 says of each statement
 */
export function createDatabase(
  d1: Pick<D1Database, "prepare" | "batch">,
  withDeadline: Deadline,
  onMeta: (meta: D1Meta) => void = () => undefined,
): Database {
  const prepare = (statement: Sql) => d1.prepare(statement.sql).bind(...statement.values);
  const allOfOthers = async (statement: Sql) => {
    const { results, meta } = await withDeadline("D1", () => prepare(statement).all());
    onMeta(meta);
    return results;
  };
  const rows = async (statement: Sql) => (await allOfOthers(statement)).map(withIds);
  return {
    async first(statement, row) {
      const [first] = await rows(statement);
      return first === undefined ? null : v.parse(row, first);
    },
    async all(statement, row) {
      return v.parse(v.array(row), await rows(statement));
    },
    allOfOthers,
    async run(statement) {
      const { meta } = await withDeadline("D1", () => prepare(statement).run());
      onMeta(meta);
      return meta.changes;
    },
    async batch<K extends string>(statements: Batch<K>): Promise<BatchRows<K>> {
      const named = Object.entries<Sql | readonly Sql[]>(statements).flatMap(([name, some]) =>
        (some instanceof Sql ? [some] : some).map((statement) => ({ name, statement })),
      );
      const results = await withDeadline("D1", () =>
        d1.batch(named.map(({ statement }) => prepare(statement))),
      );
      const found = Object.fromEntries<unknown[]>(
        Object.keys(statements).map((name) => [name, []]),
      );
      for (const [index, { results: rows, meta }] of results.entries()) {
        onMeta(meta);
        found[named[index]?.name ?? ""]?.push(...rows.map(withIds));
      }
      return found as Record<K, unknown[]>;
    },
  };
}

/** The row with its ids as UUIDs. */
function withIds(row: unknown): Record<string, unknown> {
  const given: Record<string, unknown> = Object(row);
  for (const [name, value] of Object.entries(given)) {
    if (Array.isArray(value)) given[name] = idsToText(value);
  }
  return given;
}

/** An id as text in SQL, for JSON and keys; null where there is none. */
export const textOf = (id: Sql): Sql => raw(idAsText(id.sql));

export const uuids = (ids: readonly string[]): Sql => join(ids.map((each) => uuid(each)));

/** However many there are: a table with the column `id`. */
export const idsIn = (ids: readonly string[]): Sql =>
  sql`(SELECT unhex(value, '-') AS id FROM json_each(${JSON.stringify(ids)}))`;

/** Columns of JSON, and of 0, 1 or NULL, which is no. */
export const json = v.pipe(v.string(), v.parseJson());
export const anyJson = v.pipe(
  json,
  v.custom<Json>((value) => value !== undefined),
);
export const flag = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value === 1),
);

/**
 * What SQLite says of a constraint that a batch broke (columns, the name of a CHECK, `FOREIGN KEY`, the text
 * of a trigger); null for any other failure. D1 has no codes: "D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT".
 */
export function brokenConstraint(error: unknown): string | null {
  const cause = error instanceof FaultError ? error.cause : null;
  if (!(cause instanceof Error)) return null;
  const [, text] = /^D1_ERROR: (.*?): SQLITE_CONSTRAINT/s.exec(cause.message) ?? [];
  if (text === undefined || text.startsWith("cannot store ")) return null;
  return (
    /^(?:UNIQUE|CHECK|NOT NULL) constraint failed: (.*)$/s.exec(text)?.[1] ??
    text.replace(/ constraint failed$/, "")
  );
}

/** Pieces of SQL that come from elsewhere (actions) as this folder's own. */
export function asSql(fragment: { strings: readonly string[]; values: readonly unknown[] }): Sql {
  return new Sql(fragment.strings, fragment.values);
}

/** Newest first from the cursor on, or back from it; one row more than asked tells whether there is a page beyond. */
export function pageOf(
  id: Sql,
  createdAt: Sql,
  { limit, after, before, skip = 0 }: PageRequest,
  isDescending = true,
) {
  const cursor = before ?? after;
  const isDown = isDescending === (before === undefined);
  const way = isDown ? sql`DESC` : sql`ASC`;
  const order = sql`${createdAt} ${way}, ${id} ${way}`;
  const rows = sql`LIMIT ${limit + 1} OFFSET ${skip}`;
  return {
    from:
      cursor === null
        ? sql`TRUE`
        : sql`(${createdAt}, ${id}) ${isDown ? sql`<` : sql`>`} (${cursor.key}, ${uuid(cursor.id)})`,
    order,
    limit: rows,
    orderAndLimit: sql`ORDER BY ${order} ${rows}`,
  };
}

/** The page of the rows that a statement with `pageOf` read. @param keyOf what they are sorted by */
export function toPage<T extends { readonly id: string; readonly createdAtMs: number }>(
  rows: readonly T[],
  { limit, after, before }: PageRequest,
  keyOf: (row: T) => Cursor["key"] = (row) => row.createdAtMs,
): Page<T> {
  const kept = rows.slice(0, limit);
  const items = before === undefined ? kept : kept.reverse();
  const hasMore = rows.length > limit;
  const cursorOf = (row: T | undefined): Cursor | null =>
    row === undefined ? null : { key: keyOf(row), id: row.id };
  const [first, last] = [cursorOf(items[0]), cursorOf(items.at(-1))];
  // Where all items of this side are gone, the way back stays open.
  if (before !== undefined)
    return { items, next: last ?? before, previous: hasMore ? first : null };
  return { items, next: hasMore ? last : null, previous: after === null ? null : (first ?? after) };
}

/** 128 bits of SHA-256, which identify an address or a network where its text is not needed. */
export async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest, 0, 16).toHex();
}

/** Eight bytes of it, in base64url: to find another network with those of one that is known takes 2^64 of them. */
export async function networkDigest(name: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name));
  return new Uint8Array(digest, 0, 8).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The digest as a UUIDv8 (RFC 9562 section 5.8), by which answers name what has no id of its own. */
export async function digestId(text: string): Promise<string> {
  const hex = await digestOf(text);
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A name of an action's own table or column, which was checked at the start. */
export const column = (name: string): Sql => raw(`"${name}"`);

/** Names the position of a row in what `ownRows` selects. */
export const OWN_KEY = "position of the row";

/**
 * Rows of an action's own table in the order of its rowid or, without one, of its primary key.
 * @param after the position of the row before, URL-encoded; null for none
 */
export async function ownRows(
  db: Database,
  { name }: PersonalTable,
  of: Sql,
  after: string | null,
  limit: number,
): Promise<Sql> {
  const { key, position, from } = await ownKey(db, name, after);
  return sql`SELECT *, ${position} AS ${column(OWN_KEY)} FROM ${column(name)}
    WHERE ${of} AND ${from} ORDER BY ${key} LIMIT ${limit}`;
}

/** The columns that identify a row, and the condition that it comes after a position. */
export async function ownKey(db: Database, name: string, after: string | null) {
  const columns = await db.all(
    sql`SELECT name FROM pragma_table_info(${name}) WHERE pk > 0
      AND (SELECT wr FROM pragma_table_list WHERE name = ${name}) = 1 ORDER BY pk`,
    v.object({ name: v.string() }),
  );
  const names = columns.length === 0 ? [raw("rowid")] : columns.map((each) => column(each.name));
  const key = join(names);
  const from =
    after === null
      ? sql`TRUE`
      : sql`(${key}) > (${positionOf(names.length, decodeURIComponent(after))})`;
  return {
    key,
    /** A JSON array with, per column, whether it is bytes, and its value or their digits. */
    position: sql`json_array(${join(names.map((each) => sql`typeof(${each}) = 'blob', CASE typeof(${each}) WHEN 'blob' THEN hex(${each}) ELSE ${each} END`))})`,
    from,
    upTo: (last: string) => sql`(${key}) <= (${positionOf(names.length, last)})`,
  };
}

/** Taken apart by SQLite, which keeps the type and every digit of each value. */
function positionOf(length: number, position: string): Sql {
  const part = (at: number) => sql`json_extract(${position}, ${`$[${at}]`})`;
  return join(
    Array.from(
      { length },
      (_, at) => sql`iif(${part(at * 2)}, unhex(${part(at * 2 + 1)}), ${part(at * 2 + 1)})`,
    ),
  );
}
