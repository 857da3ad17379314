import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { pathOf, ROUTE_KEYS } from "../hostile/routes.ts";
import { introspect, newIntrospector, revoke } from "../oauth/introspecting.ts";
import { at, type Call, claimsOf, ORIGIN, textAt, type TestUser } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { isListedAsRevoked } from "../support/status-lists.ts";
import {
  ACCESS_TOKEN,
  AUDIENCE,
  exchange,
  exchanged,
  GRANT,
  JWT,
  OPTIONS,
  OTHER,
} from "./exchanging.ts";
import { DB } from "../support/database.ts";

const own = (settings = {}) => isolate(settings, undefined, { options: OPTIONS });
const service = own();
const { call } = service;
/** The version before the audiences and scopes, which runs beside this one. */
const plain = isolate();

let client = "";
beforeAll(async () => {
  client = await newIntrospector();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => vi.useRealTimers());
const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

const auth = async (send: object, path = "/rest/auth", by: Call = call) =>
  textAt(await by("GET", path, send), "payload", "token");
const apiToken = async (user: TestUser, scopes?: readonly string[], ttl = 86_400) => {
  const json = { name: "subject", ttl, scopes };
  return textAt(await call("POST", "/rest/token", { basic: user, json }), "payload", "token");
};
const isActive = async (token: string, by: Call = call) =>
  at(await introspect(client, token, by), "active");

/** Every kind of credential that opens this service. */
const SUBJECTS: Readonly<Record<string, (user: TestUser) => Promise<string>>> = {
  "an API token": (user) => apiToken(user),
  "a session token": (user) => service.newSession(user),
  "a pair's access JWT": async (user) => (await service.newPair(user)).access,
  "a JWT of Basic": (user) => auth({ basic: user }),
  "a JWT of that": async (user) => auth({ bearer: await auth({ basic: user }) }),
  "a JWT of an API token": async (user) => auth({ bearer: await apiToken(user) }),
  "an exchanged JWT": async (user) => exchanged(call, await apiToken(user)),
};

describe.each(Object.entries(SUBJECTS))("%s is exchanged", (_, subjectOf) => {
  it("for a JWT of one audience, few scopes and a short life, on a status list", async () => {
    const user = await service.newUser();
    const subject = await subjectOf(user);
    const answer = await exchange(call, subject, {
      audience: AUDIENCE,
      scope: "orders:read account:read",
      expires_in: "120",
      client_id: "anyone",
    });
    expect(answer).toMatchObject({
      status: 200,
      json: {
        issued_token_type: ACCESS_TOKEN,
        token_type: "Bearer",
        expires_in: 120,
        scope: "orders:read account:read",
      },
    });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const jwt = textAt(answer, "access_token");
    const claims = claimsOf(jwt);
    expect(claims).toMatchObject({
      iss: ORIGIN,
      aud: AUDIENCE,
      sub: user.id,
      scope: "orders:read account:read",
      end: claims.exp,
    });
    expect(claims).not.toHaveProperty("role");
    expect(Number(claims.exp) - Number(claims.iat)).toBe(120);
    expect(await isListedAsRevoked(jwt, own().call)).toBe(false);
    expect((await introspect(client, jwt, call)).json).toMatchObject({
      active: true,
      aud: AUDIENCE,
      scope: "orders:read account:read",
    });
    expect((await call("POST", "/api/token/verify/", { json: { token: jwt } })).status).toBe(200);
    // Its holder may revoke it, also where the audience is not known.
    await revoke(jwt, plain.call);
    expect(await isActive(jwt)).toBe(false);
    expect(await isListedAsRevoked(jwt, own().call)).toBe(true);
  });

  it("for one that is for this service: then it opens it, within its bounds", async () => {
    const user = await service.newUser();
    const jwt = await exchanged(call, await subjectOf(user), {
      audience: ORIGIN,
      scope: "account:read tokens:write",
      expires_in: "60",
    });
    expect((await call("GET", "/rest/user", { bearer: jwt })).status).toBe(200);
    expect((await call("GET", "/rest/token/list", { bearer: jwt })).status).toBe(403);
    const { exp } = claimsOf(jwt);
    // Nothing that is derived from it is wider or lives longer.
    const derived = [
      await auth({ bearer: jwt }),
      await auth({ bearer: await auth({ bearer: jwt }) }),
      await exchanged(call, jwt, { expires_in: "86400" }),
      await exchanged(call, await auth({ bearer: jwt }), { audience: OTHER, expires_in: "86400" }),
    ];
    for (const each of derived) {
      expect(claimsOf(each)).toMatchObject({ exp, scope: "account:read tokens:write" });
    }
    for (const bearer of [jwt, ...derived.slice(0, 3)]) {
      const wider = await exchange(call, bearer, { scope: "account:read tokens:read" });
      expect(wider).toMatchObject({ status: 400, json: { error: "invalid_scope" } });
      const json = { name: "child", scopes: ["account:read"] };
      const child = await call("POST", "/rest/token", { bearer, json });
      const isOfToken = claimsOf(jwt).api_token_version !== undefined;
      if (isOfToken) {
        expect(Date.parse(textAt(child, "payload", "expired_on"))).toBeLessThanOrEqual(
          Number(exp) * 1000,
        );
      }
    }
    later(61);
    for (const bearer of [jwt, ...derived]) {
      expect((await call("GET", "/rest/user", { bearer })).status).toBe(401);
    }
  });
});

describe("a JWT for another audience", () => {
  let jwt = "";
  beforeEach(async () => {
    jwt = await auth({ basic: await service.newUser() }, `/rest/auth?audience=${AUDIENCE}`);
  });

  it("is given by GET /rest/auth too, with its scopes, and is on a status list", async () => {
    expect(claimsOf(jwt)).toMatchObject({
      aud: AUDIENCE,
      role: "User",
      scope: expect.stringContaining("tokens:write"),
    });
    expect(await isActive(jwt)).toBe(true);
    expect(await isListedAsRevoked(jwt, own().call)).toBe(false);
  });

  it.each(ROUTE_KEYS.filter(({ route }) => route.access !== "open"))(
    "logs no one in: $name",
    async ({ route }) => {
      for (const send of [{ bearer: jwt }, { xAuthToken: jwt }, { xToken: jwt }]) {
        const body = route.method !== "GET" && { json: {} };
        const { status } = await call(route.method, pathOf(route), { ...send, ...body });
        // The routes of session tokens have their own refusal of one that is none.
        expect(route.path === "/tokens" ? [400, 401] : [401]).toContain(status);
      }
    },
  );

  it("is exchanged for nothing, refreshes nothing and is no client", async () => {
    for (const audience of [AUDIENCE, OTHER, ORIGIN]) {
      const answer = await exchange(call, jwt, { audience });
      expect(answer).toMatchObject({ status: 400, json: { error: "invalid_request" } });
    }
    const refresh = await call("POST", "/api/token/refresh/", { json: { refresh: jwt } });
    expect(refresh.status).toBe(401);
    const asClient = await call("POST", "/oauth/introspect", { bearer: jwt, form: { token: jwt } });
    expect(asClient.status).toBe(401);
    const page = await call("GET", "/console/tokens", {
      headers: { cookie: `__Host-latchkey=${jwt}` },
    });
    expect(page.status).not.toBe(200);
  });

  it("is not active where the audience is not configured, and is revoked there all the same", async () => {
    expect(await isActive(jwt, plain.call)).toBe(false);
    const verified = await plain.call("POST", "/api/token/verify/", { json: { token: jwt } });
    expect(verified.status).toBe(401);
    expect((await plain.call("GET", "/rest/user", { bearer: jwt })).status).toBe(401);
    const json = { tokens: [jwt] };
    expect(at(await plain.call("POST", "/rest/leaked", { json }), "payload", "revoked")).toBe(1);
    expect(await isActive(jwt)).toBe(false);
  });
});

describe("refuses", () => {
  const BAD: readonly (readonly [name: string, more: Record<string, string>, error: string])[] = [
    ["another grant", { grant_type: "client_credentials" }, "unsupported_grant_type"],
    ["no grant", { grant_type: "" }, "invalid_request"],
    ["no subject", { subject_token: "" }, "invalid_request"],
    ["no type", { subject_token_type: "" }, "invalid_request"],
    ["another type", { subject_token_type: `${JWT}x` }, "invalid_request"],
    ["another type of answer", { requested_token_type: "urn:x" }, "invalid_request"],
    ["an actor", { actor_token: "x", actor_token_type: ACCESS_TOKEN }, "invalid_request"],
    ["another audience", { audience: "https://evil.example" }, "invalid_target"],
    ["another resource", { resource: "https://evil.example" }, "invalid_target"],
    ["two audiences", { audience: AUDIENCE, resource: OTHER }, "invalid_target"],
    ["a scope that there is not", { scope: "orders:read admin" }, "invalid_scope"],
    ["a life of nothing", { expires_in: "0" }, "invalid_request"],
    ["a life in words", { expires_in: "soon" }, "invalid_request"],
    ["a life of half a second", { expires_in: "0.5" }, "invalid_request"],
    ["a subject that is none", { subject_token: "x" }, "invalid_request"],
  ];

  it.each(BAD)("%s", async (_, more, error) => {
    const subject = await auth({ basic: await service.newUser() });
    const answer = await exchange(call, subject, more);
    expect(answer).toMatchObject({
      status: 400,
      json: { error, error_description: expect.any(String) },
    });
    expect(answer.headers.get("www-authenticate")).toBeNull();
  });

  it("scopes that the subject has not, or has no more", async () => {
    const user = await service.newUser();
    const subject = await apiToken(user, ["orders:read"]);
    for (const scope of ["orders:write", "orders:read orders:write", "account:read"]) {
      expect(await exchange(call, subject, { scope })).toMatchObject({
        status: 400,
        json: { error: "invalid_scope" },
      });
    }
    expect(await exchange(plain.call, subject)).toMatchObject({ json: { error: "invalid_scope" } });
    const answer = await exchange(call, subject, { audience: AUDIENCE });
    expect(at(answer, "scope")).toBe("orders:read");
  });

  it("refresh JWTs, action tokens, and what is not active", async () => {
    const user = await service.newUser();
    const { access, refresh } = await service.newPair(user);
    const token = await service.newApiToken(access);
    await call("DELETE", `/rest/token/${token.uuid}`, { bearer: access });
    const action = await service.newActionToken(access, (await service.newUser()).id);
    for (const subject of [refresh, action.secret, token.secret]) {
      expect(await exchange(call, subject)).toMatchObject({
        status: 400,
        json: { error: "invalid_request" },
      });
    }
  });

  it("a token with limited uses, which derives nothing", async () => {
    const basic = await service.newUser();
    const json = { name: "limited", remaining: 5 };
    const created = await call("POST", "/rest/token", { basic, json });
    const bearer = textAt(created, "payload", "token");
    const answer = await exchange(call, bearer, { audience: AUDIENCE });
    expect(answer).toMatchObject({ status: 400, json: { error: "invalid_request" } });
    const auth = await call("GET", `/rest/auth?audience=${AUDIENCE}`, { bearer });
    expect(auth.status).toBe(403);
  });

  it("a client that does not authenticate correctly", async () => {
    const subject = await auth({ basic: await service.newUser() });
    const wrong = await exchange(call, subject, { client_id: "x", client_secret: "y" });
    expect(wrong).toMatchObject({ status: 401, json: { error: "invalid_client" } });
    expect((await exchange(call, subject, { client_secret: client })).status).toBe(200);
  });

  it("a parameter that comes twice", async () => {
    const subject = await auth({ basic: await service.newUser() });
    const good = new URLSearchParams({ grant_type: GRANT, subject_token_type: ACCESS_TOKEN });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    for (const [twice, status] of [
      [`subject_token=${subject}`, 400],
      ["scope=account:read", 400],
      [`audience=${AUDIENCE}`, 200],
    ] as const) {
      const body = `${good}&subject_token=${subject}&${twice}&${twice}`;
      const answer = await call("POST", "/oauth/token", { headers, body });
      expect(answer.status, twice).toBe(status);
    }
  });

  it("GET /rest/auth?audience= for one that there is not, or for two", async () => {
    const basic = await service.newUser();
    for (const query of [
      "audience=https://evil.example",
      `audience=${AUDIENCE}&audience=${OTHER}`,
    ]) {
      expect((await call("GET", `/rest/auth?${query}`, { basic })).status).toBe(400);
    }
    const jwt = await auth({ basic }, "/rest/auth?audience=");
    expect(claimsOf(jwt)).toMatchObject({ aud: ORIGIN });
  });
});

it("takes JSON, and both types", async () => {
  const subject_token = await auth({ basic: await service.newUser() });
  const json = {
    grant_type: GRANT,
    subject_token,
    subject_token_type: JWT,
    requested_token_type: JWT,
    audience: [AUDIENCE],
    resource: AUDIENCE,
    expires_in: 999_999,
  };
  const answer = await call("POST", "/oauth/token", { json });
  expect(answer.json).toMatchObject({
    issued_token_type: JWT,
    token_type: "Bearer",
    expires_in: 86_400,
  });
  expect(at(await exchange(call, subject_token), "expires_in")).toBe(3_600);
});

describe("the index in the status lists", () => {
  const indexOf = (jwt: string) => claimsOf(jwt).status_index;
  const rows = async () =>
    (await DB.prepare("SELECT COUNT(*) AS n FROM tokens WHERE status_index IS NOT NULL").first(
      "n",
    )) as number;

  it("is one for each chain, however many exchange it at once", async () => {
    const user = await service.newUser();
    const chain = await auth({ basic: user });
    const before = await rows();
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, n) => exchanged(call, chain, { expires_in: `${100 + n}` })),
    );
    all.push(await exchanged(call, await auth({ bearer: chain }), { audience: AUDIENCE }));
    all.push(await exchanged(call, all[0] ?? ""));
    expect(new Set(all.map(indexOf)).size).toBe(1);
    expect(await rows()).toBe(before + 1);
    // Each exchange of a token, a session or a pair's JWT begins a chain.
    const token = await apiToken(user);
    const others = await Promise.all([0, 1, 2].map(() => exchanged(call, token)));
    expect(new Set(others.map(indexOf)).size).toBe(3);
    for (const jwt of all) await revoke(jwt);
    for (const jwt of all) expect(await isListedAsRevoked(jwt, own().call)).toBe(true);
    for (const jwt of others) expect(await isListedAsRevoked(jwt, own().call)).toBe(false);
  });

  it("is another one after a new password, and the old ones stay revoked", async () => {
    const user = await service.newUser();
    const chain = await auth({ basic: user });
    const before = await exchanged(call, chain);
    const json = { password: "another password", current_password: user.password };
    const renewed = textAt(
      await call("PATCH", "/rest/user", { bearer: chain, json }),
      ...["payload", "token"],
    );
    const after = await exchanged(call, renewed);
    expect(await isListedAsRevoked(before, own().call)).toBe(true);
    expect(await isListedAsRevoked(after, own().call)).toBe(false);
    await revoke(renewed);
    expect(await isListedAsRevoked(after, own().call)).toBe(true);
  });

  it("is kept until the last of its JWTs has expired", async () => {
    const chain = await auth({ basic: await service.newUser() });
    const short = await exchanged(call, chain, { expires_in: "60" });
    const long = await exchanged(call, chain, { expires_in: "80000" });
    await exchanged(call, chain, { expires_in: "60" });
    await revoke(short);
    later(79_000);
    await service.housekeeping();
    expect(await isListedAsRevoked(long, own().call)).toBe(true);
    later(3 * 86_400);
    const before = await rows();
    await service.housekeeping();
    expect(await rows()).toBeLessThan(before);
  });

  it("keeps a chain revoked that was revoked by its shortest JWT", async () => {
    const chain = await auth({ basic: await service.newUser() });
    const short = await exchanged(call, chain, { expires_in: "60" });
    await revoke(short);
    for (const days of [1, 5, 10]) {
      later(days * 86_400);
      await service.housekeeping();
      const answer = await call("GET", "/rest/user", { bearer: chain });
      expect(answer.status).toBe(401);
      const claims = claimsOf(short);
      const row = await DB.prepare("SELECT revoked_at FROM tokens WHERE id = ?")
        .bind(claims.root_jti)
        .first("revoked_at");
      expect(row).not.toBeNull();
    }
  });
});
