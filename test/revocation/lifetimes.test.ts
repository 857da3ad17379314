import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { claimsOf, peopleOf, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { atLocation } from "../support/stores.ts";
import { cross, some } from "../support/thorough.ts";
import { allCredentials, CREDENTIALS, taken } from "./credentials.ts";
import { revoke, WAYS } from "./ways.ts";

vi.setConfig({ testTimeout: 60_000 });

const NOON_MS = Date.parse("2026-11-01T12:00:00.250Z");
const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
});
afterEach(() => vi.useRealTimers());
const later = (ms: number) => vi.setSystemTime(NOON_MS + ms);

/** All that a deployment may set, shortest and longest, with the usual between. */
const LIFETIMES = {
  short: {
    ACCESS_TOKEN_SECONDS: "60",
    REFRESH_TOKEN_SECONDS: "120",
    SESSION_SECONDS: "60",
    AUTH_TOKEN_SECONDS: "60",
    LOGIN_MAX_DAYS: "1",
  },
  usual: {},
  long: {
    ACCESS_TOKEN_SECONDS: "86400",
    REFRESH_TOKEN_SECONDS: String(90 * 86_400),
    SESSION_SECONDS: String(30 * 86_400),
    AUTH_TOKEN_SECONDS: String(30 * 86_400),
    LOGIN_MAX_DAYS: "365",
  },
} as const;
type Lives = keyof typeof LIFETIMES;

/** Versions that run side by side at one location. */
function location() {
  const bindings = atLocation(0);
  return (lives: Lives, lag: 0 | 60 = 60, rotates: "on" | "off" = "on") =>
    isolate(
      {
        ...LIFETIMES[lives],
        REVOCATION_LAG_SECONDS: String(lag),
        ROTATE_REFRESH_TOKENS: rotates,
      },
      bindings,
    );
}

/** Instants at which something expires, or its row or tombstone could be gone. */
const INSTANTS = [61, 121, 3_700, 86_401, 31 * 86_400, 89 * 86_400].map((each) => each * 1000);

/** The lifetimes when all was made, and of the version that revokes. */
const CHANGES = [
  ["long", "short"],
  ["short", "long"],
  ["usual", "short"],
] as const;

const revoked = some(cross(Object.entries(WAYS), CHANGES), 0, 2);
it.for(revoked.map(([[name, way], lives]) => [name, ...lives, way] as const))(
  "what %s revokes, made with lifetimes that are %s, by a version whose are %s, never comes back",
  async ([, made, revoking, way]) => {
    const at = location();
    const maker = at(made);
    const credentials = await allCredentials(maker.call);
    await maker.settled();
    expect(await taken(maker.call, credentials)).toEqual(CREDENTIALS);
    await revoke(way, at(revoking), credentials);
    for (const ms of INSTANTS) {
      later(ms);
      await at(revoking).housekeeping();
      for (const { call } of [at(made), at(made, 0)]) {
        expect([ms, await taken(call, credentials, way.revokes)]).toEqual([ms, []]);
      }
    }
  },
);

describe("a log-in that versions with other lifetimes refresh and extend", () => {
  it.for([
    ["long", "short", "long"],
    ["short", "long", "short"],
    ["usual", "short", "long"],
  ] as const)(
    "by one %s, %s and %s: KV and D1 say the same, and nothing outlives its row",
    async ([made, then, late]) => {
      const at = location();
      const maker = at(made);
      const credentials = await allCredentials(maker.call);
      const { refresh, session } = credentials;
      later(5_000);
      const json = { refresh };
      const first = await at(then).call("POST", "/api/token/refresh/", { json });
      // The same successor, from the other version, within the grace.
      const other = await at(late).call("POST", "/api/token/refresh/", { json });
      const successors = [textAt(first, "refresh"), textAt(other, "refresh")];
      expect(claimsOf(successors[0] ?? "").jti).toBe(claimsOf(successors[1] ?? "").jti);
      const extend = { json: { token: session, extend: true } };
      expect((await at(then).call("PUT", "/tokens", extend)).status).toBe(200);
      const bySuccessor = await Promise.all(
        [first, other].map(async (answer) =>
          textAt(
            await at(late).call("GET", "/rest/auth", { bearer: textAt(answer, "access") }),
            "payload",
            "token",
          ),
        ),
      );
      const all = [...successors, ...bySuccessor].map((token) => ({
        ...credentials,
        refresh: token,
      }));
      for (const ms of INSTANTS) {
        later(ms);
        const versions = [at(late), at(then), at(late, 0)];
        await versions[0]?.housekeeping();
        const said = await Promise.all(
          versions.map(async ({ call }) => [
            await taken(
              call,
              credentials,
              CREDENTIALS.filter((name) => name !== "actionToken"),
            ),
            ...(await Promise.all(all.map((each) => taken(call, each, ["refresh"])))),
          ]),
        );
        for (const each of said) expect([ms, each]).toEqual([ms, said[2]]);
      }
    },
  );

  it("ends when a shorter LOGIN_MAX_DAYS is over: pairs, chains and sessions", async () => {
    const at = location();
    const { call } = at("long");
    const person = await peopleOf(call).newUser();
    const { refresh } = await peopleOf(call).newPair(person);
    const auth = textAt(await call("GET", "/rest/auth", { basic: person }), "payload", "token");
    const session = await peopleOf(call).newSession(person);
    const status = async (lives: Lives, rotates: "on" | "off" = "off") => {
      const version = at(lives, 0, rotates).call;
      const token = session;
      return [
        (await version("POST", "/api/token/refresh/", { json: { refresh } })).status,
        (await version("GET", "/rest/auth", { bearer: auth })).status,
        textAt(
          await version("PUT", "/tokens", { json: { token, extend: true } }),
          "__latest_data",
          "token",
        ) === token,
      ];
    };
    later(DAY_MS - 1_000);
    expect(await status("short")).toEqual([200, 200, true]);
    later(DAY_MS);
    expect(await status("short")).toEqual([401, 401, true]);
    expect((await status("short", "on"))[0]).toBe(401);
    expect(await status("long")).toEqual([200, 200, true]);
    // Only an extension lets a session live on, and the shorter limit gives none.
    const { json } = await at("short", 0).call("GET", "/tokens", { xToken: session });
    expect(json).toMatchObject({ expires: NOON_MS + DAY_MS + 30 * DAY_MS });
  });

  it("refreshes for 90 days with an access JWT of 60 seconds", async () => {
    const settings = { ...LIFETIMES.long, ACCESS_TOKEN_SECONDS: "60", LOGIN_MAX_DAYS: "90" };
    const { call } = isolate(settings);
    const person = await peopleOf(call).newUser();
    const { access, refresh } = await peopleOf(call).newPair(person);
    const lives = (jwt: string) => Number(claimsOf(jwt).exp) - Number(claimsOf(jwt).iat);
    expect([lives(access), lives(refresh)]).toEqual([60, 90 * 86_400]);
    later(90 * DAY_MS - 30_000);
    const json = { refresh };
    const late = textAt(await call("POST", "/api/token/refresh/", { json }), "access");
    expect(lives(late)).toBe(30);
    later(90 * DAY_MS);
    expect((await call("POST", "/api/token/refresh/", { json })).status).toBe(401);
  });
});
