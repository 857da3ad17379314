import { exports } from "cloudflare:workers";
import { Hono } from "hono";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  createVerifier,
  expressGuard,
  guarded,
  honoGuard,
  type VerifiedToken,
  type VerifierOptions,
  VerifyError,
} from "../../src/verify/exports.ts";
import { ATTACKS, type Target } from "../crypto/attacks.ts";
import { ALGORITHMS, encode, newJwk, type TestJwk } from "../crypto/signing.ts";
import { signatureOf } from "../crypto/forge.ts";
import { type Call, call, claimsOf, ORIGIN, peopleOf, textAt } from "../support/client.ts";
import { service } from "../support/service.ts";

const NOON_MS = Date.parse("2026-11-01T12:00:00Z");
const KEYS = "/.well-known/jwks.json";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
});
const later = (seconds: number) => vi.setSystemTime(NOON_MS + seconds * 1000);

const [ES256, EdDSA, RS256, HS256] = await Promise.all(
  ALGORITHMS.map((alg) => newJwk(alg, alg, alg === "ES256" ? "active" : "retiring")),
);
if (!ES256 || !EdDSA || !RS256 || !HS256) throw new Error("a key is missing");
const ALL_KEYS = { ES256, EdDSA, RS256, HS256 };
const serving = (...keys: readonly object[]) => service({ JWT_KEYS: JSON.stringify({ keys }) });

/** The real service, over what looks like the network: what is asked, and what happens on the way. */
function network(call = serving(...Object.values(ALL_KEYS))) {
  const asked: string[] = [];
  const net = {
    call,
    asked,
    /** Answers instead of the service, by path; or nothing does. */
    instead: {} as Record<string, () => Response>,
    async fetch(url: string, { method = "GET", headers, body }: RequestInit): Promise<Response> {
      const { origin, pathname } = new URL(url);
      asked.push(`${method} ${origin === ORIGIN ? pathname : url}`);
      const other = net.instead[pathname];
      if (other !== undefined) return other();
      const sent = { headers: Object.fromEntries(new Headers(headers ?? {})) };
      const form = body instanceof URLSearchParams ? { form: Object.fromEntries(body) } : {};
      const answer = await net.call(method, pathname, { ...sent, ...form });
      return new Response(answer.text, { status: answer.status });
    },
  };
  return net;
}

const down = () => {
  throw new TypeError("connection refused");
};

type Given = Partial<VerifierOptions>;
const verifierOf = (net: ReturnType<typeof network>, given: Given = {}) =>
  createVerifier({ issuer: ORIGIN, fetch: net.fetch, ...given });

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "taken",
    (error) => (error instanceof VerifyError ? error.code : error),
  );

async function someone(call: Call) {
  const person = await peopleOf(call).newUser();
  const pair = await peopleOf(call).newPair(person);
  const client = await peopleOf(call).newApiToken(pair.access, "client");
  const narrow = await call("POST", "/rest/token", {
    bearer: pair.access,
    json: { name: "narrow", scopes: ["account:read"] },
  });
  const auth = textAt(await call("GET", "/rest/auth", { basic: person }), "payload", "token");
  return { person, ...pair, auth, client, narrow: textAt(narrow, "payload", "token") };
}

const indexOf = (jwt: string) => Object(claimsOf(jwt)).status.status_list;

describe("a JWT", () => {
  it("is verified by one fetch of the keys and one of its list, for as long as they are fresh", async () => {
    const net = network();
    const { person, access } = await someone(net.call);
    const { verify } = verifierOf(net);
    const claims = claimsOf(access);
    expect(await verify(access)).toEqual({
      kind: "access",
      id: claims.jti,
      userId: person.id,
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      scopes: null,
      claims,
    });
    const once = [`GET ${KEYS}`, "GET /status-lists/0"];
    expect(net.asked).toEqual(once);
    later(29);
    await verify(access, { scopes: ["orders:read"] });
    expect(net.asked).toEqual(once);
    later(299);
    await verify(access);
    expect(net.asked).toEqual([...once, "GET /status-lists/0"]);
    later(300);
    expect(await codeOf(verify(access))).toBe("token_invalid");
  });

  it("is refused once its log-in was revoked, when the list's ttl is over", async () => {
    const net = network();
    const { access, refresh } = await someone(net.call);
    const { verify } = verifierOf(net);
    await verify(access);
    await net.call("POST", "/api/token/blacklist/", { json: { refresh } });
    expect(await codeOf(verify(access))).toBe("taken");
    later(91);
    expect(await codeOf(verify(access))).toBe("token_invalid");
    expect(await codeOf(verifierOf(net, { statusList: "off" }).verify(access))).toBe("taken");
  });

  it.each([
    ["closed", "unavailable"],
    ["open", "taken"],
    ["off", "taken"],
  ] as const)("without a list, %s: %s", async (statusList, code) => {
    const net = network();
    const { access } = await someone(net.call);
    for (const failing of [down, () => new Response("", { status: 503 })]) {
      net.instead = { "/status-lists/0": failing };
      expect(await codeOf(verifierOf(net, { statusList }).verify(access))).toBe(code);
    }
  });

  it("must be for the audience", async () => {
    const net = network();
    const { access } = await someone(net.call);
    const elsewhere = verifierOf(net, { audience: "https://api.example.com" });
    expect(await codeOf(elsewhere.verify(access))).toBe("token_invalid");
    expect(() => createVerifier({ issuer: `${ORIGIN}/` })).toThrow(TypeError);
  });

  it("of no list is introspected, where a client may", async () => {
    const net = network();
    const { auth, access, person, client } = await someone(net.call);
    const introspection = { token: client.secret };
    const { verify } = verifierOf(net, { introspection });
    expect(await codeOf(verify(auth))).toBe("taken");
    expect(net.asked).toContain("POST /oauth/introspect");
    await net.call("DELETE", `/rest/token/${auth}`, { basic: person });
    expect(await codeOf(verify(auth))).toBe("token_invalid");
    expect(await codeOf(verifierOf(net).verify(auth))).toBe("taken");
    const never = verifierOf(net, { introspection: { ...introspection, jwts: "none" } });
    expect(await codeOf(never.verify(auth))).toBe("taken");
    const always = verifierOf(net, { introspection: { ...introspection, jwts: "all" } });
    await net.call("DELETE", `/rest/token/${access}`, { basic: person });
    expect(await codeOf(always.verify(access))).toBe("token_invalid");
  });
});

describe("an API token", () => {
  it("is introspected each time, with its scopes", async () => {
    const net = network();
    const { person, narrow, client, refresh } = await someone(net.call);
    const { verify } = verifierOf(net, { introspection: { token: client.secret } });
    expect(await verify(narrow, { scopes: ["account:read"] })).toMatchObject({
      kind: "api",
      userId: person.id,
      scopes: ["account:read"],
    });
    const more = { scopes: ["account:read", "orders:read"] };
    const refused = await verify(narrow, more).catch((error) => error);
    expect(refused).toMatchObject({ code: "scope_insufficient", status: 403 });
    expect(refused.headers["www-authenticate"]).toBe(
      'Bearer error="insufficient_scope", scope="account:read orders:read"',
    );
    await net.call("DELETE", "/rest/token/all", { basic: person });
    expect(await codeOf(verify(narrow))).toBe("unavailable");
    expect(await codeOf(verifierOf(net).verify(narrow))).toBe("token_invalid");
    expect(await codeOf(verify(refresh))).toBe("token_invalid");
  });

  it("opens nothing where introspection fails, or the client may not", async () => {
    const net = network();
    const { narrow, client } = await someone(net.call);
    for (const [token, answer] of [
      [narrow, null],
      ["lk_api_x", null],
      [client.secret, down],
      [client.secret, () => new Response("<html>")],
      [client.secret, () => Response.json({ active: "yes" })],
      [client.secret, () => Response.json([true])],
    ] as const) {
      net.instead = answer === null ? {} : { "/oauth/introspect": answer };
      const verifier = verifierOf(net, { introspection: { token } });
      expect(await codeOf(verifier.verify(narrow))).toBe("unavailable");
    }
    net.instead = { "/oauth/introspect": () => Response.json({ active: true, token_kind: "api" }) };
    const { verify } = verifierOf(net, { introspection: { token: client.secret } });
    expect(await codeOf(verify(narrow))).toBe("token_invalid");
  });
});

describe("keys", () => {
  it("that are new are fetched for the first token that names them, once in 30 s", async () => {
    const next = await newJwk("ES256", "next", "standby");
    const net = network(serving(ES256));
    const person = await peopleOf(net.call).newUser();
    const before = await peopleOf(net.call).newPair(person);
    const { verify } = verifierOf(net, { statusList: "off" });
    await verify(before.access);
    net.call = serving({ ...ES256, state: "retiring" }, { ...next, state: "active" });
    const after = await peopleOf(net.call).newPair(person);
    later(31);
    expect(await codeOf(verify(after.access))).toBe("taken");
    expect(net.asked).toEqual([`GET ${KEYS}`, `GET ${KEYS}`]);
    const unknown = await newJwk("ES256", "unknown");
    const flood = await forgedBy(unknown, {});
    for (let round = 0; round < 50; round++) {
      later(31 + round);
      expect(await codeOf(verify(flood))).toBe("token_invalid");
    }
    expect(net.asked.length).toBeLessThanOrEqual(4);
  });

  it("that cannot be had are 503, and the service is asked once a second", async () => {
    const net = network();
    const { access } = await someone(net.call);
    const { verify } = verifierOf(net, { statusList: "off" });
    net.instead = { [KEYS]: down };
    for (let round = 0; round < 20; round++) {
      later(round / 10);
      expect(await codeOf(verify(access))).toBe("unavailable");
    }
    expect(net.asked).toHaveLength(2);
    net.instead = { [KEYS]: () => Response.json({ keys: "none" }) };
    later(4);
    expect(await codeOf(verify(access))).toBe("unavailable");
    net.instead = { [KEYS]: () => Response.redirect("https://attacker.example/jwks.json") };
    later(6);
    expect(await codeOf(verify(access))).toBe("unavailable");
    net.instead = {};
    later(8);
    expect(await codeOf(verify(access))).toBe("taken");
    // A fresh set outlives an outage, and a token with another key is refused meanwhile.
    net.instead = { [KEYS]: down };
    later(60);
    expect(await codeOf(verify(access))).toBe("taken");
    expect(await codeOf(verify(await forgedBy(await newJwk("ES256", "x"), {})))).toBe(
      "token_invalid",
    );
  });
});

async function forgedBy(key: TestJwk, claims: object, typ = "at+jwt"): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const all = {
    token_type: "access",
    jti: "j",
    sub: "s",
    iat,
    exp: iat + 60,
    iss: ORIGIN,
    aud: ORIGIN,
    ...claims,
  };
  const head = JSON.stringify({ alg: key.alg, kid: key.kid, typ });
  const input = `${encode(head)}.${encode(JSON.stringify(all))}`;
  return `${input}.${encode(await signatureOf(key, "ES256", input))}`;
}

describe("a status list", () => {
  const LIST = `${ORIGIN}/status-lists/0`;
  const packed = async (bytes: Uint8Array<ArrayBuffer>) => {
    const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
    return encode(new Uint8Array(await new Response(stream).arrayBuffer()));
  };
  const listed = async (claims: object, lst?: string, key = ES256, typ = "statuslist+jwt") => {
    const status_list = { bits: 1, lst: lst ?? (await packed(new Uint8Array(4096))) };
    return forgedBy(key, { sub: LIST, ttl: 60, status_list, ...claims }, typ);
  };

  it("is taken from the service alone, for what it is", async () => {
    const net = network();
    const { access } = await someone(net.call);
    const stranger = await newJwk("ES256");
    const rows: readonly (readonly [string, string, string])[] = [
      ["as the service signs it", await listed({}), "taken"],
      ["by another key", await listed({}, undefined, stranger), "unavailable"],
      ["of another type", await listed({}, undefined, ES256, "at+jwt"), "unavailable"],
      ["another list", await listed({ sub: `${ORIGIN}/status-lists/1` }), "unavailable"],
      ["of another issuer", await listed({ iss: "https://attacker.example" }), "unavailable"],
      ["expired", await listed({ exp: NOON_MS / 1000 - 1 }), "unavailable"],
      ["without an expiry", await listed({ exp: undefined }), "unavailable"],
      ["of two bits each", await listed({ status_list: { bits: 2, lst: "" } }), "unavailable"],
      ["too short", await listed({}, await packed(new Uint8Array(0))), "unavailable"],
      ["a bomb", await listed({}, await packed(new Uint8Array(20_000_000))), "unavailable"],
      ["not packed", await listed({}, encode("not packed")), "unavailable"],
      ["no JWT", "<html>", "unavailable"],
      [
        "all revoked",
        await listed({}, await packed(new Uint8Array(4096).fill(255))),
        "token_invalid",
      ],
    ];
    for (const [what, text, code] of rows) {
      net.instead = { "/status-lists/0": () => new Response(text) };
      expect([what, await codeOf(verifierOf(net).verify(access))]).toEqual([what, code]);
    }
  });

  it.each([
    { uri: "https://attacker.example/status-lists/0", idx: 0 },
    { uri: `${ORIGIN}/status-lists/../oauth/introspect`, idx: 0 },
    { uri: `${ORIGIN}.attacker.example/status-lists/0`, idx: 0 },
    { uri: `https://x/${ORIGIN}/status-lists/0`, idx: 0 },
    { uri: LIST, idx: -1 },
    { uri: LIST, idx: 0.5 },
    { uri: LIST, idx: "0" },
    { uri: LIST },
    {},
  ])("at %o is not asked for", async (status_list) => {
    const net = network();
    const jwt = await forgedBy(ES256, { status: { status_list } });
    expect(await codeOf(verifierOf(net).verify(jwt))).toBe("token_invalid");
    expect(net.asked).toEqual([`GET ${KEYS}`]);
  });

  it("is another log-in's for another index", async () => {
    const net = network();
    const one = await someone(net.call);
    const two = await someone(net.call);
    await net.call("POST", "/api/token/blacklist/", { json: { refresh: one.refresh } });
    expect(indexOf(one.access).idx).not.toBe(indexOf(two.access).idx);
    const { verify } = verifierOf(net);
    expect([await codeOf(verify(one.access)), await codeOf(verify(two.access))]).toEqual([
      "token_invalid",
      "taken",
    ]);
  });
});

describe("hostile tokens", async () => {
  it.each(Object.entries(ATTACKS))("%s", async (_, attacks) => {
    const net = network();
    const { access } = await someone(net.call);
    const target: Target = { keys: ALL_KEYS, good: access, claims: claimsOf(access) };
    const { verify } = verifierOf(net);
    expect(await codeOf(verify(access))).toBe("taken");
    for (const [name, attack] of Object.entries(attacks)) {
      expect([name, await codeOf(verify(await attack(target)))]).toEqual([name, "token_invalid"]);
    }
    expect(net.asked.length).toBeLessThanOrEqual(3);
  });

  it("one kind does not do for another", async () => {
    const net = network();
    const { person, access, refresh, client } = await someone(net.call);
    const friend = await peopleOf(net.call).newUser();
    const action = await peopleOf(net.call).newActionToken(access, friend.id);
    const session = await peopleOf(net.call).newSession(person);
    const list = (await net.call("GET", "/status-lists/0")).text;
    const { verify } = verifierOf(net, { introspection: { token: client.secret } });
    for (const token of [refresh, session, action.secret, list, "", "lk_api_", "\0"]) {
      expect(await codeOf(verify(token))).toBe("token_invalid");
    }
  });
});

describe("guards", () => {
  const net = network();
  const needed = { scopes: ["account:read"] };
  const verifier = verifierOf(net);

  const hono = new Hono<{ Variables: { token: VerifiedToken } }>();
  hono.use(honoGuard(verifier, needed));
  hono.get("/", (c) => c.text(c.get("token").userId));

  const plain = guarded(verifier, needed, (_, token) => new Response(token.userId));

  /** As Express calls it. */
  async function express(request: Request): Promise<Response> {
    const authorization = request.headers.get("authorization") ?? undefined;
    const req: { headers: object; token?: VerifiedToken } = { headers: { authorization } };
    let answer = new Response("handler was not reached", { status: 500 });
    let [status, headers] = [200, {}];
    const res = {
      status(given: number) {
        status = given;
        return res;
      },
      set(given: object) {
        headers = given;
        return res;
      },
      json(body: unknown) {
        answer = Response.json(body, { status, headers });
      },
    };
    await expressGuard(verifier, needed)(req, res, (error) => {
      answer = error ? new Response("error", { status: 500 }) : new Response(req.token?.userId);
    });
    return answer;
  }

  it.each([
    ["Hono", (request: Request) => hono.request(request)],
    ["Express", express],
    ["fetch", plain],
  ] as const)("for %s answer as RFC 6750 has it", async (_, send) => {
    vi.setSystemTime(NOON_MS);
    const { access, person } = await someone(net.call);
    const got = async (authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await send(new Request("https://api.example.com/", { headers }));
      const challenge = answer.headers.get("www-authenticate");
      return [answer.status, challenge, await answer.text()];
    };
    expect(await got(`Bearer ${access}`)).toEqual([200, null, person.id]);
    expect(await got(`bearer ${access}`)).toEqual([200, null, person.id]);
    const missing = [401, "Bearer", '{"error":"token_missing"}'];
    for (const none of [
      undefined,
      "",
      "Basic YTpi",
      `Bearer ${access} x`,
      `Bearer ${access},x`,
      access,
    ]) {
      expect(await got(none)).toEqual(missing);
    }
    expect(await got("Bearer x")).toEqual([
      401,
      'Bearer error="invalid_token"',
      '{"error":"token_invalid"}',
    ]);
  });

  it("pass on what is no refusal", async () => {
    const failing = {
      ...verifier,
      verifyHeader: () => Promise.reject(new RangeError("of the API's own")),
    };
    const send = guarded(failing, {}, () => new Response());
    await expect(send(new Request("https://api.example.com/"))).rejects.toThrow(RangeError);
  });

  it("answer 503 with Retry-After where neither yes nor no can be said", async () => {
    const lost = createVerifier({ issuer: ORIGIN, fetch: down });
    const { access } = await someone(net.call);
    const headers = { authorization: `Bearer ${access}` };
    const send = guarded(lost, {}, () => new Response());
    const answer = await send(new Request("https://api.example.com/", { headers }));
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(answer.headers.get("www-authenticate")).toBeNull();
  });
});

it("the Worker's own keys verify, by its real address", async () => {
  const fetch = (url: string, init: RequestInit) => exports.default.fetch(new Request(url, init));
  const { access } = await peopleOf(call).newPair(await peopleOf(call).newUser());
  expect(await createVerifier({ issuer: ORIGIN, fetch }).verify(access)).toMatchObject({
    kind: "access",
  });
});
