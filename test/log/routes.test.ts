import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Cost, meter } from "../budget/measure.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { cross } from "../support/thorough.ts";
import { REFUSED } from "../faults/refused.ts";
import { type Case, GOOD, requestOf } from "../faults/requests.ts";
import { begin, buildWorld, type World } from "../faults/world.ts";
import { ROUTE_KEYS } from "../hostile/routes.ts";
import { leaks } from "../support/leakage.ts";
import { captureLines, type Line } from "./line.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 });

const ADDRESS = "203.0.113.77";
const RAY = "8f1e2d3c4b5a6978-VIE";

let world: World;

beforeAll(async () => {
  world = await buildWorld();
});
// What work after the answer says of mails that go nowhere.
beforeEach(() => void vi.spyOn(console, "warn").mockReturnValue());

function from(each: Case) {
  const [method, path, sent] = requestOf(each, world);
  const headers = { ...sent.headers, "cf-connecting-ip": ADDRESS, "cf-ray": RAY };
  return [method, path, { ...sent, headers }] as const;
}

const settingsOf = (each: Case, lag: number) => ({
  ...each.settings,
  LOG: "requests",
  REVOCATION_LAG_SECONDS: String(lag),
});

const surfaceOf = (each: Case) =>
  ROUTE_KEYS.find(({ name }) => name === each.routeKey)?.surface.name;

function flawsOf(each: Case, line: Line, spent: Cost): string[] {
  const [method, route] = each.routeKey.split(" ");
  const isGood = each.status < 400;
  return Object.entries({
    level: line.level === "info",
    request_id: line.request_id === RAY,
    surface: line.surface === surfaceOf(each),
    route: line.route === route,
    method: line.method === method,
    status: line.status === each.status,
    outcome: (line.outcome === "ok") === isGood,
    kv_reads: line.kv_reads === spent.get,
    kv_writes: line.kv_writes === spent.put,
    kv_deletes: line.kv_deletes === spent.delete,
    d1_queries: line.d1_queries === spent.query,
  })
    .filter(([, holds]) => !holds)
    .map(([field]) => `${each.routeKey} (${each.as}): ${field}`);
}

it("every route is one line, whose counts are what was asked of the stores before the answer, and which says nothing of the credential, the person or the place", async () => {
  const { bindings, passwords, read } = meter();
  const costs: Cost[] = [];
  const lines = captureLines(() => costs.push(read()));
  const seen: Line[] = [];
  const kinds = new Map<string, string>();
  const flaws: string[] = [];
  for (const [each, lag] of cross([...GOOD, ...REFUSED], [0, 300])) {
    await begin(world);
    const { send } = isolate(settingsOf(each, lag), bindings, { passwords });
    read();
    const answer = await send(...from(each));
    const [line, spent] = [lines.shift(), costs.shift()];
    if (line === undefined || spent === undefined || lines.length > 0) {
      flaws.push(`${each.routeKey} (${each.as}): not one line`);
      continue;
    }
    seen.push(line);
    kinds.set(`${each.routeKey} (${each.as})`, line.credential);
    flaws.push(...flawsOf(each, line, spent));
    // Nothing of production's answer tells what it cost.
    expect(answer.headers.get("server-timing")).toBeNull();
    expect(answer.headers.get("x-request-id")).toBeNull();
  }
  expect(flaws).toEqual([]);
  expect(kinds.get("GET /rest/user (API token)")).toBe("api");
  expect(kinds.get("GET /rest/user (session)")).toBe("session");
  expect(kinds.get("GET /rest/user (JWT)")).toBe("jwt");
  expect(kinds.get("GET /rest/user (Basic)")).toBe("password");
  expect(kinds.get("GET /rest/user (ended JWT)")).toBe("bearer");
  expect(kinds.get("POST /api/token/ (login)")).toBe("none");

  const { alice, bob, session, access, refresh, auth, target, action, openAction } = world;
  const secrets = {
    ...{ session, access, refresh, auth, openAction, target: target.secret, action: action.secret },
    ...{ reset: world.reset, verification: world.verification, address: ADDRESS },
    ...{ alice: alice.api, "alice's password": alice.password, "alice's email": alice.email },
    ...{ bob: bob.api, "bob's password": bob.password, "bob's email": bob.email },
    ...{ "alice's id": alice.id, "bob's id": bob.id, "target's uuid": target.uuid },
    ...world.ended,
  };
  const exhibits = seen.map((line) => [line.route, JSON.stringify(line)] as const);
  expect(await leaks(exhibits, secrets)).toEqual([]);
});

describe("stores that fail", () => {
  it("are one line a request, which the answer leads to on every surface", async () => {
    const lines = captureLines();
    const down = () => Promise.reject(new Error("it is down"));
    const bindings = intercept(down);
    const surfaces = new Set<string>();
    for (const each of GOOD) {
      const { send } = isolate({ ...settingsOf(each, 0), LOG: "errors" }, bindings);
      const { status, json, headers } = await send(...from(each));
      const line = lines.pop();
      expect(lines, each.routeKey).toEqual([]);
      if (status < 500) {
        expect(line, each.routeKey).toBeUndefined();
        continue;
      }
      surfaces.add(surfaceOf(each) ?? "");
      expect(status, each.routeKey).toBe(503);
      expect(line, each.routeKey).toMatchObject({
        level: "error",
        request_id: RAY,
        outcome: "unavailable",
        status: 503,
        error: expect.stringContaining("it is down"),
      });
      expect(headers.get("x-request-id"), each.routeKey).toBe(RAY);
      expect(json, each.routeKey).toMatchObject({ request_id: RAY });
    }
    expect(surfaces).toEqual(new Set(ROUTE_KEYS.map(({ surface }) => surface.name)));
  });
});
