import { env } from "cloudflare:workers";
import { beforeEach, expect, it, vi } from "vitest";
import { storedKind } from "../../src/storage/event-rows.ts";
import {
  type ArchivedEvent,
  archived,
  eraseArchived,
  type WholeBucket,
} from "../../src/storage/events-archive.ts";
import { DB } from "../support/database.ts";
import { rules } from "../support/guard.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";

declare global {
  namespace Cloudflare {
    interface Env {
      /** Not EVENTS_ARCHIVE, so that other tests delete events without it. */
      readonly TEST_ARCHIVE?: R2Bucket;
    }
  }
}

if (env.TEST_ARCHIVE === undefined) throw new Error("vitest.config.ts binds it");
const BUCKET = env.TEST_ARCHIVE;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Noon of a day. */
const NOW = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
const [ADA, BEN] = ["0b3f2c1e-6a4d-4e7b-9c1a-2f5d8e7a6b01", "0b3f2c1e-6a4d-4e7b-9c1a-2f5d8e7a6b02"];
const NOBODY = "00000000-0000-0000-0000-000000000000";

let written = 0;
/** @returns its id */
async function event(
  userId: string,
  agoMs: number,
  rest: Readonly<Record<string, string | number>> = {},
) {
  const time = (NOW - agoMs).toString(16).padStart(12, "0");
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(++written).padStart(12, "0")}`;
  const columns = { user_id: userId, id, kind: storedKind("user.changed"), ...rest };
  await DB.prepare(
    `INSERT INTO events (${Object.keys(columns).join()}) VALUES (${Object.keys(columns)
      .map(() => "?")
      .join()})`,
  )
    .bind(...Object.values(columns))
    .run();
  return id;
}

type Hook = (call: string, make: () => Promise<unknown>) => Promise<unknown>;

/** One run of housekeeping in a new isolate, with each call to D1 and the bucket through the hook. */
async function run(hook: Hook = (_, make) => make(), nowMs = NOW, settings = {}) {
  await DB.prepare("DELETE FROM housekeeping_run WHERE lease IS NOT NULL").run();
  rules.begin();
  const wrapped = new Proxy(BUCKET, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        hook(`R2 ${String(name)} ${String(args[0]).replace(/.*\//, "")}`, () =>
          Reflect.apply(Reflect.get(BUCKET, name), BUCKET, args),
        ),
  });
  const bindings = intercept(({ label }, make) => hook(label, make));
  const { services } = isolate(settings, { ...bindings, EVENTS_ARCHIVE: wrapped });
  return services.housekeeping(nowMs).catch(() => "failed" as const);
}

const ALL = { from: "", until: "9", userId: null, kind: null };
const read = (filter: Partial<typeof ALL | { userId: string; kind: string }> = {}) =>
  Array.fromAsync(archived(BUCKET, { ...ALL, ...filter }));
const idsOf = (events: readonly ArchivedEvent[]) => events.map(({ id }) => id);

async function stored(): Promise<string[]> {
  const { results } = await DB.prepare("SELECT id FROM events ORDER BY id").all<{ id: string }>();
  return results.map(({ id }) => id);
}

async function emptied() {
  const { objects } = await BUCKET.list();
  await BUCKET.delete(objects.map(({ key }) => key));
  await DB.batch(
    ["events", "event_days", "housekeeping", "housekeeping_run", "deliveries"].map((table) =>
      DB.prepare(`DELETE FROM ${table}`),
    ),
  );
}

vi.setConfig({ testTimeout: 60_000 });
beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  await emptied();
});

/** Of two users and nobody, on two days. @returns those that have expired, oldest first */
async function some(): Promise<string[]> {
  await event(ADA, HOUR_MS);
  const ids = [
    await event(ADA, 92 * DAY_MS),
    await event(BEN, 92 * DAY_MS, { actor: ADA }),
    await event(BEN, 91 * DAY_MS, { kind: storedKind("session.extended") }),
    await event(NOBODY, 8 * DAY_MS, { refused: 1, count: 7 }),
  ];
  return ids.toSorted();
}

it("has what has expired, with all that is known, day by day; what has not stays", async () => {
  const late = await event(ADA, 92 * DAY_MS, {
    kind: 0,
    own_kind: "coupon.redeemed",
    subject: BEN,
    address: 13_369_343,
  });
  const ids = [...(await some()), await event(BEN, 91 * DAY_MS, { kind: 777 })];
  expect(await run()).toMatchObject({ deleted: 6, lagSeconds: 0 });
  expect(await stored()).toHaveLength(1);
  const events = await read();
  expect(idsOf(events).toSorted()).toEqual([late, ...ids].toSorted());
  expect(events.map(({ at }) => at.slice(0, 10))).toEqual(
    events.map(({ at }) => at.slice(0, 10)).toSorted(),
  );
  expect(events.find(({ id }) => id === late)).toEqual({
    id: late,
    type: "coupon.redeemed",
    at: new Date(NOW - 92 * DAY_MS).toISOString(),
    user_id: ADA,
    actor: null,
    by_operator: false,
    outcome: "done",
    credential: null,
    subject: BEN,
    address: "203.255.255.0/24",
    request_id: null,
    count: 1,
  });
  expect(events.at(-1)).toMatchObject({ user_id: null, outcome: "refused", count: 7 });
  // Of a version to come.
  expect(idsOf(await read({ kind: "kind 777" }))).toHaveLength(1);
  expect(idsOf(await read({ userId: ADA }))).toHaveLength(2);
  const day = new Date(NOW - 91 * DAY_MS).toISOString().slice(0, 10);
  expect(idsOf(await read({ from: day, until: `${day}T23` }))).toHaveLength(2);
  expect(idsOf(await read({ from: `${day}T13` }))).toHaveLength(1);
});

it("has one that comes late for a day that is archived, and what a receiver still had to get", async () => {
  const ids = await some();
  await DB.prepare(
    "INSERT INTO deliveries (receiver, user_id, position, event_id, queued_at, due_at) VALUES ('webhook', ?, 1, ?, 0, 9e15)",
  )
    .bind(BEN, ids[1])
    .run();
  await run();
  expect(idsOf(await read())).not.toContain(ids[1]);
  expect(await stored()).toHaveLength(2);
  await DB.prepare("DELETE FROM deliveries").run();
  ids.push(await event(ADA, 92 * DAY_MS));
  await run();
  expect(idsOf(await read()).toSorted()).toEqual(ids.toSorted());
  expect(await stored()).toHaveLength(1);
});

it.each(["dies before", "dies after", "loses the answer of"] as const)(
  "loses and doubles nothing where a run %s any of its calls",
  async (how) => {
    let faults = 0;
    for (let hit = true; hit; faults++) {
      await emptied();
      const ids = await some();
      let [calls, isDead] = [0, false];
      hit = false;
      await run(async (call, make) => {
        if (isDead) throw new Error("dead");
        const isIt = /R2|events|event_days/.test(call) && calls++ === faults;
        hit ||= isIt;
        if (isIt && how === "dies before") isDead = true;
        else if (!isIt) return make();
        else await make();
        isDead = how !== "loses the answer of";
        throw new Error("injected");
      });
      const between = [...(await stored()), ...idsOf(await read())];
      expect([faults, [...new Set(between)]], "lost").toMatchObject([
        faults,
        expect.arrayContaining(ids),
      ]);
      // Another event makes the next run's selection another one.
      ids.push(await event(ADA, 92 * DAY_MS - 1));
      await run();
      await run();
      expect([faults, idsOf(await read()).toSorted()]).toEqual([faults, ids.toSorted()]);
      expect(await stored()).toHaveLength(1);
    }
    expect(faults).toBeGreaterThan(20);
  },
);

it("loses and doubles nothing where a run that is late goes on beside another one, at any call", async () => {
  let faults = 0;
  for (let hit = true; hit; faults++) {
    await emptied();
    const ids = await some();
    let calls = 0;
    hit = false;
    await run(async (call, make) => {
      const isIt = /R2|events|event_days/.test(call) && calls++ === faults;
      hit ||= isIt;
      if (isIt) {
        ids.push(await event(BEN, 92 * DAY_MS - 1));
        await run();
      }
      return make();
    });
    await run();
    expect([faults, idsOf(await read()).toSorted()]).toEqual([faults, ids.toSorted()]);
    expect(await stored()).toHaveLength(1);
  }
  expect(faults).toBeGreaterThan(15);
});

it("keeps all events while the bucket fails, does the rest, and says since when", async () => {
  const ids = await some();
  await DB.prepare("INSERT INTO used_challenges (id, expires_at) VALUES ('old', 0)").run();
  const refusing: Hook = async (call, make) => {
    if (call.startsWith("R2")) throw new Error("R2 is down");
    return make();
  };
  const failed = { archiveFailed: true, deleted: 1 };
  expect(await run(refusing)).toMatchObject(failed);
  expect(await run(refusing, NOW + 60_000)).toMatchObject({ ...failed, deleted: 0 });
  expect(vi.mocked(console.warn).mock.calls.join()).toContain('"failed":"archive events"');
  expect(await stored()).toHaveLength(ids.length + 1);
  const failing = () => DB.prepare("SELECT archive_failed_at FROM housekeeping_run").first();
  expect(await failing()).toEqual({ archive_failed_at: NOW });
  const { send, newOperator } = isolate();
  const { access: bearer } = await newOperator();
  const status = await send("GET", "/rest/admin/status", { bearer });
  expect(status.json).toMatchObject({
    payload: {
      warnings: expect.arrayContaining(["archive_failing"]),
      archive_failing_on: new Date(NOW).toISOString(),
    },
  });
  // One that is slow counts as one that fails, and stops nothing else.
  const slow: Hook = (call, make) =>
    call.startsWith("R2") ? new Promise(() => undefined) : make();
  expect(await run(slow, NOW + 120_000, { STORAGE_DEADLINE_MS: "300" })).toMatchObject({
    archiveFailed: true,
  });
  expect(await run(undefined, NOW + 180_000)).not.toHaveProperty("archiveFailed");
  expect(await failing()).toEqual({ archive_failed_at: null });
  expect(idsOf(await read()).toSorted()).toEqual(ids);
});

it("goes on over many days and objects, and is done in bounded steps", async () => {
  await DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 4500)
      INSERT INTO events (user_id, id, kind)
      SELECT ?1, unhex(printf('%012x', ?2 - i % 3 * ${DAY_MS}) || '70008000' || hex(randomblob(6))), 2 FROM n`,
  )
    .bind(ADA, NOW - 95 * DAY_MS)
    .run();
  const ids = await stored();
  expect(await run()).toMatchObject({ deleted: 4500 });
  expect(idsOf(await read()).toSorted()).toEqual(ids);
  expect((await BUCKET.list()).objects).toHaveLength(9);
});

it("erases a user: their own events, and their id in those of others", async () => {
  await some();
  await event(BEN, 92 * DAY_MS, { subject: ADA });
  await run();
  const before = await read();
  const others = before.filter(({ user_id }) => user_id !== ADA);
  expect(await eraseArchived(BUCKET, ADA)).toEqual({ erased: 1, blanked: 2 });
  const after = await read();
  expect(idsOf(after)).toEqual(idsOf(others));
  expect(JSON.stringify(after)).not.toContain(ADA);
  expect(await eraseArchived(BUCKET, ADA)).toEqual({ erased: 0, blanked: 0 });
  // An object that was emptied takes no other's place.
  await eraseArchived(BUCKET, BEN);
  const id = await event(BEN, 92 * DAY_MS);
  await run();
  expect(idsOf(await read({ userId: BEN }))).toEqual([id]);
});

it("does not erase over what another erasure has just written", async () => {
  await some();
  await run();
  let isFirst = true;
  const bucket: WholeBucket = {
    list: (options) => BUCKET.list(options),
    get: BUCKET.get.bind(BUCKET),
    put: (async (...args: Parameters<R2Bucket["put"]>) => {
      if (isFirst) {
        isFirst = false;
        await eraseArchived(BUCKET, BEN);
      }
      return BUCKET.put(...args);
    }) as R2Bucket["put"],
  };
  await expect(eraseArchived(bucket, ADA)).rejects.toThrow("another erasure");
  await eraseArchived(bucket, ADA);
  expect(await read()).toMatchObject([{ user_id: null }]);
});
