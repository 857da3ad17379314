import { env } from "cloudflare:workers";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  call,
  newApiToken,
  newCaller,
  newPair,
  newUser,
  PASSWORD,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";

type User = Awaited<ReturnType<typeof newCaller>>;

const LOGIN = "/api/token/";
const REFRESH = "/api/token/refresh/";
const VERIFY = "/api/token/verify/";
const BLACKLIST = "/api/token/blacklist/";
const CHALLENGE = 'Bearer realm="api"';
const INVALID = { detail: "Token is invalid or expired", code: "token_not_valid" };
const NO_ACCOUNT = { detail: "No active account found with the given credentials" };

let user: User;
beforeAll(async () => {
  user = await newCaller();
});

const post = (path: string, json: unknown) => call("POST", path, { json });

describe("the document's own examples", () => {
  it("log in, where the account is there", async () => {
    const example = { email: "johndoe@example.com", password: "example1234" };
    const refused = await post(LOGIN, example);
    expect(refused).toMatchObject({ status: 401, json: NO_ACCOUNT });
    expect(refused.headers.get("www-authenticate")).toBe(CHALLENGE);
    await newUser(example);
    const answer = await post(LOGIN, example);
    expect(answer.status).toBe(200);
    expect(Object.keys(Object(answer.json))).toEqual(["refresh", "access"]);
  });

  it.each([
    [REFRESH, { refresh: "eyJ0eXAiOi.JKV1QiLCJhbGc.iOiJIUzI1N" }],
    [VERIFY, { token: "eyJ0eXAiOi.JKV1QiLCJhbGc.iOiJIUzI1N" }],
  ])("refuse the placeholder at %s", async (path, example) => {
    const answer = await post(path, example);
    expect(answer).toMatchObject({ status: 401, json: INVALID });
    expect(answer.headers.get("www-authenticate")).toBe(CHALLENGE);
  });

  it("refresh and verify", async () => {
    const refreshed = await post(REFRESH, { refresh: user.refresh });
    expect(refreshed.status).toBe(200);
    expect(Object.keys(Object(refreshed.json))).toEqual(["access"]);
    const access = textAt(refreshed, "access");
    expect(access).not.toBe(user.access);
    for (const token of [user.access, user.refresh, access]) {
      expect(await post(VERIFY, { token })).toMatchObject({ status: 200, text: "[]" });
    }
    expect((await call("GET", "/rest/user", { bearer: access })).status).toBe(200);
  });
});

describe("login", () => {
  it("takes the email as it compares", async () => {
    const email = ` ${user.email.toUpperCase()}\t`;
    expect((await post(LOGIN, { email, password: PASSWORD })).status).toBe(200);
  });

  it("takes the password exactly as sent", async () => {
    for (const password of [` ${PASSWORD}`, `${PASSWORD} `, PASSWORD.toUpperCase()]) {
      expect(await post(LOGIN, { email: user.email, password })).toMatchObject({
        status: 401,
        json: NO_ACCOUNT,
      });
    }
  });

  it("takes username where email is missing, and only there", async () => {
    const { email } = user;
    const byName = await post(LOGIN, { username: email, password: PASSWORD });
    expect(byName.status).toBe(200);
    const both = { email: "nobody@example.com", username: email, password: PASSWORD };
    expect((await post(LOGIN, both)).status).toBe(401);
    const blank = { email: "", username: email, password: PASSWORD };
    expect((await post(LOGIN, blank)).json).toEqual({ email: ["This field may not be blank."] });
  });

  it.each([LOGIN, REFRESH, VERIFY, BLACKLIST])(
    "is served at %s without the last slash too",
    async (path) => {
      const slashed = await post(path, {});
      const bare = await post(path.slice(0, -1), {});
      expect(bare).toMatchObject({ status: 400, json: slashed.json });
    },
  );

  it("asks nobody who they are: a client may send the JWT that has just run out", async () => {
    const json = { refresh: user.refresh };
    expect((await call("POST", REFRESH, { bearer: "stale", json })).status).toBe(200);
  });
});

describe("the tokens", () => {
  it("have simplejwt's claims and RFC 9068's", async () => {
    const claims = decodeJwt(user.access);
    expect(claims).toMatchObject({
      token_type: "access",
      user_id: user.id,
      sub: user.id,
      iss: "https://latchkey.test",
      aud: "https://latchkey.test",
      client_id: expect.any(String),
      jti: expect.any(String),
    });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(300);
    expect(decodeProtectedHeader(user.access)).toMatchObject({ typ: "at+jwt", alg: "ES256" });

    const refresh = decodeJwt(user.refresh);
    expect(refresh).toMatchObject({ token_type: "refresh", user_id: user.id, sub: user.id });
    expect(Number(refresh.exp) - Number(refresh.iat)).toBe(86_400);
    expect(refresh.jti).not.toBe(claims.jti);
    expect(decodeProtectedHeader(user.refresh).typ).not.toBe("at+jwt");
  });

  it("name the configured issuer", async () => {
    const elsewhere = service({ ISSUER: "https://other.test" });
    expect((await elsewhere("POST", VERIFY, { json: { token: user.access } })).json).toEqual(
      INVALID,
    );
  });

  it("run out", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { exp = 0 } = decodeJwt(user.access);
    vi.setSystemTime(exp * 1000 - 1);
    expect((await post(VERIFY, { token: user.access })).status).toBe(200);
    vi.setSystemTime(exp * 1000);
    expect(await post(VERIFY, { token: user.access })).toMatchObject({
      status: 401,
      json: INVALID,
    });
    const { exp: end = 0 } = decodeJwt(user.refresh);
    vi.setSystemTime(end * 1000);
    expect((await post(REFRESH, { refresh: user.refresh })).json).toEqual(INVALID);
  });

  it("of another type do not refresh", async () => {
    const wrongType = { detail: "Token has wrong type", code: "token_not_valid" };
    const auth = textAt(
      await call("GET", "/rest/auth", { bearer: user.access }),
      "payload",
      "token",
    );
    for (const refresh of [user.access, auth]) {
      const answer = await post(REFRESH, { refresh });
      expect(answer).toMatchObject({ status: 401, json: wrongType });
      expect(answer.headers.get("www-authenticate")).toBe(CHALLENGE);
    }
    expect(await post(VERIFY, { token: auth })).toMatchObject({ status: 200, json: [] });
  });

  it("that were changed do not verify", async () => {
    const [head = "", body = "", tail = ""] = user.access.split(".");
    const changed = [
      `${head}.${body}.${tail.slice(0, -4)}AAAA`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${btoa('{"alg":"none","typ":"at+jwt"}').replaceAll("=", "")}.${body}.`,
      "x".repeat(10_000),
    ];
    for (const token of changed) expect((await post(VERIFY, { token })).json).toEqual(INVALID);
  });
});

describe("blacklist, as simplejwt's TokenBlacklistView", () => {
  it.each([BLACKLIST, BLACKLIST.slice(0, -1)])("revokes a refresh JWT: %s", async (path) => {
    const { access, refresh } = await newPair(user);
    const other = await newPair(user);
    const answer = await post(path, { refresh });
    expect([answer.status, answer.text]).toEqual([200, "{}"]);
    expect(await post(REFRESH, { refresh })).toMatchObject({ status: 401, json: INVALID });
    // What came of the same log-in goes with it, as at /oauth/revoke; no other log-in does.
    for (const token of [access, refresh]) expect((await post(VERIFY, { token })).status).toBe(401);
    for (const token of [other.access, other.refresh]) {
      expect((await post(VERIFY, { token })).status).toBe(200);
    }
  });

  it("is 401 a second time, and for what is no refresh JWT", async () => {
    const { access, refresh } = await newPair(user);
    expect((await post(BLACKLIST, { refresh })).status).toBe(200);
    const auth = textAt(await call("GET", "/rest/auth", { basic: user }), "payload", "token");
    const wrongType = { detail: "Token has wrong type", code: "token_not_valid" };
    for (const [shown, json] of [
      [refresh, INVALID],
      ["x", INVALID],
      [`${refresh}x`, INVALID],
      [(await newApiToken(auth)).secret, INVALID],
      [access, wrongType],
      [auth, wrongType],
    ] as const) {
      const refused = await post(BLACKLIST, { refresh: shown });
      expect(refused).toMatchObject({ status: 401, json });
      expect(refused.headers.get("www-authenticate")).toBe(CHALLENGE);
    }
  });

  it("succeeds for one of many", async () => {
    const { refresh } = await newPair(user);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post(BLACKLIST, { refresh })),
    );
    const statuses = answers.map(({ status }) => status).sort((a, b) => a - b);
    expect(statuses).toEqual([200, ...Array<number>(9).fill(401)]);
  });

  it("asks nobody who they are: the access JWT may have run out", async () => {
    const { refresh } = await newPair(user);
    const answer = await call("POST", BLACKLIST, { bearer: "stale", json: { refresh } });
    expect(answer).toMatchObject({ status: 200, json: {} });
  });

  it("takes the next refresh JWT where they rotate", async () => {
    const rotating = service({ ROTATE_REFRESH_TOKENS: "on" });
    const pair = await newPair(user);
    const refreshed = await rotating("POST", REFRESH, { json: { refresh: pair.refresh } });
    const refresh = textAt(refreshed, "refresh");
    expect((await rotating("POST", BLACKLIST, { json: { refresh } })).status).toBe(200);
    for (const each of [pair.refresh, refresh]) {
      expect((await rotating("POST", REFRESH, { json: { refresh: each } })).status).toBe(401);
    }
  });
});

describe("the revocation lag", () => {
  const change = (bearer: string, json: unknown) => call("PATCH", "/rest/user", { bearer, json });

  it("at 0 refuses what a new password ended", async () => {
    const other = await newCaller();
    const json = { password: "another password", current_password: PASSWORD };
    expect((await change(other.access, json)).status).toBe(200);
    for (const token of [other.access, other.refresh]) {
      expect(await post(VERIFY, { token })).toMatchObject({ status: 401, json: INVALID });
    }
    expect(await post(REFRESH, { refresh: other.refresh })).toMatchObject({
      status: 401,
      json: INVALID,
    });
  });

  it("at 0 refuses what an account that is gone has left", async () => {
    const gone = await newCaller();
    await call("DELETE", "/rest/user", { bearer: gone.access, json: { password: PASSWORD } });
    for (const token of [gone.access, gone.refresh]) {
      expect((await post(VERIFY, { token })).json).toEqual(INVALID);
    }
    expect((await post(REFRESH, { refresh: gone.refresh })).json).toEqual(INVALID);
  });

  it("asks nothing where the token ends sooner", async () => {
    const lagging = service({ REVOCATION_LAG_SECONDS: "301" });
    const prepare = vi.spyOn(env.DB, "prepare");
    const get = vi.spyOn(env.KV, "get");
    expect((await lagging("POST", VERIFY, { json: { token: user.access } })).status).toBe(200);
    expect([prepare.mock.calls.length, get.mock.calls.length]).toEqual([0, 0]);
    // A day's refresh JWT outlives the revocation lag, and so is asked for.
    expect((await lagging("POST", VERIFY, { json: { token: user.refresh } })).status).toBe(200);
    expect(prepare.mock.calls.length + get.mock.calls.length).toBeGreaterThan(0);
  });
});
