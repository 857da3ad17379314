import { beforeEach, describe, expect, it, vi } from "vitest";
import { isolate } from "../support/service.ts";
import { intercept, withReplica } from "../support/stores.ts";
import { allCredentials, type CredentialName, taken } from "./credentials.ts";
import { revoke, WAYS } from "./ways.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 30_000 });

const START_MS = Date.parse("2026-11-01T12:00:00.250Z");
const SKEW_MS = 2_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
});

const settingsOf = (lag: number) => ({
  REVOCATION_LAG_SECONDS: String(lag),
  READ_REPLICAS: "on",
});

const CHECKED: readonly CredentialName[] = ["apiToken", "session", "access", "authByApiToken"];

/** One service on a replica that shows what was there before everything was revoked. */
async function revokedBehind(lag: number, heartbeatMs = START_MS) {
  const replica = withReplica();
  const isolateHere = () => isolate(settingsOf(lag), replica.bindings);
  const held = await allCredentials(isolate().call);
  await replica.beat(heartbeatMs);
  await replica.sync();
  await revoke(WAYS["the deletion of the account"] ?? expect.fail(), isolate(), held);
  return { held, isolateHere };
}

describe.for([5, 10, 59, 60, 299])("at a lag of %i s", (lag) => {
  const boundMs = START_MS + lag * 1000 - SKEW_MS;

  it("a replica is believed as long as its heartbeat proves it, and no cache for longer", async () => {
    const { held, isolateHere } = await revokedBehind(lag);
    vi.setSystemTime(boundMs - 1);
    const early = isolateHere();
    expect(await taken(early.call, held, CHECKED)).toEqual(CHECKED);
    vi.setSystemTime(boundMs);
    for (const { call } of [early, isolateHere()]) {
      expect(await taken(call, held, CHECKED)).toEqual([]);
    }
  });

  it("introspection, and what writes, ask the primary", async () => {
    const { held, isolateHere } = await revokedBehind(lag);
    const { call, services } = isolateHere();
    const { apiToken, session, access, person } = held;
    expect(await taken(call, held, CHECKED)).toEqual(CHECKED);
    for (const token of [apiToken, session, access]) {
      expect(await services.introspection.introspect(token, null, Date.now())).toBe(null);
    }
    const writes = [
      await call("PUT", "/tokens", { xToken: session }),
      await call("GET", "/rest/auth", { bearer: access }),
      await call("PATCH", "/rest/user", { bearer: apiToken, json: { first_name: "No" } }),
      await call("GET", "/rest/user", { basic: person }),
    ];
    expect(writes.map(({ status }) => status)).toEqual([400, 401, 401, 401]);
  });
});

it("every no is the primary's: a replica does not know yet what is new", async () => {
  const { isolateHere } = await revokedBehind(10);
  const held = await allCredentials(isolate().call);
  expect(await taken(isolateHere().call, held, CHECKED)).toEqual(CHECKED);
});

it("a heartbeat from the future proves nothing: the clock that wrote it is wrong", async () => {
  for (const [aheadMs, shown] of [
    [SKEW_MS, []],
    [SKEW_MS - 1, CHECKED],
  ] as const) {
    const { held, isolateHere } = await revokedBehind(10, START_MS + aheadMs);
    expect(await taken(isolateHere().call, held, CHECKED)).toEqual(shown);
  }
});

it("an isolate shows at once what it changed itself", async () => {
  const replica = withReplica();
  const here = isolate(settingsOf(10), replica.bindings);
  const held = await allCredentials(here.call);
  await replica.beat(START_MS);
  await replica.sync();
  expect(await taken(here.call, held, CHECKED)).toEqual(CHECKED);
  const json = { first_name: "Now" };
  await here.call("PATCH", "/rest/user", { bearer: held.apiToken, json });
  const { json: shown } = await here.call("GET", "/rest/user", { bearer: held.authByApiToken });
  expect(shown).toMatchObject({ payload: { first_name: "Now" } });
  await here.call("DELETE", "/tokens", { xToken: held.session });
  await here.call("DELETE", "/rest/token/:id".replace(":id", held.apiTokenId), {
    basic: held.person,
  });
  expect(await taken(here.call, held, CHECKED)).toEqual(["access"]);
});

it("a restricted token is checked at the primary each time", async () => {
  const replica = withReplica();
  const { call } = isolate(settingsOf(10), replica.bindings);
  // Elsewhere: what this isolate changed itself, it asks the primary about anyway.
  const { call: elsewhere, newCaller, newApiToken } = isolate();
  const { access } = await newCaller();
  const { uuid, secret } = await newApiToken(access);
  const json = { remaining: 5 };
  await elsewhere("PATCH", `/rest/token/${uuid}`, { bearer: access, json });
  await replica.beat(START_MS);
  await replica.sync();
  await elsewhere("DELETE", `/rest/token/${uuid}`, { bearer: access });
  expect((await call("GET", "/rest/user", { bearer: secret })).status).toBe(401);
});

describe("the heartbeat", () => {
  const atMs = async () => (await DB.prepare("SELECT at FROM heartbeat").first<number>("at")) ?? 0;

  it("is written after the answer, by the database's clock, by one isolate in a third of the lag", async () => {
    vi.useRealTimers();
    const replica = withReplica();
    const written: number[] = [];
    const bindings = intercept(async ({ label }, run) => {
      const result = await run();
      if (label.includes("heartbeat")) written.push(Object(result).meta.changes);
      return result;
    }, replica.bindings);
    const isolates = Array.from({ length: 3 }, () => isolate(settingsOf(60), bindings));
    const held = await allCredentials(isolate().call);
    await replica.beat(0);
    await replica.sync();
    const startedMs = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: startedMs + 200_000 });
    for (const { call, settled } of isolates) {
      expect(await taken(call, held, CHECKED)).toEqual(CHECKED);
      await settled();
    }
    // Each asked once, whatever it checked, and the clock of an isolate was not what it wrote.
    expect(written).toEqual([1, 0, 0]);
    expect(Math.abs((await atMs()) - startedMs)).toBeLessThan(60_000);
  });
});

describe("a replica that fails", () => {
  it.for([10, 60])("is left alone for half a minute, at a lag of %i", async (lag) => {
    const replica = withReplica();
    let asked = 0;
    const bindings = intercept(async ({ isReplica }, run) => {
      if (!isReplica) return run();
      asked++;
      throw new Error("D1_ERROR: Network connection lost.");
    }, replica.bindings);
    const held = await allCredentials(isolate().call);
    await replica.beat(START_MS);
    await replica.sync();
    const { call } = isolate(settingsOf(lag), bindings);
    const check = () => taken(call, held, ["apiToken"]);
    expect(await check()).toEqual(["apiToken"]);
    vi.setSystemTime(START_MS + 29_999);
    expect([await check(), asked]).toEqual([["apiToken"], 1]);
    vi.setSystemTime(START_MS + 90_000);
    expect([await check(), asked]).toEqual([["apiToken"], 2]);
  });

  it("leaves KV to answer at a lag of 60, where the primary fails too", async () => {
    const replica = withReplica();
    const held = await allCredentials(isolate({ REVOCATION_LAG_SECONDS: "60" }).call);
    await replica.beat(0);
    await replica.sync();
    let isDown = true;
    const bindings = intercept((call, run) => {
      const fails = isDown && call.store === "D1" && !call.isReplica;
      return fails ? Promise.reject(new Error("D1_ERROR: down")) : run();
    }, replica.bindings);
    expect(await taken(isolate(settingsOf(60), bindings).call, held, ["access"])).toEqual([
      "access",
    ]);
    const below = isolate(settingsOf(59), bindings);
    const json = { token: held.access };
    expect((await below.call("POST", "/api/token/verify/", { json })).status).toBe(503);
    isDown = false;
    expect(await taken(below.call, held, ["access"])).toEqual(["access"]);
  });
});
