import { beforeEach, describe, expect, it, vi } from "vitest";
import { textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { atLocation } from "../support/stores.ts";
import { some } from "../support/thorough.ts";
import { allCredentials, CREDENTIALS, endOf, taken } from "./credentials.ts";
import { revoke, SPARING, WAYS } from "./ways.ts";

vi.setConfig({ testTimeout: 30_000 });

const KV_LAG_SECONDS = 60;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-01T12:00:00.250Z") });
});

/** Of the ways to revoke one of each kind, and those in which a new password spares what gave it. */
const HERE = Object.entries({ ...WAYS, ...SPARING }).filter(([name]) =>
  /^(DELETE of (?!the last)|a log-out|a new password|the deletion)/.test(name),
);

describe.for([
  [0, 0],
  [10, 1],
  [60, 2],
  [300, 3],
  [86_400, 4],
])("REVOCATION_LAG_SECONDS=%i", ([lag = 0, row = 0]) => {
  const settings = { REVOCATION_LAG_SECONDS: String(lag) };
  const location = () => {
    const bindings = atLocation(KV_LAG_SECONDS);
    return [isolate(settings, bindings), isolate(settings, bindings)] as const;
  };

  const ways = some(HERE, row);
  it.for(ways)("%s is known within the lag, and revokes nothing else", async ([, way]) => {
    const [here] = location();
    const [there, besideIt] = location();
    const held = await allCredentials(here.call);
    await here.settled();
    expect(await taken(there.call, held)).toEqual(CREDENTIALS);

    const revokedAtMs = await revoke(way, here, held);
    const spared = CREDENTIALS.filter((name) => !way.revokes.includes(name));
    for (const { call } of [here, there]) {
      expect(await taken(call, held, spared)).toEqual(spared);
    }
    // Below that, what an access JWT is asked about is known at once where it was revoked.
    if (lag < 300) expect(await taken(here.call, held, way.revokes)).toEqual([]);
    if (lag === 0) expect(await taken(there.call, held, way.revokes)).toEqual([]);

    // An isolate with an empty cache asks at last when KV there may still answer as before.
    const lastMs = revokedAtMs + Math.min(lag, KV_LAG_SECONDS) * 1000 - 100;
    if (lag > 0) {
      vi.setSystemTime(lastMs);
      await taken(besideIt.call, held, way.revokes);
    }
    const boundMs = revokedAtMs + lag * 1000;
    // And never again, up to the last second that each would have had.
    const ends = way.revokes.map((name) => endOf(held[name])).filter((ms) => ms !== null);
    const moments = [boundMs, boundMs + 1000, ...ends.map((ms) => ms - 1000)];
    for (const ms of moments.filter((ms) => ms >= boundMs).sort((a, b) => a - b)) {
      vi.setSystemTime(ms);
      for (const { call } of [here, there, besideIt]) {
        expect([ms - revokedAtMs, await taken(call, held, way.revokes)]).toEqual([
          ms - revokedAtMs,
          [],
        ]);
      }
    }
  });

  it("what was obtained with a revoked credential does not outlive the lag", async () => {
    const [[here], [there]] = [location(), location()];
    const held = await allCredentials(here.call);
    await taken(there.call, held);
    for (const name of ["DELETE of an API token", "DELETE of a refresh JWT", "a log-out"]) {
      expect(await WAYS[name]?.by(here, held)).toHaveProperty("status", 200);
    }
    const revokedAtMs = Date.now();
    const got: string[] = [];
    // As late as may be, while they still pass there.
    for (const part of [0.5, 0.9, 0.999]) {
      vi.setSystemTime(revokedAtMs + lag * part * 1000);
      for (const send of [
        { bearer: held.apiToken },
        { xToken: held.session },
        { bearer: held.access },
        { bearer: held.authByApiToken },
        { bearer: held.authByAuth },
        ...got.map((bearer) => ({ bearer })),
      ]) {
        const { text } = await there.call("GET", "/rest/auth", send);
        got.push(...(text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? []));
      }
      const json = { refresh: held.refresh };
      const refreshed = await there.call("POST", "/api/token/refresh/", { json });
      // Not asked about where what comes of it expires within the lag; not so in its last minutes.
      expect(refreshed.status).toBe(lag === 86_400 && part < 0.99 ? 200 : 401);
      if (refreshed.status === 200) got.push(textAt(refreshed, "access"));
    }
    for (const afterSeconds of [lag, lag + 150, lag + 86_000]) {
      vi.setSystemTime(revokedAtMs + afterSeconds * 1000);
      for (const token of got) {
        const { status } = await there.call("POST", "/api/token/verify/", { json: { token } });
        expect([afterSeconds, status]).toEqual([afterSeconds, 401]);
      }
    }
  });
});
