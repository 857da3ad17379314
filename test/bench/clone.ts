import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";
import { setImmediate as breathe } from "node:timers/promises";

/** What there is one of, and the platform's own. */
const SINGLE = /^(?:housekeeping\w*|heartbeat|decoys|pending_revocations|_cf_\w+|sqlite_\w+)$/;
const DAY_MS = 86_400_000;
const CHUNK = 20_000;

type Row = Readonly<Record<string, SQLOutputValue>>;
/** What the service wrote into a database, by table. */
export type Template = ReadonlyMap<string, readonly Row[]>;

export interface Cloning {
  readonly clones: number;
  /** How much later the times of the n-th clone are, in milliseconds. */
  readonly laterMs: (n: number) => number;
  /** Up to 255: ids and emails of one series differ from those of others. */
  readonly series: number;
}

/** Miniflare names the file by a digest. */
async function open(directory: string): Promise<DatabaseSync> {
  const folder = join(directory, "d1/miniflare-D1DatabaseObject");
  const name = (await readdir(folder)).find((each) => /^[\da-f]{64}\.sqlite$/.test(each));
  if (name === undefined) throw new Error("Miniflare keeps D1 in another place");
  return new DatabaseSync(join(folder, name), { enableForeignKeyConstraints: false });
}

export async function readTemplate(directory: string): Promise<Template> {
  const database = await open(directory);
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const found = tables
    .map(({ name }) => String(name))
    .filter((name) => !SINGLE.test(name))
    .map((name) => [name, database.prepare(`SELECT * FROM ${name}`).all()] as const);
  database.close();
  return new Map(found);
}

/**
 * Writes the rows of a template again and again into the database of a stopped server, with other ids and emails: so
 * no schema is repeated here, and it is faster than D1. Ids that begin with a time keep in step with the rows' times.
 */
export async function clone(
  directory: string,
  template: Template,
  cloning: Cloning,
): Promise<void> {
  const { clones } = cloning;
  const database = await open(directory);
  const run = async (sql: string) => {
    await breathe();
    database.exec(sql);
  };
  await run(
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; BEGIN",
  );
  // Building an index at the end is faster than updating it for each row.
  const indexes = database.prepare(INDEXES).all();
  for (const { name } of indexes) await run(`DROP INDEX ${name}`);
  const cloned = cloner(template, cloning);
  for (const [name, rows] of template) {
    const columns = Object.keys(rows[0] ?? {});
    if (columns.length === 0) continue;
    const marks = columns.map(() => "?").join();
    const insert = database.prepare(
      `INSERT OR IGNORE INTO ${name} (${columns.join()}) VALUES (${marks})`,
    );
    for (const row of rows) {
      const values = columns.map((column) => cloned(row[column] ?? null));
      // In between each other, so that pages are as full as when rows come in any order.
      for (const from of [0, 1]) {
        for (let n = from; n < clones; n += 2) {
          insert.run(...values.map((value) => value(n)));
          if (n % CHUNK === from) await breathe();
        }
      }
    }
  }
  for (const { sql } of indexes) await run(String(sql));
  await run("COMMIT; PRAGMA journal_mode = WAL");
  database.close();
}

const INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";

/** The email of the n-th clone. */
export const emailOf = (email: string, series: number, n: number): string =>
  email.replace("@", `.${series}.${n}@`);

/** What a database holds, without its free pages. */
export async function usedBytes(directory: string): Promise<number> {
  const database = await open(directory);
  const of = (name: string) =>
    Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const used = (of("page_count") - of("freelist_count")) * of("page_size");
  database.close();
  return used;
}

/** Of a value of the template, what the n-th clone has. */
function cloner(template: Template, { laterMs, series }: Cloning) {
  // Of all rows that are found by an id alone.
  const own = ["users", "tokens", "receipts", "token_meters"].flatMap((name) =>
    (template.get(name) ?? []).map(({ id }) => textOf(id ?? null)),
  );
  const ids = new Map(
    own.filter((id) => UUID.test(id)).map((id) => [id, idCloner(id, laterMs, series)]),
  );
  const any = new RegExp([...ids.keys()].join("|"), "g");
  return (value: SQLOutputValue): ((n: number) => SQLInputValue) => {
    if (value instanceof Uint8Array) {
      const made = ids.get(textOf(value));
      if (made === undefined) return () => value;
      return (n) => Buffer.from(made(n).replaceAll("-", ""), "hex");
    }
    // Times are in milliseconds.
    if (typeof value === "number" && value > 1e12) return (n) => value + Math.round(laterMs(n));
    if (typeof value !== "string") return () => value;
    if (/^[^@\s]+@[\w.]+$/.test(value)) return (n) => emailOf(value, series, n);
    const found = (value.match(any) ?? []).map((id) => ids.get(id));
    if (found.length === 0) return () => value;
    const parts = value.split(any);
    return (n) => parts.map((part, i) => part + (found[i]?.(n) ?? "")).join("");
  };
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

/** An id as text, which may be stored as its 16 bytes. */
const textOf = (id: SQLOutputValue): string =>
  id instanceof Uint8Array
    ? Buffer.from(id)
        .toString("hex")
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
    : String(id);

function idCloner(id: string, laterMs: Cloning["laterMs"], series: number): (n: number) => string {
  const timeMs = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  const isTimed = Math.abs(timeMs - Date.now()) < 100 * DAY_MS;
  const [begin, middle] = [id.slice(0, 13), id.slice(13, 26)];
  return (n) => {
    const time = (timeMs + Math.round(laterMs(n))).toString(16).padStart(12, "0");
    const start = isTimed ? `${time.slice(0, 8)}-${time.slice(8)}` : begin;
    return `${start}${middle}${series.toString(16).padStart(2, "0")}${n.toString(16).padStart(8, "0")}`;
  };
}
