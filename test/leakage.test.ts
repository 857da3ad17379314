import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { LatchkeyEvent } from "../src/core/deliveries.ts";
import {
  type Answered,
  base64,
  type Call,
  newOperator,
  newUser,
  PASSWORD,
  textAt,
} from "./support/client.ts";
import { service } from "./support/service.ts";
import { d1Exhibits, type Exhibit, kvExhibits, leaks } from "./support/leakage.ts";
import { DB } from "./support/database.ts";

/** Every secret that any flow sent or was given. */
const secrets: Record<string, string> = {};
/** Headers of every answer, and bodies of those that should hold no secret. */
const answers: Exhibit[] = [];
const logged: Exhibit[] = [];
/** As receivers get them. */
const events: Exhibit[] = [];
const statuses = new Set<number>();

const OTHER_PASSWORD = "another horse entirely";
const WRONG_PASSWORD = "nobody ever had this one";
const METHODS = ["debug", "log", "info", "warn", "error", "trace", "dir"] as const;

/** The same request, with its answer put on record. */
const recorded =
  (send: Call): Call =>
  async (method, path, sent) => {
    const answer = await send(method, path, sent);
    const place = `answer to ${method} ${path.replaceAll(/[\w.-]{30,}/g, "…")}`;
    for (const [name, value] of answer.headers) answers.push([`${place}, ${name}`, value]);
    if (answer.status >= 400) answers.push([`${place}, body`, answer.text]);
    statuses.add(answer.status);
    return answer;
  };

function keep(name: string, answer: Answered, ...path: string[]): string {
  const secret = textAt(answer, ...path);
  secrets[name] = secret;
  return secret;
}

async function everyFlow(run: string, send: Call) {
  const user = await newUser();
  const { email, password } = user;
  const basic = { email, password };
  secrets[`${run} Basic`] = base64(`${email}:${password}`);
  const domain = email.slice(email.indexOf("@") + 1);
  secrets[`${run} HA1B`] = `${email}:${domain}:${password}`;

  const pair = await send("POST", "/api/token/", { json: basic });
  const access = keep(`${run} access`, pair, "access");
  const refresh = keep(`${run} refresh`, pair, "refresh");
  const again = await send("POST", "/api/token/refresh/", { json: { refresh } });
  keep(`${run} second access`, again, "access");
  await send("POST", "/api/token/refresh/", { json: { refresh } });
  await send("POST", "/api/token/verify/", { json: { token: access } });
  const auth = keep(`${run} auth`, await send("GET", "/rest/auth", { basic }), "payload", "token");

  const login = await send("POST", "/tokens", { json: { email_id: email, password } });
  const session = keep(`${run} session`, login, "data", "token");
  await send("GET", `/tokens?token=${session}`);
  await send("GET", "/rest/auth", { xToken: session });
  await send("PUT", "/tokens", { json: { token: session, extend: true } });

  const created = await send("POST", "/rest/token", {
    bearer: auth,
    json: { name: "x", ttl: 600 },
  });
  const api = keep(`${run} api`, created, "payload", "token");
  await send("GET", "/rest/user", { xAuthToken: api });
  await send("GET", "/rest/token/list", { bearer: api });
  for (const path of ["/rest/audit", "/rest/user/export"]) {
    const { text } = await send("GET", path, { bearer: api });
    answers.push([`answer to ${path}, body`, text]);
  }
  const uuid = textAt(created, "payload", "uuid");
  await send("PATCH", `/rest/token/${uuid}`, { bearer: auth, json: { name: "y" } });

  for (const token of [api, access, session]) {
    await send("POST", "/rest/token/verify", {
      bearer: auth,
      json: { token, cost: 0 },
      headers: { "idempotency-key": `"${run} ${token.slice(0, 7)}"` },
    });
  }

  const { access: operator } = await newOperator();
  for (const query of [api, access, session, refresh]) {
    const found = await send("POST", "/rest/admin/find", { bearer: operator, json: { query } });
    answers.push(["answer to /rest/admin/find, body", found.text]);
  }
  for (const path of [
    "users/ID",
    "users/ID/logins",
    "users/ID/tokens",
    "users/ID/export",
    "events",
  ]) {
    const at = `/rest/admin/${path.replace("ID", user.id)}`;
    answers.push([`answer to ${path}, body`, (await send("GET", at, { bearer: operator })).text]);
  }

  const contact = await newUser();
  const json = { action: "addContact", payload: { contact_id: contact.id }, max_uses: 2 };
  const issued = await send("POST", "/api/generate-action-token", { bearer: access, json });
  const action = keep(`${run} action`, issued, "token", "token");
  await send("POST", "/api/run-action-token", {
    json: { token: action },
    headers: { "idempotency-key": `"${run}"` },
  });
  await send("POST", "/api/run-action-token", { json: { token: action }, bearer: auth });
  await send("GET", "/api/action-tokens", { bearer: access });
  await send("GET", "/api/user/get-contacts", { bearer: access });

  // What goes wrong, with true secrets in it.
  const wrong = { email, password: WRONG_PASSWORD };
  await send("GET", "/rest/auth", { basic: wrong });
  await send("POST", "/api/token/", { json: wrong });
  await send("POST", "/tokens", { json: { email_id: email, password: WRONG_PASSWORD } });
  await send("POST", "/rest/user", { json: basic });
  await send("POST", "/rest/user", { json: password });
  await send("POST", "/rest/user", { body: `{"password":"${password}"`, headers: JSON_TYPE });
  for (const secret of [access, refresh, session, api, action]) {
    await send("GET", "/rest/user", { bearer: `${secret}x` });
    await send("GET", `/nothing/${secret}?token=${secret}`);
    await send("PUT", `/rest/auth?jwt=${secret}`, { bearer: secret, xToken: secret });
    await send("POST", "/api/run-action-token", { json: { token: secret, payload: secret } });
    await send("POST", "/api/token/refresh/", { json: { refresh: secret, [secret]: secret } });
    await send("DELETE", `/api/action-tokens/${secret}`, { bearer: auth });
    await send("GET", "/rest/user", { bearer: secret, xAuthToken: secret });
  }

  await send("DELETE", `/tokens?token=${session}`);
  await send("DELETE", `/rest/token/${access}`, { bearer: auth });
  await send("DELETE", `/rest/token/${api}`, { bearer: auth });
  await send("DELETE", "/rest/token/all", { bearer: auth });
  const change = { password: OTHER_PASSWORD, current_password: password };
  await send("PATCH", "/rest/user", { basic, json: change });
  const changed = { email, password: OTHER_PASSWORD };
  secrets[`${run} new Basic`] = base64(`${email}:${OTHER_PASSWORD}`);
  await send("DELETE", "/rest/user", { basic: changed, json: { password: OTHER_PASSWORD } });
}

const JSON_TYPE = { "content-type": "application/json" };

/** Stores that fail with what was asked of them in the error's text, and code that throws. */
async function everyFailure(run: string, send: Call) {
  const user = await newUser();
  const { email, password } = user;
  const pair = await send("POST", "/api/token/", { json: { email, password } });
  const bearer = keep(`${run} failing access`, pair, "access");
  const login = await send("POST", "/tokens", { json: { email_id: email, password } });
  const session = keep(`${run} failing session`, login, "data", "token");
  // A contact of a user who stays: a deletion removes contacts.
  const payload = { contact_id: (await newUser()).id };
  const made = await send("POST", "/api/generate-action-token", {
    bearer,
    json: { action: "addContact", payload },
  });
  const token = keep(`${run} failing action`, made, "token", "token");
  await send("POST", "/api/run-action-token", { bearer, json: { token } });
  const json = { action: "addContact", payload: { contact_id: user.id } };
  const failures = [
    () => vi.spyOn(env.DB, "prepare").mockImplementation(() => fail("D1 is down")),
    () => vi.spyOn(env.DB, "batch").mockImplementation(() => fail("D1 is down")),
    () => vi.spyOn(env.KV, "put").mockRejectedValue(new Error("KV PUT failed: 500")),
    () => vi.spyOn(env.KV, "get").mockRejectedValue(new Error("KV GET failed: 500")),
    () => vi.spyOn(crypto, "randomUUID").mockImplementation(() => fail("no randomness")),
    () => vi.spyOn(crypto, "getRandomValues").mockImplementation(() => fail("no randomness")),
    () => vi.spyOn(crypto.subtle, "verify").mockRejectedValue(new Error("no crypto")),
    () => vi.spyOn(crypto.subtle, "digest").mockRejectedValue(new Error("no crypto")),
  ];
  for (const failure of failures) {
    const spy = failure();
    try {
      await send("POST", "/api/token/", { json: { email, password } });
      await send("POST", "/api/token/verify/", { json: { token: bearer } });
      await send("GET", "/rest/auth", { basic: { email, password } });
      await send("GET", `/tokens?token=${session}`);
      await send("GET", "/rest/auth", { xToken: session });
      await send("PUT", "/tokens", { xToken: session, json: { extend: true } });
      await send("POST", "/tokens", { json: { email_id: email, password } });
      await send("POST", "/api/generate-action-token", { bearer, json });
      await send("POST", "/rest/token", { bearer, json: { name: "x" } });
      await send("DELETE", `/rest/token/${bearer}`, { bearer: `${bearer}x` });
    } finally {
      spy.mockRestore();
    }
  }
}

function fail(text: string): never {
  throw new Error(text);
}

beforeAll(async () => {
  secrets.password = PASSWORD;
  secrets["new password"] = OTHER_PASSWORD;
  secrets["wrong password"] = WRONG_PASSWORD;
  for (const method of METHODS) {
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => {
      const text = args.map((arg) => (arg instanceof Error ? arg.stack : JSON.stringify(arg)));
      logged.push([`console.${method}`, text.join(" ")]);
    });
  }
  // KV takes one write a second for a key: here nobody waits long for the second.
  const quickly = { STORAGE_DEADLINE_MS: "300", LOG: "requests" };
  const lagging = { ...quickly, REVOCATION_LAG_SECONDS: "120", ROTATE_REFRESH_TOKENS: "on" };
  const background: Promise<unknown>[] = [];
  const waitUntil = (work: Promise<unknown>) => void background.push(work);
  for (const [run, settings] of Object.entries({ prompt: quickly, lagging })) {
    const on = (event: LatchkeyEvent) => void events.push([event.type, JSON.stringify(event)]);
    const send = recorded(service(settings, { waitUntil, options: { on } }));
    await everyFlow(run, send);
    await everyFailure(run, send);
  }
  // What is logged or stored after the answer counts too.
  await Promise.all(background);
});

describe("nothing that is stored or told can be used as a credential", () => {
  it("saw what it was to see: every outcome, each kind of secret, both stores, the log", async () => {
    expect([...statuses].sort()).toEqual(
      expect.arrayContaining([200, 400, 401, 404, 405, 409, 422, 500, 503]),
    );
    expect(Object.keys(secrets).length).toBeGreaterThan(20);
    const tables = new Set((await d1Exhibits()).map(([place]) => place.replace(/\..*/, "")));
    expect([...tables]).toEqual(
      expect.arrayContaining(["D1 users", "D1 tokens", "D1 receipts", "D1 contacts", "D1 events"]),
    );
    expect((await kvExhibits()).length).toBeGreaterThan(10);
    expect(logged.length).toBeGreaterThan(100);
    expect(new Set(events.map(([type]) => type)).size).toBeGreaterThan(15);
    expect(logged.some(([, text]) => text.includes('\\"outcome\\":\\"ok\\"'))).toBe(true);
    expect(logged.some(([, text]) => text.includes("no crypto"))).toBe(true);
  });

  it("KV", async () => expect(await leaks(await kvExhibits(), secrets)).toEqual([]));
  it("D1", async () => expect(await leaks(await d1Exhibits(), secrets)).toEqual([]));
  it("events", async () => expect(await leaks(events, secrets)).toEqual([]));
  it("the log", async () => expect(await leaks(logged, secrets)).toEqual([]));
  it("headers and refusals", async () => expect(await leaks(answers, secrets)).toEqual([]));
});

describe("the finder finds", () => {
  it.each([
    ["a session's token", () => secrets["prompt session"]],
    ["one that is not known, by its form", () => `lk_api_${"a".repeat(49)}`],
    ["an access JWT", () => `token=${secrets["prompt access"]}`],
    ["a JWT's signature", () => secrets["prompt refresh"]?.split(".")[2]],
    ["a password", () => `{"password":"${PASSWORD}"}`],
    ["a password in base64", () => btoa(PASSWORD)],
    ["Basic credentials", () => `authorization: Basic ${secrets["prompt Basic"]}`],
    ["a password's hash", () => "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"],
    ["a SHA-256", () => sha256("prompt api")],
    ["a SHA-256 in capitals", async () => (await sha256("prompt api")).toUpperCase()],
    ["half a SHA-256", async () => (await sha256("prompt action")).slice(0, 40)],
  ])("%s", async (name, plant) => {
    const text = await plant();
    if (text === undefined) throw new Error("nothing to plant");
    // A key of its own: KV takes one write a second for each.
    const key = `planted ${name}`;
    await env.KV.put(key, text, { metadata: { text } });
    const receipt = DB.prepare(
      `INSERT INTO receipts (id, token_id, action, run_by, run_at, data, issued_by)
        SELECT x'00', x'00', ?, id, 0, '{}', id FROM users LIMIT 1`,
    );
    await receipt.bind(text).run();
    const lines = [
      ...(await leaks(await kvExhibits(), secrets)),
      ...(await leaks(await d1Exhibits(), secrets)),
    ];
    await DB.prepare("DELETE FROM receipts WHERE id = x'00'").run();
    const places = lines.map((line) => line.split(":")[0]);
    expect(places).toContain("D1 receipts.action");
    expect(places).toContain(`KV value of ${key}`);
    expect(places).toContain(`KV metadata of ${key}`);
  });

  it("a hash where it does not belong, and only there", async () => {
    const hash = "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA";
    expect(await leaks([["D1 users.password", hash]], {})).toEqual([]);
    expect(await leaks([["D1 users.email", hash]], {})).toHaveLength(1);
  });
});

async function sha256(name: string): Promise<string> {
  const bytes = new TextEncoder().encode(secrets[name]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
