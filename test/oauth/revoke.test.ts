import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  type Credentials,
  changePassword,
  credentialsOf,
  endEach,
  tampered,
} from "../hostile/credential-kinds.ts";
import { fingerprint } from "../hostile/database.ts";
import {
  type Answered,
  at,
  type Call,
  call,
  newApiToken,
  newPair,
  newUser,
  type TestUser,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";
import { introspect, newIntrospector, revoke, seen } from "./introspecting.ts";

const KINDS = ["session", "access", "refresh", "auth", "api", "action"] as const;
type Kind = (typeof KINDS)[number];

let client = "";
let contactId = "";
let user: TestUser;
let unknown: Answered;

beforeAll(async () => {
  client = await newIntrospector();
  contactId = (await newUser()).id;
  user = await newUser();
  unknown = await revoke("of nobody");
});

/** What the token is for: 200 as long as it is active. */
const USES: Record<Kind, (token: string, send: Call) => Promise<Answered>> = {
  session: (token, send) => send("GET", "/rest/user", { xToken: token }),
  access: (token, send) => send("GET", "/rest/user", { bearer: token }),
  refresh: (token, send) => send("POST", "/api/token/refresh/", { json: { refresh: token } }),
  auth: (token, send) => send("GET", "/rest/user", { bearer: token }),
  api: (token, send) => send("GET", "/rest/user", { bearer: token }),
  action: (token, send) => send("POST", "/api/run-action-token", { json: { token } }),
};

const isActive = async (token: string) => at(await introspect(client, token), "active");

it("an unknown token is 200 with no body", () => {
  expect(unknown).toMatchObject({ status: 200, text: "" });
  expect(unknown.headers.get("cache-control")).toBe("no-store");
});

describe.each(["0", "300"])("at a revocation lag of %s seconds", (lag) => {
  const send = service({ REVOCATION_LAG_SECONDS: lag });
  let whose: Credentials;
  beforeAll(async () => {
    whose = await credentialsOf(user, contactId);
  });

  const held = KINDS.filter((kind) => kind !== "action");
  it.each(held)("its holder revokes it, with or without an account: %s", async (kind) => {
    const token = whose.secrets[kind];
    expect((await USES[kind](token, send)).status).toBe(200);
    const answer = await revoke(token, send);
    expect(seen(answer)).toEqual(seen(unknown));
    expect(await isActive(token)).toBe(false);
    // A JWT that ends sooner than the revocation lag is not asked about.
    if (lag === "0" || kind !== "access") {
      expect((await USES[kind](token, send)).status).not.toBe(200);
    }
    expect(seen(await revoke(token, send))).toEqual(seen(unknown));
  });

  it("an action token of one use too, and one of several not", async () => {
    expect((await USES.action(whose.secrets.action, send)).status).toBe(200);
    expect(seen(await revoke(whose.secrets.action, send))).toEqual(seen(unknown));
    expect(await isActive(whose.secrets.action)).toBe(true);
    const json = { action: "addContact", payload: { contact_id: contactId } };
    const bearer = (await newPair(user)).access;
    const issued = await send("POST", "/api/generate-action-token", { bearer, json });
    const once = textAt(issued, "token", "token");
    expect(seen(await revoke(once, send))).toEqual(seen(unknown));
    expect(await isActive(once)).toBe(false);
  });

  it.each(["refresh_token", "access_token", "of no kind", ""])(
    "whatever the hint says: %j",
    async (token_type_hint) => {
      const tokens = await newPair(user);
      const api = (await newApiToken(tokens.access)).secret;
      for (const token of [api, tokens.access, tokens.refresh]) {
        const form = { token, token_type_hint };
        expect((await send("POST", "/oauth/revoke", { form })).status).toBe(200);
        expect(await isActive(token)).toBe(false);
      }
    },
  );
});

describe("a refresh JWT ends its family", () => {
  it("its access JWTs too, and nothing of another log-in", async () => {
    const [ended, other] = [await newPair(user), await newPair(user)];
    const { refresh } = ended;
    const second = textAt(
      await call("POST", "/api/token/refresh/", { json: { refresh } }),
      "access",
    );
    await revoke(refresh);
    for (const token of [refresh, ended.access, second]) expect(await isActive(token)).toBe(false);
    for (const token of [ended.access, second]) {
      expect((await call("GET", "/rest/user", { bearer: token })).status).toBe(401);
    }
    for (const token of [other.access, other.refresh]) expect(await isActive(token)).toBe(true);
  });

  it("and the JWT of GET /rest/auth that was got with one of them", async () => {
    const { access, refresh } = await newPair(user);
    const auth = textAt(await call("GET", "/rest/auth", { bearer: access }), "payload", "token");
    await revoke(refresh);
    expect(await isActive(auth)).toBe(false);
  });

  it("one that was replaced as well", async () => {
    const rotating = service({ ROTATE_REFRESH_TOKENS: "on" });
    const { refresh } = await newPair(user);
    const next = await rotating("POST", "/api/token/refresh/", { json: { refresh } });
    await revoke(refresh);
    for (const name of ["access", "refresh"]) {
      expect(await isActive(textAt(next, name))).toBe(false);
    }
  });
});

it("an access JWT ends alone", async () => {
  const { access, refresh } = await newPair(user);
  await revoke(access);
  expect(await isActive(refresh)).toBe(true);
  const again = await call("POST", "/api/token/refresh/", { json: { refresh } });
  expect(await isActive(textAt(again, "access"))).toBe(true);
});

it("an API token ends with the JWTs that hang on it, and without the user's other tokens", async () => {
  const { access } = await newPair(user);
  const [ended, other] = [await newApiToken(access), await newApiToken(access)];
  const { secret } = ended;
  const auth = textAt(await call("GET", "/rest/auth", { bearer: secret }), "payload", "token");
  await revoke(secret);
  for (const token of [secret, auth]) expect(await isActive(token)).toBe(false);
  for (const token of [access, other.secret]) expect(await isActive(token)).toBe(true);
});

it("what is not an active token gets the same answer, and nothing is written", async () => {
  const ended = await credentialsOf(await newUser(), contactId);
  await endEach(ended);
  const changed = await credentialsOf(await newUser(), contactId);
  await changePassword(changed);
  const { uuid } = await newApiToken((await newPair(user)).access);
  const before = await fingerprint();
  for (const token of [
    ...KINDS.flatMap((kind) => [...tampered(ended.secrets[kind]), ended.secrets[kind]]),
    user.password,
    "🔑",
    "x".repeat(60_000),
    // An ID is no secret: knowing it revokes nothing.
    uuid,
  ]) {
    expect(seen(await revoke(token)), token.slice(0, 20)).toEqual(seen(unknown));
  }
  expect(await fingerprint()).toEqual(before);
  for (const kind of KINDS) {
    expect(seen(await revoke(changed.secrets[kind]))).toEqual(seen(unknown));
  }
});

it("an expired token is 200 as well", async () => {
  const { secrets } = await credentialsOf(user, contactId);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 90_000_000 });
  for (const kind of KINDS) {
    expect(await revoke(secrets[kind])).toMatchObject({ status: 200, text: "" });
  }
});

it("of many at once each is 200", async () => {
  const { access, refresh } = await newPair(user);
  const { secret } = await newApiToken(access);
  const tokens = [secret, refresh].flatMap((token) => Array.from({ length: 10 }, () => token));
  const answers = await Promise.all(tokens.map((token) => revoke(token)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  for (const token of [secret, refresh]) expect(await isActive(token)).toBe(false);
});

it.each([{}, { token: "" }, { other: "x" }])("without a token it is 400: %j", async (form) => {
  expect(await call("POST", "/oauth/revoke", { form })).toMatchObject({
    status: 400,
    json: { error: "invalid_request", error_description: expect.stringMatching(/^token /) },
  });
});

it("the query is not read", async () => {
  const { access } = await newPair(user);
  expect((await call("POST", `/oauth/revoke?token=${access}`)).status).toBe(400);
  expect((await call("GET", `/oauth/revoke?token=${access}`)).status).toBe(405);
  expect(await isActive(access)).toBe(true);
});

it("where D1 fails it is 503 with Retry-After, and the token stays valid", async () => {
  const { secrets } = await credentialsOf(user, contactId);
  vi.spyOn(console, "error").mockReturnValue();
  for (const kind of KINDS) {
    const spy = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is down"));
    const answer = await revoke(secrets[kind]);
    spy.mockRestore();
    expect(answer).toMatchObject({ status: 503, json: { error: "temporarily_unavailable" } });
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await isActive(secrets[kind])).toBe(true);
  }
});
