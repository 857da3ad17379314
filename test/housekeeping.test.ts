import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { isolate } from "./support/service.ts";
import { type StorageCall, intercept } from "./support/stores.ts";
import { rules } from "./support/guard.ts";
import { isThorough } from "./support/thorough.ts";

const DAY_MS = 86_400_000;
const NOW = Math.floor(Date.now() / 1000) * 1000;
const USER = "00000000-0000-4000-8000-000000000001";

/** A run's own limits, as `src/storage/housekeeping.ts` has them. */
const ROWS_A_STEP = 1_000;
const STEPS_A_RUN = 20;
const MARKS_A_RUN = 200;
/** The platform's for one run, a query counting as one operation. */
const OPERATIONS = 1_000;

interface Table {
  readonly name: "tokens" | "receipts" | "mails" | "token_charges";
  /** Puts so many rows in, whose time is so many milliseconds ago; all of their ids begin so. */
  fill(prefix: string, count: number, agoMs: number): Promise<unknown>;
  readonly keptMs: number;
}

const filled = (into: string, values: string) => (prefix: string, count: number, agoMs: number) =>
  env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO ${into} SELECT ?2 || hex(randomblob(8)), ${values} FROM n`,
  )
    .bind(count, prefix, USER, NOW - agoMs)
    .run();

const TABLES: readonly Table[] = [
  {
    name: "tokens",
    fill: filled(
      "tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at)",
      "'session', ?3, 0, 0, 0, ?4",
    ),
    keptMs: 2 * DAY_MS,
  },
  {
    name: "receipts",
    fill: filled(
      "receipts (id, token_id, action, run_by, issued_by, run_at, data)",
      "'a token', 'addContact', ?3, ?3, ?4, '{}'",
    ),
    keptMs: 31 * DAY_MS,
  },
  {
    name: "mails",
    fill: filled("mails (id, token_id, sent_at)", "substr(?3, 1, 8), ?4"),
    keptMs: DAY_MS,
  },
  {
    name: "token_charges",
    fill: filled("token_charges (id, request_digest, charged_at)", "substr(?3, 1, 8), ?4"),
    keptMs: DAY_MS,
  },
];

async function count(table: string, prefix = ""): Promise<number> {
  const found = await env.DB.prepare(
    `SELECT count(*) AS n FROM ${table} WHERE substr(${
      table === "pending_revocations" ? "key" : "id"
    }, 1, ?) = ?`,
  )
    .bind(prefix.length, prefix)
    .first<number>("n");
  return found ?? -1;
}

const cursorOf = (task: string) =>
  env.DB.prepare("SELECT cursor FROM housekeeping WHERE task = ?").bind(task).first("cursor");

interface Run {
  readonly calls: readonly StorageCall[];
  readonly rowsRead: number;
  readonly result: { deleted: number; tombstonesFlushed: number } | null;
}

/** One run in a new isolate. @param fails the calls that do not come through */
async function run(fails: (call: StorageCall, number: number) => boolean = () => false) {
  const calls: StorageCall[] = [];
  let rowsRead = 0;
  const bindings = intercept(async (call, make) => {
    if (fails(call, calls.push(call))) throw new Error("injected");
    const answer = await make();
    for (const { meta } of [answer].flat().map(Object)) rowsRead += meta?.rows_read ?? 0;
    return answer;
  });
  rules.begin();
  rules.secondPasses();
  const { services } = isolate({ REVOCATION_LAG_SECONDS: "60" }, bindings);
  const result = await services.housekeeping(NOW).catch(() => null);
  expect(calls.length).toBeLessThan(OPERATIONS);
  return { calls, rowsRead, result } satisfies Run;
}

async function owe(keys: readonly string[], expiresAtMs = NOW + DAY_MS): Promise<void> {
  await env.DB.prepare("INSERT INTO pending_revocations SELECT value, ?2 FROM json_each(?1)")
    .bind(JSON.stringify(keys), expiresAtMs)
    .run();
}

const keys = (amount: number) =>
  Array.from({ length: amount }, () => `revoked:${crypto.randomUUID()}`);
/** As the local scheduled endpoint does it; the types of `exports` know only `fetch`. */
async function cronTrigger(): Promise<void> {
  const scheduled: unknown = Reflect.get(exports.default, "scheduled");
  if (typeof scheduled !== "function") throw new Error("no scheduled handler");
  const event = { cron: "* * * * *", scheduledTime: new Date(NOW) };
  await Reflect.apply(scheduled, exports.default, [event]);
}

const isMark = ({ operation }: StorageCall) => operation === "put";
const isSweep = ({ label }: StorageCall) =>
  /DELETE (tokens|receipts|mails|token_charges)/.test(label);

vi.setConfig({ testTimeout: 30_000 });

beforeEach(async () => {
  const tables = [
    ...TABLES.map(({ name }) => name),
    ...["token_meters", "pending_revocations", "housekeeping", "users"],
  ];
  await env.DB.batch([
    ...tables.map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
    env.DB.prepare(
      "INSERT INTO users (id, email, password, created_on, modified_on) VALUES (?, 'a@b.cd', '', 0, 0)",
    ).bind(USER),
  ]);
});

describe.each(TABLES)("$name", ({ name, fill, keptMs }) => {
  it("go when they have been over for long enough, and not before", async () => {
    await fill("over", 30, keptMs + 1);
    await fill("kept", 30, keptMs);
    await fill("alive", 30, -DAY_MS);
    expect((await run()).result).toEqual({ deleted: 30, tombstonesFlushed: 0 });
    expect(await count(name, "over")).toBe(0);
    expect(await count(name, "kept")).toBe(30);
    expect(await count(name, "alive")).toBe(30);
    expect(await count("users")).toBe(1);
  });
  // One walk goes through all tables, so the long suites alone go through the rest with each.
  if (!isThorough && name !== "tokens") return;

  it("that are more than a run takes go in several, each of them bounded", async () => {
    const most = ROWS_A_STEP * STEPS_A_RUN;
    // What is over comes after all that stays: the walk must get past that.
    await fill("a stays", 4_000, 0);
    await fill("b over", most, keptMs + 1);
    const first = await run();
    expect(first.result?.deleted).toBe(most - 4_000);
    expect(first.calls.filter(isSweep)).toHaveLength(STEPS_A_RUN + TABLES.length - 1);
    // In proportion to the rows walked over, however many there are in the table.
    expect(first.rowsRead).toBeLessThan(6 * most);
    expect(await cursorOf(name)).toMatch(/^b over/);

    expect((await run()).result?.deleted).toBe(4_000);
    expect(await cursorOf(name)).toBe("");
    expect(await count(name)).toBe(4_000);
  });

  it("that are over behind the walk go with the next one", async () => {
    await fill("b", ROWS_A_STEP * STEPS_A_RUN + 10, 0);
    await run();
    await fill("a", 5, keptMs + 1);
    expect((await run()).result?.deleted).toBe(0);
    expect((await run()).result?.deleted).toBe(5);
  });

  const STOPPED = ["deleting", "saving how far it came"] as const;
  it.each(STOPPED)("are all gone after runs that are stopped while %s", async (what) => {
    await fill("a stays", 1_500, 0);
    await fill("b over", 2_500, keptMs + 1);
    await fill("c stays", 1_000, 0);
    const isHit = ({ label }: StorageCall) =>
      what === "deleting" ? label.includes(`DELETE ${name}`) : label === "D1 INSERT housekeeping";
    // Stopped at the first step, at the second, and so on, until a run comes through.
    let runs = 0;
    for (let result: Run["result"] = null; result === null; runs++) {
      let hits = 0;
      ({ result } = await run((call) => isHit(call) && hits++ === runs));
      expect(await count(name, "a stays")).toBe(1_500);
    }
    expect(runs).toBeGreaterThan(2);
    await run();
    expect(await count(name, "b over")).toBe(0);
    expect(await count(name, "c stays")).toBe(1_000);
  });
});

describe("marks that KV is owed", () => {
  it("are put, each for as long as it is needed, and struck out", async () => {
    const [long = "", ending = "", over = ""] = keys(3);
    await owe([long]);
    await owe([ending], NOW + 10_000);
    await owe([over], NOW - DAY_MS);
    const put = vi.spyOn(env.KV, "put");
    expect((await run()).result).toEqual({ deleted: 0, tombstonesFlushed: 3 });
    expect(
      new Map(put.mock.calls.map(([key, , options]) => [key, options?.expirationTtl])),
    ).toEqual(
      new Map([
        [long, DAY_MS / 1000],
        [ending, 60],
        [over, 60],
      ]),
    );
    put.mockRestore();
    expect(await env.KV.get(long)).toBe("");
    expect(await count("pending_revocations")).toBe(0);
  });

  it("that are more than a run takes are put in several", async () => {
    await owe(keys(MARKS_A_RUN + 50));
    expect((await run()).result?.tombstonesFlushed).toBe(MARKS_A_RUN);
    expect(await count("pending_revocations")).toBe(50);
    expect((await run()).result?.tombstonesFlushed).toBe(50);
    expect(await count("pending_revocations")).toBe(0);
  });

  it("that KV does not take stay owed, and keep back neither the others nor the deleting", async () => {
    const owed = keys(20).toSorted();
    await owe(owed);
    await TABLES[0]?.fill("over", 10, 3 * DAY_MS);
    const refused = owed.slice(0, 2);
    const { result } = await run((call) => isMark(call) && refused.includes(call.keys[0] ?? ""));
    expect(result).toBeNull();
    expect(await count("pending_revocations")).toBe(2);
    expect(await count("tokens")).toBe(0);
    expect((await run()).result?.tombstonesFlushed).toBe(2);
    for (const key of owed) expect(await env.KV.get(key)).toBe("");
  });

  it("are not tried one by one while KV takes none", async () => {
    await owe(keys(50));
    await TABLES[0]?.fill("over", 10, 3 * DAY_MS);
    const { calls } = await run(isMark);
    expect(calls.filter(isMark).length).toBeLessThan(5);
    expect(await count("pending_revocations")).toBe(50);
    expect(await count("tokens")).toBe(0);
  });

  it("are put again where only the striking out failed", async () => {
    await owe(keys(1));
    expect((await run(({ label }) => label === "D1 DELETE pending_revocations")).result).toBeNull();
    expect(await count("pending_revocations")).toBe(1);
    expect((await run()).result?.tombstonesFlushed).toBe(1);
    expect(await count("pending_revocations")).toBe(0);
  });
});

it("a meter goes once no token has it", async () => {
  await TABLES[0]?.fill("alive", 1, -DAY_MS);
  await env.DB.batch([
    env.DB.prepare("INSERT INTO token_meters (id) VALUES ('of a token'), ('of none')"),
    env.DB.prepare("UPDATE tokens SET meter = 'of a token'"),
  ]);
  expect((await run()).result?.deleted).toBe(1);
  expect([await count("token_meters", "of a"), await count("token_meters")]).toEqual([1, 1]);
});

describe("the cron trigger", () => {
  it("runs it, and says what it did", async () => {
    const said = vi.spyOn(console, "log").mockImplementation(() => undefined);
    await TABLES[0]?.fill("over", 3, 3 * DAY_MS);
    await owe(keys(2));
    await cronTrigger();
    expect(JSON.parse(String(said.mock.calls.at(-1)))).toMatchObject({
      task: "housekeeping",
      deleted: 3,
      tombstonesFlushed: 2,
    });
    expect([await count("tokens"), await count("pending_revocations")]).toEqual([0, 0]);
    said.mockRestore();
  });
});
