import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { jwts } from "../../src/crypto/jwt.ts";
import { keyRing, parseKeySet } from "../../src/crypto/keys.ts";
import { type ClaimsFunction, type ClaimsInput, RESERVED_CLAIMS } from "../../src/core/claims.ts";
import { claimsAt } from "../crypto/signing.ts";
import { type Answered, at, claimsOf, ORIGIN, textAt } from "../support/client.ts";
import { type Isolate, isolate, type Settings } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { AUDIENCE, exchange, exchanged, SCOPES } from "./exchanging.ts";
import { DB } from "../support/database.ts";

const withClaims = (claims: ClaimsFunction, settings: Settings = {}) =>
  isolate(settings, undefined, { options: { claims, audiences: [AUDIENCE], scopes: SCOPES } });

const plan: ClaimsFunction = ({ user, scopes, audience }) => ({
  plan: user.metadata.plan ?? "free",
  mayOrder: scopes.includes("orders:read"),
  "https://acme.example/for": { audience, role: user.role, verified: user.email_verified },
});

async function setMetadata(id: string, metadata: object) {
  const statement = DB.prepare("UPDATE users SET metadata = ? WHERE id = ?");
  await statement.bind(JSON.stringify(metadata), id).run();
}

const expected = (audience = ORIGIN, mayOrder = true, name = "pro") => ({
  plan: name,
  mayOrder,
  "https://acme.example/for": { audience, role: "User", verified: false },
});

/** Every way to an access JWT. */
const WAYS: Readonly<
  Record<string, (at: Isolate, user: { email: string; password: string }) => Promise<Answered>>
> = {
  "POST /api/token/": ({ call }, json) => call("POST", "/api/token/", { json }),
  "POST /api/token/refresh/": async ({ call, newPair }, user) => {
    const { refresh } = await newPair(user);
    return call("POST", "/api/token/refresh/", { json: { refresh } });
  },
  "GET /rest/auth": ({ call }, basic) => call("GET", "/rest/auth", { basic }),
  "POST /oauth/token": async ({ call, newSession }, user) => exchange(call, await newSession(user)),
  "PATCH /rest/user": async ({ call }, basic) => {
    const json = { password: "another password", current_password: basic.password };
    return call("PATCH", "/rest/user", { basic, json });
  },
};
const jwtIn = (answer: Answered) => {
  const { access, access_token, payload } = Object(answer.json);
  return access ?? access_token ?? payload?.token;
};

describe("claims of a deployment's own", () => {
  it.each(
    Object.entries(WAYS).flatMap(([name, way]) =>
      (["off", "on"] as const).map((rotates) => [name, rotates, way] as const),
    ),
  )("are in the JWT of %s, with rotation %s", async (_, rotates, way) => {
    const service = withClaims(plan, { ROTATE_REFRESH_TOKENS: rotates });
    const user = await service.newUser();
    await setMetadata(user.id, { plan: "pro" });
    const claims = claimsOf(jwtIn(await way(service, user)));
    expect(claims).toMatchObject(expected());
    expect(claims).toMatchObject({ iss: ORIGIN, aud: ORIGIN, sub: user.id, token_type: "access" });
  });

  it("follow scopes, audience and metadata, and are no part of a refresh JWT", async () => {
    const service = withClaims(plan);
    const user = await service.newUser();
    const { access, refresh } = await service.newPair(user);
    expect(claimsOf(access)).toMatchObject(expected(ORIGIN, true, "free"));
    expect(claimsOf(refresh)).not.toHaveProperty("plan");
    await setMetadata(user.id, { plan: "pro" });
    const again = await service.call("POST", "/api/token/refresh/", { json: { refresh } });
    expect(claimsOf(textAt(again, "access"))).toMatchObject(expected());
    const narrow = await exchanged(service.call, access, {
      audience: AUDIENCE,
      scope: "orders:write",
    });
    expect(claimsOf(narrow)).toMatchObject(expected(AUDIENCE, false));
    // What opens the service is read by ours alone.
    expect((await service.call("GET", "/rest/user", { bearer: access })).status).toBe(200);
    expect(
      at(await service.call("GET", "/rest/user", { bearer: access }), "payload", "metadata"),
    ).toEqual({
      plan: "pro",
    });
  });

  it("cost no call of a store, and not at all where there are none", async () => {
    for (const settings of [{}, { ROTATE_REFRESH_TOKENS: "on" }]) {
      const counts = [plan, undefined].map(async (claims) => {
        let calls = 0;
        const bindings = intercept((_, run) => {
          calls++;
          return run();
        });
        const service = isolate(settings, bindings, { options: claims ? { claims } : {} });
        const user = await service.newUser();
        const { access, refresh } = await service.newPair(user);
        await service.settled();
        calls = 0;
        await service.send("POST", "/api/token/refresh/", { json: { refresh } });
        await service.send("GET", "/rest/auth", { bearer: access });
        await service.send("GET", "/rest/user", { bearer: access });
        return calls;
      });
      const [withThem, without] = await Promise.all(counts);
      expect(withThem).toBe(without);
    }
  });

  it("cannot change what they are given", async () => {
    const service = withClaims(
      ({ user, scopes }) => {
        Object.assign(user.metadata, { plan: "changed" });
        Object.assign(scopes, ["introspect"]);
        return {};
      },
      { REVOCATION_LAG_SECONDS: "300" },
    );
    const user = await service.newCaller();
    for (let times = 0; times < 2; times++) {
      const auth = await service.call("GET", "/rest/auth", { bearer: user.access });
      expect(at(auth, "payload", "metadata")).toEqual({});
    }
  });
});

describe("USER_ID_CLAIM", () => {
  const setExternalId = (id: string, external: string | number) =>
    DB.prepare("UPDATE users SET external_id = ? WHERE id = ?")
      .bind(JSON.stringify(external), id)
      .run();

  it.each(
    Object.entries(WAYS).flatMap(([name, way], index) =>
      (["off", "on"] as const).map(
        (rotates) => [name, rotates, rotates === "on" ? 100 + index : `old|${index}`, way] as const,
      ),
    ),
  )("%s, with rotation %s: user_id is %j, with its type", async (_, rotates, external, way) => {
    const service = isolate(
      {
        USER_ID_CLAIM: "external_id",
        ROTATE_REFRESH_TOKENS: rotates,
        ISSUER: ORIGIN,
      },
      undefined,
      { options: { audiences: [AUDIENCE], scopes: SCOPES } },
    );
    const user = await service.newUser();
    await setExternalId(user.id, external);
    const jwt = jwtIn(await way(service, user));
    expect(claimsOf(jwt)).toMatchObject({ sub: user.id, user_id: external });
    const { json } = await service.call("GET", "/rest/user", { bearer: jwt });
    expect(json).toMatchObject({ payload: { uuid: user.id, external_id: external } });
  });

  it("is in a refresh JWT too, also after the setting changed, and the uuid where there is none", async () => {
    const external = isolate({ USER_ID_CLAIM: "external_id" });
    const user = await external.newUser();
    await setExternalId(user.id, 7);
    const { refresh, access } = await external.newPair(user);
    expect([claimsOf(refresh).user_id, claimsOf(access).user_id]).toEqual([7, 7]);
    const later = isolate();
    const again = await later.call("POST", "/api/token/refresh/", { json: { refresh } });
    expect(claimsOf(textAt(again, "access"))).toMatchObject({ sub: user.id, user_id: user.id });
    const other = await external.newUser();
    expect(claimsOf((await external.newPair(other)).access).user_id).toBe(other.id);
  });
});

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

const BAD: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error("no plan");
  },
  "throws text": () => {
    throw "no plan";
  },
  "a promise": async () => ({}),
  "a promise in it": () => ({ plan: Promise.resolve("pro") }),
  null: () => null,
  undefined: () => undefined,
  "a text": () => "plan",
  "a list": () => ["plan"],
  "a function": () => () => ({}),
  "undefined in it": () => ({ plan: undefined }),
  "a function in it": () => ({ plan: () => "pro" }),
  "NaN in it": () => ({ n: Number.NaN }),
  BigInt: () => ({ n: 1n }),
  "a symbol": () => ({ n: Symbol("n") }),
  "a Map": () => ({ plan: new Map([["a", 1]]) }),
  "a class": () =>
    new (class Claims {
      plan = "pro";
    })(),
  cyclic: () => cyclic,
  "2,049 bytes": () => ({ a: "x".repeat(2_041) }),
  "2,049 bytes in UTF-8": () => ({ a: "ü".repeat(1_021) }),
  "10 MB": () => ({ a: "x".repeat(10_000_000) }),
  "100,000 deep": () => {
    let deep: object = {};
    for (let depth = 0; depth < 100_000; depth++) deep = { deep };
    return deep;
  },
  "__proto__ of its own": () => JSON.parse('{"__proto__":{"sub":"x"}}'),
  "another prototype": () => ({ __proto__: { sub: "x" } }),
  ...Object.fromEntries(
    ["sub", "exp", "iss", "aud", "scope", "role", "end", "jti", "status", "act"].map((name) => [
      name,
      () => ({ [name]: "x" }),
    ]),
  ),
};

describe.each(Object.entries(BAD))("claims that are %s", (_, bad) => {
  let failing = false;
  const service = withClaims(() => (failing ? bad() : {}) as object);
  beforeEach(() => {
    failing = false;
  });

  it("refuse every log-in with 500, and say so in the log", async () => {
    const user = await service.newUser();
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line) => void lines.push(String(line)));
    for (const [name, way] of Object.entries(WAYS)) {
      // What is shown was obtained before.
      const late: Isolate = {
        ...service,
        newPair: async (who) => {
          failing = false;
          const pair = await service.newPair(who);
          failing = true;
          return pair;
        },
      };
      failing = true;
      const answer = await way(late, user);
      expect([name, answer.status]).toEqual([name, 500]);
      expect(answer.text).not.toMatch(/eyJ/);
      expect(lines.length).toBeGreaterThan(0);
      lines.length = 0;
    }
    vi.restoreAllMocks();
  });
});

it("exactly 2 KB are taken", async () => {
  const service = withClaims(() => ({ a: "x".repeat(2_040) }));
  const { access } = await service.newCaller();
  expect((await service.call("GET", "/rest/user", { bearer: access })).status).toBe(200);
  const all = await exchanged(service.call, access, { audience: AUDIENCE });
  expect((await service.call("POST", "/api/token/verify/", { json: { token: all } })).status).toBe(
    200,
  );
});

it("every member of our JWTs is reserved", async () => {
  const set = parseKeySet(env.JWT_KEYS ?? "");
  if ("wrong" in set) throw new Error(set.wrong);
  const ours = jwts(keyRing(set), ORIGIN);
  const all = claimsAt(1, {
    sid: "s",
    parentIds: ["p"],
    apiTokenVersion: 1,
    loginVersion: 1,
    rootJti: "r",
    fromJti: "f",
    rotation: 1,
    role: "User",
    statusIndex: 1,
    scopes: ["x"],
    chainEndsAt: 9,
  });
  const written = Object.keys(claimsOf(await ours.sign(all)));
  expect(written.filter((name) => !RESERVED_CLAIMS.has(name))).toEqual([]);
  // And they win, whatever came.
  expect(claimsOf(await ours.sign(all, { sub: "x", aud: "x" }))).toMatchObject({
    sub: all.userId,
    aud: ORIGIN,
  });
});

describe("at start", () => {
  const start = (options: object) => () => isolate({}, undefined, { options });

  it.each<readonly [object, string]>([
    [{ claims: "plan" }, "options.claims must be a function"],
    [{ claims: async () => ({}) }, "options.claims must not return a promise"],
    [
      { claims: async () => Promise.reject(new Error("x")) },
      "options.claims must not return a promise",
    ],
    [{ claims: () => ({ sub: "x" }) }, "the claim sub is reserved"],
    [{ claims: () => [] }, "claims must be an object"],
    [{ audiences: "https://a.example" }, "options.audiences must be a list"],
    [{ audiences: ["api"] }, "must be an absolute URL"],
    [{ audiences: ["https://a.example/#x"] }, "must be an absolute URL"],
    [{ audiences: ["https://a.example", "https://a.example"] }, "must each be named once"],
    [{ audiences: Array.from({ length: 21 }, (_, n) => `https://${n}.example`) }, "at most 20"],
  ])("%j is a mistake", (options, problem) => {
    expect(start(options)).toThrow(problem);
  });

  it.each<ClaimsFunction>([
    ({ user }: ClaimsInput) => ({ plan: Object(user.metadata.billing).plan.name }),
    () => ({ id: crypto.randomUUID() }),
  ])("what needs a real user is no mistake", (claims) => {
    expect(start({ claims })).not.toThrow();
  });
});
