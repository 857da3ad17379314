import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";
import { PASSWORD, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { DB } from "../support/database.ts";

const SECRET = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
const DAY_SECONDS = 86_400;
const keys = [{ alg: "HS256", secret: SECRET }];
const legacy = (more: object = {}) => ({
  LEGACY_JWT_KEYS: JSON.stringify({ until: "2099-01-01", keys, ...more }),
});
const site = isolate(legacy());
const rotating = isolate({ ...legacy(), ROTATE_REFRESH_TOKENS: "on" });
const REFRESH = "/api/token/refresh/";

let lastId = 1000;
const past = Math.floor(Date.now() / 1000) - 10;

/** Someone who was imported with the id of their old account. */
async function imported(externalId: number | string = ++lastId) {
  const user = await site.newUser();
  await DB.prepare("UPDATE users SET external_id = ? WHERE id = ?")
    .bind(JSON.stringify(externalId), user.id)
    .run();
  return { ...user, externalId };
}

const text = new TextEncoder();

/** As simplejwt writes it. */
function old(
  type: string | undefined,
  userId: unknown,
  claims: object = {},
  { secret = SECRET as string | CryptoKey, header = {} as object } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all = {
    ...(type !== undefined && { token_type: type }),
    exp: now + 40 * DAY_SECONDS,
    iat: now - 60,
    jti: crypto.randomUUID().replaceAll("-", ""),
    user_id: userId,
    ...claims,
  };
  return new SignJWT(all)
    .setProtectedHeader({ alg: "HS256", typ: "JWT", ...header })
    .sign(typeof secret === "string" ? text.encode(secret) : secret);
}

const opens = async (bearer: string, at = site) =>
  (await at.send("GET", "/rest/user", { bearer })).status;
const refresh = (token: string, at = site) =>
  at.send("POST", REFRESH, { json: { refresh: token } });
const families = async (userId: string) =>
  (
    await DB.prepare("SELECT id FROM tokens WHERE user_id = ? AND kind = 'family'")
      .bind(userId)
      .all()
  ).results.length;

afterEach(() => void vi.useRealTimers());

describe("a JWT of the old site", () => {
  it.each([
    ["a number", (user: { externalId: unknown }) => user.externalId],
    ["the number as text", (user: { externalId: unknown }) => String(user.externalId)],
    ["the uuid", (user: { id: string }) => user.id],
  ])("opens the account that it names by %s", async (_, idOf) => {
    const user = await imported();
    const access = await old("access", idOf(user));
    const answer = await site.send("GET", "/rest/user", { bearer: access });
    expect(answer).toMatchObject({ status: 200, json: { payload: { uuid: user.id } } });
    expect(
      (await site.send("POST", "/api/token/verify/", { json: { token: access } })).status,
    ).toBe(200);
  });

  it("is read by the claim, issuer and audience that the setting names", async () => {
    const user = await imported("auth0|8");
    const other = isolate(legacy({ user_id_claim: "sub", issuer: "old", audience: "app" }));
    const claims = { sub: user.externalId, iss: "old", aud: ["web", "app"] };
    expect(await opens(await old(undefined, 1, claims), other)).toBe(200);
    expect(await opens(await old(undefined, 1, { ...claims, iss: "new" }), other)).toBe(401);
    expect(await opens(await old(undefined, 1, { ...claims, aud: "web" }), other)).toBe(401);
  });

  it.each(["RS256", "ES256", "EdDSA"])("is checked with a public key of %s", async (alg) => {
    const user = await imported();
    const pair = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(pair.publicKey)), alg, kid: "old-1" };
    const other = isolate(legacy({ keys: [...keys, jwk] }));
    const header = { alg, kid: "old-1" };
    const secret = pair.privateKey;
    expect(await opens(await old("access", user.externalId, {}, { secret, header }), other)).toBe(
      200,
    );
    const misnamed = { secret, header: { alg, kid: "old-2" } };
    expect(await opens(await old("access", user.externalId, {}, misnamed), other)).toBe(401);
  });

  it("is no fresh log-in, nor is what it is refreshed or exchanged into", async () => {
    const user = await imported();
    const access = await old("access", user.externalId);
    const token = await old("refresh", user.externalId);
    const refreshed = textAt(await refresh(token), "access");
    const exchanged = await site.send("GET", "/rest/auth", { bearer: access });
    expect(exchanged.status).toBe(200);
    for (const bearer of [access, refreshed, textAt(exchanged, "payload", "token")]) {
      const answer = await site.send("GET", "/rest/user/export", { bearer });
      expect(answer.status).toBeOneOf([401, 403]);
      expect(await opens(bearer)).toBe(200);
    }
  });

  it("does not open an account whose second factor is older than it", async () => {
    const user = await imported();
    const before = await old("access", user.externalId, { iat: past - 3_600 });
    const after = await Promise.all(
      ["access", "refresh"].map((type) => old(type, user.externalId)),
    );
    await DB.prepare(
      "INSERT INTO second_factors (user_id, secret, created_at, confirmed_at) VALUES (?1, 'x', ?2, ?2)",
    )
      .bind(user.id, Date.now() - 600_000)
      .run();
    expect(await opens(before)).toBe(200);
    expect(await opens(String(after[0]))).toBe(401);
    expect((await refresh(String(after[1]))).status).toBe(401);
  });

  it("is refreshed into ours, and is good until its own end", async () => {
    const user = await imported();
    const token = await old("refresh", user.externalId);
    for (let each = 0; each < 2; each++) {
      const answer = await refresh(token);
      expect(answer.status).toBe(200);
      expect(await opens(textAt(answer, "access"), isolate())).toBe(200);
      const next = textAt(answer, "refresh");
      expect(decodeJwt(next)).toMatchObject({ iss: "https://latchkey.test", user_id: user.id });
      expect((await refresh(next, isolate())).status).toBe(200);
    }
    expect(await families(user.id)).toBe(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31 * DAY_SECONDS * 1000 });
    expect((await refresh(await old("refresh", user.externalId))).status).toBe(200);
  });

  it("is exchanged once where refresh JWTs rotate, however many ask at once, and reveals theft later", async () => {
    const user = await imported();
    const token = await old("refresh", user.externalId);
    const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(token, rotating)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map((each) => decodeJwt(textAt(each, "refresh")).jti)).size).toBe(1);
    expect(await families(user.id)).toBe(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    expect((await refresh(token, rotating)).status).toBe(401);
    for (const { json } of answers) {
      expect((await refresh(Object(json).refresh, rotating)).status).toBe(401);
    }
  });
});

describe("the old site's JWTs end with", () => {
  const acts: readonly [
    string,
    (user: Awaited<ReturnType<typeof imported>>) => Promise<unknown>,
  ][] = [
    [
      "a new password",
      async (user) => {
        const { access } = await site.newPair(user);
        return site.send("PATCH", "/rest/user", {
          bearer: access,
          json: { current_password: PASSWORD, password: "a better horse battery" },
        });
      },
    ],
    [
      "a log-out everywhere else",
      async (user) => {
        const { access } = await site.newPair(user);
        return site.send("DELETE", "/rest/user/logins", { bearer: access });
      },
    ],
    [
      "the account",
      (user) => DB.prepare("UPDATE users SET deleted_on = 1 WHERE id = ?").bind(user.id).run(),
    ],
    [
      "the account's being disabled",
      (user) => DB.prepare("UPDATE users SET disabled_on = 1 WHERE id = ?").bind(user.id).run(),
    ],
  ];

  it.each(acts)("%s", async (_, act) => {
    const user = await imported();
    const access = await old("access", user.externalId);
    const seen = await old("refresh", user.externalId);
    const unseen = await old("refresh", user.externalId);
    expect([await opens(access), (await refresh(seen)).status]).toEqual([200, 200]);
    expect([200, undefined]).toContain(Object(await act(user)).status);
    expect([await opens(access), (await refresh(seen)).status]).toEqual([401, 401]);
    expect((await refresh(unseen)).status).toBe(401);
  });

  it("their log-out, also one that was never refreshed", async () => {
    const user = await imported();
    const token = await old("refresh", user.externalId);
    const json = { refresh: token };
    expect((await site.send("POST", "/api/token/blacklist/", { json })).status).toBe(200);
    expect((await refresh(token)).status).toBe(401);
    expect(await families(user.id)).toBe(1);
  });

  it("the date of the setting", async () => {
    const user = await imported();
    const late = isolate(legacy({ until: new Date(Date.now() + 1_000).toISOString() }));
    const [access, token] = await Promise.all([
      old("access", user.externalId),
      old("refresh", user.externalId),
    ]);
    expect(await opens(access, late)).toBe(200);
    const ours = textAt(await refresh(token, late), "refresh");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
    expect([await opens(access, late), (await refresh(token, late)).status]).toEqual([401, 401]);
    expect((await refresh(ours, late)).status).toBe(200);
  });
});

it.each<[string, (id: unknown) => Promise<string>]>([
  ["another secret", (id) => old("access", id, {}, { secret: `${SECRET}x` })],
  ["its time", (id) => old("access", id, { exp: past })],
  ["no expiry", (id) => old("access", id, { exp: undefined })],
  ["a time before which it is not valid", (id) => old("access", id, { nbf: past + 3_600 })],
  [
    "another algorithm",
    (id) => old("access", id, {}, { header: { alg: "HS512" }, secret: SECRET + SECRET }),
  ],
  ["our own type", (id) => old("access", id, {}, { header: { typ: "at+jwt", kid: "x" } })],
  ["a sliding type", (id) => old("sliding", id)],
  ["a refresh type", (id) => old("refresh", id)],
  ["no user", () => old("access", undefined)],
  ["an unknown user", () => old("access", 999_999_999)],
  ["a fraction", (id) => old("access", Number(id) + 0.5)],
  ["a list", (id) => old("access", [id])],
  [
    "no signature",
    async (id) => {
      const [, payload = ""] = (await old("access", id)).split(".");
      return `${btoa('{"alg":"none","typ":"JWT"}').replaceAll("=", "")}.${payload}.`;
    },
  ],
  ["another spelling", async (id) => `${await old("access", id)}=`],
])("one with %s opens nothing", async (_, sign) => {
  const { externalId } = await imported();
  expect(await opens(await old("access", externalId))).toBe(200);
  expect(await opens(await sign(externalId))).toBe(401);
});

it("nothing is read of an old JWT without the setting", async () => {
  const user = await imported();
  expect(await opens(await old("access", user.externalId), isolate())).toBe(401);
});

it.each([
  "{}",
  "[",
  JSON.stringify({ until: "2099-01-01", keys: [] }),
  JSON.stringify({ until: "soon", keys }),
  JSON.stringify({ until: "2099-01-01", keys: [{ alg: "HS256", secret: "short" }] }),
  JSON.stringify({ until: "2099-01-01", keys: [{ alg: "none", secret: SECRET }] }),
])("does not start with %s", (setting) => {
  expect(() => isolate({ LEGACY_JWT_KEYS: setting })).toThrow(
    /LEGACY_JWT_KEYS must be JSON such as/,
  );
});
