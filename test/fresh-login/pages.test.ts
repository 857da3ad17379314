import { expect, it, vi } from "vitest";
import { SCOPES } from "../../src/core/scopes.ts";
import { hiddenValues, secretOnPage, textOf } from "../console/html.ts";
import { encoded, type Fields, FORM, newPageClient, SAME_ORIGIN } from "../console/page-client.ts";
import { PASSWORD } from "../support/client.ts";
import { turnOn } from "../second-factor/authenticator.ts";
import { isolate } from "../support/service.ts";
import { asText, DB } from "../support/database.ts";

/** A form whose act needs a fresh log-in asks for the password, and goes on with what was filled in. */

const ASKS = "You logged in more than 10 minutes ago.";
const NEW = "/console/tokens/new";

/** Someone who logged in eleven minutes ago, and the form that they have filled in. */
async function stale(lag = "0") {
  const settings = { REVOCATION_LAG_SECONDS: lag };
  const there = isolate(settings);
  const client = await newPageClient(there.call);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 660_000 });
  const [token_secret = ""] = hiddenValues((await client.open(NEW)).text, "token_secret");
  const form: Fields = { token_secret, name: `"all" & <more>`, lifetime: "3600", scopes: SCOPES };
  const xToken = client.secret;
  const authenticatedAt = async () =>
    DB.prepare("SELECT authenticated_at FROM tokens WHERE id = ?")
      .bind((await there.session(xToken)).tokenId)
      .first("authenticated_at");
  const statusElsewhere = async () =>
    (await isolate(settings).call("GET", "/rest/user/export", { xToken })).status;
  return { ...there, settings, client, form, xToken, authenticatedAt, statusElsewhere };
}

it("the form goes on with all that was filled in, and the next one is not asked", async () => {
  const { client, form, authenticatedAt, statusElsewhere } = await stale();
  const asked = await client.send(NEW, form);
  expect([asked.status, textOf(asked)]).toEqual([401, expect.stringContaining(ASKS)]);
  expect(asked.headers.get("cache-control")).toContain("no-store");
  for (const [name, value] of Object.entries(form)) {
    const kept = hiddenValues(asked.text, name);
    expect([name, kept]).toEqual([
      name,
      [value]
        .flat()
        .map((each) =>
          each
            .replaceAll("&", "&amp;")
            .replaceAll('"', "&quot;")
            .replaceAll("<", "&lt;")
            .replaceAll(">", "&gt;"),
        ),
    ]);
  }
  expect([await authenticatedAt(), await statusElsewhere()]).toEqual([null, 401]);

  const wrong = await client.send(NEW, { ...form, proof_password: "not the password" });
  expect(wrong.status).toBe(401);
  expect(textOf(wrong)).toContain("Incorrect password.");
  expect(wrong.text).not.toContain("not the password");
  expect(hiddenValues(wrong.text, "scopes")).toHaveLength(SCOPES.length);

  const made = await client.send(NEW, { ...form, proof_password: PASSWORD });
  expect([made.status, secretOnPage(made)]).toEqual([200, form.token_secret]);
  expect([await authenticatedAt(), await statusElsewhere()]).toEqual([Date.now(), 200]);
  expect((await client.send(NEW, { ...form, token_secret: "" })).status).toBe(200);
});

it("what gives no power is not asked about", async () => {
  const { client, form } = await stale();
  const narrow = { ...form, scopes: ["tokens:read"] };
  expect((await client.send(NEW, narrow)).status).toBe(200);
  expect((await client.send("/console/account/profile", { first_name: "Ada" })).status).toBe(303);
  const long = await client.send(NEW, { ...narrow, token_secret: "", lifetime: "31536000" });
  expect(textOf(long)).toContain(ASKS);
});

it("a page that needs it leads to the question and back", async () => {
  const { client } = await stale();
  const at = "/console/account/data";
  const confirm = `/console/confirm?next=${encodeURIComponent(at)}`;
  const file = `${at}/export`;
  const unasked = await client.open(file);
  expect([unasked.status, unasked.headers.get("location"), unasked.text]).toEqual([
    303,
    confirm,
    "",
  ]);
  const asked = await client.open(confirm);
  expect([asked.status, hiddenValues(asked.text, "next")]).toEqual([200, [at]]);
  const fields = { next: at, proof_password: PASSWORD };
  const led = await client.send("/console/confirm", fields);
  expect([led.status, led.headers.get("location")]).toEqual([303, at]);
  expect((await client.open(file)).headers.get("content-disposition")).toContain("latchkey-data");
  // It asks nobody twice, and leads nowhere else.
  expect((await client.open(confirm)).headers.get("location")).toBe(at);
  const away = await client.send("/console/confirm", { ...fields, next: "//evil.example" });
  expect(away.headers.get("location")).toBe("/console");
});

it("a button is asked too, and does it once", async () => {
  const { client, call, xToken } = await stale();
  const { id } =
    (await DB.prepare("SELECT id FROM users WHERE email = ?")
      .bind(client.email)
      .first<{ id: string }>()) ?? {};
  await DB.prepare(
    "INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ('https://login.acme.example', ?, ?, 1)",
  )
    .bind(asText(id ?? ""), id)
    .run();
  const [identity = ""] = hiddenValues((await client.open("/console/account/security")).text, "id");
  const path = "/console/account/security/identities/remove";
  const left = async () =>
    Object(Object((await call("GET", "/rest/user/identities", { xToken })).json).payload).length;
  expect(textOf(await client.send(path, { id: identity }))).toContain(ASKS);
  expect(await left()).toBe(1);
  expect((await client.send(path, { id: identity, proof_password: PASSWORD })).status).toBe(303);
  expect(await left()).toBe(0);
});

it.each([
  ["an account without a password", {}],
  ["a service without passwords", { PASSWORDS: "off" }],
])("%s logs in again and comes back to the page", async (_, settings) => {
  const { client, form } = await stale();
  if (!("PASSWORDS" in settings)) {
    await DB.prepare("UPDATE users SET password = '' WHERE email = ?").bind(client.email).run();
  }
  const { call } = isolate(settings);
  const headers = { ...SAME_ORIGIN, ...FORM, cookie: `__Host-latchkey=${client.secret}` };
  const send = (path: string, fields: Fields) =>
    call("POST", path, { headers, body: encoded(fields) });
  for (const [asked, back] of [
    [await send(NEW, form), NEW],
    [
      await send("/console/account/security/second-factor/begin", {}),
      "/console/account/security/second-factor",
    ],
    [
      await call("GET", "/console/confirm?next=/console/account/data", { headers }),
      "/console/account/data",
    ],
  ] as const) {
    expect(textOf(asked)).toContain(ASKS);
    expect(asked.text).not.toContain('type="password"');
    expect(hiddenValues(asked.text, "next")).toEqual([back]);
    // A form waits in the browser until then; a button and a page have nothing to keep.
    expect(asked.headers.get("set-cookie") ?? "").toMatch(
      back === NEW ? /^__Host-latchkey-form=[\w-]+; Max-Age=900/ : /^$/,
    );
  }
  const out = await send("/console/logout", { next: NEW });
  expect([out.status, out.headers.get("location")]).toEqual([
    303,
    `/console/login?next=${encodeURIComponent(NEW)}`,
  ]);
  expect(out.headers.get("set-cookie")).not.toContain("latchkey-form");
  expect((await call("GET", "/console/account", { headers })).status).toBe(303);
});

it("an account without a password goes on with a code of its second factor, and no other account does", async () => {
  const { client, form, authenticatedAt, ...there } = await stale();
  const app = await turnOn(there, { email: client.email, password: PASSWORD });
  const coded = async (proof_code: string) => client.send(NEW, { ...form, proof_code });
  expect((await coded(await app.fresh())).status).toBe(401);
  await DB.prepare("UPDATE users SET password = '' WHERE email = ?").bind(client.email).run();
  const asked = await client.send(NEW, form);
  expect([asked.status, textOf(asked)]).toEqual([
    401,
    expect.stringContaining("authenticator app"),
  ]);
  expect(hiddenValues(asked.text, "token_secret")).toEqual([form.token_secret]);
  const wrong = await coded("000000");
  expect([wrong.status, textOf(wrong)]).toEqual([401, expect.stringContaining("code is wrong")]);
  expect(await authenticatedAt()).toBeNull();
  const made = await coded(await app.fresh());
  expect([made.status, secretOnPage(made)]).toEqual([200, form.token_secret]);
  expect(await authenticatedAt()).toBe(Date.now());
});

it("a stolen cookie has ten tries, and the last wrong one ends it", async () => {
  const { client, form, call, xToken } = await stale();
  const guess = (path: string) => client.send(path, { ...form, proof_password: "a wrong guess" });
  const statuses = [];
  for (let tries = 0; tries < 10; tries++) {
    // Wherever it is asked, also beside what nobody would be asked about.
    statuses.push((await guess(tries % 2 === 0 ? NEW : "/console/confirm")).status);
  }
  expect(statuses).toEqual(Array.from({ length: 10 }, () => 401));
  expect((await call("GET", "/rest/user", { xToken })).status).toBe(401);
  expect(
    (await client.send(NEW, { ...form, proof_password: PASSWORD })).headers.get("location"),
  ).toContain("/console/login");
});

it("another site neither asks nor tries", async () => {
  const { client, form, authenticatedAt, session, xToken } = await stale();
  for (const headers of [
    { origin: "https://evil.example" },
    { ...SAME_ORIGIN, "sec-fetch-site": "cross-site" },
  ]) {
    for (const path of [NEW, "/console/confirm"]) {
      expect((await client.send(path, { ...form, proof_password: PASSWORD }, headers)).status).toBe(
        403,
      );
    }
  }
  expect(await authenticatedAt()).toBeNull();
  const tries = DB.prepare("SELECT count(*) AS n FROM login_attempts WHERE id LIKE '%#' || ?");
  expect(await tries.bind(asText((await session(xToken)).tokenId ?? "")).first("n")).toBe(0);
});

it.each(["0", "300"])("whoever logged out meanwhile is not logged in again, at %s", async (lag) => {
  const { client, form, session, call, xToken } = await stale(lag);
  // It is in this isolate's cache, where one may be.
  const { tokenId } = await session(xToken);
  expect((await isolate().call("DELETE", "/tokens", { xToken })).status).toBe(200);
  const late = await client.send(NEW, { ...form, proof_password: PASSWORD });
  expect([303, 401]).toContain(late.status);
  expect(textOf(late)).not.toContain("lk_api_");
  const row = await DB.prepare(
    "SELECT authenticated_at, (SELECT count(*) FROM tokens AS t WHERE t.user_id = tokens.user_id AND t.kind = 'api') AS made FROM tokens WHERE id = ?",
  )
    .bind(tokenId)
    .first();
  expect(row).toEqual({ authenticated_at: null, made: 0 });
  expect((await call("GET", "/health")).status).toBe(200);
});

it("a copy that is older than the proof is asked about at D1, and an older one never rejuvenates", async () => {
  const { client, form, call, settings, xToken } = await stale("300");
  const other = isolate(settings);
  // Both have the session as it was.
  await other.session(xToken);
  expect((await client.send(NEW, { ...form, proof_password: PASSWORD })).status).toBe(200);
  const cookie = { cookie: `__Host-latchkey=${xToken}` };
  const file = "/console/account/data/export";
  expect((await other.call("GET", file, { headers: cookie })).status).toBe(200);
  vi.setSystemTime(Date.now() + 601_000);
  for (const each of [call, other.call]) {
    expect((await each("GET", file, { headers: cookie })).status).toBe(303);
  }
});

it.each([
  ["too long", (form: Fields) => ({ ...form, more: "x".repeat(9_000) })],
  ["with a password in it", (form: Fields) => ({ ...form, current_password: "a secret text" })],
])("a form %s is not carried on", async (_, change) => {
  const { client, form } = await stale();
  const asked = await client.send(NEW, change(form));
  expect(textOf(asked)).toContain("Log in again and");
  expect(asked.text).not.toContain("a secret text");
  expect(asked.text.length).toBeLessThan(8_000);
});
