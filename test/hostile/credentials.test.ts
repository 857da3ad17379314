import { beforeAll, describe, expect, it } from "vitest";
import {
  base64,
  type Call,
  call,
  newApiToken,
  newCaller,
  newSession,
  type Send,
} from "../support/client.ts";
import { service } from "../support/service.ts";
import { SENTINEL } from "./flaws.ts";
import { run } from "./probe.ts";
import { quick } from "./quick.ts";
import { ROUTE_KEYS, type RouteKey, pathOf } from "./routes.ts";

type Headers = Readonly<Record<string, string>>;

/** One row a place: a good credential where there is one, else the shape of one. */
const POSITIONS: Record<string, Headers> = {};
/** The same in the query, where the deployment takes it there. */
const QUERY: Record<string, string> = {};

beforeAll(async () => {
  const caller = await newCaller();
  const { secret } = await newApiToken(caller.access);
  POSITIONS.Basic = { authorization: `Basic ${base64(`${caller.email}:${caller.password}`)}` };
  POSITIONS.Bearer = { authorization: `Bearer ${caller.access}` };
  POSITIONS["X-Auth-Token"] = { "x-auth-token": secret };
  POSITIONS["X-Auth-Google-Token"] = { "x-auth-google-token": SENTINEL };
  POSITIONS["X-Auth-Facebook-Token"] = { "x-auth-facebook-token": SENTINEL };
  POSITIONS["X-Auth-HA1B-Token"] = { "x-auth-ha1b-token": "d41d8cd98f00b204e9800998ecf8427e" };
  POSITIONS["X-Token"] = { "x-token": await newSession(caller) };
  QUERY.jwt = caller.access;
  QUERY.bearer = secret;
  QUERY.google_token = SENTINEL;
  QUERY.facebook_token = SENTINEL;
  QUERY.ha1b = SENTINEL;
});

/** Routes that look at who asks. Where nobody is asked (`open`), credentials are no part of the request. */
const ASKING = ROUTE_KEYS.filter(({ route }) => route.access !== "open");

const SECRET = `lk_api_${SENTINEL}${"0".repeat(40)}`;
const BASIC = base64(`nobody@example.com:${SENTINEL}`);

/** Single headers that log nobody in. The surface's own parameters are left out for it. */
const WRONG: readonly Headers[] = [
  // An empty one does not get here: workerd drops it on the way.
  ...[
    "Basic",
    "Basic ",
    "Basic !",
    "Basic ====",
    `Basic ${base64("no colon")}`,
    `Basic ${btoa("\xff\xfe:\xff")}`,
    `Basic ${BASIC}`,
    `Basic ${BASIC} ${BASIC}`,
    `basic\t${BASIC}`,
    "Bearer",
    "Bearer ",
    "bearer null",
    "Bearer undefined",
    `Bearer ${SECRET}`,
    `Bearer ${SECRET} ${SECRET}`,
    "Bearer a.b.c",
    `Bearer ${"x".repeat(12_000)}`,
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Bearer __proto__",
    `Bearer: ${SECRET}`,
    `Token ${SECRET}`,
    'Digest username="a"',
    "Negotiate AAAA",
    SENTINEL,
    "__proto__ x",
  ].map((authorization) => ({ authorization })),
  ...["x-auth-token", "x-auth-google-token", "x-auth-facebook-token", "x-auth-ha1b-token"].flatMap(
    (name) =>
      [SENTINEL, SECRET, "__proto__", "x".repeat(12_000)].map((value) => ({ [name]: value })),
  ),
];

/** One header with two credentials: no credential holds a comma. */
const TWICE: readonly Headers[] = [
  { authorization: `Bearer ${SECRET}, Bearer ${SECRET}` },
  { authorization: `Basic ${BASIC}, Bearer ${SECRET}` },
  { authorization: `Bearer ${SECRET},` },
  { "x-auth-token": `${SECRET}, ${SECRET}` },
  { "x-auth-google-token": `${SENTINEL}, ${SENTINEL}` },
];

function probe(
  { route }: RouteKey,
  name: string,
  send: Send,
  statuses: readonly number[],
  query = "",
) {
  return { name, method: route.method, path: pathOf(route) + query, send, statuses };
}

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]));
}

describe.each(ASKING)("$name", (routeKey) => {
  const { surface, route } = routeKey;
  const own = (surface.ownHeaders ?? []).map((name) => name.toLowerCase());

  it("refuses a credential that is wrong", async () => {
    const probes = WRONG.map((headers) =>
      probe(routeKey, JSON.stringify(headers), { headers }, [401]),
    );
    expect(await run(surface, probes, quick)).toEqual([]);
  });

  it("refuses two credentials, good or bad", async () => {
    const places = Object.entries(POSITIONS).filter(
      ([, headers]) => !Object.keys(headers).some((name) => own.includes(name)),
    );
    const probes = pairs(places)
      .map(([[a, one], [b, other]]) => [`${a} and ${b}`, { ...other, ...one }] as const)
      .filter(([, headers]) => Object.keys(headers).length === 2)
      .map(([name, headers]) => probe(routeKey, name, { headers }, [400]));
    const twice = TWICE.map((headers) =>
      probe(routeKey, JSON.stringify(headers), { headers }, [400]),
    );
    expect(await run(surface, [...probes, ...twice])).toEqual([]);
  });

  it("reads the query only where the deployment turns that on", async () => {
    const on: Call = service({ QUERY_CREDENTIALS: "on" });
    const all = Object.entries(QUERY).map(([name, value]) => `${name}=${value}`);
    const doubled = pairs(all).map(([a, b]) => probe(routeKey, "two", {}, [400], `?${a}&${b}`));
    const again = all.map((one) => probe(routeKey, "twice", {}, [400], `?${one}&${one}`));
    const beside = all.map((one) =>
      probe(
        routeKey,
        "and a header",
        { headers: POSITIONS["X-Auth-Token"] ?? {} },
        [400],
        `?${one}`,
      ),
    );
    const wrong = Object.keys(QUERY).map((name) =>
      probe(routeKey, "wrong", {}, [401], `?${name}=${SENTINEL}`),
    );
    expect(await run(surface, [...doubled, ...again, ...beside, ...wrong], on)).toEqual([]);
    if (route.access !== "caller") return;
    const off = all.map((one) => probe(routeKey, "turned off", {}, [401], `?${one}`));
    expect(await run(surface, off)).toEqual([]);
  });

  if (route.access === "caller") {
    it("offers both schemes where nothing was sent, and no Basic to a script", async () => {
      expect(await run(surface, [probe(routeKey, "nothing", {}, [401])])).toEqual([]);
      const challenge = async (headers: Headers) =>
        (await call(route.method, pathOf(route), { headers })).headers.get("www-authenticate");
      expect(await challenge({})).toMatch(/^Basic realm="[^"]+", charset="UTF-8", Bearer realm="/);
      expect(await challenge({ "sec-fetch-mode": "navigate" })).toMatch(/^Basic /);
      expect(await challenge({ "sec-fetch-mode": "cors" })).toMatch(/^Bearer realm="[^"]+"$/);
      expect(await challenge({ authorization: "Bearer x" })).toMatch(/error="invalid_token"/);
    });
  }
});
