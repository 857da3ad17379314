import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Services } from "../src/services.ts";
import { isolate } from "./support/service.ts";
import { type StorageCall, intercept } from "./support/stores.ts";
import { rules } from "./support/guard.ts";
import { DB } from "./support/database.ts";

const DAY_MS = 86_400_000;
const NOW = Math.floor(Date.now() / 1000) * 1000;
const USER = "00000000-0000-4000-8000-000000000001";

/** A run's own limits, as `src/storage/housekeeping.ts` has them. */
const MARKS_A_RUN = 200;
const LEASE_MS = 50_000;
const STATEMENT_MS_A_MINUTE = 6_000;
/** The platform's for one run, a query counting as one operation. */
const OPERATIONS = 1_000;

interface Table {
  readonly name: string;
  /** Puts so many rows in, whose time is so many milliseconds ago. */
  fill(count: number, agoMs: number): Promise<unknown>;
  readonly keptMs: number;
  /** D1's for one row that expires: its own, and each row that goes with it. */
  readonly written: number;
  readonly where?: string;
}

const RANDOM_ID = "lower(hex(randomblob(16)))";
const BYTES_ID = "randomblob(16)";
/** As `idAt` makes it. */
const TIMED_ID = `unhex(printf('%012x', ?2) || '8' || substr(${RANDOM_ID}, 1, 3) || '8' || substr(${RANDOM_ID}, 1, 15))`;

const filled = (into: string, values: string) => (count: number, agoMs: number) =>
  DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO ${into} SELECT ${values} FROM n WHERE ?3 <> x''`,
  )
    .bind(count, NOW - agoMs, USER)
    .run();

const TOKENS =
  "tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at)";

const TABLES = [
  {
    name: "tokens",
    fill: filled(TOKENS, `${BYTES_ID}, 'session', ?3, 0, 0, 0, ?2`),
    keptMs: 3_600_000,
    where: "kind = 'session'",
    written: 1,
  },
  {
    name: "tokens, families",
    fill: filled(TOKENS, `${TIMED_ID}, 'family', ?3, 0, 0, 0, ?2`),
    keptMs: 3_600_000,
    where: "kind = 'family'",
    written: 1,
  },
  {
    name: "receipts",
    fill: filled(
      "receipts (id, token_id, action, run_by, issued_by, run_at, data)",
      `${TIMED_ID}, x'00', 'addContact', ?3, ?3, ?2, '{}'`,
    ),
    keptMs: 31 * DAY_MS,
    written: 1,
  },
  {
    name: "mails",
    fill: filled("mails (id, token_id, sent_at, due_at)", `${RANDOM_ID}, x'00', ?2, ?2`),
    keptMs: DAY_MS,
    written: 1,
  },
  {
    name: "token_charges",
    fill: filled("token_charges (id, request_digest, charged_at)", `${RANDOM_ID}, '', ?2`),
    keptMs: DAY_MS,
    written: 1,
  },
  {
    name: "used_challenges",
    fill: filled("used_challenges (id, expires_at)", `${RANDOM_ID}, ?2`),
    keptMs: 3_600_000,
    written: 1,
  },
  {
    name: "email_logins",
    fill: filled(
      "email_logins (id, challenge, code, email, address, device, created_at, expires_at)",
      `${BYTES_ID}, ${BYTES_ID}, '', '', '', '{}', 0, ?2`,
    ),
    keptMs: 0,
    written: 1,
  },
  {
    name: "login_attempts",
    fill: filled("login_attempts (due_at, id, drained_at)", `?2, ${RANDOM_ID}, ?2`),
    keptMs: 0,
    written: 1,
  },
  {
    name: "tokens, API",
    fill: filled(TOKENS, `${BYTES_ID}, 'api', ?3, 0, 0, 0, ?2`),
    keptMs: 2 * DAY_MS,
    where: "kind = 'api'",
    written: 1,
  },
] as const satisfies readonly Table[];

const [SESSIONS, FAMILIES, , , , , , , API] = TABLES;

async function count(table: string, where = "TRUE"): Promise<number> {
  const [name = ""] = table.split(",");
  const found = await DB.prepare(`SELECT count(*) AS n FROM ${name} WHERE ${where}`).first<number>(
    "n",
  );
  return found ?? -1;
}

interface Run {
  readonly calls: readonly StorageCall[];
  readonly rowsRead: number;
  readonly rowsWritten: number;
  /** How long D1 says that it worked. */
  readonly statementMs: number;
  readonly result: Awaited<ReturnType<Services["housekeeping"]>> | "failed";
}

interface Injected {
  /** The calls that do not come through. */
  readonly fails?: (call: StorageCall, number: number) => boolean;
  /** The calls whose answer does not. */
  readonly losesAnswer?: (call: StorageCall) => boolean;
  /** How long each of its statements takes at D1. */
  readonly durationMs?: number;
  readonly nowMs?: number;
  /** Before each call. */
  readonly meanwhile?: (call: StorageCall) => Promise<unknown>;
}

/** One run in a new isolate. */
async function run({
  fails,
  losesAnswer,
  durationMs,
  nowMs = NOW,
  meanwhile,
}: Injected = {}): Promise<Run> {
  const calls: StorageCall[] = [];
  let [rowsRead, rowsWritten, statementMs] = [0, 0, 0];
  const bindings = intercept(async (call, make) => {
    const number = calls.push(call);
    if (fails?.(call, number)) throw new Error("injected");
    await meanwhile?.(call);
    const answer = await make();
    for (const { meta } of [answer].flat().map(Object)) {
      if (meta === undefined) continue;
      if (durationMs !== undefined) meta.duration = durationMs;
      rowsRead += meta.rows_read;
      rowsWritten += meta.rows_written;
      statementMs += meta.duration;
    }
    if (losesAnswer?.(call)) throw new Error("lost");
    return answer;
  });
  rules.begin();
  rules.secondPasses();
  const { services } = isolate({ REVOCATION_LAG_SECONDS: "60" }, bindings);
  const result = await services.housekeeping(nowMs).catch(() => "failed" as const);
  expect(calls.length).toBeLessThan(OPERATIONS);
  return { calls, rowsRead, rowsWritten, statementMs, result };
}

async function owe(keys: readonly string[], expiresAtMs = NOW + DAY_MS): Promise<void> {
  await DB.prepare("INSERT INTO pending_revocations SELECT value, ?2 FROM json_each(?1)")
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
const isTake = ({ label }: StorageCall) => label === "D1 INSERT housekeeping_run";

vi.setConfig({ testTimeout: 60_000 });

beforeEach(async () => {
  const tables = [
    ...new Set(TABLES.map(({ name }) => name.split(",")[0])),
    ...["token_meters", "pending_revocations", "housekeeping", "housekeeping_run", "users"],
    "family_expiries",
  ];
  await DB.batch([
    ...tables.map((table) => DB.prepare(`DELETE FROM ${table}`)),
    DB.prepare(
      "INSERT INTO users (id, email, password, created_on, modified_on) VALUES (?, 'a@b.cd', '', 0, 0)",
    ).bind(USER),
  ]);
});

describe.each(TABLES)("$name", (table: Table) => {
  const { name, fill, keptMs, written, where } = table;

  it("go when they have been over for long enough, and not before", async () => {
    await fill(30, keptMs + 1);
    await fill(30, keptMs);
    await fill(30, -DAY_MS);
    expect((await run()).result).toMatchObject({ deleted: 30, lagSeconds: 0 });
    expect(await count(name, where)).toBe(60);
    expect((await run()).result).toMatchObject({ deleted: 0 });
    expect((await run({ nowMs: NOW + 1 })).result).toMatchObject({ deleted: 30 });
    expect(await count("users")).toBe(1);
  });

  it("cost the same for each that goes, however many are alive", async () => {
    const EXPIRED = 1_500;
    const spent: Run[] = [];
    for (const alive of [2_000, 18_000]) {
      await run();
      // Families are put in behind where it came to.
      if (table === FAMILIES) await DB.prepare("DELETE FROM housekeeping").run();
      await fill(alive, -DAY_MS);
      await fill(EXPIRED, keptMs + 1);
      spent.push(await run());
    }
    for (const { result, rowsRead, rowsWritten } of spent) {
      expect(result).toMatchObject({ deleted: EXPIRED });
      expect(rowsRead / EXPIRED).toBeLessThan(8);
      // Beside its own: the lease, and how far it came.
      expect(rowsWritten).toBeLessThanOrEqual(EXPIRED * written + 10);
    }
    const [few, many] = spent;
    expect(many?.rowsRead).toBeLessThanOrEqual((few?.rowsRead ?? 0) + 50);
  });
});

it.each([SESSIONS, FAMILIES])(
  "$name that are over are all gone after runs that are stopped",
  async (table) => {
    await table.fill(2_500, table.keptMs + 1);
    await table.fill(1_000, 0);
    // Stopped at the first step, at the second, and so on, until a run comes through.
    let runs = 0;
    for (let result: Run["result"] = "failed"; result === "failed"; runs++) {
      let hits = 0;
      const fails = ({ label }: StorageCall) => label.includes("DELETE tokens") && hits++ === runs;
      ({ result } = await run({ fails }));
      expect(await count("tokens", "expires_at > 0")).toBeGreaterThanOrEqual(1_000);
    }
    expect(runs).toBeGreaterThan(2);
    expect(await count("tokens")).toBe(1_000);
  },
);

describe("families that outlive the expiry in their ids", () => {
  const extend = (toMs: number) => DB.prepare("UPDATE tokens SET expires_at = ?").bind(toMs).run();

  it("are looked at again when they expire, and not before", async () => {
    await FAMILIES.fill(20, FAMILIES.keptMs + 1);
    await extend(NOW + DAY_MS);
    expect((await run()).result).toMatchObject({ deleted: 0 });
    await extend(NOW + 2 * DAY_MS);
    const second = NOW + DAY_MS + FAMILIES.keptMs + 1;
    const last = second + DAY_MS;
    const looked = await run({ nowMs: second });
    expect(looked.result).toMatchObject({ deleted: 0 });
    expect(await count("family_expiries")).toBe(20);
    // Not once more until then.
    expect((await run({ nowMs: second + 1 })).rowsWritten).toBeLessThan(5);
    expect((await run({ nowMs: last })).result).toMatchObject({ deleted: 20 });
    expect([await count("tokens"), await count("family_expiries")]).toEqual([0, 0]);
  });

  it("are found after a run whose clock was ahead", async () => {
    await run({ nowMs: NOW + 400 * DAY_MS });
    await FAMILIES.fill(20, FAMILIES.keptMs + 1);
    expect((await run()).result).toMatchObject({ deleted: 20 });
  });
});

it("rows whose time moved are looked at again when they expire", async () => {
  const [, , , mails] = TABLES;
  await mails.fill(5, DAY_MS + 1);
  await DB.prepare("UPDATE mails SET noticed_at = ?").bind(NOW).run();
  expect((await run()).result).toMatchObject({ deleted: 0 });
  expect((await run({ nowMs: NOW + DAY_MS + 1 })).result).toMatchObject({ deleted: 5 });
  expect(await count("mails")).toBe(0);
});

describe("two runs", () => {
  it("are never at work at once", async () => {
    await SESSIONS.fill(10, 3 * DAY_MS);
    let other: Run["result"] | undefined;
    const first = await run({
      async meanwhile({ label }) {
        if (other === undefined && label.includes("DELETE tokens")) other = (await run()).result;
      },
    });
    expect(other).toMatchObject({ isSkipped: true });
    expect(first.result).toMatchObject({ deleted: 10 });
    expect((await run()).result).toMatchObject({ deleted: 0 });
  });

  it.each([
    ["died", { fails: ({ label }: StorageCall) => !label.includes("INSERT housekeeping_run") }],
    ["never learned that it has the lease", { losesAnswer: isTake }],
  ])("leave the work to the next minute's where the first %s", async (_, injected) => {
    await SESSIONS.fill(10, 3 * DAY_MS);
    expect((await run(injected)).result).toBe("failed");
    expect((await run({ nowMs: NOW + LEASE_MS })).result).toMatchObject({ isSkipped: true });
    expect((await run({ nowMs: NOW + 60_000 })).result).toMatchObject({ deleted: 10 });
  });

  it("do not count the minute of a run that died twice", async () => {
    await SESSIONS.fill(10, 3 * DAY_MS);
    await run({ losesAnswer: isTake });
    expect((await run({ nowMs: NOW + LEASE_MS + 1 })).result).toMatchObject({
      deleted: 0,
      lagSeconds: expect.any(Number),
    });
  });
});

describe("the primary", () => {
  it("works a tenth of each minute for it, and says how far behind that leaves it", async () => {
    await SESSIONS.fill(9_000, SESSIONS.keptMs + 120_000);
    const slow = { durationMs: 150 };
    const first = await run(slow);
    const LAST_STEPS_MS = 25 * slow.durationMs;
    expect(first.statementMs).toBeGreaterThan(STATEMENT_MS_A_MINUTE);
    expect(first.statementMs).toBeLessThan(STATEMENT_MS_A_MINUTE + LAST_STEPS_MS);
    const left = await count("tokens");
    expect(left).toBeGreaterThan(0);
    expect(first.result).toMatchObject({ deleted: 9_000 - left, lagSeconds: 120 });
    // In the same minute nothing more.
    expect((await run({ ...slow, nowMs: NOW + 1_000 })).result).toMatchObject({ deleted: 0 });
    const next = await run({ nowMs: NOW + 60_000 });
    expect(next.result).toMatchObject({ deleted: left, lagSeconds: 0 });
  });

  it("does 60,000 rows in one run: 1,000 a second", async () => {
    for (let i = 0; i < 6; i++) await FAMILIES.fill(10_000, 2 * DAY_MS + 1 + i);
    const { result, rowsRead, rowsWritten } = await run();
    expect(result).toMatchObject({ deleted: 60_000, lagSeconds: 0 });
    expect(rowsRead / 60_000).toBeLessThan(8);
    expect(rowsWritten / 60_000).toBeLessThan(1.01);
  });
});

describe("marks that KV is owed", () => {
  it("are put, each for as long as it is needed, and struck out", async () => {
    const [long = "", ending = "", over = ""] = keys(3);
    await owe([long]);
    await owe([ending], NOW + 10_000);
    await owe([over], NOW - DAY_MS);
    const put = vi.spyOn(env.KV, "put");
    expect((await run()).result).toMatchObject({ deleted: 0, tombstonesFlushed: 3 });
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
    expect((await run()).result).toMatchObject({ tombstonesFlushed: MARKS_A_RUN });
    expect(await count("pending_revocations")).toBe(50);
    expect((await run()).result).toMatchObject({ tombstonesFlushed: 50 });
    expect(await count("pending_revocations")).toBe(0);
  });

  it("that KV does not take stay owed, and keep back neither the others nor the deleting", async () => {
    const owed = keys(20).toSorted();
    await owe(owed);
    await SESSIONS.fill(10, 3 * DAY_MS);
    const refused = owed.slice(0, 2);
    const fails = (call: StorageCall) => isMark(call) && refused.includes(call.keys[0] ?? "");
    expect((await run({ fails })).result).toBe("failed");
    expect(await count("pending_revocations")).toBe(2);
    expect(await count("tokens")).toBe(0);
    expect((await run()).result).toMatchObject({ tombstonesFlushed: 2 });
    for (const key of owed) expect(await env.KV.get(key)).toBe("");
  });

  it("are not tried one by one while KV takes none", async () => {
    await owe(keys(50));
    await SESSIONS.fill(10, 3 * DAY_MS);
    const { calls } = await run({ fails: isMark });
    expect(calls.filter(isMark).length).toBeLessThan(5);
    expect(await count("pending_revocations")).toBe(50);
    expect(await count("tokens")).toBe(0);
  });

  it("are put again where only the striking out failed", async () => {
    await owe(keys(1));
    const fails = ({ label }: StorageCall) => label === "D1 DELETE pending_revocations";
    expect((await run({ fails })).result).toBe("failed");
    expect(await count("pending_revocations")).toBe(1);
    expect((await run()).result).toMatchObject({ tombstonesFlushed: 1 });
    expect(await count("pending_revocations")).toBe(0);
  });
});

it("a meter goes with the last token that has it", async () => {
  await API.fill(2, 3 * DAY_MS);
  await DB.batch([
    DB.prepare("INSERT INTO token_meters (id, remaining) VALUES (x'01', 1), (x'02', 1)"),
    DB.prepare("UPDATE tokens SET meter = x'01'"),
  ]);
  await API.fill(1, -DAY_MS);
  await API.fill(1, 3 * DAY_MS);
  await DB.batch([
    DB.prepare("UPDATE tokens SET meter = x'01' WHERE expires_at > ?").bind(NOW),
    DB.prepare("UPDATE tokens SET meter = x'02' WHERE meter IS NULL"),
  ]);
  expect((await run()).result).toMatchObject({ deleted: 3 });
  expect(await DB.prepare("SELECT hex(id) AS id FROM token_meters").first("id")).toBe("01");
});

describe("the cron trigger", () => {
  it("runs it, and says what it did", async () => {
    const said = vi.spyOn(console, "log").mockImplementation(() => undefined);
    await SESSIONS.fill(3, 3 * DAY_MS);
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
