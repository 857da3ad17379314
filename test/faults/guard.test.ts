import { uuid } from "../../src/core/uuid.ts";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { call, newUser } from "../support/client.ts";
import { service } from "../support/service.ts";
import { fingerprint, NOISE } from "../hostile/database.ts";
import { guard, rules } from "../support/guard.ts";
import { TABLES } from "./world.ts";

/** Bindings that would take anything, as the local runtime nearly does. */
function lenient() {
  const statement = { bind: (...values: unknown[]) => values };
  const KV = {
    get: async () => null,
    getWithMetadata: async () => null,
    put: async () => undefined,
    delete: async () => undefined,
    list: async () => ({ keys: [] }),
  };
  const DB = {
    prepare: (_sql: string) => ({ ...statement }),
    batch: async (_statements: unknown[]) => [],
    withSession: (_constraint?: string) => DB,
  };
  const subtle = { deriveBits: async () => null, deriveKey: async () => null };
  return { KV, DB, subtle };
}

type Lenient = ReturnType<typeof lenient>;
type Use = (bindings: Lenient) => unknown;

const put = (key: string, value: string, options?: object) => (b: Lenient) =>
  Reflect.apply(b.KV.put, b.KV, [key, value, options]);
const get = (keys: unknown, options?: object) => (b: Lenient) =>
  Reflect.apply(b.KV.get, b.KV, [keys, options]);
const bind =
  (...values: unknown[]) =>
  ({ DB }: Lenient) =>
    DB.prepare("SELECT ?").bind(...values);
const pbkdf2 = (iterations: number) => (b: Lenient) =>
  Reflect.apply(b.subtle.deriveBits, b.subtle, [{ name: "PBKDF2", iterations }]);
const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`);

/** What is just allowed, what is not any more, and what the guard says of it. */
const RULES: readonly [string, Use, Use, RegExp][] = [
  ["the key's size", put("k".repeat(512), ""), put("é".repeat(257), ""), /key of 514/],
  ["a key that is none", put("...", ""), put("..", ""), /is no key/],
  [
    "the time to live",
    put("k", "", { expirationTtl: 60 }),
    put("k", "", { expirationTtl: 59 }),
    /expirationTtl of 59/,
  ],
  [
    "the metadata's size",
    put("k", "", { metadata: "m".repeat(1022) }),
    put("k", "", { metadata: "m".repeat(1023) }),
    /metadata of 1025/,
  ],
  ["keys in one read", get(keys(100)), get(keys(101)), /101 keys/],
  ["the cache's time", get("k", { cacheTtl: 30 }), get("k", { cacheTtl: 29 }), /cacheTtl of 29/],
  [
    "parameters",
    bind(...Array<number>(100).fill(1)),
    bind(...Array<number>(101).fill(1)),
    /101 parameters/,
  ],
  ["a value's size", bind("v".repeat(2e6)), bind("v".repeat(2e6 + 1)), /value of 2000001/],
  ["undefined", bind(null), bind(undefined), /undefined/],
  ["digits", bind(2 ** 53 - 1), bind(2 ** 53), /loses digits/],
  ["no number", bind(1.5), bind(Number.NaN), /NaN/],
  [
    "a statement's length",
    ({ DB }) => DB.prepare("s".repeat(1e5)),
    ({ DB }) => DB.prepare("s".repeat(1e5 + 1)),
    /statement of 100001/,
  ],
  [
    "statements in a batch",
    ({ DB }) => DB.batch(keys(100)),
    ({ DB }) => DB.batch(keys(101)),
    /101 statements/,
  ],
  [
    "a session's reads",
    ({ DB }) => DB.withSession("first-unconstrained").prepare("SELECT at FROM heartbeat"),
    ({ DB }) => DB.withSession("first-unconstrained").prepare("SELECT 1"),
    /replica that proves nothing/,
  ],
  ["PBKDF2", pbkdf2(100_000), pbkdf2(100_001), /100001 iterations/],
];

describe("what production refuses, the guard refuses and remembers", () => {
  it.each(RULES)("%s", async (_, allowed, refused, says) => {
    const bindings = lenient();
    const its = guard(bindings);
    await allowed(bindings);
    expect(its.broken).toEqual([]);
    await expect((async () => refused(bindings))()).rejects.toThrow(says);
    expect(its.broken).toEqual([expect.stringMatching(says)]);
    its.begin();
    expect(its.broken).toEqual([]);
  });

  it("1,000 operations, whatever they are", async () => {
    const bindings = lenient();
    const its = guard(bindings);
    for (const key of keys(500)) await put(key, "")(bindings);
    for (const key of keys(500)) await get(key)(bindings);
    await expect(get("one more")(bindings)).rejects.toThrow(/1000 operations/);
    its.begin();
    await get("a new request")(bindings);
  });
});

describe("one write a second for a key", () => {
  it("is answered with 429, and breaks no rule", async () => {
    const key = crypto.randomUUID();
    await env.KV.put(key, "1");
    await expect(env.KV.put(key, "2")).rejects.toThrow("KV PUT failed: 429 Too Many Requests");
    await expect(env.KV.delete(key)).rejects.toThrow("429");
    await env.KV.put(`${key}2`, "another key");
    expect(await env.KV.get(key)).toBe("1");
    rules.secondPasses();
    await env.KV.delete(key);
  });

  it("goes by the test's own clock too", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const key = crypto.randomUUID();
    await env.KV.put(key, "1");
    vi.setSystemTime(Date.now() + 1_000);
    await env.KV.put(key, "2");
  });
});

it("wraps the Worker's own bindings, and those of a service with other settings", async () => {
  const counted = vi.spyOn(env.DB, "prepare");
  await newUser();
  await service({})("POST", "/rest/user", { json: { email: "second@example.com" } });
  expect(counted).toHaveBeenCalled();
  vi.restoreAllMocks();
  // Restored to the guard, and not to what it guards.
  expect(() => env.DB.prepare("SELECT ?").bind(Number.NaN)).toThrow("production refuses");
  expect(rules.broken).toHaveLength(1);
  rules.begin();
  expect((await call("GET", "/health")).status).toBe(200);
});

/** A row with any values that its columns take. */
async function insertAnyRow(table: string, userId: string): Promise<void> {
  const { DB } = env;
  const sql = await DB.prepare("SELECT sql FROM sqlite_master WHERE name = ?").bind(table).first();
  const { results: columns } = await DB.prepare(`PRAGMA table_info(${table})`).all();
  const { results: keys } = await DB.prepare(`PRAGMA foreign_key_list(${table})`).all();
  const needed = columns.filter(({ notnull, dflt_value }) => notnull === 1 && dflt_value === null);
  const values = needed.map(({ name, type }) => {
    if (keys.some(({ from }) => from === name)) return uuid(userId);
    if (type === "BLOB") return new Uint8Array(16);
    const one = new RegExp(`CHECK \\(${name} IN \\('(\\w+)'`).exec(String(sql?.sql))?.[1];
    if (String(sql?.sql).includes(`json_type(${name}) = 'object'`)) return "{}";
    return one ?? (type === "INTEGER" ? 1 : '"x"');
  });
  const names = needed.map(({ name }) => name).join(", ");
  await DB.prepare(
    `INSERT OR REPLACE INTO ${table} (${names}) VALUES (${values.map(() => "?").join(", ")})`,
  )
    .bind(...values)
    .run();
}

describe("that a refused request wrote is noticed", () => {
  it("in each table but those that keep count of refusals", async () => {
    const { id } = await newUser();
    const { results } = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'",
    ).all();
    const unnoticed: string[] = [];
    for (const table of results.map(({ name }) => String(name))) {
      const before = await fingerprint();
      await insertAnyRow(table, id);
      if ((await fingerprint()) === before) unnoticed.push(table);
    }
    expect(unnoticed.sort()).toEqual([...NOISE].sort());
    // And each is restored before a case, but for that of one secret, which never changes.
    expect(results.map(({ name }) => name).toSorted()).toEqual([...TABLES, "decoys"].toSorted());
  });

  it("in a column of an account", async () => {
    await newUser();
    const before = await fingerprint();
    await env.DB.prepare("UPDATE users SET first_name = 'x'").run();
    const after = await fingerprint();
    expect(after).not.toBe(before);
    expect(await fingerprint()).toBe(after);
  });
});
