import { env, exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { rpc } from "../src/surfaces/rpc.ts";
import type { LatchkeyService } from "../src/latchkey.ts";
import { meter, short } from "./budget/measure.ts";
import { call, claimsOf, ORIGIN, peopleOf, textAt } from "./support/client.ts";
import { isolate } from "./support/service.ts";

/** The binding of another Worker, as vitest.config.ts has it. */
const AUTH: Service<typeof LatchkeyService> = Reflect.get(env, "AUTH");
const INACTIVE = { active: false, reason: "invalid" };
const { newUser, newPair, newSession, newApiToken, newActionToken } = peopleOf(call);

async function someone() {
  const person = await newUser({ first_name: "Ann" });
  const friend = await newUser();
  const pair = await newPair(person);
  const { secret, uuid } = await newApiToken(pair.access);
  const limited = await call("POST", "/rest/token", {
    bearer: pair.access,
    json: { name: "narrow", scopes: ["account:read"] },
  });
  return {
    person,
    ...pair,
    api: secret,
    apiId: uuid,
    narrow: textAt(limited, "payload", "token"),
    session: await newSession(person),
    action: (await newActionToken(pair.access, friend.id)).secret,
  };
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no error",
    (error) => Reflect.get(Object(error), "code"),
  );

describe("over a service binding", () => {
  it("verify says who logs in, and introspect what any token is", async () => {
    const { person, access, refresh, api, apiId, session, action } = await someone();
    const active = { active: true, userId: person.id };
    for (const [token, kind] of [
      [access, "access"],
      [api, "api"],
      [session, "session"],
    ] as const) {
      expect(await AUTH.verify(token)).toMatchObject({ ...active, kind });
      expect(await AUTH.introspect(token)).toEqual(await AUTH.verify(token));
    }
    expect(await AUTH.verify(api)).toMatchObject({ id: apiId, scopes: expect.any(Array) });
    expect(await AUTH.verify(access)).toMatchObject({
      id: claimsOf(access).jti,
      expiresAt: claimsOf(access).exp,
      scopes: null,
    });
    // What is for one purpose of its own logs no one in.
    for (const [token, kind] of [
      [refresh, "refresh"],
      [action, "action"],
    ] as const) {
      expect(await AUTH.verify(token)).toEqual(INACTIVE);
      expect(await AUTH.introspect(token)).toMatchObject({ ...active, kind });
    }
  });

  it("verify takes a JWT of another audience for that alone", async () => {
    const api = "https://api.example.com";
    const { newCaller, send, services } = isolate({}, undefined, { options: { audiences: [api] } });
    const { access } = await newCaller();
    const answer = await send("GET", `/rest/auth?audience=${api}`, { bearer: access });
    const token = textAt(answer, "payload", "token");
    const { verify } = rpc({ ...services, issuer: ORIGIN });
    expect(await verify(token)).toEqual({ active: false, reason: "audience" });
    expect(await verify(token, { audience: api })).toMatchObject({ active: true, audience: api });
  });

  it("verify asks for every scope and for the audience", async () => {
    const { narrow, access, api } = await someone();
    const verify = async (token: string, scopes: string[]) => AUTH.verify(token, { scopes });
    expect(await verify(narrow, ["account:read"])).toMatchObject({ active: true });
    const lacking = { active: false, reason: "scope" };
    expect(await verify(narrow, ["account:read", "account:write"])).toEqual(lacking);
    expect(await verify(narrow, ["orders:read"])).toEqual(lacking);
    expect(await verify(access, ["account:write"])).toMatchObject({ active: true });
    const audience = "https://api.example.com";
    expect(await AUTH.verify(access, { audience })).toEqual({ active: false, reason: "audience" });
    expect(await AUTH.verify(access, { audience: ORIGIN })).toMatchObject({ active: true });
    expect(await AUTH.verify(api, { audience })).toMatchObject({ active: true });
  });

  it("says nothing of what is revoked, unknown or no token", async () => {
    const { api, apiId, access, person } = await someone();
    await call("DELETE", `/rest/token/${apiId}`, { basic: person });
    for (const token of [api, `${access}x`, "", "x", "lk_api_x", "\0", "x".repeat(100_000)]) {
      expect(await AUTH.verify(token)).toEqual(INACTIVE);
      expect(await AUTH.introspect(token)).toEqual(INACTIVE);
    }
  });

  it("says nothing of a token that is for some addresses alone, since it is not told which", async () => {
    const { access } = await newPair(await newUser());
    const json = { name: "guard", allowed_ips: ["0.0.0.0/0", "::/0"] };
    const created = await call("POST", "/rest/token", { bearer: access, json });
    const token = textAt(created, "payload", "token");
    expect(await AUTH.verify(token)).toEqual(INACTIVE);
    expect(await AUTH.introspect(token)).toEqual(INACTIVE);
  });

  it("user gives an account without secrets, and null for any other id", async () => {
    const { person } = await someone();
    const user = await AUTH.user(person.id.toUpperCase());
    expect(user).toEqual({
      id: person.id,
      email: person.email,
      emailVerified: false,
      role: "User",
      metadata: {},
      createdAt: expect.any(Number),
      firstName: "Ann",
      lastName: null,
      phoneNumber: null,
      dob: null,
      gender: null,
    });
    await call("DELETE", "/rest/user", { basic: person, json: { password: person.password } });
    for (const id of [person.id, crypto.randomUUID(), "", "' OR 1=1 --"]) {
      expect(await AUTH.user(id)).toBeNull();
    }
  });

  it("errors have a code, and do not tell their cause", async () => {
    const { api } = await someone();
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: secret cause");
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    for (const work of [AUTH.verify(api), AUTH.introspect(api), AUTH.user(crypto.randomUUID())]) {
      const failure = await work.then(
        () => null,
        (error) => error,
      );
      expect(failure).toMatchObject({ code: "unavailable" });
      expect(String(failure)).not.toContain("secret cause");
    }
    vi.restoreAllMocks();
    expect(await AUTH.verify(api)).toMatchObject({ active: true });
  });

  it("refuses what is misspelled, which would otherwise verify too much", async () => {
    const { narrow } = await someone();
    const verify = (...args: unknown[]): Promise<unknown> => Reflect.apply(AUTH.verify, AUTH, args);
    const wrong = [
      [1],
      [],
      [narrow, { scope: "x" }],
      [narrow, { scopes: "account:read" }],
      [narrow, { audience: 1 }],
    ];
    for (const args of wrong) expect(await codeOf(verify(...args))).toBe("arguments_invalid");
    expect(await codeOf(Reflect.apply(AUTH.user, AUTH, [1]))).toBe("arguments_invalid");
  });

  it("is no way in over HTTP", async () => {
    await expect(exports.LatchkeyService.fetch(`${ORIGIN}/rest/user`)).rejects.toThrow();
  });
});

describe("what it costs", () => {
  it.each([
    [0, { verify: "2q 3r 1w", jwt: "1q 2r 0w", introspect: "1q 2r 0w", user: "1q 1r 0w" }],
    [60, { verify: "2g · 1q 1r 1w", jwt: "1g", introspect: "1q 2r 0w", user: "1g" }],
  ] as const)("at a lag of %i", async (lag, costs) => {
    const { bindings, read } = meter();
    const one = isolate({ REVOCATION_LAG_SECONDS: String(lag) }, bindings);
    const { access, api, person } = await someone();
    const over = rpc({ ...one.services, issuer: ORIGIN });
    await one.services.accounts.find(person.id);
    await one.settled();
    read();
    const cost = async (work: Promise<unknown>) => {
      await work;
      await one.settled();
      return short(read());
    };
    expect({
      verify: await cost(over.verify(api)),
      jwt: await cost(over.verify(access)),
      introspect: await cost(over.introspect(api)),
      user: await cost(over.user(person.id)),
    }).toEqual(costs);
  });

  it("is counted and logged as a request of surface rpc, and notes the use of an API token", async () => {
    const one = isolate({ LOG: "requests" });
    const { api, person, apiId } = await someone();
    const lines: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
    await rpc({ ...one.services, issuer: ORIGIN }).verify(api);
    await one.settled();
    vi.restoreAllMocks();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { surface: "rpc", route: "verify", method: "RPC", status: 200, d1_queries: 2 },
    ]);
    expect(lines.join()).not.toContain(api);
    const list = await call("GET", "/rest/token/list", { basic: person });
    const used = Object(list.json).payload.find((each: { uuid: string }) => each.uuid === apiId);
    expect(used.last_used_on).not.toBeNull();
  });
});
