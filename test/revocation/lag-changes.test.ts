import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { peopleOf, textAt } from "../support/client.ts";
import { isolate, type Isolate } from "../support/service.ts";
import { atLocation } from "../support/stores.ts";
import { cross, some } from "../support/thorough.ts";
import {
  allCredentials,
  CREDENTIALS,
  type CredentialName,
  type Credentials,
  endOf,
  taken,
} from "./credentials.ts";
import { revoke, WAYS } from "./ways.ts";

vi.setConfig({ testTimeout: 60_000 });

const KV_LAG_SECONDS = 60;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-01T12:00:00.250Z") });
});

/** At one location: what KV shows there does not depend on the version that asks. */
function location() {
  const bindings = atLocation(KV_LAG_SECONDS);
  return (lag: number) => isolate({ REVOCATION_LAG_SECONDS: String(lag) }, bindings);
}

/** From that instant on, and up to the last second that the last of them would have had. */
async function refusedFrom(
  fromMs: number,
  versions: readonly Isolate[],
  credentials: Credentials,
  names: readonly CredentialName[],
): Promise<void> {
  const ends = names.map((name) => endOf(credentials[name])).filter((ms) => ms !== null);
  for (const ms of [fromMs, Math.max(fromMs, ...ends) - 1_000].filter((each) => each >= fromMs)) {
    vi.setSystemTime(ms);
    for (const { call } of versions) {
      expect([ms - fromMs, await taken(call, credentials, names)]).toEqual([ms - fromMs, []]);
    }
  }
}

/** The lag when all was made, when it was revoked, and after that. */
const CHANGES = [
  [0, 0, 60],
  [0, 0, 300],
  [30, 30, 60],
  [60, 60, 0],
  [300, 0, 300],
] as const;

// In npm test each way is in one of the two suites.
const changed = cross(some(Object.entries(WAYS), 0, 2), CHANGES);
describe("a lag that is changed", () => {
  it.for(changed.map(([[name, way], lags]) => [name, ...lags, way] as const))(
    "by %s: made at lag %i, revoked at %i, asked at %i",
    async ([, made, revoked, asked, way]) => {
      const [here, there] = [location(), location()];
      const maker = here(made);
      const credentials = await allCredentials(maker.call);
      await maker.settled();
      expect(await taken(there(made).call, credentials)).toEqual(CREDENTIALS);
      const revokedMs = await revoke(way, here(revoked), credentials);

      // A location that has not yet asked sees the tombstones: nothing comes back, not for an instant.
      // Its whole life is no longer than the lag.
      const known = way.revokes.filter((name) => name !== "access" || asked < 300);
      expect(await taken(location()(asked).call, credentials, known)).toEqual([]);
      // One that has asked does when KV does.
      vi.setSystemTime(revokedMs + KV_LAG_SECONDS * 1_000);
      expect(await taken(there(asked).call, credentials, known)).toEqual([]);
      const spared = CREDENTIALS.filter((name) => !way.revokes.includes(name));
      expect(await taken(there(asked).call, credentials, spared)).toEqual(spared);

      const boundMs = revokedMs + Math.max(asked, KV_LAG_SECONDS) * 1_000;
      const next = [here(asked), location()(asked)];
      await refusedFrom(boundMs, next, credentials, way.revokes);
    },
  );
});

const PAIRS = [
  [0, 60],
  [30, 300],
] as const;

const beside = cross(some(Object.entries(WAYS), 1, 2), PAIRS);
describe("versions side by side, the way on either", () => {
  const rows = beside.map(([[name, way], lags], turn) => [name, ...lags, way, turn] as const);
  it.for(rows)("by %s: lags %i and %i", async ([, short, long, way, turn]) => {
    for (const isLong of some([false, true], turn, 2)) {
      const [here, there] = [location(), location()];
      const versions = [here(short), here(long), there(short), there(long)] as const;
      const by = versions[isLong ? 1 : 0];
      const credentials = await allCredentials(by.call);
      await by.settled();
      for (const { call } of versions) expect(await taken(call, credentials)).toEqual(CREDENTIALS);
      const revokedMs = await revoke(way, by, credentials);

      const shortMs = revokedMs + short * 1_000;
      vi.setSystemTime(shortMs);
      for (const { call } of [versions[0], versions[2]]) {
        expect(await taken(call, credentials, way.revokes)).toEqual([]);
      }
      await refusedFrom(revokedMs + long * 1_000, versions, credentials, way.revokes);
    }
  });
});

it("a tombstone that KV did not take is put by housekeeping, at any lag", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  for (const name of ["DELETE of an API token", "a new password", "DELETE of a refresh JWT"]) {
    const way = WAYS[name];
    if (way === undefined) throw new Error(name);
    const [before, after] = [location()(0), location()(300)];
    const credentials = await allCredentials(before.call);
    await before.settled();
    const put = vi.spyOn(env.KV, "put").mockRejectedValue(new Error("KV PUT failed: 500"));
    await revoke(way, before, credentials);
    put.mockRestore();
    await before.services.housekeeping(Date.now());
    vi.setSystemTime(Date.now() + 300_000);
    expect(await taken(after.call, credentials, way.revokes)).toEqual([]);
  }
});

it("a tombstone lives as long as what was made with what it revokes", async () => {
  const { call, settled } = location()(60);
  const json = { name: "a year", ttl: 31_536_000 };
  const basic = await peopleOf(call).newUser();
  const parent = textAt(await call("POST", "/rest/token", { basic, json }), "payload", "token");
  const jwt = textAt(await call("GET", "/rest/auth", { bearer: parent }), "payload", "token");
  const child = await call("POST", "/rest/token", { bearer: jwt, json });
  const put = vi.spyOn(env.KV, "put");
  expect((await call("DELETE", `/rest/token/${jwt}`, { basic })).status).toBe(200);
  await settled();
  const lives = put.mock.calls
    .filter(([key]) => key.startsWith("revoked:"))
    .map(([, , options]) => Number(options?.expirationTtl));
  put.mockRestore();
  const bearer = textAt(child, "payload", "token");
  expect((await call("GET", "/rest/user", { bearer })).status).toBe(401);
  const leftMs = Date.parse(textAt(child, "payload", "expired_on")) - Date.now();
  expect(lives).toHaveLength(1);
  expect(lives[0]).toBeGreaterThanOrEqual(leftMs / 1_000);
});

it("an end that was moved up stays so where a copy shows the old one", async () => {
  const [here, there] = [location()(300), location()(300)];
  const basic = await here.newUser();
  const json = { name: "a month", ttl: 2_592_000 };
  const made = await here.call("POST", "/rest/token", { basic, json });
  const bearer = textAt(made, "payload", "token");
  const path = `/rest/token/${textAt(made, "payload", "uuid")}`;
  await here.settled();
  expect((await there.call("GET", "/rest/user", { bearer })).status).toBe(200);
  const shorter = await here.call("PATCH", path, { basic, json: { ttl: 60 } });
  await here.settled();
  expect((await there.call("GET", "/rest/user", { bearer })).status).toBe(200);
  const longer = await there.call("PATCH", path, { bearer, json: { ttl: 3_600 } });
  expect(longer.status).toBe(403);
  const { text } = await here.call("GET", "/rest/token/list", { basic });
  expect(text).toContain(textAt(shorter, "payload", "expired_on"));
});

it("a token that a JWT of another one rotated is derived from both, and works", async () => {
  const { call } = location()(0);
  const basic = await peopleOf(call).newUser();
  const make = async (name: string) => {
    const answer = await call("POST", "/rest/token", { basic, json: { name } });
    return { id: textAt(answer, "payload", "uuid"), bearer: textAt(answer, "payload", "token") };
  };
  const [other, own] = [await make("other"), await make("own")];
  const jwt = textAt(await call("GET", "/rest/auth", { bearer: own.bearer }), "payload", "token");
  const path = `/rest/token/${other.id}/rotate`;
  const rotated = await call("POST", path, { bearer: jwt, json: { grace_seconds: 30 } });
  const bearer = textAt(rotated, "payload", "token");
  expect((await call("GET", "/rest/user", { bearer })).status).toBe(200);
  expect((await call("DELETE", `/rest/token/${jwt}`, { basic })).status).toBe(200);
  expect((await call("GET", "/rest/user", { bearer })).status).toBe(401);
});
