import { env } from "cloudflare:workers";
import { decodeJwt } from "jose";
import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  type Credentials,
  changePassword,
  credentialsOf,
  deleteAccount,
  endEach,
  tampered,
} from "../hostile/credential-kinds.ts";
import {
  type Answered,
  at,
  call,
  newApiToken,
  newPair,
  newUser,
  ORIGIN,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";
import { introspect, newIntrospector, seen } from "./introspecting.ts";

const KINDS = ["session", "access", "refresh", "auth", "api", "action"] as const;

let client = "";
let contactId = "";
let whose: Credentials;

beforeAll(async () => {
  client = await newIntrospector();
  contactId = (await newUser()).id;
  whose = await credentialsOf(await newUser(), contactId);
});

const ask = (token: string, send = call) => introspect(client, token, send);

describe("an active token", () => {
  const JWT = { token_type: "N_A", scope: undefined };
  const TOLD = {
    session: { ...JWT, token_kind: "session" },
    access: { ...JWT, token_kind: "access", token_type: "Bearer" },
    refresh: { ...JWT, token_kind: "refresh" },
    auth: { ...JWT, token_kind: "access", token_type: "Bearer" },
    api: {
      token_kind: "api",
      token_type: "Bearer",
      scope:
        "tokens:read tokens:write account:read account:write actions:issue actions:run introspect",
    },
    action: { ...JWT, token_kind: "action" },
  };
  const LIVES = {
    session: 3_600,
    access: 300,
    refresh: 86_400,
    auth: 86_400,
    api: 60,
    action: 3_600,
  };

  it.each(KINDS)("is active, with all that it is: %s", async (kind) => {
    const answer = await ask(whose.secrets[kind]);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.json).toEqual({
      active: true,
      client_id: "latchkey",
      sub: whose.user.id,
      iss: ORIGIN,
      aud: ORIGIN,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: expect.any(Number),
      exp: expect.any(Number),
      ...JSON.parse(JSON.stringify(TOLD[kind])),
    });
    expect(Number(at(answer, "exp")) - Number(at(answer, "iat"))).toBe(LIVES[kind]);
  });

  it.each(["access", "refresh", "auth"] as const)("has the JWT's own claims: %s", async (kind) => {
    const { iss, sub, aud, exp, iat, jti } = decodeJwt(whose.secrets[kind]);
    const answer = await ask(whose.secrets[kind]);
    expect(answer.json).toMatchObject({ iss, sub, aud, exp, iat, jti });
  });

  it("has whole seconds, rounded down", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2030, 0, 1) + 999 });
    const lasting = await newIntrospector();
    const made = await credentialsOf(await newUser(), contactId);
    for (const kind of KINDS) {
      const answer = await introspect(lasting, made.secrets[kind]);
      expect(at(answer, "iat")).toBe(Date.UTC(2030, 0, 1) / 1000);
      expect(Number(at(answer, "exp")) - Number(at(answer, "iat"))).toBe(LIVES[kind]);
    }
  });

  it.each(["access_token", "refresh_token", "urn:of:no-kind", ""])(
    "is found whatever the hint says: %j",
    async (token_type_hint) => {
      for (const kind of KINDS) {
        const hinted = await introspect(client, whose.secrets[kind], call, { token_type_hint });
        expect(hinted.json).toEqual((await ask(whose.secrets[kind])).json);
      }
    },
  );
});

describe("everything that is not active has one answer", () => {
  let unknown: Answered;
  beforeAll(async () => {
    unknown = await ask("of nobody");
  });

  async function expectNothing(tokens: Readonly<Record<string, string>>, send = call) {
    for (const [name, token] of Object.entries(tokens)) {
      expect(seen(await ask(token, send)), name).toEqual(seen(unknown));
    }
  }
  const tokensOf = ({ secrets: { password: _, ...tokens } }: Credentials) => tokens;

  it("active:false and nothing else, with 200", () => {
    expect(unknown).toMatchObject({ status: 200, text: '{"active":false}' });
    expect(unknown.headers.get("cache-control")).toBe("no-store");
  });

  it("what nobody issued", async () => {
    const { secrets } = whose;
    await expectNothing({
      "a password": secrets.password,
      "an id": (await newApiToken(whose.bearer)).uuid,
      "no characters": " ",
      unicode: "🔑",
      NUL: "lk_api_\0",
      long: "x".repeat(60_000),
      "an unsigned JWT": `${btoa('{"alg":"none"}').replaceAll("=", "")}.e30.`,
      ...Object.fromEntries(
        KINDS.flatMap((kind) => tampered(secrets[kind]).map((text, i) => [`${kind} ${i}`, text])),
      ),
    });
  });

  it("what was ended", async () => {
    const ended = await credentialsOf(await newUser(), contactId);
    await endEach(ended);
    await expectNothing(tokensOf(ended));
  });

  it("what a new password ended", async () => {
    const changed = await credentialsOf(await newUser(), contactId);
    await changePassword(changed);
    // The JWT that changed it is one of them.
    await expectNothing({ ...tokensOf(changed), bearer: changed.bearer });
  });

  it("what a deleted account had", async () => {
    const deleted = await credentialsOf(await newUser(), contactId);
    await deleteAccount(deleted);
    await expectNothing({ ...tokensOf(deleted), bearer: deleted.bearer });
  });

  it("what has expired", async () => {
    const { bearer, secrets } = await credentialsOf(await newUser(), contactId);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 86_401_000 });
    const asker = await newIntrospector();
    for (const token of [bearer, ...KINDS.map((kind) => secrets[kind])]) {
      expect((await introspect(asker, token)).text).toBe('{"active":false}');
    }
  });

  it("an action token that is used up", async () => {
    const json = { action: "addContact", payload: { contact_id: contactId } };
    const { bearer } = whose;
    const issued = await call("POST", "/api/generate-action-token", { bearer, json });
    const token = textAt(issued, "token", "token");
    expect(at(await ask(token), "active")).toBe(true);
    await call("POST", "/api/run-action-token", { bearer, json: { token } });
    await expectNothing({ token });
  });

  it("a refresh JWT that was replaced, and not its successor", async () => {
    const rotating = service({ ROTATE_REFRESH_TOKENS: "on" });
    const { refresh } = await newPair(whose.user);
    const next = await rotating("POST", "/api/token/refresh/", { json: { refresh } });
    await expectNothing({ refresh });
    expect(at(await ask(textAt(next, "refresh")), "active")).toBe(true);
  });

  it("a JWT that hangs on a token that was ended", async () => {
    const { secret, uuid } = await newApiToken(whose.bearer);
    const hanging = textAt(await call("GET", "/rest/auth", { bearer: secret }), "payload", "token");
    expect(at(await ask(hanging), "active")).toBe(true);
    await call("DELETE", `/rest/token/${uuid}`, { bearer: whose.bearer });
    await expectNothing({ hanging });
  });
});

describe.each(["30", "300"])("it is strict at a revocation lag of %s seconds", (lag) => {
  const lagging = service({ REVOCATION_LAG_SECONDS: lag });

  it("for what is asked about", async () => {
    const { bearer } = whose;
    const { secret, uuid } = await newApiToken(bearer);
    const { access, refresh } = await newPair(whose.user);
    const read = (token: string) => lagging("GET", "/rest/user", { bearer: token });
    for (const token of [secret, access]) expect((await read(token)).status).toBe(200);
    // Elsewhere, and not a word of it here.
    await call("DELETE", `/rest/token/${uuid}`, { bearer });
    await call("DELETE", `/rest/token/${refresh}`, { bearer });
    for (const token of [secret, access]) {
      expect((await read(token)).status).toBe(200);
      expect((await introspect(client, token, lagging)).text).toBe('{"active":false}');
    }
  });

  it("for who asks", async () => {
    const { bearer } = whose;
    const { secret, uuid } = await newApiToken(bearer);
    expect((await introspect(secret, "of nobody", lagging)).status).toBe(200);
    expect((await lagging("GET", "/rest/user", { bearer: secret })).status).toBe(200);
    await call("DELETE", `/rest/token/${uuid}`, { bearer });
    expect((await introspect(secret, "of nobody", lagging)).status).toBe(401);
    expect((await lagging("GET", "/rest/user", { bearer: secret })).status).toBe(200);
  });
});

describe("a request that cannot be answered", () => {
  it.each([{}, { token: "" }, { other: "x" }])("is 400: %j", async (form) => {
    const answer = await call("POST", "/oauth/introspect", { bearer: client, form });
    expect(answer).toMatchObject({
      status: 400,
      json: { error: "invalid_request", error_description: expect.stringMatching(/^token /) },
    });
  });

  it("takes the token from the body alone", async () => {
    const path = `/oauth/introspect?token=${whose.secrets.api}`;
    const form = { token_type_hint: "access_token" };
    expect((await call("POST", path, { bearer: client, form })).status).toBe(400);
    expect((await call("GET", path, { bearer: client })).status).toBe(405);
  });

  it("is 503 where D1 fails, and never an answer", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    for (const kind of KINDS) {
      const real = env.DB.prepare.bind(env.DB);
      let reads = 0;
      // The first is about who asks.
      const spy = vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
        if (/^\s*SELECT/.test(sql) && ++reads > 1) throw new Error("D1 is down");
        return real(sql);
      });
      const answer = await ask(whose.secrets[kind]);
      spy.mockRestore();
      expect(answer, kind).toMatchObject({
        status: 503,
        json: { error: "temporarily_unavailable" },
      });
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    }
  });
});
