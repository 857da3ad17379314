import { beforeAll, expect, it, vi } from "vitest";
import { type Login, type Send, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { meter } from "./measure.ts";
import { BYTES, ROWS_A_VISIT, type Table } from "./visits.ts";
import { DB } from "../support/database.ts";

/** Each logs in three times: from a device that is new, and then for a pair and for a session from one that is known. */
const PEOPLE = 500;
const AT_ONCE = 20;
const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
const CITIES = ["Berlin", "Köln", "Frankfurt am Main", "Ulm"];

const { bindings, passwords, read } = meter();
// A password hash as it is stored: `CHEAP` keeps the password itself.
const HASH = `$argon2id$v=19$m=19456,t=2,p=1$${"s".repeat(22)}$${"h".repeat(43)}`;
const { send } = isolate({}, bindings, {
  passwords: { ...passwords, hash: async () => HASH, verify: async () => "match" },
});

const from = (at: number): Send => ({
  headers: { "user-agent": CHROME, "cf-connecting-ip": `203.0.${at >> 8}.${at & 255}` },
  cf: { country: "DE", city: CITIES[at % CITIES.length] ?? "" },
});

interface Person extends Login {
  readonly place: Send;
}
let people: readonly Person[] = [];

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

async function forAll<T>(work: (person: Person) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let at = 0; at < people.length; at += AT_ONCE) {
    results.push(...(await Promise.all(people.slice(at, at + AT_ONCE).map(work))));
  }
  return results;
}

async function succeed(method: string, path: string, sent: Send) {
  const answer = await send(method, path, sent);
  expect(answer.status).toBeLessThan(300);
  return answer;
}

const pairOf = ({ place, email, password }: Person) =>
  succeed("POST", "/api/token/", { ...place, json: { email, password } });
const sessionOf = ({ place, email, password }: Person) =>
  succeed("POST", "/tokens", { ...place, json: { email_id: email, password } });

beforeAll(async () => {
  people = Array.from({ length: PEOPLE }, (_, at) => ({
    email: `first.last.${at}@mail${at % 7}.example`,
    password: "a password of theirs",
    place: from(at),
  }));
  await forAll(({ place, email, password }) =>
    succeed("POST", "/rest/user", {
      ...place,
      json: { email, password, first_name: "First", last_name: "Familyname" },
    }),
  );
});

it("a visit writes as many rows as is written down", async () => {
  const rows = async (what: () => Promise<unknown>, count = 1) => {
    read();
    await what();
    return read().written / count;
  };
  const [someone] = people;
  if (someone === undefined) throw new Error("no one is there");
  const found = {
    new: await rows(() => forAll(pairOf), PEOPLE),
    pair: await rows(() => forAll(pairOf), PEOPLE),
    session: await rows(() => forAll(sessionOf), PEOPLE),
  };
  const pair = await pairOf(someone);
  const session = textAt(await sessionOf(someone), "data", "token");
  const [access, refresh] = [textAt(pair, "access"), textAt(pair, "refresh")];
  const used = await rows(async () => {
    for (let check = 0; check < 12; check++) {
      await succeed("POST", "/api/token/verify/", { ...someone.place, json: { token: access } });
      await succeed("GET", "/rest/user", { ...someone.place, bearer: access });
      await succeed("GET", "/tokens", { ...someone.place, xToken: session });
    }
    await succeed("POST", "/api/token/refresh/", { ...someone.place, json: { refresh } });
  });
  const extended = await rows(() =>
    succeed("PUT", "/tokens", { ...someone.place, xToken: session, json: { extend: true } }),
  );
  expect({ ...found, used, extended }).toEqual(ROWS_A_VISIT.after);
  expect(Math.max(found.pair, found.session + extended) + used).toBeLessThanOrEqual(8);
});

/** Each row so many times, with ids of its own: so that the pages are as full as random ids leave them. */
const COPIES = 8;

/** A value of a copy: ids are random, or at least what follows their time. */
function copied(table: string, { name, type }: { name: string; type: string }): string {
  const isTimeOrdered = name === "id" && /^(?:events|tokens)$/.test(table);
  if (name === "email") return "copies.value || email";
  if (name === "status_index") return `status_index * ${COPIES} + copies.value`;
  if (type !== "BLOB") return name;
  const made = isTimeOrdered
    ? "CAST(substr(id, 1, 6) || randomblob(10) AS BLOB)"
    : "randomblob(16)";
  return `CASE WHEN ${name} IS NOT NULL THEN ${made} END`;
}

/** What a copy of these rows takes, inserted in the order in which they were, with all indexes. */
async function bytesOf(table: string, where: string, at: string, copy: string): Promise<number> {
  const schema = await DB.prepare(
    "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL AND type <> 'trigger' ORDER BY type = 'index'",
  )
    .bind(table)
    .all<{ sql: string }>();
  const before = (await DB.prepare("SELECT 1").all()).meta.size_after;
  for (const { sql } of schema.results) {
    const named = sql
      .replace(/^(CREATE TABLE )\S+/, `$1${copy}`)
      .replaceAll("REFERENCES users (id)", "");
    await DB.prepare(
      named.replace(/^(CREATE (?:UNIQUE )?INDEX )(\S+) ON \S+/, `$1${copy}_$2 ON ${copy}`),
    ).run();
  }
  const columns = await DB.prepare("SELECT name, type FROM pragma_table_info(?)")
    .bind(table)
    .all<{ name: string; type: string }>();
  const values = columns.results.map((column) => copied(table, column)).join();
  const filled = await DB.prepare(
    `WITH copies (value) AS (VALUES ${Array.from({ length: COPIES }, (_, n) => `(${n})`).join()})
      INSERT INTO ${copy} SELECT ${values} FROM ${table}, copies WHERE ${where} ORDER BY ${at}`,
  ).run();
  const rows = await DB.prepare(`SELECT COUNT(*) AS n FROM ${copy}`).first<number>("n");
  return (filled.meta.size_after - before) / (rows ?? 0);
}

it("a row of each table takes as many bytes as is written down, with its indexes", async () => {
  const parts: Readonly<
    Record<Exclude<Table, "network">, readonly [table: string, where: string, at: string]>
  > = {
    user: ["users", "TRUE", "created_on"],
    pair: ["tokens", "kind = 'family'", "created_at"],
    session: ["tokens", "kind = 'session'", "created_at"],
    device: ["devices", "TRUE", "first_seen_at"],
    event: ["events", "TRUE", "id"],
  };
  const names = Object.keys(parts) as readonly (keyof typeof parts)[];
  // What was right is counted nowhere: a network that is known stands in its device's row.
  const attempts = await DB.prepare("SELECT COUNT(*) AS n FROM login_attempts").first<number>("n");
  const found: Partial<Record<Table, number | null>> = { network: attempts };
  for (const name of names) {
    const written = BYTES.after[name];
    const bytes = await bytesOf(...parts[name], `copy_of_${name}`);
    // The database grows by whole pages, of which these rows fill some dozens.
    found[name] = Math.abs(bytes / written - 1) < 0.2 ? written : Math.round(bytes);
  }
  expect(found).toEqual(BYTES.after);
});
