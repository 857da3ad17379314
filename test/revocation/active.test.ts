import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Call, type Send, textAt, peopleOf } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept, atLocation, type StorageCall } from "../support/stores.ts";
import { allCredentials, type Credentials, taken } from "./credentials.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 30_000 });

const NOON_MS = Date.parse("2026-11-01T12:00:00.000Z");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
});

/** An isolate whose calls to the stores are noted, and refused by a store that is down. */
function watched(lag: number) {
  const down = new Set<StorageCall["store"]>();
  const asked: StorageCall["store"][] = [];
  const bindings = intercept(async (call, run) => {
    if (call.statements[0]?.includes("SET used_at")) return run();
    asked.push(call.store);
    if (down.has(call.store)) throw new Error(`${call.store} is down`);
    return run();
  });
  return { ...isolate({ REVOCATION_LAG_SECONDS: String(lag) }, bindings), down, asked };
}

/** What each credential is asked about, in a fresh isolate: [promise, credential, stores]. */
const ASKED: readonly [number, "apiToken" | "session" | "access" | "authByAccess", string[]][] = [
  [0, "apiToken", ["D1"]],
  [0, "session", ["D1"]],
  [0, "access", ["D1"]],
  [10, "apiToken", ["D1"]],
  [59, "access", ["D1"]],
  [60, "apiToken", ["KV", "KV"]],
  [60, "session", ["KV", "KV"]],
  [60, "access", ["KV"]],
  [299, "access", ["KV"]],
  [300, "access", []],
  [300, "authByAccess", ["KV"]],
  [86_400, "apiToken", ["KV", "KV"]],
  [86_400, "access", []],
];

const PATHS = {
  apiToken: (bearer: string): Send => ({ bearer }),
  session: (xToken: string): Send => ({ xToken }),
  access: (bearer: string): Send => ({ bearer }),
  authByAccess: (bearer: string): Send => ({ bearer }),
};

it.for(ASKED)("at %i a check of %s asks %j", async ([lag, name, stores]) => {
  const maker = isolate({ REVOCATION_LAG_SECONDS: String(lag) });
  const held = await allCredentials(maker.call);
  const { call, asked } = watched(lag);
  // A refusal of the body comes after the check and before anything else.
  const send = { ...PATHS[name](held[name]), json: {} };
  expect((await call("POST", "/rest/token", send)).status).toBe(400);
  expect(asked).toEqual(stores);
});

it.for([10, 59, 61, 300])("at %i an isolate trusts its last yes for its share", async (lag) => {
  const { call, asked } = watched(lag);
  const { access } = await peopleOf(call).newCaller();
  const { secret } = await peopleOf(call).newApiToken(access);
  const shareMs = (lag < 60 ? lag : lag - 60) * 1000;
  const check = async () => {
    asked.length = 0;
    expect((await call("POST", "/rest/token", { bearer: secret, json: {} })).status).toBe(400);
    return asked.length;
  };
  expect(await check()).toBeGreaterThan(0);
  vi.setSystemTime(NOON_MS + shareMs - 1);
  expect(await check()).toBe(0);
  vi.setSystemTime(NOON_MS + shareMs);
  expect(await check()).toBeGreaterThan(0);
});

describe("while D1 is down", () => {
  beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));

  /** Reads, and what comes of each. */
  const reads = (call: Call, held: Credentials) =>
    Promise.all([
      call("GET", "/rest/user", { bearer: held.apiToken }),
      call("GET", "/tokens", { xToken: held.session }),
      call("POST", "/api/token/verify/", { json: { token: held.access } }),
      call("POST", "/api/token/verify/", { json: { token: held.refresh } }),
      call("GET", "/rest/user", { bearer: held.authBySession }),
    ]);

  it.for([60, 300, 86_400])("at %i reads go on, and no write is made", async (lag) => {
    const before = watched(lag);
    const held = await allCredentials(before.call);
    await before.call("GET", "/rest/user", { bearer: held.apiToken });
    await before.settled();
    const { call, down } = watched(lag);
    down.add("D1");
    expect((await reads(call, held)).map(({ status }) => status)).toEqual(new Array(5).fill(200));
    const refused = await Promise.all([
      call("POST", "/rest/token", { bearer: held.access, json: { name: "late" } }),
      call("POST", "/api/token/refresh/", { json: { refresh: held.refresh } }),
      call("DELETE", "/tokens", { xToken: held.session }),
      call("POST", "/api/run-action-token", { json: { token: held.actionToken } }),
      call("GET", "/rest/auth", { bearer: held.apiToken }),
    ]);
    // What comes of a refresh JWT that was issued within so long a promise ends within it too.
    const refreshed = lag === 86_400 ? 200 : 503;
    expect(refused.map(({ status }) => status)).toEqual([503, refreshed, 503, 503, 503]);
  });

  it.for([0, 10])("at %i nobody gets a yes or a no", async (lag) => {
    const held = await allCredentials(watched(lag).call);
    const { call, down } = watched(lag);
    down.add("D1");
    expect((await reads(call, held)).map(({ status }) => status)).toEqual(new Array(5).fill(503));
  });
});

/** What makes something new, each with the credential that asks for it. */
const CREATES: readonly [string, (call: Call, held: Credentials) => ReturnType<Call>][] = [
  [
    "an API token",
    (call, { apiToken }) =>
      call("POST", "/rest/token", { bearer: apiToken, json: { name: "late", ttl: 9999 } }),
  ],
  [
    "an action token",
    (call, { apiToken, person }) =>
      call("POST", "/api/generate-action-token", {
        bearer: apiToken,
        json: { action: "addContact", payload: { contact_id: person.id } },
      }),
  ],
  [
    "a run",
    (call, { apiToken, actionToken }) =>
      call("POST", "/api/run-action-token", { bearer: apiToken, json: { token: actionToken } }),
  ],
  [
    "a longer life of another",
    (call, { apiToken, otherApiTokenId }) =>
      call("PATCH", `/rest/token/${otherApiTokenId}`, { bearer: apiToken, json: { ttl: 9999 } }),
  ],
  [
    "an end of another",
    (call, { apiToken, otherApiTokenId }) =>
      call("DELETE", `/rest/token/${otherApiTokenId}`, { bearer: apiToken }),
  ],
  [
    "a profile",
    (call, { apiToken }) =>
      call("PATCH", "/rest/user", { bearer: apiToken, json: { first_name: "late" } }),
  ],
  [
    "an end of all API tokens",
    (call, { apiToken }) => call("DELETE", "/rest/token/all", { bearer: apiToken }),
  ],
  [
    "an end of the account",
    (call, { apiToken, person }) =>
      call("DELETE", "/rest/user", { bearer: apiToken, json: { password: person.password } }),
  ],
];

const ROWS = `SELECT (SELECT count(*) + total(expires_at) + total(revoked_at) FROM tokens) AS tokens, (SELECT count(*) FROM receipts) AS receipts,
  (SELECT count(*) FROM users WHERE deleted_on IS NOT NULL OR first_name = 'late' OR api_token_version > 0) AS users`;

it.for(CREATES)("an ended JWT that still passes there makes no %s", async ([, create]) => {
  const settings = { REVOCATION_LAG_SECONDS: "300" };
  const here = isolate(settings);
  const there = isolate(settings, atLocation(60));
  const held = await allCredentials(here.call);
  await here.call("DELETE", `/rest/token/${held.access}`, { bearer: held.apiToken });
  expect(await taken(there.call, held, ["access"])).toEqual(["access"]);
  const before = await DB.prepare(ROWS).first();
  expect((await create(there.call, { ...held, apiToken: held.access })).status).toBeOneOf([
    401, 404,
  ]);
  expect(await DB.prepare(ROWS).first()).toEqual(before);
});

it.for(CREATES)("an ended API token that still passes there makes no %s", async ([, create]) => {
  const settings = { REVOCATION_LAG_SECONDS: "300" };
  const here = isolate(settings);
  const there = isolate(settings, atLocation(60));
  const held = await allCredentials(here.call);
  await taken(there.call, held);
  const id = held.apiTokenId;
  await here.call("DELETE", `/rest/token/${id}`, { bearer: held.access });
  vi.setSystemTime(NOON_MS + 1000);
  expect(await taken(there.call, held, ["apiToken", "authByApiToken"])).toContain("apiToken");
  const before = await DB.prepare(ROWS).first();
  expect((await create(there.call, held)).status).toBeOneOf([401, 404]);
  expect(await DB.prepare(ROWS).first()).toEqual(before);
});

it("a login that began before a new password leaves no session and no family", async () => {
  const { call } = isolate();
  const person = await peopleOf(call).newUser();
  // Between the read of the password and the insert, the password changes.
  let inserts = 0;
  const slow = isolate(
    {},
    intercept(async ({ statements }, run) => {
      if (statements.some((statement) => statement.startsWith("INSERT INTO tokens"))) {
        inserts += 1;
        const json = { password: `password ${inserts}`, current_password: password };
        await call("PATCH", "/rest/user", { basic: { ...person, password }, json });
        password = json.password;
      }
      return run();
    }),
  );
  let { password } = person;
  const session = { email_id: person.email, password };
  expect((await slow.call("POST", "/tokens", { json: session })).status).toBe(400);
  const pair = { email: person.email, password };
  expect((await slow.call("POST", "/api/token/", { json: pair })).status).toBe(401);
  expect(inserts).toBe(2);
});

it("a new password spares only the session that gave it, on every surface", async () => {
  const { call } = isolate();
  const person = await peopleOf(call).newUser();
  const [mine, other] = [
    await peopleOf(call).newSession(person),
    await peopleOf(call).newSession(person),
  ];
  const json = { password: "another password", current_password: person.password };
  expect((await call("PATCH", "/rest/user", { xToken: mine, json })).status).toBe(200);
  expect((await call("GET", "/tokens", { xToken: other })).status).toBe(400);
  expect((await call("GET", "/rest/user", { xToken: mine })).status).toBe(200);
  const made = await call("POST", "/rest/token", { xToken: mine, json: { name: "after" } });
  const bearer = textAt(made, "payload", "token");
  expect((await call("GET", "/rest/user", { bearer })).status).toBe(200);
});

it.for([0, 10, 60, 300])(
  "at %i what a new password spares may write where it is remembered as it was before",
  async (lag) => {
    const settings = { REVOCATION_LAG_SECONDS: String(lag) };
    const here = isolate(settings);
    const there = isolate(settings, atLocation(60));
    const held = await allCredentials(here.call);
    await taken(there.call, held);
    const json = { password: "another password", current_password: held.person.password };
    const bearer = held.apiToken;
    expect((await here.call("PATCH", "/rest/user", { bearer, json })).status).toBe(200);
    vi.setSystemTime(NOON_MS + 1000);
    const made = await there.call("POST", "/rest/token", { bearer, json: { name: "after" } });
    expect(made.status).toBe(200);
    const after = textAt(made, "payload", "token");
    await Promise.all([here, there].map(({ settled }) => settled()));
    for (const { call } of [here, there, isolate(settings)]) {
      expect((await call("GET", "/rest/user", { bearer: after })).status).toBe(200);
    }
    const uuid = textAt(made, "payload", "uuid");
    expect((await there.call("DELETE", `/rest/token/${uuid}`, { bearer })).status).toBe(200);
    const all = { json: { password: json.password }, bearer };
    expect((await there.call("DELETE", "/rest/user", all)).status).toBe(200);
  },
);

it("a JWT that was revoked revokes not even the one that it was obtained with, where it is remembered", async () => {
  const settings = { REVOCATION_LAG_SECONDS: "300" };
  const here = isolate(settings);
  const there = isolate(settings, atLocation(60));
  const { access } = await allCredentials(here.call);
  const bearer = textAt(
    await here.call("GET", "/rest/auth", { bearer: access }),
    "payload",
    "token",
  );
  expect((await there.call("GET", "/rest/user", { bearer })).status).toBe(200);
  await here.call("POST", "/oauth/revoke", { json: { token: bearer } });
  expect((await there.call("DELETE", `/rest/token/${access}`, { bearer })).status).toBe(404);
  expect((await here.call("GET", "/rest/user", { bearer: access })).status).toBe(200);
});

it("an API token whose end was moved up writes nothing after it, where its old end is remembered", async () => {
  const settings = { REVOCATION_LAG_SECONDS: "300" };
  const here = isolate(settings);
  const there = isolate(settings, atLocation(60));
  const held = await allCredentials(here.call);
  await taken(there.call, held);
  const { apiTokenId, access } = held;
  const json = { ttl: 60 };
  await here.call("PATCH", `/rest/token/${apiTokenId}`, { bearer: access, json });
  vi.setSystemTime(NOON_MS + 61_000);
  expect(await taken(there.call, held, ["apiToken"])).toEqual(["apiToken"]);
  const before = await DB.prepare(ROWS).first();
  for (const [, create] of CREATES) {
    expect((await create(there.call, held)).status).toBeOneOf([401, 404]);
  }
  expect(await DB.prepare(ROWS).first()).toEqual(before);
});

it("what was confirmed with a password that changes meanwhile is refused as a wrong password", async () => {
  const { call } = isolate();
  const person = await peopleOf(call).newUser();
  const session = await peopleOf(call).newSession(person);
  const wanted = { DELETE: { password: person.password }, PATCH: { email: "new@example.com" } };
  let password = person.password;
  for (const [method, json] of Object.entries(wanted)) {
    const shown = password;
    const slow = isolate(
      {},
      intercept(async ({ statements }, run) => {
        if (statements.some((each) => each.startsWith("UPDATE users SET")) && password === shown) {
          password = `${shown} and more`;
          const change = { password, current_password: shown };
          const changed = await call("PATCH", "/rest/user", { xToken: session, json: change });
          expect(changed.status).toBe(200);
        }
        return run();
      }),
    );
    const body = {
      ...json,
      password: method === "DELETE" ? shown : undefined,
      current_password: shown,
    };
    const answer = await slow.call(method, "/rest/user", { xToken: session, json: body });
    expect([method, answer.status, answer.json]).toEqual([
      method,
      401,
      { success: false, message: "Wrong credentials", status: 401 },
    ]);
    expect((await call("GET", "/rest/user", { xToken: session })).status).toBe(200);
  }
});
