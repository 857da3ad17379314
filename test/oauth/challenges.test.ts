import { beforeAll, describe, expect, it } from "vitest";
import { ROUTE_KEYS, type RouteKey, pathOf } from "../hostile/routes.ts";
import { base64, call, newApiToken, newCaller, type Send } from "../support/client.ts";

/** Routes that take a bearer token, and what each says of itself to whom it lets nobody in. */
const TAKES_BEARER = ROUTE_KEYS.filter(({ route }) => route.access !== "open");
const NEEDS_CALLER = ROUTE_KEYS.filter(({ route }) => route.access === "caller");

const BASIC = 'Basic realm="latchkey", charset="UTF-8"';
const BEARER = 'Bearer realm="latchkey"';
const INVALID = `${BEARER}, error="invalid_token"`;

let refresh = "";
let introspector = "";
let runner = "";
beforeAll(async () => {
  const caller = await newCaller();
  ({ refresh } = caller);
  introspector = (await newApiToken(caller.access, "x", 600, ["introspect"])).secret;
  runner = (await newApiToken(caller.access, "x", 600, ["actions:run"])).secret;
});

async function challengeTo({ route }: RouteKey, send: Send) {
  const { status, headers } = await call(route.method, pathOf(route), send);
  return [status, headers.get("www-authenticate")];
}

it("there are such routes", () => expect(NEEDS_CALLER.length).toBeGreaterThan(10));

describe.each(NEEDS_CALLER)("$name", (routeKey) => {
  it("names both schemes and no error where nothing was sent", async () => {
    expect(await challengeTo(routeKey, {})).toEqual([401, `${BASIC}, ${BEARER}`]);
  });
});

describe.each(TAKES_BEARER)("$name", (routeKey) => {
  it("says invalid_token of a token that is not valid, wherever it was sent", async () => {
    for (const token of ["x", refresh, `lk_api_${"0".repeat(49)}`]) {
      for (const send of [{ bearer: token }, { xAuthToken: token }]) {
        expect(await challengeTo(routeKey, send)).toEqual([401, `${BASIC}, ${INVALID}`]);
      }
    }
    const headers = { "sec-fetch-mode": "cors" };
    expect(await challengeTo(routeKey, { bearer: "x", headers })).toEqual([401, INVALID]);
  });

  it("says no error of Basic that logs nobody in", async () => {
    const headers = { authorization: `Basic ${base64("nobody at all")}` };
    expect(await challengeTo(routeKey, { headers })).toEqual([401, `${BASIC}, ${BEARER}`]);
  });
});

describe.each(TAKES_BEARER.filter(({ route }) => route.scope !== undefined))(
  "$name",
  (routeKey) => {
    it("says insufficient_scope, and which it takes", async () => {
      const challenge = `${BEARER}, error="insufficient_scope", scope="${routeKey.route.scope}"`;
      const bearer = routeKey.route.scope === "introspect" ? runner : introspector;
      expect(await challengeTo(routeKey, { bearer })).toEqual([403, challenge]);
    });
  },
);

it("on the paths of the JWT pair the origin's own: no error, whatever was wrong", async () => {
  const wrong = { email: "nobody@example.com", password: "nobody's own" };
  for (const [path, json] of [
    ["/api/token/", wrong],
    ["/api/token/refresh/", { refresh: "x" }],
    ["/api/token/verify/", { token: "x" }],
    ["/api/token/blacklist/", { refresh: "x" }],
  ] as const) {
    const { status, headers } = await call("POST", path, { json });
    expect([status, headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="api"']);
  }
});
