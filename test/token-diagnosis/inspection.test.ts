import { describe, expect, it, vi } from "vitest";
import type { Caller } from "../../src/core/caller.ts";
import type { TokenStatus } from "../../src/core/token-diagnosis.ts";
import { claimsOf, textAt, peopleOf } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 30_000 });

const here = isolate({ ROTATE_REFRESH_TOKENS: "on" });
const { call } = here;

async function person() {
  const user = await peopleOf(call).newUser();
  const { access, refresh } = await peopleOf(call).newPair(user);
  const session = await peopleOf(call).newSession(user);
  const api = await peopleOf(call).newApiToken(access);
  const action = await peopleOf(call).newActionToken(access, user.id);
  const auth = textAt(await call("GET", "/rest/auth", { xToken: session }), "payload", "token");
  const asker = await here.bearer((await peopleOf(call).newPair(user)).access);
  return { user, access, refresh, session, api, action, auth, asker };
}

const inspect = (by: Caller, text: string, nowMs = Date.now()) =>
  here.services.diagnose.ofText(by, text, nowMs);
const verdicts = async (by: Caller, texts: readonly string[], nowMs?: number) =>
  Promise.all(texts.map(async (text) => (await inspect(by, text, nowMs)).status));

const base64url = (value: unknown) =>
  new TextEncoder()
    .encode(JSON.stringify(value))
    .toBase64({ alphabet: "base64url", omitPadding: true });

describe("of one's own", () => {
  it("the kind, the id, the times, and what is kept", async () => {
    const { user, access, refresh, session, api, action, asker } = await person();
    expect(await inspect(asker, ` ${session}\n`)).toMatchObject({ kind: "session", claims: {} });
    expect(await inspect(asker, `Authorization: Bearer ${api.secret}`)).toMatchObject({
      kind: "api",
      id: api.uuid,
      status: "active",
      header: null,
      claims: {
        name: "test",
        hint: expect.any(String),
        scopes: expect.any(Array),
        last_used: null,
      },
      issuedAtMs: expect.any(Number),
      expiresAtMs: expect.any(Number),
      revokedAtMs: null,
    });
    expect(await inspect(asker, action.secret)).toMatchObject({
      kind: "action",
      id: action.id,
      status: "active",
      claims: { action: "addContact", payload: { contact_id: user.id }, uses: 0, max_uses: 1 },
    });
    const claims = claimsOf(access);
    expect(await inspect(asker, access)).toEqual({
      kind: "access",
      id: claims.jti,
      status: "active",
      header: { alg: "ES256", kid: "test", typ: "at+jwt" },
      claims,
      issuedAtMs: Number(claims.iat) * 1000,
      expiresAtMs: Number(claims.exp) * 1000,
      revokedAtMs: null,
    });
    expect(await inspect(asker, refresh)).toMatchObject({ kind: "refresh", status: "active" });
  });

  const CASES: readonly [
    string,
    TokenStatus,
    (held: Awaited<ReturnType<typeof person>>) => Promise<readonly string[]>,
  ][] = [
    [
      "ended one by one",
      "revoked",
      async ({ access, session, api, action, user }) => {
        const bearer = (await peopleOf(call).newPair(user)).access;
        await call("DELETE", "/tokens", { xToken: session });
        await call("DELETE", `/rest/token/${api.uuid}`, { bearer });
        await call("DELETE", `/api/action-tokens/${action.id}`, { bearer });
        await call("DELETE", `/rest/token/${access}`, { bearer });
        return [session, api.secret, action.secret, access];
      },
    ],
    [
      "ended with the login behind it",
      "login_revoked",
      async ({ user, access, refresh, session, auth }) => {
        const bearer = (await peopleOf(call).newPair(user)).access;
        await call("DELETE", `/rest/token/${refresh}`, { bearer });
        await call("DELETE", "/tokens", { xToken: session });
        return [access, refresh, auth];
      },
    ],
    [
      "ended with all API tokens",
      "revoked_with_api_tokens",
      async ({ api, access }) => {
        const { secret } = await peopleOf(call).newApiToken(access);
        const jwt = textAt(await call("GET", "/rest/auth", { bearer: secret }), "payload", "token");
        await call("DELETE", "/rest/token/all", { bearer: access });
        return [api.secret, jwt];
      },
    ],
    [
      "ended with all of the account",
      "revoked_with_all",
      async ({ user, access, refresh, session, api, action }) => {
        await DB.prepare(
          "UPDATE users SET credential_version = credential_version + 1 WHERE id = ?",
        )
          .bind(user.id)
          .run();
        return [access, refresh, session, api.secret, action.secret];
      },
    ],
    [
      "used up",
      "used_up",
      async ({ action }) => {
        const { access: bearer } = await person();
        await call("POST", "/api/run-action-token", { bearer, json: { token: action.secret } });
        return [action.secret];
      },
    ],
    [
      "replaced",
      "replaced",
      async ({ refresh }) => {
        await call("POST", "/api/token/refresh/", { json: { refresh } });
        return [refresh];
      },
    ],
    [
      "of a disabled account",
      "account_disabled",
      async ({ user, access, refresh, session, api, action }) => {
        await DB.prepare("UPDATE users SET disabled_on = 1 WHERE id = ?").bind(user.id).run();
        return [access, refresh, session, api.secret, action.secret];
      },
    ],
  ];
  it.each(CASES)("%s: %s", async (_, verdict, end) => {
    const held = await person();
    const ended = await end(held);
    expect(await verdicts(held.asker, ended)).toEqual(ended.map(() => verdict));
    const whole = await Promise.all(ended.map((text) => inspect(held.asker, text)));
    const isDated = ["revoked", "login_revoked", "used_up", "replaced"].includes(verdict);
    for (const { revokedAtMs } of whole) expect(revokedAtMs === null).toBe(!isDated);
  });

  it("expired", async () => {
    const { access, refresh, session, api, action, asker } = await person();
    const all = [access, refresh, session, api.secret, action.secret];
    const later = Date.now() + 400 * 86_400_000;
    expect(await verdicts(asker, all, later)).toEqual(all.map(() => "expired"));
    expect((await inspect(asker, access, Date.now() + 301_000)).status).toBe("expired");
  });

  it("by D1, whatever the revocation lag is", async () => {
    const lazy = isolate({ REVOCATION_LAG_SECONDS: "3600" });
    const user = await lazy.newUser();
    const { access } = await lazy.newPair(user);
    const session = await lazy.newSession(user);
    const asker = await lazy.bearer(access);
    await DB.prepare("UPDATE tokens SET revoked_at = 5 WHERE user_id = ?").bind(user.id).run();
    // It still opens something here, for as long as the revocation lag says.
    expect((await lazy.call("GET", "/tokens", { xToken: session })).status).toBe(200);
    expect((await lazy.services.diagnose.ofText(asker, session, Date.now())).status).toBe(
      "revoked",
    );
    expect((await lazy.services.diagnose.ofText(asker, access, Date.now())).status).toBe(
      "login_revoked",
    );
  });
});

describe("of what is not one's own", () => {
  it("the text's own words, and the same of one that there is and of one that there is not", async () => {
    const { asker } = await person();
    const theirs = await person();
    const { secret } = await peopleOf(call).newApiToken(theirs.access);
    const asked: string[][] = [];
    const watching = isolate(
      { ROTATE_REFRESH_TOKENS: "on" },
      intercept(({ statements }, run) => {
        asked.push([...statements]);
        return run();
      }),
    );
    const see = async (text: string) => {
      asked.length = 0;
      const seen = await watching.services.diagnose.ofText(asker, text, Date.now());
      return { ...seen, asked: asked.flat() };
    };
    const existing = await see(secret);
    await DB.prepare("DELETE FROM tokens WHERE id = ?").bind(existing.id).run();
    expect(await see(secret)).toEqual(existing);
    expect(existing).toMatchObject({ kind: "api", status: "not_yours", claims: null });

    const jwt = await see(theirs.access);
    expect(jwt).toMatchObject({
      kind: "access",
      status: "not_yours",
      claims: { sub: theirs.user.id },
      asked: [],
    });
    for (const text of [theirs.session, theirs.action.secret]) {
      expect(await inspect(asker, text)).toMatchObject({
        status: "not_yours",
        claims: null,
        issuedAtMs: null,
      });
    }
  });

  it("a typo, a wrong signature, an unknown key, a foreign JWT, no token", async () => {
    const { access, session, user, asker } = await person();
    const [header = "", payload = "", signature = ""] = access.split(".");
    const typo = session.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    const claims = { ...claimsOf(access), scope: "account:write" };
    const forged = `${header}.${base64url(claims)}.${signature}`;
    const none = `${base64url({ alg: "none", typ: "at+jwt" })}.${payload}.`;
    const unknown = `${base64url({ alg: "ES256", kid: "other", typ: "at+jwt" })}.${payload}.${signature}`;
    const foreign = `${base64url({ alg: "RS256", typ: "constructor" })}.${base64url({ iss: "https://accounts.google.com", sub: user.id, exp: 1e300, iat: 1 })}.abc`;
    expect(
      await verdicts(asker, [typo, session.slice(0, -1), forged, none, unknown, foreign]),
    ).toEqual([
      "checksum_wrong",
      "checksum_wrong",
      "signature_wrong",
      "key_unknown",
      "key_unknown",
      "unknown_issuer",
    ]);
    expect(await inspect(asker, forged)).toMatchObject({ kind: "access", claims });
    expect(await inspect(asker, foreign)).toMatchObject({
      kind: "jwt",
      expiresAtMs: null,
      issuedAtMs: 1000,
    });
    const deep = `${base64url({ alg: "none" })}.${base64url(JSON.parse("[".repeat(900) + "]".repeat(900)))}.`;
    const texts = ["", "hello", "a.b.c", deep, `${base64url([])}.${payload}.`, "x".repeat(100_000)];
    expect(await verdicts(asker, texts)).toEqual(texts.map(() => "no_token"));
  });

  it("our own that is neither an access nor a refresh token is said to be another", async () => {
    const { asker } = await person();
    const list = await call("GET", "/status-lists/0");
    expect(list.status).toBe(200);
    expect(await inspect(asker, list.text)).toMatchObject({
      kind: "jwt",
      status: "unknown_issuer",
    });
  });
});

it("keeps and logs nothing of what was shown", async () => {
  const { session, asker } = await person();
  const logged: unknown[] = [];
  for (const level of ["log", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((...args) => void logged.push(args));
  }
  const writes: string[] = [];
  const watching = isolate(
    {},
    intercept(({ label, store, statements }, run) => {
      if (store === "KV" || statements.some((text) => !/^\s*SELECT/.test(text))) writes.push(label);
      return run();
    }),
  );
  await watching.services.diagnose.ofText(asker, session, Date.now());
  await watching.services.diagnose.ofText(asker, session.replace(/.$/, "!"), Date.now());
  await watching.settled();
  expect([logged, writes]).toEqual([[], []]);
});
