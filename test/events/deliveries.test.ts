import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LatchkeyEvent } from "../../src/core/deliveries.ts";
import { prepareCoupons, redeemCoupon } from "../actions/coupons.ts";
import { PASSWORD } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { count, dying, kinds, listening, standstill } from "./listener.ts";
import { DB } from "../support/database.ts";

/** Every event reaches `on`: at least once, in order per user, whatever dies meanwhile. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let time: ReturnType<typeof standstill>;
beforeEach(async () => {
  const tables = ["events", "deliveries", "dead_letters", "housekeeping"];
  await DB.batch(tables.map((table) => DB.prepare(`DELETE FROM ${table}`)));
  time = standstill();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A user with three events: sign-up, log-in, and a token. */
async function threeEvents({
  newUser,
  newPair,
  newApiToken,
  settled,
}: ReturnType<typeof listening>) {
  const user = await newUser();
  await newApiToken((await newPair(user)).access);
  await settled();
  return user;
}
const THREE = ["user.created", "jwt.obtained", "token.created"];

const isOf =
  ({ id }: { readonly id: string }) =>
  ({ user_id }: LatchkeyEvent) =>
    user_id === id;

it("an event has ids, and nothing that a profile or a request says", async () => {
  const place = listening();
  const user = await place.newUser({ first_name: "Ada" });
  const session = await place.newSession(user);
  await place.send("DELETE", `/tokens?token=${session}`);
  const [created, loggedIn, loggedOut] = place.accepted;
  const nothing = { actor: user.id, subject: null, credential: null, outcome: "done" };
  const id = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  const at = new Date().toISOString();
  expect(created).toEqual({ id, type: "user.created", at, user_id: user.id, ...nothing });
  const sessionId = loggedIn?.subject;
  expect(loggedIn).toEqual({ ...created, id, type: "session.created", subject: sessionId });
  expect(loggedOut).toMatchObject({ type: "session.revoked", credential: sessionId });
  expect(JSON.stringify(place.accepted)).not.toMatch(new RegExp(`Ada|example|${PASSWORD}|lk_`));
  expect(await count("deliveries")).toBe(0);
});

it("refused credentials go out too: of a user, and counted together where they name none", async () => {
  const place = listening();
  const user = await place.newUser();
  await place.send("POST", "/tokens", { json: { email_id: user.email, password: "wrong" } });
  for (let n = 0; n < 3; n++) await place.send("GET", "/rest/user", { bearer: "lk_api_x" });
  time.pass(11 * MINUTE_MS);
  await place.send("GET", "/rest/user", { bearer: "lk_api_x" });
  const refused = place.accepted.filter(({ outcome }) => outcome === "refused");
  expect(refused.map(({ type, user_id, data }) => [type, user_id, data])).toEqual([
    ["login.failed", user.id, undefined],
    ["credential.refused", null, undefined],
    ["credential.refused", null, { count: 3 }],
  ]);
});

it("an action's own event has the receipt and the answer, and a run that is refused has no event", async () => {
  const code = crypto.randomUUID().slice(9);
  await prepareCoupons(code, 2);
  const place = listening(undefined, undefined, { options: { actions: [redeemCoupon] } });
  const { access } = await place.newCaller();
  const json = { action: "redeemCoupon", payload: { code }, max_uses: 9 };
  const send = { bearer: access, json };
  const token = await place.text("token.token", "POST", "/api/generate-action-token", send);
  place.take();
  const run = { bearer: access, json: { token } };
  const id = await place.text("receipt.id", "POST", "/api/run-action-token", run);
  expect(place.take()).toMatchObject([
    { type: "action.run", subject: id },
    { type: "coupon.redeemed", subject: id, data: { code } },
  ]);
  expect((await place.send("POST", "/api/run-action-token", run)).status).toBe(422);
  expect(place.accepted).toEqual([]);
});

describe("nothing is lost, and nothing goes out that did not happen", () => {
  it("where the isolate ends between the commit and the delivery", async () => {
    const place = dying();
    await threeEvents(place);
    expect([place.accepted, await count("deliveries")]).toEqual([[], 3]);
    const next = listening();
    expect(await next.housekeeping()).toMatchObject({ deliveriesPending: 0, deliveriesDead: 0 });
    expect(kinds(next.accepted)).toEqual(THREE);
  });

  it.each([
    ["before the delivery is claimed", /^D1 UPDATE deliveries/, "before", 1],
    ["after it is claimed", /^D1 UPDATE deliveries/, "after", 1],
    ["before what was accepted is deleted", /^D1 DELETE deliveries/, "before", 2],
    ["after what was accepted is deleted", /^D1 DELETE deliveries/, "after", 1],
  ] as const)("where D1 fails %s", async (_, label, when, times) => {
    let fails = true;
    const bindings = intercept(async (call, run) => {
      if (!fails || !label.test(call.label)) return run();
      fails = false;
      if (when === "after") await run();
      throw new Error("D1_ERROR: injected");
    });
    const place = listening(undefined, bindings);
    const user = await place.newUser();
    await place.settled();
    expect(fails).toBe(false);
    time.pass(MINUTE_MS + 1);
    await place.housekeeping();
    expect(kinds(place.accepted)).toEqual(Array(times).fill("user.created"));
    expect(new Set(place.accepted.map(({ id }) => id)).size).toBe(1);
    expect([place.accepted.every(isOf(user)), await count("deliveries")]).toEqual([true, 0]);
  });

  it("where the change fails, or its answer is lost", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    for (const [when, expected] of [
      ["before", []],
      ["after", ["user.created"]],
    ] as const) {
      const bindings = intercept(async (call, run) => {
        if (!call.label.includes("INSERT users")) return run();
        if (when === "after") await run();
        throw new Error("D1_ERROR: injected");
      });
      const place = listening(undefined, bindings);
      const email = `${crypto.randomUUID()}@example.com`;
      const { status } = await place.send("POST", "/rest/user", {
        json: { email, password: PASSWORD },
      });
      expect([status, place.accepted]).toEqual([503, []]);
      await place.housekeeping();
      expect(kinds(place.accepted)).toEqual(expected);
    }
  });

  it("where the account is deleted meanwhile: the receiver must learn of it", async () => {
    const place = dying();
    const user = await threeEvents(place);
    const json = { password: PASSWORD };
    expect((await place.send("DELETE", "/rest/user", { basic: user, json })).status).toBe(200);
    const next = listening();
    await next.housekeeping();
    expect(kinds(next.accepted)).toEqual([...THREE, "user.deleted"]);
  });
});

describe("a user's events go out in the order of their commits", () => {
  it("also where the clocks of isolates differ, and so the ids", async () => {
    const place = dying();
    const user = await place.newUser();
    time.pass(-5 * MINUTE_MS);
    await place.newSession(user);
    time.pass(10 * MINUTE_MS);
    const next = listening();
    await next.housekeeping();
    expect(kinds(next.accepted)).toEqual(["user.created", "session.created"]);
    const ids = next.accepted.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted().toReversed());
  });

  it("and wait for one that fails, while those of others go on", async () => {
    let isDown = true;
    const failing: string[] = [];
    const place = listening((event) => {
      if (!isDown || event.type !== "jwt.obtained" || failing[0] !== event.user_id) return;
      throw new Error("down");
    });
    const user = await place.newUser();
    failing.push(user.id);
    const { access } = await place.newPair(user);
    await place.newApiToken(access);
    await place.settled();
    const other = await threeEvents(place);
    time.pass(4_999);
    await place.housekeeping();
    expect(kinds(place.accepted.filter(isOf(user)))).toEqual(["user.created"]);
    expect(kinds(place.accepted.filter(isOf(other)))).toEqual(THREE);
    expect(await place.housekeeping()).toMatchObject({ deliveriesPending: 2 });
    isDown = false;
    time.pass(1);
    await place.housekeeping();
    expect(kinds(place.accepted.filter(isOf(user)))).toEqual(THREE);
    expect(time.warnings).toHaveLength(1);
    expect(JSON.parse(time.warnings[0] ?? "")).toMatchObject({
      failed: "deliver events",
      cause: "Error: down",
    });
  });

  it("and two runs at once, and requests beside them, send each once", async () => {
    const place = dying();
    const users = await Promise.all(Array.from({ length: 12 }, () => threeEvents(place)));
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
    const isolates = Array.from({ length: 3 }, () => listening(slow));
    await Promise.all(isolates.map((each) => each.housekeeping()));
    const accepted = isolates.flatMap((each) => each.accepted);
    expect(accepted).toHaveLength(36);
    for (const user of users) expect(kinds(accepted.filter(isOf(user)))).toEqual(THREE);
    expect(isolates.filter((each) => each.accepted.length > 0).length).toBeGreaterThan(1);
  });

  it("more than one claim takes", async () => {
    const place = dying();
    const user = await place.newUser();
    for (let n = 0; n < 45; n++) await place.newSession(user);
    const next = listening();
    await next.newSession(user);
    await next.settled();
    expect(next.accepted).toHaveLength(47);
    const { results } = await DB.prepare("SELECT id FROM events ORDER BY id").all();
    expect(next.accepted.map(({ id }) => ({ id }))).toEqual(results);
  });
});

describe("a receiver that fails", () => {
  it("is tried for three days, ever more rarely, and then the event is a dead letter", async () => {
    const triedMs: number[] = [];
    const place = listening(() => {
      triedMs.push(Date.now());
      throw new Error("down");
    });
    const user = await place.newUser();
    await place.settled();
    const startMs = Date.now();
    for (;;) {
      const dueMs = await DB.prepare("SELECT due_at FROM deliveries").first<number>("due_at");
      if (dueMs === null) break;
      for (const at of [dueMs - 1, dueMs]) {
        vi.setSystemTime(at);
        await place.services.deliver([{ user_ids: [user.id] }]);
      }
    }
    const waits = triedMs.map((at, index) => (at - (triedMs[index - 1] ?? at)) / MINUTE_MS);
    expect(waits.slice(0, 8)).toEqual([0, 5 / 60, 1, 5, 15, 30, 60, 60]);
    expect((triedMs.at(-1) ?? 0) - startMs).toBe(72 * HOUR_MS);
    expect(await DB.prepare("SELECT * FROM dead_letters").all()).toMatchObject({
      results: [
        { receiver: "handler", user_id: user.id, attempts: triedMs.length, reason: "Error: down" },
      ],
    });
    expect(await place.housekeeping()).toMatchObject({ deliveriesPending: 0, deliveriesDead: 1 });
  });

  it("has those behind the dead letter, each once more", async () => {
    const place = listening(() => Promise.reject(new Error("down")));
    await threeEvents(dying());
    time.pass(72 * HOUR_MS);
    await place.housekeeping();
    expect([await count("deliveries"), await count("dead_letters")]).toEqual([0, 3]);
  });

  it("is left for this run after ten failures in a row", async () => {
    let tries = 0;
    const place = dying();
    await Promise.all(Array.from({ length: 30 }, () => place.newUser()));
    const down = listening(() => {
      tries += 1;
      throw new Error("down");
    });
    await down.housekeeping();
    expect(tries).toBe(10);
    // The others have their turn, and those that failed wait for theirs.
    await down.housekeeping();
    await down.housekeeping();
    expect(tries).toBe(30);
    await down.housekeeping();
    expect(tries).toBe(30);
  });

  it("that hangs is left after 15 seconds", async () => {
    const real = setTimeout;
    const waits: unknown[] = [];
    vi.spyOn(globalThis, "setTimeout").mockImplementation((...[run, ms = 0, ...args]) => {
      waits.push(ms);
      return real(run, ms === 15_000 ? 1 : ms, ...args);
    });
    const place = listening(() => new Promise<void>(() => undefined));
    await place.newUser();
    await place.settled();
    expect(waits.filter((ms) => ms === 15_000)).toHaveLength(1);
    expect(await count("deliveries")).toBe(1);
    expect(time.warnings.join()).toContain("no answer in time");
  });

  it("and its events stay as long as it may still get them", async () => {
    const place = listening(
      () => Promise.reject(new Error("down")),
      undefined,
      {},
      { EVENT_DAYS: "1", ROUTINE_EVENT_DAYS: "1" },
    );
    await place.newUser();
    await place.settled();
    time.pass(48 * HOUR_MS);
    await place.housekeeping();
    expect([await count("events"), await count("deliveries")]).toEqual([1, 1]);
    time.pass(24 * HOUR_MS);
    await place.housekeeping();
    expect([await count("events"), await count("dead_letters")]).toEqual([1, 1]);
    // A day after it was given up. The letter goes once an hour.
    vi.setSystemTime(Math.ceil((Date.now() + 24 * HOUR_MS) / HOUR_MS) * HOUR_MS);
    await place.housekeeping();
    await place.housekeeping();
    expect([await count("events"), await count("dead_letters")]).toEqual([0, 0]);
  });
});

it("a deployment without a receiver queues nothing, and after three days forgets what a former one left", async () => {
  await dying().newUser();
  await listening(() => Promise.reject(new Error("down"))).housekeeping();
  const without = isolate();
  await without.newUser();
  expect([await count("events"), await count("deliveries")]).toEqual([2, 1]);
  for (const [hours, left] of [
    [71, 1],
    [3, 0],
  ] as const) {
    vi.setSystemTime(Math.ceil((Date.now() + hours * HOUR_MS) / HOUR_MS) * HOUR_MS);
    expect(await without.housekeeping()).not.toHaveProperty("deliveriesPending");
    expect(await count("deliveries")).toBe(left);
  }
});

it("reads what it delivers, however much else waits", async () => {
  const user = await dying().newUser();
  // Of 2,000 users whose turn is later, and as many of this one as an outage leaves.
  await DB.prepare(
    `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 4000)
      INSERT INTO deliveries (receiver, user_id, position, event_id, queued_at, due_at)
      SELECT 'handler', CASE WHEN n % 2 THEN unhex(printf('ff%030x', n)) ELSE ? END, n + 1, unhex(printf('ee%030x', n)), 1, ? FROM n`,
  )
    .bind(user.id, Date.now() + HOUR_MS)
    .run();
  const read: Record<string, number> = {};
  const bindings = intercept(async (call, run) => {
    const result = await run();
    const rows = [result].flat().map((each) => Number(Object(Object(each).meta).rows_read));
    const [, name = ""] =
      /^\s*(WITH RECURSIVE)/.exec(call.statements[0] ?? "") ?? call.label.split(/D1 | \+/);
    read[name] = Math.max(
      read[name] ?? 0,
      rows.reduce((sum, each) => sum + each, 0),
    );
    return result;
  });
  const place = listening(undefined, bindings);
  await place.services.deliver([{ user_ids: [user.id] }]);
  expect(place.accepted).toHaveLength(1);
  expect(read["UPDATE deliveries"]).toBeLessThan(150);
  expect(read["DELETE deliveries"]).toBeLessThan(150);
  await place.housekeeping();
  expect(read["WITH RECURSIVE"]).toBeLessThan(2_000);
});

it("a run sends as much as an invocation may, and the next one the rest", async () => {
  const some = "WITH RECURSIVE n (n) AS (SELECT 101 UNION ALL SELECT n + 1 FROM n LIMIT 160)";
  await DB.batch([
    DB.prepare(`${some} INSERT INTO events (user_id, id, kind)
      SELECT unhex(printf('aa%030x', n)), unhex(printf('0198f3c10000%020x', n)), 1 FROM n`),
    DB.prepare(`${some} INSERT INTO deliveries (receiver, user_id, position, event_id, queued_at, due_at)
      SELECT 'handler', unhex(printf('aa%030x', n)), 1, unhex(printf('0198f3c10000%020x', n)), ?1, ?1 FROM n`).bind(
      Date.now(),
    ),
  ]);
  const place = listening();
  await place.housekeeping();
  expect(place.accepted).toHaveLength(150);
  await place.housekeeping();
  expect(new Set(place.accepted.map(({ id }) => id)).size).toBe(160);
});

it("with a receiver, a change writes one row more, in the same calls", async () => {
  const seen: { labels: string[]; rows: number }[] = [];
  const bindings = intercept(async (call, run) => {
    const result = await run();
    const rows = [result].flat().map((each) => Number(Object(Object(each).meta).rows_written));
    const label = call.label.replace(" + INSERT deliveries", "");
    if (label.startsWith("D1 UPDATE deliveries")) throw new Error("the isolate ended");
    if (call.store === "D1") seen.at(-1)?.labels.push(label);
    if (label.includes("INSERT tokens")) Object(seen.at(-1)).rows = rows.reduce((a, b) => a + b, 0);
    return result;
  });
  for (const place of [
    isolate({}, bindings),
    listening(undefined, bindings, { waitUntil: () => undefined }),
  ]) {
    const user = await dying().newUser();
    seen.push({ labels: [], rows: 0 });
    await place.newSession(user);
  }
  const [without, withOne] = seen;
  expect(withOne?.labels).toEqual(without?.labels);
  expect(withOne?.rows).toBe((without?.rows ?? 0) + 1);
});
