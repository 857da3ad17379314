import { env } from "cloudflare:workers";
import { exportSPKI, generateKeyPair } from "jose";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createSecrets } from "../../src/crypto/secrets.ts";
import {
  at,
  call,
  newApiToken,
  newPair,
  newSession,
  newUser,
  type TestUser,
  textAt,
} from "../support/client.ts";
import { isolate, service } from "../support/service.ts";
import { DB } from "../support/database.ts";

const secrets = createSecrets(["lk"]);

let user: TestUser;
let held: Record<"session" | "api" | "action" | "access" | "refresh", string>;

async function everyKind(of: TestUser) {
  const { access, refresh } = await newPair(of);
  const issued = await call("POST", "/api/generate-action-token", {
    basic: of,
    json: { action: "addContact", payload: { contact_id: of.id } },
  });
  return {
    session: await newSession(of),
    api: (await newApiToken(access, "leaked", 600)).secret,
    action: textAt(issued, "token", "token"),
    access,
    refresh,
  };
}

const report = (tokens: unknown, send = call) => send("POST", "/rest/leaked", { json: { tokens } });
const counts = (reported: number, revoked: number) => ({
  status: 200,
  json: { success: true, payload: { reported, revoked } },
});

/** One more character than ours, or another one. */
const unlike = (token: string) => `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`;

async function standing(tokens: typeof held): Promise<string[]> {
  const answers = {
    session: await call("GET", "/tokens", { xToken: tokens.session }),
    api: await call("GET", "/rest/user", { bearer: tokens.api }),
    access: await call("POST", "/api/token/verify/", { json: { token: tokens.access } }),
    refresh: await call("POST", "/api/token/verify/", { json: { token: tokens.refresh } }),
  };
  const { results } = await DB.prepare(
    "SELECT id FROM tokens WHERE kind = 'action' AND user_id = ? AND revoked_at IS NULL",
  )
    .bind(user.id)
    .all();
  const found = Object.entries(answers).filter(([, { status }]) => status === 200);
  return [...found.map(([name]) => name), ...(results.length > 0 ? ["action"] : [])];
}

beforeEach(async () => {
  user = await newUser();
  held = await everyKind(user);
});

describe("POST /rest/leaked", () => {
  it("revokes each kind of token, whoever reports it, and leaves all others", async () => {
    const { api, session, action, access } = held;
    expect(await standing(held)).toEqual(["session", "api", "access", "refresh", "action"]);
    expect(await report([api, session, access])).toMatchObject(counts(3, 3));
    expect(await standing(held)).toEqual(["refresh", "action"]);
    expect(await report([action, held.refresh])).toMatchObject(counts(2, 2));
    expect(await standing(held)).toEqual([]);
  });

  it("says nothing of any one, counts none twice, and takes the same report again", async () => {
    const { api } = held;
    const other = (await newApiToken((await newPair(user)).access, "other", 600)).secret;
    const named = [api, unlike(api), "nonsense", "lk_api_", api, `${api} `, other];
    expect(await report(named)).toMatchObject(counts(7, 2));
    expect(await report(named)).toMatchObject(counts(7, 0));
  });

  it("takes a thousand, and ends those that are alive among them", async () => {
    const alive = [held.api, held.session];
    const dead = Array.from({ length: 998 }, (_, i) => `lk_api_${i}`.padEnd(56, "x"));
    expect(await report([...dead, ...alive])).toMatchObject(counts(1_000, 2));
    expect(await standing(held)).toEqual(["access", "refresh", "action"]);
  });

  it.each([
    [undefined, "tokens is required"],
    [{}, "tokens is required"],
    [{ tokens: "lk_api_x" }, "tokens must be a list"],
    [{ tokens: [] }, "tokens must not be empty"],
    [{ tokens: [1] }, "tokens.0 must be a string"],
    [{ tokens: Array(1_001).fill("x") }, "tokens must be at most 1000"],
  ])("refuses %j", async (json, message) => {
    const answer = await call("POST", "/rest/leaked", { json });
    expect(answer).toMatchObject({ status: 400, json: { message } });
  });

  it.each([0, 60, 300])("holds everywhere within the revocation lag, at %i", async (lag) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const settings = { REVOCATION_LAG_SECONDS: String(lag) };
    const [here, there] = [isolate(settings), isolate(settings)];
    const read = () => there.call("GET", "/rest/user", { bearer: held.api });
    expect((await read()).status).toBe(200);
    expect(await report([held.api, held.session], here.call)).toMatchObject(counts(2, 2));
    vi.setSystemTime(Date.now() + lag * 1_000);
    expect((await read()).status).toBe(401);
    const owed = await DB.prepare("SELECT count(*) AS n FROM pending_revocations").first("n");
    expect(owed).toBe(0);
  });

  it("tells KV of five hundred at once, and of the rest by housekeeping", async () => {
    const { call: at300, housekeeping } = isolate({ REVOCATION_LAG_SECONDS: "300" });
    const made = await Promise.all(Array.from({ length: 520 }, () => secrets.create("session")));
    await DB.prepare(
      `INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at)
        SELECT unhex(value, '-'), 'session', ?, 0, 1, 1, 9e15 FROM json_each(?)`,
    )
      .bind(user.id, JSON.stringify(made.map(({ id }) => id)))
      .run();
    const shown = made.map(({ secret }) => secret);
    expect(await report(shown, at300)).toMatchObject(counts(520, 520));
    const owed = () =>
      DB.prepare("SELECT count(*) AS n FROM pending_revocations").first<number>("n");
    expect(await owed()).toBe(19);
    await housekeeping();
    expect(await owed()).toBe(0);
    const marks = new Set((await env.KV.list({ prefix: "revoked:" })).keys.map(({ name }) => name));
    expect(made.filter(({ id }) => !marks.has(`revoked:${id}`))).toEqual([]);
  });
});

describe("the owners", () => {
  const settings = {
    MAIL_WEBHOOK_URL: "https://mail.test/hook",
    MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  };

  it("are each told by mail which of their tokens were ended, after the answer", async () => {
    const bodies: string[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (_, init) => {
      bodies.push(String(init?.body));
      return new Response(null, { status: 204 });
    });
    const other = await newUser();
    const others = await everyKind(other);
    // Only a mailbox that is proven is written to.
    await DB.prepare("UPDATE users SET verified_on = 1").run();
    const { call: send, settled } = isolate(settings);
    const dead = unlike(held.session);
    await report([held.api, held.access, dead, others.session, held.api], send);
    await report([held.api], send);
    await settled();
    const mails = bodies.map((body) => JSON.parse(body));
    const mailTo = (to: string) => mails.filter(({ data }) => data.to === to);
    expect(mails.map(({ type }) => type)).toEqual(["tokens_leaked", "tokens_leaked"]);
    expect(mailTo(user.email)[0]?.data.tokens).toHaveLength(2);
    expect(mailTo(other.email)[0]?.data.tokens).toEqual([
      (await secrets.idOf("session", others.session)) ?? "",
    ]);
    for (const token of Object.values(held)) expect(bodies.join()).not.toContain(token);
  });

  it("see it in their audit", async () => {
    await report([held.api]);
    const audit = await call("GET", "/rest/audit?limit=1", { basic: user });
    expect(at(audit, "payload", 0, "what")).toBe("token.revoked");
    expect(at(audit, "payload", 0, "subject_uuid")).toBe(await secrets.idOf("api", held.api));
  });
});

describe("GitHub's form", () => {
  let keys = "";
  let sign: (body: string) => Promise<string>;
  let github: ReturnType<typeof service>;

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const entry = { key_identifier: "k1", key: await exportSPKI(publicKey), is_current: true };
    keys = JSON.stringify({ public_keys: [entry] });
    sign = async (body) => {
      const bytes = new TextEncoder().encode(body);
      const raw = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, bytes);
      return der(new Uint8Array(raw)).toBase64();
    };
    github = service({ GITHUB_SCANNING_KEYS: keys });
  });

  const found = () =>
    [held.api, unlike(held.api)].map((token) => ({
      token,
      type: "latchkey_api_token",
      url: "https://github.com/octocat/Hello-World/blob/12345600/foo.txt",
      source: "content",
    }));
  const send = (body: string, signature: string, id = "k1", to = github) =>
    to("POST", "/rest/leaked", {
      body,
      headers: {
        "content-type": "application/json",
        "github-public-key-identifier": id,
        "github-public-key-signature": signature,
      },
    });

  it("ends what was found, and says which were real", async () => {
    const body = JSON.stringify(found());
    for (const _ of ["once", "and sent again"]) {
      const answer = await send(body, await sign(body));
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual([
        { token_raw: held.api, token_type: "latchkey_api_token", label: "true_positive" },
        { token_raw: unlike(held.api), token_type: "latchkey_api_token", label: "false_positive" },
      ]);
    }
    expect((await call("GET", "/rest/user", { bearer: held.api })).status).toBe(401);
  });

  it("takes signatures whatever their numbers' lengths", async () => {
    const lengths = new Set<number>();
    for (let i = 0; i < 60; i++) {
      const body = JSON.stringify([{ token: `none ${i}`, type: "x" }]);
      const signature = await sign(body);
      lengths.add(Uint8Array.fromBase64(signature).length);
      expect((await send(body, signature)).status).toBe(200);
    }
    expect(lengths.size).toBeGreaterThan(2);
  });

  it("ends nothing where the signature is not one of a configured key's over just that body", async () => {
    const body = JSON.stringify(found());
    const good = await sign(body);
    const bytes = Uint8Array.fromBase64(good);
    const refused = [
      await send(body, await sign(`${body} `)),
      await send(body, ""),
      await send(body, "no base64!"),
      await send(body, good, "k2"),
      await send(body, good, "k1", call),
      await send(body, bytes.slice(0, -1).toBase64()),
      await send(body, Uint8Array.of(...bytes, 0).toBase64()),
      await send(body, Uint8Array.of(0x30, 0).toBase64()),
      await send(body, Uint8Array.of(0x30, 6, 2, 1, 0, 2, 1, 0).toBase64()),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
    expect((await call("GET", "/rest/user", { bearer: held.api })).status).toBe(200);
  });

  it("needs GitHub's own form", async () => {
    const body = JSON.stringify({ tokens: [held.api] });
    const answer = await send(body, await sign(body));
    expect(answer.status).toBe(400);
    expect(at(answer, "success")).toBe(false);
  });
});

/** r and s as DER: SEQUENCE { INTEGER, INTEGER }, each as short as it can be. */
function der(raw: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array) => {
    const start = bytes.findIndex((byte) => byte !== 0);
    const digits = bytes.subarray(start);
    const padded = (digits[0] ?? 0) > 0x7f ? Uint8Array.of(0, ...digits) : digits;
    return Uint8Array.of(2, padded.length, ...padded);
  };
  const body = [...integer(raw.subarray(0, 32)), ...integer(raw.subarray(32))];
  return Uint8Array.of(0x30, body.length, ...body);
}
