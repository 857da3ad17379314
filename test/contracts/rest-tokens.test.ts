import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Answered,
  at,
  call,
  itemsAt,
  newApiToken,
  newCaller,
  PLAIN_TOKEN,
  textAt,
} from "../support/client.ts";

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const SECRET = /^lk_api_[0-9A-Za-z]{49}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SCOPES = [
  "tokens:read",
  "tokens:write",
  "account:read",
  "account:write",
  "actions:issue",
  "actions:run",
  "introspect",
];
const NOT_FOUND = { success: false, message: "Token not found", status: 404 };
const TTL = /^ttl must be a whole number of seconds from 60 to 31536000$/;

let user: Awaited<ReturnType<typeof newCaller>>;
let other: Awaited<ReturnType<typeof newCaller>>;
beforeAll(async () => {
  [user, other] = [await newCaller(), await newCaller()];
});
beforeEach(async () => {
  await call("DELETE", "/rest/token/all", { bearer: user.access });
});

const create = (json: unknown) => call("POST", "/rest/token", { bearer: user.access, json });
const list = () => call("GET", "/rest/token/list", { bearer: user.access });
const patch = (uuid: string, json: unknown, bearer = user.access) =>
  call("PATCH", `/rest/token/${uuid}`, { bearer, json });
const remove = (token: string, bearer = user.access) =>
  call("DELETE", `/rest/token/${token}`, { bearer });
const works = async (bearer: string) =>
  (await call("GET", "/rest/user", { bearer })).status === 200;
const lifeOf = (answer: Answered, ...path: string[]) =>
  (Date.parse(textAt(answer, ...path, "expired_on")) -
    Date.parse(textAt(answer, ...path, "created_on"))) /
  1000;

describe("the document's own examples", () => {
  const accept = "application/json";
  const HOST = "https://api.opentact.org";
  const example = (method: string, path: string, token: string, body?: string) =>
    call(method, HOST + path, {
      headers: {
        accept,
        "X-Auth-Token": token,
        ...(body !== undefined && { "Content-Type": "application/json" }),
      },
      ...(body !== undefined && { body }),
    });
  const BODY = '{"name":"string","ttl":60}';

  it("refuse the placeholder JWT_TOKEN", async () => {
    const answers = [
      await example("POST", "/rest/token", "JWT_TOKEN", BODY),
      await example("GET", "/rest/token/list", "JWT_TOKEN"),
      await example("DELETE", "/rest/token/all", "JWT_TOKEN"),
      await example("DELETE", "/rest/token/{JWT_TOKEN}", "JWT_TOKEN"),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 401,
        json: { success: false, message: "Invalid token", status: 401 },
      });
    }
  });

  it("create, list and end with a JWT", async () => {
    expect((await example("GET", "/rest/token/list", user.access)).json).toEqual({
      success: true,
      payload: [],
      next_cursor: null,
    });
    const created = await example("POST", "/rest/token", user.access, BODY);
    expect(created.status).toBe(200);
    expect(created.json).toEqual({
      success: true,
      payload: {
        name: "string",
        ttl: 60,
        scopes: SCOPES,
        token: expect.stringMatching(SECRET),
        expired_on: expect.stringMatching(ISO),
        uuid: expect.stringMatching(UUID),
        created_on: expect.stringMatching(ISO),
        modified_on: expect.stringMatching(ISO),
        ...PLAIN_TOKEN,
      },
    });
    expect(lifeOf(created, "payload")).toBe(60);

    const secret = textAt(created, "payload", "token");
    const ended = await example("DELETE", `/rest/token/${secret}`, user.access);
    expect(ended.status).toBe(200);
    expect(ended.json).toEqual({
      success: true,
      payload: {
        created_on: at(created, "payload", "created_on"),
        modified_on: expect.stringMatching(ISO),
        token: secret,
        name: "string",
        expired_on: at(created, "payload", "expired_on"),
      },
    });
    const all = await example("DELETE", "/rest/token/all", user.access);
    expect(all).toMatchObject({ status: 200, json: { success: true, payload: {} } });
    expect(await example("DELETE", "/rest/token/{JWT_TOKEN}", user.access)).toMatchObject({
      status: 404,
      json: NOT_FOUND,
    });
  });
});

describe("POST /rest/token", () => {
  it("lives 30 days unless it is told", async () => {
    for (const ttl of [undefined, null]) {
      const answer = await create({ name: "default", ttl });
      expect(at(answer, "payload", "ttl")).toBe(2_592_000);
      expect(lifeOf(answer, "payload")).toBe(2_592_000);
    }
    expect(lifeOf(await create({ name: "year", ttl: 31_536_000 }), "payload")).toBe(31_536_000);
  });

  it.each([59, 31_536_001, 0, -60, 60.5, "60", true, [], {}])("refuses ttl %j", async (ttl) => {
    expect(await create({ name: "x", ttl })).toMatchObject({
      status: 400,
      json: { success: false, message: expect.stringMatching(TTL), status: 400 },
    });
  });

  it.each([undefined, null, "", "x".repeat(65), 1, ["x"], "a\0b"])(
    "refuses name %j",
    async (name) => {
      expect(await create({ name, ttl: 60 })).toMatchObject({
        status: 400,
        json: { success: false, message: expect.stringMatching(/^name /), status: 400 },
      });
    },
  );

  it.each(["x", "x".repeat(64), "🔑".repeat(64), " spaces around "])(
    "takes name %j, trimmed",
    async (name) => {
      expect(at(await create({ name, ttl: 60 }), "payload", "name")).toBe(name.trim());
    },
  );

  it.each(["{", "[]", "null", "1", ""])("refuses the body %j", async (body) => {
    const headers = { "content-type": "application/json" };
    const answer = await call("POST", "/rest/token", { bearer: user.access, headers, body });
    expect(answer).toMatchObject({ status: 400, json: { success: false, status: 400 } });
  });
});

describe("the list", () => {
  it("shows everything but the secret, newest first", async () => {
    const first = await create({ name: "first" });
    const second = await create({ name: "second", ttl: 60 });
    const secret = textAt(second, "payload", "token");
    const answer = await list();
    expect(itemsAt(answer, "payload")).toHaveLength(2);
    expect(at(answer, "payload", 0)).toEqual({
      uuid: at(second, "payload", "uuid"),
      name: "second",
      created_on: at(second, "payload", "created_on"),
      modified_on: at(second, "payload", "modified_on"),
      expired_on: at(second, "payload", "expired_on"),
      last_used_on: null,
      token_hint: expect.stringMatching(/^lk_api_/),
      scopes: SCOPES,
      ...PLAIN_TOKEN,
    });
    expect(textAt(answer, "payload", 0, "token_hint").slice(-4)).toBe(secret.slice(-4));
    expect(at(answer, "payload", 1, "uuid")).toBe(at(first, "payload", "uuid"));
    expect(answer.text).not.toContain(secret);
  });

  it("says when a token was last used, to the hour", async () => {
    const { secret } = await newApiToken(user.access);
    expect(await works(secret)).toBe(true);
    await vi.waitFor(async () => {
      expect(at(await list(), "payload", 0, "last_used_on")).toMatch(/:00:00\.000Z$/);
    });
  });

  it("leaves out what has expired, and everybody else's", async () => {
    await newApiToken(other.access, "test", 60);
    const { secret } = await newApiToken(user.access, "test", 60);
    expect(itemsAt(await list(), "payload")).toHaveLength(1);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 60_000);
    expect(itemsAt(await list(), "payload")).toEqual([]);
    expect(await works(secret)).toBe(false);
  });
});

describe("PATCH", () => {
  it.each(["/rest/token", "/token"])("%s/{uuid} changes name and ttl from now", async (prefix) => {
    const { uuid, secret } = await newApiToken(user.access, "before", 60);
    const now = Date.now() + 30_000;
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(now);
    const json = { name: "after", ttl: 120 };
    const answer = await call("PATCH", `${prefix}/${uuid}`, { bearer: user.access, json });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      success: true,
      payload: {
        uuid,
        name: "after",
        created_on: expect.stringMatching(ISO),
        modified_on: new Date(now).toISOString(),
        expired_on: new Date(now + 120_000).toISOString(),
        last_used_on: null,
        token_hint: expect.stringMatching(/^lk_api_/),
        scopes: SCOPES,
        ...PLAIN_TOKEN,
      },
    });
    expect(answer.text).not.toContain(secret);
    vi.setSystemTime(now + 119_999);
    expect(await works(secret)).toBe(true);
    vi.setSystemTime(now + 120_000);
    expect(await works(secret)).toBe(false);
  });

  it("changes one alone, and shortens too", async () => {
    const { uuid } = await newApiToken(user.access, "before", 3_600);
    const renamed = await patch(uuid, { name: "after" });
    expect(lifeOf(renamed, "payload")).toBe(3_600);
    const shortened = await patch(uuid, { ttl: 60 });
    expect(at(shortened, "payload", "name")).toBe("after");
    expect(Date.parse(textAt(shortened, "payload", "expired_on"))).toBeLessThanOrEqual(
      Date.now() + 60_000,
    );
  });

  it.each([
    {},
    { other: 1 },
    { ttl: 59 },
    { ttl: "60" },
    { ttl: null },
    { name: "" },
    { name: null },
    [],
  ])("refuses %j", async (json) => {
    const { uuid } = await newApiToken(user.access);
    expect(await patch(uuid, json)).toMatchObject({ status: 400, json: { success: false } });
  });

  it("finds only the caller's own active ones, and by uuid", async () => {
    const { uuid, secret } = await newApiToken(user.access);
    const json = { name: "x" };
    expect(await patch(uuid, json, other.access)).toMatchObject({ status: 404, json: NOT_FOUND });
    expect(await patch(secret, json)).toMatchObject({ status: 404, json: NOT_FOUND });
    expect(await patch(crypto.randomUUID(), json)).toMatchObject({ status: 404, json: NOT_FOUND });
    await remove(uuid);
    expect(await patch(uuid, json)).toMatchObject({ status: 404, json: NOT_FOUND });
  });
});
