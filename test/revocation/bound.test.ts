import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Call, textAt } from "../support/client.ts";
import { isThorough } from "../support/thorough.ts";
import {
  allCredentials,
  CREDENTIALS,
  type CredentialName,
  type Credentials,
  endOf,
  taken,
} from "./credentials.ts";
import { isolate, type Place } from "./locations.ts";
import { kvLocation } from "./storage.ts";

vi.setConfig({ testTimeout: 30_000 });

const KV_LAG_SECONDS = 60;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-01T12:00:00.250Z") });
});
afterEach(() => vi.useRealTimers());

interface End {
  readonly by: (call: Call, held: Credentials) => ReturnType<Call>;
  readonly ends: readonly CredentialName[];
}

/** Every way to end something, and what it ends of one credential of each kind. */
const ENDS: Readonly<Record<string, End>> = {
  "one API token": {
    by: (call, { access, apiTokenId }) =>
      call("DELETE", `/rest/token/${apiTokenId}`, { bearer: access }),
    ends: ["apiToken", "authByApiToken"],
  },
  "one API token, by its secret": {
    by: (call, { access, apiToken }) =>
      call("DELETE", `/rest/token/${apiToken}`, { bearer: access }),
    ends: ["apiToken", "authByApiToken"],
  },
  "all API tokens": {
    by: (call, { access }) => call("DELETE", "/rest/token/all", { bearer: access }),
    ends: ["apiToken", "authByApiToken"],
  },
  "a session": {
    by: (call, { session }) => call("DELETE", "/tokens", { xToken: session }),
    ends: ["session", "authBySession"],
  },
  "one JWT": {
    by: (call, { access, session }) => call("DELETE", `/rest/token/${access}`, { xToken: session }),
    ends: ["access", "authByAccess", "authByAuth"],
  },
  "a refresh JWT, and so its family": {
    by: (call, { refresh, session }) =>
      call("DELETE", `/rest/token/${refresh}`, { xToken: session }),
    ends: ["access", "refresh", "authByAccess", "authByAuth"],
  },
  "all with a new password": {
    by: (call, { person }) =>
      call("PATCH", "/rest/user", {
        basic: person,
        json: { password: "another password", current_password: person.password },
      }),
    ends: CREDENTIALS,
  },
  "all but the session that gave a new password": {
    by: (call, { session, person }) =>
      call("PATCH", "/rest/user", {
        xToken: session,
        json: { password: "another password", current_password: person.password },
      }),
    ends: CREDENTIALS.filter((name) => name !== "session"),
  },
  "all but the API token that gave a new password": {
    by: (call, { apiToken, person }) =>
      call("PATCH", "/rest/user", {
        bearer: apiToken,
        json: { password: "another password", current_password: person.password },
      }),
    ends: CREDENTIALS.filter((name) => name !== "apiToken"),
  },
  "all with a new password from a JWT, the session behind it too": {
    by: (call, { authBySession, person }) =>
      call("PATCH", "/rest/user", {
        bearer: authBySession,
        json: { password: "another password", current_password: person.password },
      }),
    ends: CREDENTIALS,
  },
  "the account": {
    by: (call, { access, person }) =>
      call("DELETE", "/rest/user", { bearer: access, json: { password: person.password } }),
    ends: CREDENTIALS,
  },
};

describe.for([
  [0, 0],
  [10, 1],
  [60, 0],
  [300, 1],
  [86_400, 0],
])("REVOCATION_LAG_SECONDS=%i", ([lag = 0, row = 0]) => {
  const settings = { REVOCATION_LAG_SECONDS: String(lag) };
  const location = (): [Place, Place] => {
    const bindings = { KV: kvLocation(env.KV, KV_LAG_SECONDS), DB: env.DB };
    return [isolate(settings, bindings), isolate(settings, bindings)];
  };

  // Elsewhere than in the long suites, each lag has every other of them.
  const ends = Object.entries(ENDS).filter((_, index) => isThorough || index % 2 === row % 2);
  it.for(ends)("ends %s within the promise, and nothing else", async ([, end]) => {
    const [here] = location();
    const [there, besideIt] = location();
    const held = await allCredentials(here.call);
    await here.settled();
    expect(await taken(there.call, held)).toEqual(CREDENTIALS);

    expect((await end.by(here.call, held)).status).toBe(200);
    await here.settled();
    const revokedAtMs = Date.now();
    const spared = CREDENTIALS.filter((name) => !end.ends.includes(name));
    for (const { call } of [here, there]) {
      expect(await taken(call, held, spared)).toEqual(spared);
    }
    // Below that, what an access JWT is asked about is known at once where the end was made.
    if (lag < 300) expect(await taken(here.call, held, end.ends)).toEqual([]);
    if (lag === 0) expect(await taken(there.call, held, end.ends)).toEqual([]);

    // An isolate that has no memory asks at last when KV there may still answer as before.
    const lastMs = revokedAtMs + Math.min(lag, KV_LAG_SECONDS) * 1000 - 100;
    if (lag > 0) {
      vi.setSystemTime(lastMs);
      await taken(besideIt.call, held, end.ends);
    }
    const boundMs = revokedAtMs + lag * 1000;
    // And never again, up to the last second that each would have had.
    const ends = end.ends.map((name) => endOf(held[name])).filter((ms) => ms !== null);
    const moments = [boundMs, boundMs + 1000, ...ends.map((ms) => ms - 1000)];
    for (const ms of moments.filter((ms) => ms >= boundMs).sort((a, b) => a - b)) {
      vi.setSystemTime(ms);
      for (const { call } of [here, there, besideIt]) {
        expect([ms - revokedAtMs, await taken(call, held, end.ends)]).toEqual([
          ms - revokedAtMs,
          [],
        ]);
      }
    }
  });

  it("what was got with an ended credential does not outlive the promise", async () => {
    const [here] = location();
    const [there] = location();
    const held = await allCredentials(here.call);
    await taken(there.call, held);
    for (const name of ["one API token", "a refresh JWT, and so its family", "a session"]) {
      expect((await ENDS[name]?.by(here.call, held))?.status).toBe(200);
    }
    const revokedAtMs = Date.now();
    const got: string[] = [];
    // As late as may be, while the promise still lets them pass there.
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
      // Not asked about where what comes of it ends within the promise; not so in its last minutes.
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
