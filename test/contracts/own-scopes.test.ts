import { decodeJwt } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { OPERATOR_SCOPES, ownScopeProblems, SCOPES } from "../../src/core/scopes.ts";
import { tokenIdsOn } from "../console/forms.ts";
import { secretOnPage, textOf } from "../console/html.ts";
import { newPageClient } from "../console/page-client.ts";
import { introspect, newIntrospector } from "../oauth/introspecting.ts";
import { at, type Call, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";

const OWN = { "orders:read": "See your orders", "orders:write": "Change your <orders>" };
const ALL = [...SCOPES, ...Object.keys(OWN)];

const own = isolate({}, undefined, { options: { scopes: OWN } });
/** The same deployment before the scopes were added, or after they were removed. */
const plain = isolate();

let user: Awaited<ReturnType<typeof own.newCaller>>;
let client = "";
beforeAll(async () => {
  user = await own.newCaller();
  client = await newIntrospector();
});

const create = (bearer: string, scopes?: readonly string[], { call }: { call: Call } = own) =>
  call("POST", "/rest/token", { bearer, json: { name: "orders", ttl: 600, scopes } });
const secretOf = async (...sent: Parameters<typeof create>) =>
  textAt(await create(...sent), "payload", "token");
const jwtOf = async (bearer: string, { call }: { call: Call } = own) =>
  textAt(await call("GET", "/rest/auth", { bearer }), "payload", "token");
const scopesOf = async (token: string, { call }: { call: Call } = own) =>
  at(await introspect(client, token, call), "scope");

describe("a deployment's own scope", () => {
  it("is given, shown, carried on and introspected like a built-in one", async () => {
    const scopes = ["orders:read", "account:read", "tokens:read"];
    const created = await create(user.access, scopes);
    expect(at(created, "payload", "scopes")).toEqual(scopes);
    const bearer = textAt(created, "payload", "token");
    const listed = await own.call("GET", "/rest/token/list?limit=1", { bearer });
    expect(at(listed, "payload", 0, "scopes")).toEqual(scopes);
    const auth = await own.call("GET", "/rest/auth", { bearer });
    expect(auth.headers.get("x-auth-scope")).toBe(scopes.join(" "));
    const jwt = textAt(auth, "payload", "token");
    expect(decodeJwt(jwt)).toMatchObject({ scope: scopes.join(" ") });
    for (const token of [bearer, jwt]) expect(await scopesOf(token)).toBe(scopes.join(" "));
  });

  it("is among all that a person has", async () => {
    expect(at(await create(user.access), "payload", "scopes")).toEqual(ALL);
    const auth = await own.call("GET", "/rest/auth", { basic: user });
    expect(auth.headers.get("x-auth-scope")).toBe(ALL.join(" "));
    expect(decodeJwt(textAt(auth, "payload", "token"))).not.toHaveProperty("scope");
  });

  it("is published, documented and offered", async () => {
    const metadata = await own.call("GET", "/.well-known/oauth-authorization-server");
    expect(at(metadata, "scopes_supported")).toEqual(ALL);
    const document = await own.call("GET", "/openapi.json");
    expect(at(document, "components", "schemas", "Scope")).toMatchObject({
      enum: [...ALL, ...OPERATOR_SCOPES],
      description: expect.stringContaining("`orders:write`: Change your <orders>"),
    });
    expect(document.headers.get("etag")).not.toBe(
      (await plain.call("GET", "/openapi.json")).headers.get("etag"),
    );
    const docs = await own.call("GET", "/docs/createApiToken");
    expect(textOf(docs)).toContain("orders:read");
    expect(docs.text).not.toContain("<orders>");
    expect(textOf(await plain.call("GET", "/docs/createApiToken"))).not.toContain("orders:read");
  });

  it("is described in the console, and given there", async () => {
    const page = await newPageClient(own.call);
    const form = await page.open("/console/tokens/new");
    expect(textOf(form)).toContain("See your orders orders:read");
    expect(form.text).not.toContain("<orders>");
    const fields = { name: "shop", lifetime: "3600", scopes: ["orders:read"] };
    const secret = secretOnPage(await page.send("/console/tokens/new", fields));
    expect(await scopesOf(secret)).toBe("orders:read");
    const [id = ""] = tokenIdsOn(await page.open("/console/tokens"));
    expect(textOf(await page.open(`/console/tokens/${id}`))).toContain(
      "See your orders orders:read",
    );
    expect((await page.send("/console/tokens/new", { ...fields, scopes: ["orders"] })).status).toBe(
      400,
    );
  });

  it("is refused where the deployment does not have it", async () => {
    for (const [service, scopes] of [
      [plain, ["orders:read"]],
      [own, ["orders:delete"]],
      [own, ["ORDERS:READ"]],
      [own, ["orders:read orders:write"]],
      [own, ["__proto__"]],
      [own, ["constructor"]],
    ] as const) {
      expect((await create(user.access, scopes, service)).status).toBe(400);
    }
  });
});

describe.each(["itself", "its JWT", "the JWT of its JWT", "a token that it created"])(
  "no one gets beyond a token's scopes with %s",
  (kind) => {
    it("neither by asking, nor by asking for nothing, nor by a rotation", async () => {
      const scopes = ["tokens:write", "account:read", "orders:read"];
      const token = await secretOf(user.access, scopes);
      const jwt = await jwtOf(token);
      const bearer = {
        itself: async () => token,
        "its JWT": async () => jwt,
        "the JWT of its JWT": async () => jwtOf(jwt),
        "a token that it created": async () => secretOf(token),
      }[kind];
      const held = (await bearer?.()) ?? "";
      const refused = { status: 403, json: { message: expect.stringContaining("orders:write") } };
      expect(await create(held, ["orders:write"])).toMatchObject(refused);
      expect(at(await create(held), "payload", "scopes")).toEqual(scopes);
      const bigger = await own.newApiToken(user.access, "bigger", 600, [...scopes, "orders:write"]);
      const rotate = ({ call }: { call: Call }) =>
        call("POST", `/rest/token/${bigger.uuid}/rotate`, { bearer: held, json: {} });
      // Where the scope is not known (any more), it still counts.
      for (const service of [own, plain]) expect(await rotate(service)).toMatchObject(refused);
      const path = `/rest/token/${bigger.uuid}`;
      const renamed = await plain.call("PATCH", path, { bearer: held, json: { name: "mine" } });
      expect(renamed).toMatchObject(refused);
    });
  },
);

describe("a scope that is added later", () => {
  it("is gained by no token, and by nothing that was derived from one", async () => {
    const everything = await secretOf(user.access, undefined, plain);
    const jwt = await jwtOf(everything, plain);
    expect(decodeJwt(jwt)).toHaveProperty("role");
    for (const token of [everything, jwt, await jwtOf(everything), await jwtOf(jwt)]) {
      expect(await scopesOf(token)).toBe(SCOPES.join(" "));
      expect((await create(token, ["orders:read"])).status).toBe(403);
      expect(at(await create(token), "payload", "scopes")).toEqual(SCOPES);
    }
    // It can no longer do all that its user can.
    expect(decodeJwt(await jwtOf(jwt))).not.toHaveProperty("role");
  });

  it("belongs to the person who is logged in", async () => {
    for (const bearer of [user.access, await jwtOf(user.access, plain)]) {
      expect((await create(bearer, ["orders:read"])).status).toBe(200);
    }
  });
});

describe("a scope that is removed", () => {
  it("grants nothing and is shown nowhere, and the token goes on", async () => {
    const scopes = ["account:read", "tokens:read", "tokens:write", "orders:read"];
    const known = scopes.slice(0, 3);
    const created = await own.newApiToken(user.access, "stale", 600, scopes);
    const bearer = created.secret;
    const auth = await plain.call("GET", "/rest/auth", { bearer });
    expect(auth.headers.get("x-auth-scope")).toBe(known.join(" "));
    const jwt = textAt(auth, "payload", "token");
    for (const token of [bearer, await jwtOf(bearer), jwt]) {
      expect(await scopesOf(token, plain)).toBe(known.join(" "));
    }
    // What was issued without it does not get it back.
    expect(await scopesOf(jwt)).toBe(known.join(" "));
    const listed = await plain.call("GET", "/rest/token/list?limit=1", { bearer });
    expect(at(listed, "payload", 0, "scopes")).toEqual(known);
    // It may still rename and rotate itself.
    const path = `/rest/token/${created.uuid}`;
    const renamed = await plain.call("PATCH", path, { bearer, json: { name: "renamed" } });
    expect(at(renamed, "payload", "scopes")).toEqual(known);
    const rotated = await plain.call("POST", `${path}/rotate`, { bearer, json: {} });
    expect(at(rotated, "payload", "scopes")).toEqual(known);
    // Configured again, the token has what it was created with.
    expect(await scopesOf(textAt(rotated, "payload", "token"))).toBe(scopes.join(" "));
  });

  it("leaves a token without any, which opens nothing", async () => {
    const bearer = await secretOf(user.access, ["orders:read"]);
    expect(await scopesOf(bearer, plain)).toBe("");
    expect((await plain.call("GET", "/rest/user", { bearer })).status).toBe(403);
  });

  it("is not lost by copies that a version without it made", async () => {
    const lagging = { REVOCATION_LAG_SECONDS: "120" };
    const [before, after] = [
      isolate(lagging),
      isolate(lagging, undefined, { options: { scopes: OWN } }),
    ];
    const bearer = await secretOf(user.access, ["account:read", "orders:read"]);
    for (const { send } of [before, after]) await send("GET", "/rest/user", { bearer });
    const auth = await after.send("GET", "/rest/auth", { bearer });
    expect(auth.headers.get("x-auth-scope")).toBe("account:read orders:read");
  });
});

it.each([
  [{ "a b": "x" }, /"a b" must be 1 to 64 visible ASCII/],
  [{ 'a"b': "x" }, /must be 1 to 64 visible ASCII/],
  [{ "a\\b": "x" }, /must be 1 to 64 visible ASCII/],
  [{ "": "x" }, /must be 1 to 64 visible ASCII/],
  [{ naïve: "x" }, /must be 1 to 64 visible ASCII/],
  [{ ["x".repeat(65)]: "x" }, /must be 1 to 64 visible ASCII/],
  [{ introspect: "x" }, /"introspect" is a built-in scope/],
  [{ a: " " }, /"a" must have a description/],
  [{ a: 7 }, /"a" must have a description/],
  [{ a: "x".repeat(201) }, /"a" must have a description/],
  [
    Object.fromEntries([...Array(51).keys()].map((n) => [`s${n}`, "x"])),
    /must be at most 50, of 2000/,
  ],
  [Object.fromEntries([...Array(40).keys()].map((n) => [`${n}${"x".repeat(50)}`, "x"])), /2000/],
])("a mistake in %j is found at start", (scopes, problem) => {
  expect(ownScopeProblems(scopes)).toEqual([expect.stringMatching(problem)]);
});

it("takes 50 scopes, and names that objects have anyway", () => {
  expect(ownScopeProblems({ constructor: "x", toString: "x", "!#[]~": "x" })).toEqual([]);
  expect(
    ownScopeProblems(Object.fromEntries([...Array(50).keys()].map((n) => [`s${n}`, "x"]))),
  ).toEqual([]);
});
