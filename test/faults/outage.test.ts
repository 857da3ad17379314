import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ROUTE_KEYS } from "../hostile/routes.ts";
import { UNAVAILABLE } from "./expectations.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { type Case, GOOD, requestOf } from "./requests.ts";
import { buildWorld, readStores, type World } from "./world.ts";

/** What asks no store at all. */
const ASKS_NOTHING = [
  "GET /health",
  "GET /.well-known/jwks.json",
  "GET /.well-known/oauth-authorization-server",
  "GET /.well-known/oauth-protected-resource",
  "GET /openapi.json",
  // Nothing before its answer.
  "POST /rest/user/password_reset",
  "POST /rest/login/email",
];

/** What is read without D1 once the revocation lag is 60 s and more; all else asks or tells D1. */
const READS = new Set([
  ...ASKS_NOTHING.map((routeKey) => `${routeKey} (anybody)`),
  "POST /api/token/verify/ (refresh JWT)",
  "POST /api/token/verify/ (access JWT)",
  "POST /api/token/verify (refresh JWT)",
  "POST /api/token/verify (access JWT)",
  "GET /tokens (session)",
  "GET /rest/user (API token)",
  "GET /rest/user (session)",
  "GET /rest/user (JWT)",
  "GET /rest/user (access JWT)",
]);

/** And with a revocation lag of a day: what comes of them ends within it. */
const READS_OF_A_DAY = new Set([
  "POST /api/token/refresh/ (refresh)",
  "POST /api/token/refresh (refresh)",
]);

const isReadAt = (lag: number, name: string) =>
  READS.has(name) || (lag === 86_400 && READS_OF_A_DAY.has(name));

const nameOf = ({ routeKey, as }: Case) => `${routeKey} (${as})`;

let world: World;

vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 });

beforeAll(async () => {
  world = await buildWorld();
});
beforeEach(() => {
  vi.setSystemTime(world.nowMs);
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
});

/** Every request in an isolate of its own while D1 is down in this way: writes first, then reads. */
async function statuses(lag: number, down: () => Promise<unknown>): Promise<Map<string, string>> {
  const bindings = intercept(({ store }, run) => (store === "D1" ? down() : run()));
  const settings = { REVOCATION_LAG_SECONDS: String(lag), STORAGE_DEADLINE_MS: "50" };
  async function ask(each: Case) {
    const { send } = isolate({ ...settings, ...each.settings }, bindings);
    const { status, json, headers } = await send(...requestOf(each, world));
    const surface = ROUTE_KEYS.find(({ name }) => name === each.routeKey)?.surface.name ?? "";
    const isUnavailable =
      status === 503 &&
      headers.get("retry-after") !== null &&
      JSON.stringify({ ...Object(json), request_id: undefined }) ===
        JSON.stringify(UNAVAILABLE[surface]);
    const isProper = status === each.status || isUnavailable;
    return [nameOf(each), isProper ? String(status) : `${status}, improper`] as const;
  }
  const isRead = (each: Case) => isReadAt(lag, nameOf(each));
  const writes = await Promise.all(GOOD.filter((each) => !isRead(each)).map(ask));
  return new Map([...writes, ...(await Promise.all(GOOD.filter(isRead).map(ask)))]);
}

describe.each([
  ["fails", () => Promise.reject(new Error("D1_ERROR: down"))],
  ["hangs", () => new Promise(() => {})],
])("D1 %s", (_, down) => {
  it.each([60, 300, 86_400])(
    "with a revocation lag of %i s reads go on, and writes fail closed",
    async (lag) => {
      const before = await readStores();
      const found = await statuses(lag, down);
      const wanted = GOOD.map((each) => {
        const name = nameOf(each);
        return [name, isReadAt(lag, name) ? String(each.status) : "503"] as const;
      });
      expect(found).toEqual(new Map(wanted));
      expect(await readStores()).toEqual(before);
    },
  );

  it.each([0, 59])(
    "with a revocation lag of %i s nothing is known, and nothing is answered",
    async (lag) => {
      const found = await statuses(lag, down);
      const wanted = GOOD.map((each) => {
        return [nameOf(each), ASKS_NOTHING.includes(each.routeKey) ? "200" : "503"] as const;
      });
      expect(found).toEqual(new Map(wanted));
    },
  );
});
