import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { budgetRows, workOf } from "../budget/costs.ts";
import { meter } from "../budget/measure.ts";
import { type Isolate, isolate } from "../support/service.ts";
import { GOOD, requestOf } from "./requests.ts";
import { begin, buildWorld, type World } from "./world.ts";

/** Of all that the API can do, what is refused while the database is full, and how. All else goes on. */
const REFUSED: Readonly<Record<string, number>> = {
  "POST /rest/user (anybody)": 507,
  "PATCH /rest/user (API token: name)": 507,
  "POST /rest/token (API token)": 507,
  "POST /api/generate-action-token (API token)": 507,
  "POST /api/run-action-token (caller)": 507,
  "POST /api/run-action-token (caller, with a key)": 507,
  "POST /api/run-action-token (nobody, with a key)": 507,
  "PATCH /rest/admin/users/:id (metadata)": 507,
  // As where sign-up is closed: no one learns here whether there is an account.
  "POST /rest/login/email/verify (new email)": 401,
  "POST /rest/login/email/verify (new email, pair)": 401,
};

/** Less than the tables take when they are empty. */
const FULL = { DATABASE_LIMIT_BYTES: "100000" };

const SIGN_UP = () => ({
  json: { email: `${crypto.randomUUID()}@example.com`, password: "a new password" },
});

let world: World;
beforeAll(async () => {
  world = await buildWorld();
});
afterEach(() => void vi.useRealTimers());
vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 });

/** Public, and asks D1: its answer tells the size. */
const learn = ({ send }: Isolate) => send("GET", "/status-lists/0");

describe("a full database", () => {
  it("refuses what no log-in needs, before it stores anything, and nothing else", async () => {
    const refused: Record<string, number> = {};
    for (const each of GOOD) {
      await begin(world);
      const { bindings, passwords, read } = meter();
      const at = isolate({ ...each.settings, ...FULL }, bindings, { passwords });
      await learn(at);
      read();
      const { status, json } = await at.send(...requestOf(each, world));
      const name = `${each.routeKey} (${each.as})`;
      if (status !== each.status) refused[name] = status;
      if (status !== 507) continue;
      const { written, hash } = read();
      // That a token was used is noted after the answer.
      expect([name, written <= 1, hash]).toEqual([name, true, 0]);
      expect(JSON.stringify(json)).toMatch(/Insufficient Storage|can store nothing new/);
    }
    expect(refused).toEqual(REFUSED);
  });

  it("is learned from statements that run anyway: the first sign-up of an isolate passes, at no call more", async () => {
    await begin(world);
    const { bindings, passwords, read } = meter();
    const { send } = isolate(FULL, bindings, { passwords });
    expect((await send("POST", "/rest/user", SIGN_UP())).status).toBe(201);
    const budget = budgetRows().find(({ request }) => request === "POST /rest/user (anybody)");
    const { queries } = workOf(budget?.cell("0") ?? "");
    expect(read()).toMatchObject({ query: queries, get: 0, put: 0 });
    expect((await send("POST", "/rest/user", SIGN_UP())).status).toBe(507);
    expect(read()).toMatchObject({ query: 0, get: 0, put: 0, hash: 0 });
  });

  it("is forgotten after a minute without a statement, so that no isolate refuses for ever", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const at = isolate(FULL);
    await learn(at);
    expect((await at.send("POST", "/rest/user", SIGN_UP())).status).toBe(507);
    vi.setSystemTime(Date.now() + 60_000);
    expect((await at.send("POST", "/rest/user", SIGN_UP())).status).toBe(201);
  });

  it("has room again once rows are deleted", async () => {
    const size = async () => (await env.DB.prepare("SELECT 1").run()).meta.size_after;
    const before = await size();
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
       INSERT INTO mails (id, token_id, sent_at) SELECT 'junk ' || i, randomblob(300), 0 FROM n`,
    ).run();
    const limit = Math.floor(((await size()) + before) / 2);
    const at = isolate({ DATABASE_LIMIT_BYTES: String(limit) });
    await learn(at);
    expect((await at.send("POST", "/rest/user", SIGN_UP())).status).toBe(507);
    await env.DB.prepare("DELETE FROM mails WHERE id GLOB 'junk *'").run();
    // A log-in goes on, and its statements tell.
    const wrong = { email: "nobody@example.com", password: "a wrong password" };
    expect((await at.send("POST", "/api/token/", { json: wrong })).status).toBe(401);
    expect((await at.send("POST", "/rest/user", SIGN_UP())).status).toBe(201);
  });

  it("lets the holder restrict a token, and stores no metadata of it", async () => {
    await begin(world);
    const at = isolate(FULL);
    const change = async (json: object) =>
      (
        await at.send("PATCH", `/rest/token/${world.target.uuid}`, {
          bearer: world.alice.api,
          json,
        })
      ).status;
    expect(await change({ ttl: 60, allowed_ips: ["192.0.2.1"] })).toBe(200);
    expect(await change({ ttl: 60, metadata: { plan: "gold" } })).toBe(507);
    expect(await change({ enabled: false })).toBe(200);
  });

  it("answers a run that was made before with its receipt", async () => {
    await begin(world);
    const run = GOOD.find(({ as }) => as === "nobody, with a key");
    if (run === undefined) throw new Error("no such case");
    const request = requestOf(run, world);
    const before = await isolate().send(...request);
    const at = isolate(FULL);
    await learn(at);
    expect(await at.send(...request)).toMatchObject({ status: 200, json: before.json });
  });

  it("refuses pages too, in words for people", async () => {
    const at = isolate(FULL);
    await learn(at);
    const form = new URLSearchParams({ email: "a@example.com", password: "a new password" });
    const answer = await at.send("POST", "/console/signup", {
      body: form.toString(),
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
      },
    });
    expect(answer.status).toBe(507);
    expect(answer.text).toContain("store anything new at the moment");
  });
});

describe("operators", () => {
  it.each([
    [0.5, null, "info"],
    [0.7, "database_filling", "warn"],
    [0.87, "database_nearly_full", "error"],
    [0.97, "database_full", "error"],
  ])("are told at %s of the limit: %s", async (share, warning, level) => {
    await begin(world);
    const { size_after } = (await env.DB.prepare("SELECT 1").run()).meta;
    const limit = Math.round(size_after / share);
    const at = isolate({ DATABASE_LIMIT_BYTES: String(limit) });
    const { json } = await at.send("GET", "/rest/admin/status", { bearer: world.operator });
    const { warnings, ...payload } = Object(Object(json).payload);
    expect(payload).toMatchObject({ database_limit_bytes: limit });
    expect(payload.database_bytes / limit).toBeCloseTo(share, 1);
    expect(warnings.filter((each: string) => each.startsWith("database"))).toEqual(
      warning === null ? [] : [warning],
    );
    expect(await at.housekeeping()).toMatchObject({ level, databaseBytes: expect.any(Number) });
  });
});
