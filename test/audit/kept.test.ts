import { describe, expect, it } from "vitest";
import { meter, short } from "../budget/measure.ts";
import { newApiToken, newCaller } from "../support/client.ts";
import { isolate, service } from "../support/service.ts";
import { rules } from "../support/guard.ts";
import { eventsOf } from "./own-events.ts";
import { storedKind } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

const DAY_MS = 86_400_000;

/** So many events of a user, the newest so long ago and a millisecond between. */
const fill = (userId: string, count: number, agoMs: number, what = "user.changed", refused = 0) =>
  DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
      INSERT INTO events (user_id, id, kind, refused)
      SELECT ?1, unhex(printf('%012x', ?3 - i) || '70008000' || hex(randomblob(6))), ?4, ?5 FROM n`,
  )
    .bind(userId, count, Date.now() - agoMs, storedKind(what), refused)
    .run();

it("keeps log-ins from new devices, which have a request, as security, and others as routine", async () => {
  const [kept, gone] = [crypto.randomUUID(), crypto.randomUUID()];
  for (const id of [kept, gone]) await fill(id, 2, 80 * DAY_MS, "session.created");
  await DB.prepare("UPDATE events SET request_id = 'r' WHERE user_id = ?").bind(kept).run();
  await isolate().services.housekeeping(Date.now());
  expect([await count(kept), await count(gone)]).toEqual([2, 0]);
});

const count = async (userId: string) =>
  DB.prepare("SELECT COUNT(*) AS n FROM events WHERE user_id = ?").bind(userId).first("n");

describe("housekeeping", () => {
  const housekeeping = async (settings: Readonly<Record<string, string>> = {}) => {
    rules.begin();
    // Each test writes into days that a run before it was done with.
    await DB.prepare("DELETE FROM housekeeping").run();
    await isolate(settings).services.housekeeping(Date.now());
  };

  const routine = "session.extended";
  it.each([
    ["90 days by default", {}, 90, "user.changed", 0],
    ["EVENT_DAYS", { EVENT_DAYS: "7" }, 7, "user.changed", 0],
    ["90 days, of what was refused", {}, 90, routine, 1],
    ["14 days, of routine", {}, 14, routine, 0],
    ["14 days, of an action's own", {}, 14, "coupon.redeemed", 0],
    ["ROUTINE_EVENT_DAYS", { ROUTINE_EVENT_DAYS: "30", EVENT_DAYS: "7" }, 30, routine, 0],
    [
      "EVENT_DAYS, if that is less",
      { ROUTINE_EVENT_DAYS: "30", EVENT_DAYS: "7" },
      7,
      "user.changed",
      0,
    ],
    ["both", { ROUTINE_EVENT_DAYS: "7", EVENT_DAYS: "7" }, 7, routine, 0],
  ] as const)(
    "deletes the days that are older than %s, and nothing else",
    async (_, settings, days, what, refused) => {
      const user = await newCaller();
      const reader = (await newApiToken(user.access, "reader", 600)).secret;
      const before = await eventsOf(reader);
      await fill(user.id, 40, (days + 1) * DAY_MS, what, refused);
      await fill(user.id, 30, days * DAY_MS - 60_000, what, refused);
      await housekeeping(settings);
      expect(await count(user.id)).toBe(before.length + 30);
      expect((await eventsOf(reader)).slice(0, before.length)).toEqual(before);
    },
  );

  it("does so in bounded steps, however much there is", async () => {
    const [one, two] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const id of [one, two]) await fill(id, 70_000, 92 * DAY_MS);
    await housekeeping();
    const left = Number(await count(one)) + Number(await count(two));
    expect(left).toBeGreaterThan(10_000);
    await housekeeping();
    expect([await count(one), await count(two)]).toEqual([0, 0]);
    expect(
      await DB.prepare("SELECT COUNT(*) AS n FROM event_days WHERE user_id IN (?, ?)")
        .bind(one, two)
        .first("n"),
    ).toBe(0);
  });
});

describe("the list", () => {
  it("costs the same with 10 events and with 100,000", async () => {
    const cost = async (events: number) => {
      const user = await newCaller();
      await fill(user.id, events, DAY_MS);
      const { bindings, read } = meter();
      const { send } = isolate({}, bindings);
      read();
      const first = await send("GET", "/rest/audit?limit=5", { bearer: user.access });
      const cursor = String(Reflect.get(Object(first.json), "next_cursor"));
      const second = await send("GET", `/rest/audit?limit=5&cursor=${cursor}`, {
        bearer: user.access,
      });
      expect([first.status, second.status]).toEqual([200, 200]);
      return short(read());
    };
    const few = await cost(10);
    expect(await cost(100_000)).toBe(few);
  });
});

describe("EVENT_ADDRESS", () => {
  it.each([
    ["full", "198.51.100.23"],
    ["truncated", "198.51.100.0/24"],
    ["none", null],
  ])("%s keeps %s", async (form, kept) => {
    const { access } = await newCaller();
    const send = service({ EVENT_ADDRESS: form });
    const headers = { "cf-connecting-ip": "198.51.100.23" };
    await send("PATCH", "/rest/user", { bearer: access, json: { first_name: "Ada" }, headers });
    expect((await eventsOf(access))[0]?.address).toBe(kept);
  });
});
