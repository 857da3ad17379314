import { beforeEach, describe, expect, it, vi } from "vitest";
import { at, type Call, peopleOf } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { atLocation } from "../support/stores.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 30_000 });

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOON_MS = Date.parse("2026-11-01T12:00:00.000Z");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
});

const later = (ms: number) => vi.setSystemTime(NOON_MS + ms);

/** KV that never shows anybody what was written elsewhere after the first look. */
const elsewhere = (lag: string) => isolate({ REVOCATION_LAG_SECONDS: lag }, atLocation(999_999));

const read = (call: Call, xToken: string) => call("GET", "/tokens", { xToken });
const extend = (call: Call, token: string) =>
  call("PUT", "/tokens", { json: { token, extend: true } });
const end = (call: Call, xToken: string) => call("DELETE", "/tokens", { xToken });

describe.for(["0", "30", "60", "300"])("at REVOCATION_LAG_SECONDS=%s", (lag) => {
  it("an extension holds where it has not been seen, and the next one there does not shorten it", async () => {
    const [here, there] = [elsewhere(lag), elsewhere(lag)];
    const session = await here.newSession(await here.newUser());
    expect((await read(there.call, session)).status).toBe(200);

    later(HOUR_MS - 1000);
    expect((await extend(here.call, session)).status).toBe(200);
    await here.settled();

    later(HOUR_MS + 1000);
    expect((await read(there.call, session)).status).toBe(200);
    // A location whose clock is behind.
    later(HOUR_MS - 5000);
    const extended = await extend(there.call, session);
    expect(at(extended, "__latest_data", "expires")).toBe(NOON_MS + 2 * HOUR_MS - 1000);
  });

  it("an extension is shown where it was made", async () => {
    const { call, settled } = elsewhere(lag);
    const session = await peopleOf(call).newSession(await peopleOf(call).newUser());
    await read(call, session);
    later(1000);
    await extend(call, session);
    await settled();
    expect(at(await read(call, session), "expires")).toBe(NOON_MS + HOUR_MS + 1000);
  });

  it("ends to the millisecond, and does not come back", async () => {
    const { call } = elsewhere(lag);
    const session = await peopleOf(call).newSession(await peopleOf(call).newUser());
    later(HOUR_MS - 1);
    expect((await read(call, session)).status).toBe(200);
    later(HOUR_MS);
    expect((await read(call, session)).status).toBe(400);
    expect((await call("GET", "/rest/user", { xToken: session })).status).toBe(401);
    expect((await extend(call, session)).status).toBe(400);
    expect((await end(call, session)).status).toBe(400);
  });

  it("an ended session is not extended from where it still passes", async () => {
    const [here, there] = [elsewhere(lag), elsewhere(lag)];
    const session = await here.newSession(await here.newUser());
    await read(there.call, session);
    expect((await end(here.call, session)).status).toBe(200);
    expect((await read(here.call, session)).status).toBe(400);
    expect((await extend(there.call, session)).status).toBe(400);
    expect((await end(there.call, session)).status).toBe(400);
  });

  it("no extension goes past 30 days", async () => {
    const { call, settled } = elsewhere(lag);
    const session = await peopleOf(call).newSession(await peopleOf(call).newUser());
    const step = HOUR_MS - 1;
    let nowMs = 0;
    for (; nowMs + step < 30 * DAY_MS; nowMs += step * 24) {
      // Between these, as if someone had extended it each hour.
      await DB.prepare("UPDATE tokens SET expires_at = ? WHERE kind = 'session'")
        .bind(NOON_MS + nowMs + 2 * step)
        .run();
      later(nowMs + step);
      expect((await extend(call, session)).status).toBe(200);
      await settled();
    }
    await DB.prepare("UPDATE tokens SET expires_at = ? WHERE kind = 'session'")
      .bind(NOON_MS + 30 * DAY_MS - 1000)
      .run();
    later(30 * DAY_MS - 2000);
    const last = await extend(call, session);
    expect(at(last, "__latest_data", "expires")).toBe(NOON_MS + 30 * DAY_MS);
    later(30 * DAY_MS);
    expect((await read(call, session)).status).toBe(400);
    expect((await extend(call, session)).status).toBe(400);
  });
});
