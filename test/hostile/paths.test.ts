import { beforeAll, describe, expect, it } from "vitest";
import { call, newOperator, type Send, textAt } from "../support/client.ts";
import { some } from "../support/thorough.ts";
import { SENTINEL } from "./flaws.ts";
import { type Probe, run } from "./probe.ts";
import { ROUTE_KEYS, ownerOf, pathOf, SURFACES } from "./routes.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "SEARCH"];

/** Path parameters, as they are in the URL. */
const PARAMETERS: Readonly<Record<string, string>> = {
  "an encoded slash": "a%2Fb",
  "only an encoded slash": "%2F",
  NUL: "%00",
  "NUL in the middle": `${SENTINEL}%00x`,
  "a per cent sign": "%",
  "a per cent sign, encoded twice": "%2500",
  "no hex": "%zz",
  "a byte that is no UTF-8": "%ff",
  "a surrogate in UTF-8": "%ED%A0%80",
  "dots behind": `${SENTINEL}/../..`,
  "dots, the slash encoded": `..%2F..%2F${SENTINEL}`,
  "dots, encoded": "%2e%2e",
  Unicode: "žluťoučký-🔑",
  "Unicode, encoded": "%F0%9F%94%91",
  "right to left": "%E2%80%AE",
  "a line break": `${SENTINEL}%0d%0aSet-Cookie:%20a=b`,
  quotes: `'%22%60;--${SENTINEL}`,
  wildcards: "*",
  "a parameter's name": ":token",
  "a semicolon": "a;b=c",
  "a matrix": "a,b",
  __proto__: "__proto__",
  constructor: "constructor",
  toString: "toString",
  "10 KB": `${SENTINEL}${"x".repeat(10_000)}`,
  "10 KB of per cent signs": "%25".repeat(3_400),
  "a uuid in upper case": "0000000A-0000-8000-8000-000000000000",
  "a uuid and a space": "00000000-0000-8000-8000-000000000000%20",
};

/** What a path may be turned into, that it then is not. */
const DISTORTIONS: Readonly<Record<string, (path: string) => string>> = {
  "a slash more": (path) => `${path}//`,
  "a slash before": (path) => `/${path}`,
  "an encoded slash more": (path) => `${path}%2F`,
  "NUL more": (path) => `${path}%00`,
  "a space more": (path) => `${path}%20`,
  "a per cent sign more": (path) => `${path}%`,
  "a level more": (path) => `${path}/${SENTINEL}/x`,
  "upper case": (path) => path.toUpperCase(),
  "a suffix": (path) => `${path}.json`,
  "its slashes encoded": (path) => `/${path.slice(1).replaceAll("/", "%2F")}`,
  "a letter encoded twice": (path) =>
    path.replace(/[a-z]/, (c) => `%25${c.charCodeAt(0).toString(16)}`),
};

const QUERIES: readonly string[] = [
  ...["0", "-1", "101", "1e2", "1.5", "", "%00", "%", "%ff", "9".repeat(400), "__proto__"].map(
    (limit) => `limit=${limit}`,
  ),
  "limit=1&limit=2",
  ...["", "%00", "%", "%ff", "!", "__proto__", SENTINEL, "x".repeat(8_000), "🔑"].map(
    (cursor) => `cursor=${cursor}`,
  ),
  ...["1.x", `-1.${"-".repeat(36)}`, `1e3.${"0".repeat(36)}`, `0.${"' OR 1".padEnd(36)}`].map(
    (cursor) => `cursor=${encodeURIComponent(btoa(cursor))}`,
  ),
  // Well-formed, and about nothing that there is.
  `cursor=${encodeURIComponent(btoa(`${"9".repeat(15)}.${"-".repeat(36)}`))}`,
  `cursor=${encodeURIComponent(btoa(`0.${"f".repeat(36)}`))}`,
  ...["", "%00", "%", "%ff", "__proto__", "x".repeat(8_000), `lk_ses_${SENTINEL}`].map(
    (token) => `token=${token}`,
  ),
  `token=${SENTINEL}&token=${SENTINEL}`,
  `${"a=b&".repeat(2_000)}`,
  "__proto__=x&constructor=y&toString",
  "?&&==%",
];

let bearer = "";

beforeAll(async () => {
  const { access } = await newOperator();
  bearer = textAt(await call("GET", "/rest/auth", { bearer: access }), "payload", "token");
});

const authorized = (access: string): Send => (access === "caller" ? { bearer } : {});

describe("paths", () => {
  it.each(ROUTE_KEYS.filter(({ route }) => route.path.includes(":")))(
    "$name takes any parameter without harm",
    async ({ route, surface }) => {
      const probes = Object.entries(PARAMETERS).map(([name, parameter]) => {
        const path = new URL(pathOf(route, parameter), "https://x").pathname;
        return { name, method: route.method, path, send: authorized(route.access) };
      });
      // Dots lead out of the path before it is sent: then another surface answers.
      const [own, others] = partition(probes, ({ path }) => ownerOf(path) === surface);
      expect(await run(surface, own)).toEqual([]);
      for (const probe of others) {
        const owner = ownerOf(probe.path);
        // To a page, which test/console knows.
        if (!owner.isForPeople) expect(await run(owner, [probe])).toEqual([]);
      }
    },
  );

  it.each(ROUTE_KEYS)("$name is at no other path", async ({ route, surface }) => {
    const known = new Set(ROUTE_KEYS.map((routeKey) => routeKey.route.path));
    for (const [name, distort] of Object.entries(DISTORTIONS)) {
      const path = distort(pathOf(route));
      if (known.has(path)) continue;
      const probe: Probe = {
        name,
        method: route.method,
        path,
        send: {},
        statuses: [400, 401, 404, 405],
      };
      expect(await run(ownerOf(decoded(path)), [probe]), surface.name).toEqual([]);
    }
  });

  it.each(SURFACES)("$name takes any query without harm", async (surface) => {
    const probes = ROUTE_KEYS.filter((routeKey) => routeKey.surface === surface).flatMap(
      ({ route }, turn) =>
        // Where a query is no part of the request, a few of them will do.
        some(/GET|DELETE/.test(route.method) ? QUERIES : QUERIES.slice(0, 6), turn).map(
          (query) => ({
            name: query,
            method: route.method,
            path: `${pathOf(route)}?${query}`,
            send: authorized(route.access),
          }),
        ),
    );
    expect(await run(surface, probes)).toEqual([]);
  });
});

describe("methods", () => {
  it.each(SURFACES)("$name answers each method at each of its paths", async (surface) => {
    const byPath = Map.groupBy(surface.routes, (route) => route.path);
    for (const [path, routes] of byPath) {
      const taken: string[] = routes.map((route) => route.method);
      if (taken.includes("GET")) taken.push("HEAD");
      const refused = METHODS.filter((method) => !taken.includes(method));
      const url = pathOf({ ...first(routes), path });
      const probes = refused.flatMap((method) =>
        // Asked before the caller is: with a bad credential it is the same answer.
        [{}, { bearer: SENTINEL }, { bearer, xToken: "x" }].map((send) => ({
          name: "a method that is not taken",
          method,
          path: url,
          send,
          statuses: [405],
        })),
      );
      expect(await run(surface, probes)).toEqual([]);
      for (const method of [...refused, "OPTIONS"]) {
        const { status, headers } = await call(method, url);
        expect(status, `${method} ${url}`).toBe(method === "OPTIONS" ? 204 : 405);
        expect(headers.get("allow")?.split(", ").sort()).toEqual([...taken, "OPTIONS"].sort());
      }
    }
  });

  it("answers HEAD as GET, without the body", async () => {
    for (const { route, surface } of ROUTE_KEYS) {
      if (route.method !== "GET") continue;
      const path = pathOf(route);
      const send = authorized(route.access);
      const [get, head] = [await call("GET", path, send), await call("HEAD", path, send)];
      expect(head.status, path).toBe(get.status);
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
      expect(await run(surface, [{ name: "HEAD", method: "HEAD", path, send }])).toEqual([]);
    }
  });
});

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function first<T>([item]: readonly T[]): T {
  if (item === undefined) throw new Error("no item");
  return item;
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
