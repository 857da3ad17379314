import { beforeEach, expect, it, vi } from "vitest";
import { isolate } from "../support/service.ts";
import { routeKey, NETWORK_TRIES, RIGHT, TRY_MS, WRONG } from "./door.ts";
import { DB } from "../support/database.ts";

const HOME = "192.0.2.1";
const CAFE = "198.51.100.7";
const DAY_MS = 86_400_000;

const { from, login, newOwner, newOwnerAt, settled } = routeKey();
const { services } = isolate();

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  await DB.prepare("DELETE FROM login_attempts").run();
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const sweep = () => services.housekeeping(Date.now());
const count = () => DB.prepare("SELECT count(*) AS n FROM login_attempts").first("n");

it("deletes what was forgotten, and nothing that still counts", async () => {
  const { email } = await newOwner();
  for (let i = 0; i < NETWORK_TRIES; i++) await login(CAFE, email, WRONG);
  await login(CAFE, "nobody@example.com", WRONG);
  expect(await count()).toBe(4);
  pass(TRY_MS + 1);
  await sweep();
  expect((await login(CAFE, email, WRONG)).status).toBe(400);
  expect((await login(CAFE, email, WRONG)).status).toBe(429);
  pass(2 * DAY_MS);
  await sweep();
  expect(await count()).toBe(0);
});

it("counts on over midnight, and what was right then is counted nowhere", async () => {
  const { email } = await newOwner();
  const midnight = Math.ceil(Date.now() / DAY_MS) * DAY_MS;
  vi.setSystemTime(midnight - 1);
  for (let i = 1; i < NETWORK_TRIES; i++) await login(CAFE, email, WRONG);
  vi.setSystemTime(midnight);
  expect((await login(CAFE, email, RIGHT)).status).toBe(200);
  await settled();
  expect((await login(CAFE, email, WRONG)).status).toBe(400);
  // Also where a clock is a moment behind.
  for (const now of [midnight, midnight - 1, midnight + 1]) {
    vi.setSystemTime(now);
    expect((await login(CAFE, email, RIGHT)).status).toBe(429);
  }
  pass(NETWORK_TRIES * TRY_MS);
  expect((await login(CAFE, email, RIGHT)).status).toBe(200);
});

it("keeps nothing of a user who has deleted their account", async () => {
  const { email } = await newOwnerAt(HOME);
  const other = await newOwner();
  await login(CAFE, email, WRONG);
  await login(CAFE, other.email, WRONG);
  const sent = { basic: { email, password: RIGHT }, json: { password: RIGHT } };
  expect((await from(HOME, "DELETE", "/rest/user", sent)).status).toBe(200);
  await settled();
  // Once nothing that was under way can still arrive.
  pass(3_600_000 + 1);
  await sweep();
  const { results } = await DB.prepare(
    "SELECT DISTINCT substr(id, 1, 36) AS id FROM login_attempts",
  ).all();
  expect(results).toEqual([{ id: other.id }]);
});

it("goes through many", async () => {
  await DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 25000)
     INSERT INTO login_attempts (due_at, id, drained_at) SELECT 0, hex(randomblob(16)), 0 FROM n`,
  ).run();
  await sweep();
  expect(await count()).toBe(0);
});
