import { decodeJwt } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { OPERATOR_SCOPES, type Scope, SCOPES } from "../../src/core/scopes.ts";
import { sampleFor } from "../hostile/bodies.ts";
import { fingerprint } from "../hostile/database.ts";
import { flaws } from "../hostile/flaws.ts";
import { ROUTE_KEYS, pathOf } from "../hostile/routes.ts";
import {
  type Answered,
  at,
  type Call,
  call,
  newApiToken,
  newCaller,
  newOperator,
  newPair,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";

type Person = Awaited<ReturnType<typeof newCaller>>;
let user: Person;
/** Whose requests are granted, also those that log them out. */
let granted: Person;
/** Whose credentials are refused everywhere, and so are good for all routes. */
let refused: Person;
beforeAll(async () => {
  [user, granted, refused] = [await newCaller(), await newOperator(), await newCaller()];
});

/** By a log-in of its own: one that a route revokes must not be another's. */
const tokenOf = async (person: Person, scopes: readonly string[]) =>
  (await newApiToken((await newPair(person)).access, `may do ${scopes.length}`, 600, scopes))
    .secret;

/** The secret of a token that may do this and no more. */
const tokenWith = (...scopes: readonly string[]) => tokenOf(user, scopes);

/** Its JWT: it carries the scopes on. */
const jwtOf = async (bearer: string) =>
  textAt(await call("GET", "/rest/auth", { bearer }), "payload", "token");

/** The user's own log-in, narrowed. */
const logInWith = async (...scopes: readonly string[]) =>
  textAt(
    await call("POST", "/oauth/token", {
      form: {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token: (await newPair(granted)).access,
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        scope: scopes.join(" "),
      },
    }),
    "access_token",
  );

const create = (bearer: string, json: object, send: Call = call) =>
  send("POST", "/rest/token", { bearer, json: { name: "child", ttl: 60, ...json } });

const refusalFor = (scope: string) => ({
  status: 403,
  json: { success: false, message: `This token does not have the scope ${scope}`, status: 403 },
});

const SCOPED = ROUTE_KEYS.filter(({ route }) => route.scope !== undefined);

describe("routes", () => {
  it("that need a caller each need a scope", () => {
    const without = ROUTE_KEYS.filter(
      ({ route }) => route.access === "caller" && route.scope === undefined,
    );
    expect(without.map(({ name }) => name)).toEqual([]);
    // Here a password, a secret or nothing at all is asked for, and what the caller may do is no part of it.
    const others = ROUTE_KEYS.filter(
      ({ route }) => route.access === "anyone" && route.scope === undefined,
    );
    expect(others.map(({ name }) => name)).toEqual([
      "POST /tokens",
      "GET /tokens",
      "PUT /tokens",
      "DELETE /tokens",
      "POST /rest/user",
      "POST /rest/user/password_reset",
      "POST /rest/login/passkey/options",
      "POST /rest/login/passkey",
      "POST /rest/login/email",
      "POST /rest/login/email/verify",
      "POST /rest/leaked",
    ]);
  });

  it("take every scope that there is", () => {
    const taken = new Set(SCOPED.map(({ route }) => route.scope));
    expect([...SCOPES, ...OPERATOR_SCOPES].filter((scope) => !taken.has(scope))).toEqual([]);
  });
});

/** What a route asks for beside its own scope. */
const BESIDE: Readonly<Record<string, readonly Scope[]>> = { "/rest/user/export": ["tokens:read"] };

type Kind = "API token" | "JWT of one";

const credentialOf = async (person: Person, kind: Kind, scopes: readonly string[]) =>
  kind === "API token"
    ? tokenOf(person, scopes)
    : jwtOf(await tokenOf(person, ["account:read", ...scopes]));

const known = new Map<string, string>();
async function refusedWith(kind: Kind, scope: string): Promise<string> {
  const bearer = known.get(kind + scope) ?? (await credentialOf(refused, kind, [scope]));
  known.set(kind + scope, bearer);
  return bearer;
}

describe.each(SCOPED)("$name", ({ surface, route }) => {
  const ask = (bearer: string, json: object = {}) =>
    call(route.method, pathOf(route), {
      bearer,
      ...(route.method !== "GET" && { json }),
    });
  const needed: Scope | undefined = route.scope;

  function expectRefusal(answer: Answered, scope: string) {
    expect(answer.status, scope).toBe(403);
    expect(flaws(surface, route.method, { ...answer, headers: without(answer.headers) })).toEqual(
      [],
    );
    expect(answer.headers.get("www-authenticate")).toBe(
      `Bearer realm="latchkey", error="insufficient_scope", scope="${needed}"`,
    );
  }

  it.each(["API token", "JWT of one"] as const)("is for the one scope alone: %s", async (kind) => {
    const enough = needed === "account:read" && kind !== "API token" ? SCOPES : [needed];
    const scopes = SCOPES.filter((each) => !enough.includes(each));
    for (const scope of scopes) await refusedWith(kind, scope);
    const before = await fingerprint();
    for (const scope of scopes) {
      const bearer = await refusedWith(kind, scope);
      expectRefusal(await ask(bearer, sampleFor(route, { email: user.email })), scope);
    }
    expect(await fingerprint()).toEqual(before);
    const opening = [needed ?? "", ...(BESIDE[route.path] ?? [])];
    const answer = await ask(await credentialOf(granted, kind, opening));
    // Some acts need a fresh log-in beside the scope, which no API token is.
    const isAct = answer.text.includes("API tokens, and what was obtained with one");
    const { status } = isAct ? await ask(await logInWith(...opening)) : answer;
    expect([401, 403]).not.toContain(status);
    // All others together open it no more than each of them.
    const others = SCOPES.filter((each) => each !== needed);
    expectRefusal(await ask(await tokenOf(refused, others)), "all others");
  });
});

/** The challenge beside 403 is looked at here, and the rest of the answer by the hostile suite's rules. */
function without(headers: Headers): Headers {
  const rest = new Headers(headers);
  rest.delete("www-authenticate");
  return rest;
}

describe("POST /rest/token", () => {
  it.each([undefined, null])("gives all of the maker's own for %j", async (scopes) => {
    expect(at(await create(user.access, { scopes }), "payload", "scopes")).toEqual(SCOPES);
    const maker = await tokenWith("introspect", "tokens:write");
    const child = await create(maker, { scopes });
    expect(at(child, "payload", "scopes")).toEqual(["introspect", "tokens:write"]);
  });

  it("gives what was asked for, each once, and shows it wherever the token is shown", async () => {
    const scopes = ["tokens:read", "account:read", "tokens:read"];
    const made = await create(user.access, { scopes });
    const own = ["tokens:read", "account:read"];
    expect(at(made, "payload", "scopes")).toEqual(own);
    const bearer = textAt(made, "payload", "token");
    const listed = await call("GET", "/rest/token/list?limit=1", { bearer });
    expect(at(listed, "payload", 0, "scopes")).toEqual(own);
  });

  it.each([
    [[]],
    [["all"]],
    [["tokens:read", "*"]],
    ["tokens:read"],
    [{}],
    [[null]],
    [[["x"]]],
    [7],
  ])("refuses scopes %j", async (scopes) => {
    expect(await create(user.access, { scopes })).toMatchObject({
      status: 400,
      json: { success: false, message: expect.stringMatching(/^scopes/), status: 400 },
    });
  });
});

/** Who may make tokens, and no more than that. */
const MAKERS: Record<string, () => Promise<string>> = {
  "an API token": () => tokenWith("tokens:write", "account:read"),
  "its JWT": async () => jwtOf(await tokenWith("tokens:write", "account:read")),
  "its JWT's JWT": async () => jwtOf(await jwtOf(await tokenWith("tokens:write", "account:read"))),
  "a token that it made": async () => {
    const maker = await tokenWith("tokens:write", "account:read", "introspect");
    const scopes = ["tokens:write", "account:read"];
    return textAt(await create(maker, { scopes }), "payload", "token");
  },
  "a token that its JWT made": async () => {
    const maker = await jwtOf(await tokenWith("tokens:write", "account:read"));
    return textAt(await create(maker, {}), "payload", "token");
  },
};
const OWN: readonly string[] = ["tokens:write", "account:read"];
const BEYOND = SCOPES.filter((scope) => !OWN.includes(scope));

describe.each(Object.entries(MAKERS))("%s cannot get beyond its own scopes", (_, make) => {
  let maker = "";
  beforeAll(async () => {
    maker = await make();
  });

  it.each(BEYOND)("by asking for %s", async (scope) => {
    const before = await fingerprint();
    for (const scopes of [[scope], [...OWN, scope], [scope, ...OWN], [...SCOPES]]) {
      const first = scopes.find((each) => !OWN.includes(each)) ?? "";
      expect(await create(maker, { scopes })).toMatchObject(refusalFor(first));
    }
    expect(await fingerprint()).toEqual(before);
  });

  it("by asking for nothing in particular", async () => {
    const made = await create(maker, {});
    expect([...Object(at(made, "payload", "scopes"))].sort()).toEqual([...OWN].sort());
  });

  it("by a new secret for a token that can do more", async () => {
    const bigger = await newApiToken(user.access, "bigger", 600, [...OWN, "introspect"]);
    for (const json of [{}, { grace_seconds: 60 }]) {
      const answer = await call("POST", `/rest/token/${bigger.uuid}/rotate`, {
        bearer: maker,
        json,
      });
      expect(answer).toMatchObject(refusalFor("introspect"));
    }
    const introspection = { bearer: bigger.secret, form: { token: bigger.secret } };
    expect(at(await call("POST", "/oauth/introspect", introspection), "active")).toBe(true);
  });

  it("by a change", async () => {
    const { uuid, secret } = await newApiToken(user.access, "small", 600, ["tokens:write"]);
    for (const path of [`/rest/token/${uuid}`, `/token/${uuid}`]) {
      const json = { name: "small", scopes: SCOPES };
      expect((await call("PATCH", path, { bearer: maker, json })).status).toBe(400);
      const changed = await call("PATCH", path, { bearer: maker, json: { name: "small" } });
      expect(at(changed, "payload", "scopes")).toEqual(["tokens:write"]);
    }
    const refused = await call("GET", "/rest/user", { bearer: secret });
    expect(refused).toMatchObject(refusalFor("account:read"));
  });

  it("by a JWT", async () => {
    const jwt = await jwtOf(maker);
    expect(String(decodeJwt(jwt).scope).split(" ").sort()).toEqual([...OWN].sort());
    const refused = await call("GET", "/rest/token/list", { bearer: jwt });
    expect(refused).toMatchObject(refusalFor("tokens:read"));
    expect(await call("GET", "/rest/token/list", { xAuthToken: jwt })).toMatchObject({
      status: 403,
    });
    // Nor is it one that refreshes.
    const refreshed = await call("POST", "/api/token/refresh/", { json: { refresh: jwt } });
    expect(refreshed.status).toBe(401);
  });
});

it("without tokens:write none are made, and without account:read there is no JWT", async () => {
  const reader = await tokenWith("account:read", "tokens:read");
  expect(await create(reader, { scopes: ["account:read"] })).toMatchObject(
    refusalFor("tokens:write"),
  );
  const writer = await tokenWith("tokens:write");
  const refused = await call("GET", "/rest/auth", { bearer: writer });
  expect(refused).toMatchObject(refusalFor("account:read"));
});

it("a token that may change the account still needs the password for what would make it more", async () => {
  const bearer = await tokenWith("account:write");
  const json = { password: "another horse entirely" };
  expect((await call("PATCH", "/rest/user", { bearer, json })).status).toBe(400);
  const changed = await call("PATCH", "/rest/user", { bearer, json: { first_name: "Ann" } });
  expect(changed.status).toBe(200);
});

it("a user who logs in may do all of it", async () => {
  const { access } = await newPair(user);
  for (const send of [{ bearer: access }, { basic: user }]) {
    expect((await call("GET", "/rest/token/list", send)).status).toBe(200);
    expect((await call("GET", "/rest/auth", send)).status).toBe(200);
  }
});

describe.each(["30", "300"])("scopes hold at a revocation lag of %s seconds", (lag) => {
  const lagging = service({ REVOCATION_LAG_SECONDS: lag });

  it("from KV, from memory and in a JWT", async () => {
    const bearer = await tokenWith("account:read", "tokens:write");
    const jwt = await jwtOf(bearer);
    for (const token of [bearer, bearer, jwt, jwt]) {
      expect((await lagging("GET", "/rest/user", { bearer: token })).status).toBe(200);
      const refused = await lagging("GET", "/rest/token/list", { bearer: token });
      expect(refused).toMatchObject(refusalFor("tokens:read"));
      const escalated = await create(token, { scopes: ["introspect"] }, lagging);
      expect(escalated).toMatchObject(refusalFor("introspect"));
    }
  });
});
