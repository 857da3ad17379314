import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  at,
  call,
  newActionToken,
  newApiToken,
  newCaller,
  newSession,
  type Send,
  textAt,
} from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { DB } from "../support/database.ts";

let owner: Awaited<ReturnType<typeof newCaller>>;
/** The credential of the API that asks. */
let asker: string;
beforeAll(async () => {
  owner = await newCaller();
  asker = (await newApiToken((await newCaller()).access, "api", 3_600, ["introspect"])).secret;
});
afterEach(() => vi.useRealTimers());

type Usage = { scopes?: string[]; cost?: number; ip?: string };

const send = (token: string, usage: Usage = {}, more: Send = {}) =>
  call("POST", "/rest/token/verify", { bearer: asker, json: { token, ...usage }, ...more });
async function verify(token: string, usage: Usage = {}, key?: string): Promise<unknown> {
  const more = key === undefined ? {} : { headers: { "idempotency-key": key } };
  const answer = await send(token, usage, more);
  expect(answer.status, answer.text).toBe(200);
  return at(answer, "payload");
}
async function created(json: object = {}, bearer = owner.access) {
  const answer = await call("POST", "/rest/token", { bearer, json: { name: "guard", ...json } });
  return { secret: textAt(answer, "payload", "token"), uuid: textAt(answer, "payload", "uuid") };
}
const patch = (uuid: string, json: unknown) =>
  call("PATCH", `/rest/token/${uuid}`, { bearer: owner.access, json });
const not = (reason: string, counted = {}) => ({
  active: false,
  reason,
  remaining: null,
  limit: null,
  ...counted,
});

describe("what is active", () => {
  it("says whose it is and what it may do", async () => {
    const { secret, uuid } = await created({ metadata: { plan: "pro" }, scopes: ["tokens:read"] });
    expect(await verify(secret, { scopes: ["tokens:read"], cost: 5, ip: "192.0.2.1" })).toEqual({
      active: true,
      kind: "api",
      uuid,
      owner: { uuid: owner.id },
      scopes: ["tokens:read"],
      name: "guard",
      metadata: { plan: "pro" },
      remaining: null,
      limit: null,
      expired_on: expect.any(String),
    });
  });

  it("is a session and an access JWT too", async () => {
    const session = await newSession(owner);
    const auth = textAt(await call("GET", "/rest/auth", { xToken: session }), "payload", "token");
    const more = { active: true, owner: { uuid: owner.id }, name: null, remaining: null };
    expect(await verify(session, { scopes: ["introspect"] })).toMatchObject({
      ...more,
      kind: "session",
    });
    for (const jwt of [owner.access, auth]) {
      expect(await verify(jwt, { scopes: ["introspect"] })).toMatchObject({
        ...more,
        kind: "access",
      });
    }
    await call("DELETE", "/tokens", { xToken: session });
    expect([await verify(session), await verify(auth)]).toEqual([not("revoked"), not("revoked")]);
  });
});

describe("why it is not", () => {
  const malformed = (secret: string) => `${secret.slice(0, -1)}${secret.endsWith("0") ? "1" : "0"}`;
  const never = "lk_api_0000000000000000000000000000000000000000000000000";

  it("unknown: malformed or never issued, which look alike", async () => {
    const { secret } = await created();
    await DB.prepare(
      "DELETE FROM tokens WHERE id = (SELECT id FROM tokens ORDER BY created_at DESC LIMIT 1)",
    ).run();
    const key = { headers: { "idempotency-key": crypto.randomUUID() } };
    const answers = [secret, malformed(secret), never, "x", "a.b.c", "lk_ses_x"].map((token) =>
      send(token, {}, key),
    );
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ status: 200, json: { payload: not("unknown") } });
    }
  });

  it("wrong_kind: a JWT for another API", async () => {
    const audience = "https://other.example";
    const other = isolate({}, undefined, { options: { audiences: [audience] } }).call;
    const issued = await other("GET", `/rest/auth?audience=${audience}`, { bearer: owner.access });
    const token = textAt(issued, "payload", "token");
    const answer = await other("POST", "/rest/token/verify", { bearer: asker, json: { token } });
    expect(at(answer, "payload")).toEqual(not("wrong_kind"));
  });

  it("wrong_kind: what logs no one in", async () => {
    const { secret } = await newActionToken(owner.access, owner.id);
    for (const token of [secret, owner.refresh])
      expect(await verify(token)).toEqual(not("wrong_kind"));
  });

  it("revoked, disabled, and with a parent", async () => {
    const { secret, uuid } = await created();
    const child = await created({}, secret);
    const both = async () => [await verify(secret), await verify(child.secret)];
    await patch(uuid, { enabled: false });
    expect(await both()).toEqual([not("disabled"), not("disabled")]);
    await patch(uuid, { enabled: true });
    expect(await both()).toMatchObject([{ active: true }, { active: true }]);
    await patch(uuid, { remaining: 1 });
    expect(await both()).toMatchObject([{ active: true, remaining: 0 }, not("disabled")]);
    await call("DELETE", `/rest/token/${uuid}`, { bearer: owner.access });
    expect(await both()).toEqual([not("revoked"), not("revoked")]);
  });

  it("expired", async () => {
    const { secret } = await created({ ttl: 60 });
    const { access } = await newCaller();
    const child = await created({}, (await created({ ttl: 60 })).secret);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    expect(await verify(secret)).toEqual(not("expired"));
    expect(await verify(child.secret)).toEqual(not("expired"));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_000 });
    expect(await verify(access)).toEqual(not("expired"));
  });

  it("user_gone", async () => {
    const user = await newCaller();
    const { secret } = await created({}, user.access);
    const session = await newSession(user);
    await call("DELETE", "/rest/user", { basic: user, json: { password: user.password } });
    expect([await verify(secret), await verify(session)]).toEqual([
      not("user_gone"),
      not("user_gone"),
    ]);
  });

  it("ip_not_allowed, also without one", async () => {
    const { secret } = await created({
      allowed_ips: ["192.0.2.0/24", "2001:db8::/32"],
      remaining: 9,
    });
    for (const ip of ["192.0.3.1", "2001:db9::1", undefined]) {
      expect(await verify(secret, ip === undefined ? {} : { ip })).toEqual(not("ip_not_allowed"));
    }
    for (const [index, ip] of ["192.0.2.255", "::ffff:192.0.2.1", "2001:db8:ffff::1"].entries()) {
      expect(await verify(secret, { ip })).toMatchObject({ active: true, remaining: 8 - index });
    }
  });

  it("scope_missing", async () => {
    const { secret } = await created({ scopes: ["tokens:read"], remaining: 1 });
    expect(await verify(secret, { scopes: ["tokens:read", "tokens:write"] })).toEqual(
      not("scope_missing"),
    );
    const jwt = textAt(
      await call("GET", "/rest/auth", {
        bearer: (await created({ scopes: ["account:read"] })).secret,
      }),
      "payload",
      "token",
    );
    expect(await verify(jwt, { scopes: ["tokens:write"] })).toEqual(not("scope_missing"));
    expect(await verify(secret)).toMatchObject({ active: true, remaining: 0 });
  });

  it("remaining_exhausted and rate_limited, without a charge", async () => {
    const { secret } = await created({ remaining: 5, limit: { max: 3, seconds: 60 } });
    const limit = (remaining: number) => ({
      max: 3,
      seconds: 60,
      remaining,
      reset_on: expect.any(String),
    });
    expect(await verify(secret, { cost: 0 })).toMatchObject({
      remaining: 5,
      limit: { remaining: 3, reset_on: null },
    });
    expect(await verify(secret, { cost: 2 })).toMatchObject({ remaining: 3, limit: limit(1) });
    expect(await verify(secret, { cost: 2 })).toEqual(
      not("rate_limited", { remaining: 3, limit: limit(1) }),
    );
    expect(await verify(secret, { cost: 4 })).toEqual(
      not("remaining_exhausted", { remaining: 3, limit: limit(1) }),
    );
    expect(await verify(secret)).toMatchObject({ active: true, remaining: 2, limit: limit(0) });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    expect(await verify(secret, { cost: 2 })).toMatchObject({ remaining: 0, limit: limit(1) });
    expect(await verify(secret)).toMatchObject({ reason: "remaining_exhausted", remaining: 0 });
    expect(await verify(secret, { cost: 0 })).toMatchObject({ active: true, remaining: 0 });
  });
});

describe("an idempotency key", () => {
  it("charges once, and says what was left then", async () => {
    const { secret, uuid } = await created({ remaining: 5, limit: { max: 4, seconds: 60 } });
    const key = crypto.randomUUID();
    const first = await verify(secret, { cost: 2 }, key);
    expect(first).toMatchObject({ active: true, remaining: 3 });
    expect(await verify(secret, {}, crypto.randomUUID())).toMatchObject({ remaining: 2 });
    expect(await verify(secret, { cost: 2 }, key)).toEqual(first);
    expect(await verify(secret, { cost: 2 }, `"${key}"`)).toEqual(first);
    expect(await verify(secret, { cost: 0 })).toMatchObject({ remaining: 2 });
    await patch(uuid, { enabled: false });
    expect(await verify(secret, { cost: 2 }, key)).toEqual(not("disabled"));
  });

  it("is for one request of one caller", async () => {
    const { secret } = await created({ remaining: 5 });
    const other = await created({ remaining: 5 });
    const key = crypto.randomUUID();
    const headers = { headers: { "idempotency-key": key } };
    await verify(secret, { cost: 0 }, key);
    const requests = [
      send(secret, { cost: 1 }, headers),
      send(secret, { cost: 0, ip: "192.0.2.1" }, headers),
      send(secret, { cost: 0, scopes: ["introspect"] }, headers),
      send(other.secret, { cost: 0 }, headers),
    ];
    for (const answer of await Promise.all(requests)) {
      expect(answer).toMatchObject({ status: 422, json: { success: false, status: 422 } });
    }
    expect(await verify(secret, { cost: 0 })).toMatchObject({ remaining: 5 });
    const others = await send(secret, { cost: 1 }, { ...headers, bearer: owner.access });
    expect(at(others, "payload", "remaining")).toBe(4);
  });

  it("is not used up by a refusal, and not kept as it is", async () => {
    const { secret, uuid } = await created({ remaining: 0 });
    const key = crypto.randomUUID();
    expect(await verify(secret, {}, key)).toMatchObject(
      not("remaining_exhausted", { remaining: 0 }),
    );
    await patch(uuid, { remaining: 2 });
    expect(await verify(secret, {}, key)).toMatchObject({ active: true, remaining: 1 });
    const kept = await DB.prepare("SELECT * FROM token_charges").all();
    expect(JSON.stringify(kept)).not.toContain(key);
    expect((await send(secret, {}, { headers: { "idempotency-key": "é" } })).status).toBe(400);
  });
});

it("is for callers with the scope, and takes nothing that it does not understand", async () => {
  const { secret } = await created({ remaining: 5 });
  const narrow = await newApiToken(owner.access, "narrow", 3_600, ["tokens:read"]);
  expect((await send(secret, {}, { bearer: narrow.secret })).status).toBe(403);
  expect((await call("POST", "/rest/token/verify", { json: { token: secret } })).status).toBe(401);
  const bodies = [
    {},
    { token: 1 },
    { token: "" },
    { token: secret, cost: -1 },
    { token: secret, cost: "1" },
    { token: secret, cost: 1e7 },
    { token: secret, scopes: ["unheard:of"] },
    { token: secret, scopes: "tokens:read" },
    { token: secret, ip: "192.0.2.0/24" },
    { token: secret, ip: "" },
    { token: secret, scope: "tokens:read" },
  ];
  for (const json of bodies) {
    expect((await call("POST", "/rest/token/verify", { bearer: asker, json })).status).toBe(400);
  }
  expect(await verify(secret, { cost: 0 })).toMatchObject({ remaining: 5 });
});

it("a rotated token shares what is left with its successors", async () => {
  const { secret, uuid } = await created({ remaining: 10, limit: { max: 8, seconds: 60 } });
  const secrets = [secret];
  let last = uuid;
  for (const grace_seconds of [3_600, 3_600, 0]) {
    const rotated = await call("POST", `/rest/token/${last}/rotate`, {
      bearer: owner.access,
      json: { grace_seconds },
    });
    secrets.push(textAt(rotated, "payload", "token"));
    last = textAt(rotated, "payload", "uuid");
  }
  const [first = "", second = "", revoked = "", newest = ""] = secrets;
  expect(await verify(first, { cost: 3 })).toMatchObject({ remaining: 7, limit: { remaining: 5 } });
  expect(await verify(newest, { cost: 3 })).toMatchObject({
    remaining: 4,
    limit: { remaining: 2 },
  });
  expect(await verify(second, { cost: 3 })).toMatchObject({ reason: "rate_limited", remaining: 4 });
  expect(await verify(revoked)).toEqual(not("revoked"));
  await patch(last, { remaining: 1, limit: null });
  expect(await verify(first)).toMatchObject({ active: true, remaining: 0, limit: null });
  expect(await verify(newest)).toMatchObject({ reason: "remaining_exhausted" });
});
