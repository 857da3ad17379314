import { beforeAll, describe, expect, it } from "vitest";
import { ROUTE_KEYS } from "../hostile/routes.ts";
import {
  base64,
  call,
  newApiToken,
  newCaller,
  newSession,
  type Send,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";

const BASIC_CHALLENGE = 'Basic realm="latchkey", charset="UTF-8"';

let user: Awaited<ReturnType<typeof newCaller>>;
let good: Record<string, Send>;
let useless: Record<string, Send>;
beforeAll(async () => {
  user = await newCaller();
  const { secret: api } = await newApiToken(user.access);
  const session = await newSession(user);
  const auth = textAt(await call("GET", "/rest/auth", { bearer: user.access }), "payload", "token");
  const json = { action: "addContact", payload: { contact_id: user.id } };
  const action = textAt(
    await call("POST", "/api/generate-action-token", { bearer: user.access, json }),
    "token",
    "token",
  );
  good = {
    Basic: { basic: user },
    "basic, in another case": {
      headers: { authorization: `bAsIc ${base64(`${user.email}:${user.password}`)}` },
    },
    "access JWT as Bearer": { bearer: user.access },
    "access JWT as X-Auth-Token": { xAuthToken: user.access },
    "JWT of GET /rest/auth as Bearer": { bearer: auth },
    "JWT of GET /rest/auth as X-Auth-Token": { xAuthToken: auth },
    "API token as Bearer": { bearer: api },
    "API token as X-Auth-Token": { xAuthToken: api },
    "session token as x-token": { xToken: session },
  };
  useless = {
    "refresh JWT as Bearer": { bearer: user.refresh },
    "refresh JWT as X-Auth-Token": { xAuthToken: user.refresh },
    "action token as Bearer": { bearer: action },
    "action token as X-Auth-Token": { xAuthToken: action },
    "action token as x-token": { xToken: action },
    "API token as x-token": { xToken: api },
    "access JWT as x-token": { xToken: user.access },
    "session token as Bearer": { bearer: session },
    "session token as X-Auth-Token": { xAuthToken: session },
    "API token with a typo": { bearer: `${api.slice(0, -1)}${api.endsWith("0") ? "1" : "0"}` },
    "Bearer of nothing": { headers: { authorization: "Bearer" } },
    "Basic of no base64": { headers: { authorization: "Basic %%%" } },
    "Basic without a colon": { headers: { authorization: `Basic ${base64(user.email)}` } },
    "Basic with a wrong password": { basic: { ...user, password: "wrong password" } },
    "a scheme of nobody": { headers: { authorization: "Digest username=x" } },
    // Not configured here, and so like any wrong credential.
    Google: { headers: { "x-auth-google-token": "a.b.c" } },
    Facebook: { headers: { "x-auth-facebook-token": "EAAB" } },
    HA1B: { headers: { "x-auth-ha1b-token": "d41d8cd98f00b204e9800998ecf8427e" } },
  };
});

/** One path of each surface that needs a caller. */
const NEEDS_CALLER = ["/rest/user", "/rest/token/list", "/api/action-tokens"] as const;

it("every credential of one account opens every surface", async () => {
  for (const [name, send] of Object.entries(good)) {
    for (const path of NEEDS_CALLER) {
      const answer = await call("GET", path, send);
      expect([name, path, answer.status]).toEqual([name, path, 200]);
    }
    expect(textAt(await call("GET", "/rest/user", send), "payload", "uuid")).toBe(user.id);
  }
});

it("nothing else opens any", async () => {
  for (const [name, send] of Object.entries(useless)) {
    for (const path of NEEDS_CALLER) {
      const answer = await call("GET", path, send);
      expect([name, path, answer.status]).toEqual([name, path, 401]);
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    }
  }
});

describe("a bad credential is 401 also where none is needed", () => {
  const NEEDS_NONE = [
    ["POST", "/rest/user", { email: "someone@example.com", password: "a fine password" }],
    ["POST", "/api/run-action-token", { token: "sit" }],
    ["POST", "/tokens", { email_id: "someone@example.com", password: "a fine password" }],
    ["PUT", "/tokens", { token: "x", extend: true }],
    ["POST", "/rest/user/password_reset", { email: "someone@example.com" }],
    ["POST", "/rest/login/email", { email: "someone@example.com" }],
    ["POST", "/rest/login/email/verify", { challenge: "x", code: "123456" }],
    ["POST", "/rest/leaked", { tokens: ["x"] }],
  ] as const;

  it("on every route but those whose original asks nobody, and what is public", () => {
    const asksNobody = ROUTE_KEYS.filter(({ route }) => route.access === "open").map(
      ({ name }) => name,
    );
    const others = asksNobody.filter((name) => !/ (?:\/api\/token\b|\/oauth\/)/.test(name));
    expect(others.sort()).toEqual([
      "GET /.well-known/jwks.json",
      "GET /.well-known/oauth-authorization-server",
      "GET /.well-known/oauth-protected-resource",
      "GET /health",
      "GET /openapi.json",
      "GET /status-lists/:list",
    ]);
  });

  it.each(NEEDS_NONE)("%s %s", async (method, path, json) => {
    for (const [name, send] of Object.entries(useless)) {
      // On /tokens the header x-token is the token that is spoken of.
      if (path === "/tokens" && send.xToken !== undefined) continue;
      const answer = await call(method, path, { ...send, json });
      expect([name, answer.status]).toEqual([name, 401]);
    }
  });

  it("in each surface's own shape", async () => {
    const bearer = "nonsense";
    expect((await call("GET", "/tokens", { bearer })).json).toEqual({
      error: "invalid credentials",
    });
    expect((await call("POST", "/api/run-action-token", { bearer })).json).toEqual({
      message: "Unauthenticated.",
    });
    expect((await call("POST", "/rest/user", { bearer })).json).toEqual({
      success: false,
      message: "Invalid token",
      status: 401,
    });
  });
});

describe("two credentials in one request are 400", () => {
  const pairs = (): Send[] => [
    { basic: user, xAuthToken: user.access },
    { bearer: user.access, xAuthToken: user.access },
    { bearer: user.access, headers: { "x-auth-google-token": "x" } },
    { xAuthToken: user.access, headers: { "x-auth-ha1b-token": "x" } },
    { headers: { "x-auth-google-token": "x", "x-auth-facebook-token": "y" } },
    { headers: { authorization: `Bearer ${user.access}, Bearer ${user.access}` } },
    { headers: { "x-auth-token": `${user.access}, ${user.access}` } },
    { xAuthToken: user.access, headers: { authorization: "Digest x" } },
  ];
  it.each([
    [
      "GET",
      "/rest/user",
      { success: false, message: "More than one credential was sent", status: 400 },
    ],
    ["GET", "/api/action-tokens", { message: "More than one credential was sent." }],
    ["POST", "/api/run-action-token", { message: "More than one credential was sent." }],
    ["GET", "/tokens", { error: "more than one credential was sent" }],
  ])("%s %s", async (method, path, json) => {
    for (const send of pairs()) {
      expect(await call(method, path, send)).toMatchObject({ status: 400, json });
    }
  });

  it("a session beside another one too, where it says who asks", async () => {
    const send = { ...good["session token as x-token"], bearer: user.access };
    expect((await call("GET", "/rest/user", send)).status).toBe(400);
    expect((await call("GET", "/tokens", send)).status).toBe(200);
  });
});

describe("the challenge of a 401 where nothing was sent", () => {
  it.each(NEEDS_CALLER)("names Basic and Bearer at %s", async (path) => {
    const { status, headers } = await call("GET", path);
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe(`${BASIC_CHALLENGE}, Bearer realm="latchkey"`);
  });

  it.each(["cors", "same-origin", "no-cors"])(
    "names Bearer alone to a script (%s)",
    async (mode) => {
      for (const path of NEEDS_CALLER) {
        const { headers } = await call("GET", path, { headers: { "sec-fetch-mode": mode } });
        expect(headers.get("www-authenticate")).toBe('Bearer realm="latchkey"');
      }
    },
  );

  it("names both to a person who opens the page", async () => {
    const headers = { "sec-fetch-mode": "navigate" };
    const answer = await call("GET", "/rest/user", { headers });
    expect(answer.headers.get("www-authenticate")).toContain("Basic");
  });
});

describe("credentials in the query", () => {
  const query = (name: string, value: string) =>
    `/rest/user?${new URLSearchParams({ [name]: value })}`;

  it("are not looked at, unless the deployment turns them on", async () => {
    for (const name of ["jwt", "bearer", "google_token", "facebook_token", "ha1b"]) {
      const message = "Authentication required";
      expect(await call("GET", query(name, user.access))).toMatchObject({
        status: 401,
        json: { message },
      });
    }
  });

  it("are the headers' equals where it does", async () => {
    const open = service({ QUERY_CREDENTIALS: "on" });
    const api = good["API token as Bearer"]?.bearer ?? "";
    for (const name of ["jwt", "bearer"]) {
      expect((await open("GET", query(name, user.access))).status).toBe(200);
      expect((await open("GET", query(name, api))).status).toBe(200);
      expect((await open("GET", query(name, "x"))).json).toMatchObject({
        message: "Invalid token",
      });
    }
    for (const name of ["google_token", "facebook_token", "ha1b"]) {
      const json = { success: false, message: "Wrong credentials", status: 401 };
      expect(await open("GET", query(name, "x"))).toMatchObject({ status: 401, json });
    }
    const twice = `${query("jwt", user.access)}&bearer=${user.access}`;
    expect((await open("GET", twice)).status).toBe(400);
    expect((await open("GET", `${query("jwt", "x")}&jwt=y`)).status).toBe(400);
    expect((await open("GET", query("jwt", user.access), { basic: user })).status).toBe(400);
    expect((await open("GET", "/rest/user", { bearer: user.access })).status).toBe(200);
  });
});
