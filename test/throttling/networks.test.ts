import { env } from "cloudflare:workers";
import { HonoRequest } from "hono/request";
import { describe, expect, it, vi } from "vitest";
import { surfaces } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { networkOf } from "../../src/http/address.ts";
import { platform } from "../../src/latchkey.ts";
import { servicesOver } from "../../src/services.ts";
import { type Answered, newApiToken, newCaller, newUser } from "../support/client.ts";
import { CHEAP, isolate, service } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { statusesOf } from "./door.ts";
import { DB } from "../support/database.ts";

/** In wrangler.toml, by the minute. */
const LOGINS = 300;
const SIGN_UPS = 30;
const REVOCATIONS = 300;
const STATUS_LISTS = 600;

const call = service({}, { passwords: CHEAP });

let last = 0;
/** An address of a network that no other test uses. */
const fresh = () => `2001:db8:${(++last).toString(16)}::1`;

const at = (address: string) => ({ "cf-connecting-ip": address });
const verify = (address: string) =>
  call("POST", "/api/token/verify/", { headers: at(address), json: { token: "x" } });
const refresh = (address: string) =>
  call("POST", "/api/token/refresh/", { headers: at(address), json: { refresh: "x" } });
const login = (address: string, email = `${crypto.randomUUID()}@example.com`) =>
  call("POST", "/api/token/", { headers: at(address), json: { email, password: "wrong" } });
const signUp = (address: string) =>
  call("POST", "/rest/user", {
    headers: at(address),
    json: { email: `${crypto.randomUUID()}@example.com`, password: "long enough to be taken" },
  });

/** Sends until one is refused. A minute may end in between, and then a new count begins. */
async function expectLimited(limit: number, usual: number, send: () => Promise<Answered>) {
  const firstMinute = Math.floor(Date.now() / 60_000);
  const answers: Answered[] = [];
  while (answers.length < 4 * limit && !answers.some(({ status }) => status === 429)) {
    answers.push(...(await Promise.all(Array.from({ length: 10 }, send))));
  }
  const minutes = Math.floor(Date.now() / 60_000) - firstMinute + 1;
  const { [usual]: passed = 0, 429: throttled = 0, ...others } = statusesOf(answers);
  expect(others).toEqual({});
  expect(throttled).toBeGreaterThan(0);
  expect(passed).toBeGreaterThanOrEqual(limit);
  expect(passed).toBeLessThanOrEqual(limit * minutes);
}

/** Each has a limit of its own, as high as that of sign-up. */
const AS_SIGN_UP: readonly [string, (address: string) => Promise<Answered>][] = [
  [
    "resets",
    (address) =>
      call("POST", "/rest/user/password_reset", {
        headers: at(address),
        json: { email: `${crypto.randomUUID()}@example.com` },
      }),
  ],
  [
    "reports of leaked tokens",
    (address) =>
      call("POST", "/rest/leaked", { headers: at(address), json: { tokens: ["lk_api_x"] } }),
  ],
];

describe("Cloudflare's rate limit", () => {
  it.each(AS_SIGN_UP)("holds for %s from one network, and for nothing else", async (name, send) => {
    const address = fresh();
    await expectLimited(SIGN_UPS, 200, () => send(address));
    expect((await signUp(address)).status).toBe(201);
    for (const [other, toOther] of AS_SIGN_UP) {
      if (other !== name) expect((await toOther(address)).status).toBe(200);
    }
  });

  it.each<readonly [string, number, number, (address: string) => Promise<Answered>]>([
    [
      "revocations of what is no token",
      REVOCATIONS,
      200,
      (address) =>
        call("POST", "/oauth/revoke", { headers: at(address), form: { token: "lk_api_x" } }),
    ],
    [
      "status lists that there are not",
      STATUS_LISTS,
      404,
      (address) => call("GET", "/status-lists/99", { headers: at(address) }),
    ],
  ])("holds for %s", async (_, limit, usual, send) => {
    const address = fresh();
    await expectLimited(limit, usual, () => send(address));
  });

  it("holds for a /48 of IPv6, with ten times the limit, and what one /64 has too many of does not count there", async () => {
    const reset = (address: string) =>
      call("POST", "/rest/user/password_reset", {
        headers: at(address),
        json: { email: `${crypto.randomUUID()}@example.com` },
      });
    const wide = fresh().replace("::1", "");
    const statuses: number[] = [];
    for (let i = 0; i < 100; i++) statuses.push((await reset(`${wide}:1::${i}`)).status);
    for (let i = 2; i < 92; i++) expect((await reset(`${wide}:${i}::1`)).status).toBe(200);
    const more = [];
    for (let i = 92; i < 500; i++) more.push(await reset(`${wide}:${i.toString(16)}f::1`));
    const { 200: passed = 0, 429: throttled = 0 } = statusesOf(more);
    expect(passed).toBeLessThanOrEqual(2 * 10 * SIGN_UPS);
    expect(throttled).toBeGreaterThan(0);
    expect((await reset(fresh())).status).toBe(200);
  }, 60_000);

  it("holds for each zone alone where a Worker of another zone asks, and such a network is never known", async () => {
    const { LOGIN_LIMIT, ...rest } = env;
    const { send, settled } = isolate({}, rest);
    const json = { email: `${crypto.randomUUID()}@example.com`, password: "correct horse battery" };
    await send("POST", "/rest/user", { json });
    const from = (zone: string) => ({
      "cf-connecting-ip": "2a06:98c0:3600::103",
      "cf-worker": zone,
    });
    const tried = (zone: string, password: string) =>
      send("POST", "/tokens", { headers: from(zone), json: { email_id: json.email, password } });
    expect((await tried("good.example", json.password)).status).toBe(200);
    await settled();
    const statuses = [];
    for (let i = 0; i < 25; i++) statuses.push((await tried("evil.example", "wrong")).status);
    expect(statuses.filter((status) => status === 400)).toHaveLength(20);
    expect((await tried("good.example", json.password)).status).toBe(200);
    // Known networks are spared the account's counter: this one is not.
    const { results } = await DB.prepare(
      "SELECT networks FROM devices WHERE networks <> '{}' AND user_id = (SELECT id FROM users WHERE email = ?)",
    )
      .bind(json.email)
      .all();
    expect(results).toEqual([]);
  });

  it("does not hold for a signed report, and for wrong signatures as for other junk", async () => {
    const isOver = { limit: vi.fn(async () => ({ success: false })) };
    const { KV, DB } = env;
    const { send } = isolate({}, { KV, DB, LEAK_LIMIT: isOver, CREDENTIAL_LIMIT: isOver });
    const headers = {
      ...at(fresh()),
      "github-public-key-identifier": "x",
      "github-public-key-signature": "x",
    };
    const json = [{ token: "lk_api_x", type: "latchkey" }];
    expect((await send("POST", "/rest/leaked", { headers, json })).status).toBe(429);
    expect(isOver.limit).toHaveBeenCalledTimes(1);
  });

  it("holds for a backend by its API token, whatever its network, and for junk by network", async () => {
    const user = await newCaller();
    const client = await newApiToken(user.access, "back end", 3_600, ["introspect"]);
    const other = await newApiToken(user.access, "other", 3_600, ["account:read"]);
    const asked: string[] = [];
    const of = (name: string) => ({
      limit: async ({ key }: { key: string }) => {
        asked.push(`${name} ${key}`);
        return { success: true };
      },
    });
    const { KV, DB } = env;
    const { send } = isolate({}, { KV, DB, TOKEN_LIMIT: of("token"), CLIENT_LIMIT: of("client") });
    const headers = at("192.0.2.200");
    const basic = { email: client.uuid, password: client.secret };
    const junk = { email: client.uuid, password: other.secret };
    for (const [shown, limit] of [
      [{ basic }, `client ${client.uuid}`],
      [{ bearer: client.secret }, `client ${client.uuid}`],
      [{}, "token 192.0.2.200"],
      [{ bearer: other.secret }, "token 192.0.2.200"],
      [{ basic: junk }, "token 192.0.2.200"],
      [{ bearer: user.access }, "token 192.0.2.200"],
      [{ headers: { ...headers, authorization: "Foo" } }, "token 192.0.2.200"],
    ] as const) {
      const json = { token: user.access };
      const answer = await send("POST", "/api/token/verify/", { headers, json, ...shown });
      expect(answer.status).toBe(200);
      expect(asked.splice(0)).toEqual([limit]);
    }
    const form = { token: user.access };
    await send("POST", "/oauth/introspect", { headers, form, basic });
    expect(asked).toEqual([`client ${client.uuid}`]);
  });

  it("says the longest of the waits that apply", async () => {
    const { KV, DB } = env;
    let isOver = false;
    const limiter = { limit: async () => ({ success: !isOver }) };
    const { send } = isolate({}, { KV, DB, LOGIN_LIMIT: limiter });
    const json = { email_id: "nobody@example.com", password: "wrong" };
    const headers = at(fresh());
    const tried = () => send("POST", "/tokens", { headers, json });
    for (let i = 0; i < 20; i++) expect((await tried()).status).toBe(400);
    const byAccount = await tried();
    expect(Number(byAccount.headers.get("retry-after"))).toBeGreaterThan(800);
    expect(byAccount.headers.get("ratelimit-policy")).toBe('"password";q=20;w=18000');
    isOver = true;
    const byNetwork = await tried();
    expect(Number(byNetwork.headers.get("retry-after"))).toBeGreaterThan(800);
    const other = { headers, json: { ...json, email_id: "another@example.com" } };
    expect((await send("POST", "/tokens", other)).headers.get("retry-after")).toBe("60");
  });

  it("holds for logins from one network, whatever accounts they try, and for that network and class alone", async () => {
    const address = fresh();
    await expectLimited(LOGINS, 401, () => login(address));
    const throttled = await login(address.replace("::1", ":0:ffff::9"));
    expect(throttled).toMatchObject({
      status: 429,
      json: { detail: "Request was throttled. Expected available in 60 seconds." },
    });
    expect(throttled.headers.get("retry-after")).toBe("60");
    expect((await login(fresh())).status).toBe(401);
    expect((await verify(address)).status).toBe(401);
    expect((await refresh(address)).status).toBe(401);
    expect((await signUp(address)).status).toBe(201);
  });

  it("holds for sign-ups", async () => {
    const address = fresh();
    await expectLimited(SIGN_UPS, 201, () => signUp(address));
    expect((await login(address)).status).toBe(401);
  });

  it("holds for verify and refresh together, which have one of their own", async () => {
    // A smaller one in its place, since a slow machine sends no 1,200 in a minute.
    const { KV, DB, SIGN_UP_LIMIT } = env;
    if (SIGN_UP_LIMIT === undefined) return expect.unreachable();
    const place = isolate({}, { KV, DB, TOKEN_LIMIT: SIGN_UP_LIMIT });
    const headers = at(fresh());
    const json = { token: "x", refresh: "x" };
    let turn = 0;
    await expectLimited(SIGN_UPS, 401, () =>
      place.send("POST", `/api/token/${turn++ % 2 === 0 ? "verify" : "refresh"}/`, {
        headers,
        json,
      }),
    );
    const basic = { email: "nobody@example.com", password: "x" };
    expect((await place.send("GET", "/rest/user", { headers, basic })).status).toBe(401);
  });

  it("holds for nobody whose address is not known", async () => {
    const send = () => call("POST", "/api/token/verify/", { json: { token: "x" } });
    const limiter = vi.spyOn(Object(env.TOKEN_LIMIT), "limit");
    expect((await send()).status).toBe(401);
    expect(limiter).not.toHaveBeenCalled();
    expect((await verify(fresh())).status).toBe(401);
    // By /64, and then by /48.
    expect(limiter).toHaveBeenCalledTimes(2);
  });

  it("is asked before any store and any hash", async () => {
    const limited = { ...env, LOGIN_LIMIT: { limit: async () => ({ success: false }) } };
    const asked: string[] = [];
    const bindings = intercept((call) => {
      asked.push(call.label);
      return Promise.reject(new Error(call.label));
    }, limited);
    const passwords = { ...CHEAP, verify: async () => expect.unreachable() };
    const place = isolate({}, { ...limited, ...bindings }, { passwords });
    const answer = await place.send("POST", "/tokens", {
      headers: at(fresh()),
      json: { email_id: "somebody@example.com", password: "x" },
    });
    expect(answer).toMatchObject({
      status: 429,
      json: { error: "too many attempts, try again later" },
    });
    expect(asked).toEqual([]);
  });

  it.each([
    ["fails", () => Promise.reject(new Error("the rate limiter is down"))],
    ["throws", () => expect.fail("the rate limiter is down")],
    ["never answers", () => new Promise<never>(() => {})],
  ])("fails no request where it %s, and that is logged", async (_, limit) => {
    const warned = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const user = await newUser();
    const limiter = { limit };
    const place = isolate(
      { STORAGE_DEADLINE_MS: "50" },
      { ...env, LOGIN_LIMIT: limiter, TOKEN_LIMIT: limiter },
      { passwords: platform.passwords },
    );
    const { email, password } = user;
    const headers = at(fresh());
    const pair = await place.send("POST", "/api/token/", { headers, json: { email, password } });
    expect(pair.status).toBe(200);
    const { access: token } = Object(pair.json);
    const json = { token };
    expect((await place.send("POST", "/api/token/verify/", { headers, json })).status).toBe(200);
    expect(warned.mock.calls.flat().map((line) => JSON.parse(String(line)))).toEqual(
      Array.from({ length: 2 }, () => ({
        level: "warn",
        request_id: expect.any(String),
        failed: "ask the rate limiter",
        cause: expect.stringMatching(/rate limiter/),
      })),
    );
  });

  it("is not needed", async () => {
    const place = isolate();
    const json = { email_id: "nobody@example.com", password: "x" };
    const answer = await place.send("POST", "/tokens", { headers: at(fresh()), json });
    expect(answer.status).toBe(400);
  });
});

it.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::FFFF:C000:0201", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8::7:0:0:0:1", "2001:db8:0:7::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["", ""],
  ["unknown", ""],
  ["999.0.0.1", ""],
  ["2001:db8::1::2", ""],
  ["1:2:3", ""],
])("%s is counted as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

it.each([
  [
    "oauth",
    {
      error: "temporarily_unavailable",
      error_description: "Too many attempts, try again later",
    },
  ],
  ["service", { type: "about:blank", title: "Too Many Requests", status: 429 }],
])("the surface %s has a shape for it, too", (name, body) => {
  const config = readConfig({ ...env });
  const all = surfaces(servicesOver(env, config, platform), config, null);
  const answer = all
    .find((surface) => surface.name === name)
    ?.refuse(
      { code: "throttled", retryAfterSeconds: 7 },
      { request: new HonoRequest(new Request("https://latchkey.test/")), requestId: "" },
    );
  expect(answer).toMatchObject({ status: 429, body, headers: { "retry-after": "7" } });
});
