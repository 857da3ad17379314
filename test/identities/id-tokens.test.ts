import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { service } from "../support/service.ts";
import { AUDIENCE, newRealm, taking } from "./realms.ts";

/** What of an ID token is checked, and by which keys. Which account it opens is tested in first-use.test.ts. */

const WRONG = { success: false, message: "Wrong credentials", status: 401 };
const now = () => Math.floor(Date.now() / 1000);
const newEmail = () => `${crypto.randomUUID()}@example.com`;

/** From here on the clock is stopped, and `later` moves it. */
function stoppedClock() {
  const start = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(start);
  return { later: (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000) };
}

/** A fresh isolate that takes a fresh issuer. */
function newIssuer(settings: Readonly<Record<string, string>> = {}) {
  const realm = newRealm();
  const call = service({ ...taking(realm), ...settings });
  const show = (token: string, path = "/rest/user") =>
    call("GET", path, { headers: { [realm.header]: token } });
  return {
    realm,
    show,
    status: async (token: string) => (await show(token)).status,
    good: (claims: Readonly<Record<string, unknown>> = {}, header: object = {}) =>
      realm.idToken({ email: newEmail(), ...claims }, header),
  };
}

/** The same bytes: the last of 342 characters has four bits to spare. */
function respelled(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1);
}

describe("an ID token", () => {
  const { realm, show, good } = newIssuer();
  let stranger: { readonly key: CryptoKey; readonly jwk: JWK };
  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair("RS256");
    stranger = { key: privateKey, jwk: await exportJWK(publicKey) };
    expect((await show(await good())).status).toBe(200);
  });

  /** Signed here, not by the issuer. */
  async function forged(header: object, key: CryptoKey | Uint8Array) {
    const claims = { iss: realm.issuer, aud: AUDIENCE, sub: "1", email: newEmail() };
    const kid = (await realm.order({})).published[0]?.kid ?? "";
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", kid, ...header })
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(key);
  }

  it.each<[string, () => Promise<string>]>([
    ["for another service", () => good({ aud: "another-client-id" })],
    ["for nobody", () => good({ aud: undefined })],
    ["for another service too", () => good({ aud: [AUDIENCE, "another-client-id"] })],
    ["of another issuer", () => good({ iss: "https://accounts.google.com" })],
    ["of no issuer", () => good({ iss: undefined })],
    ["of the issuer with a slash", () => good({ iss: `${realm.issuer}/` })],
    ["that has expired", () => good({ iat: now() - 7200, exp: now() - 60 })],
    ["that never expires", () => good({ exp: undefined })],
    ["whose end is text", () => good({ exp: String(now() + 60) })],
    ["of no time", () => good({ iat: undefined })],
    ["from the future", () => good({ iat: now() + 600, exp: now() + 3600 })],
    ["of the day before yesterday", () => good({ iat: now() - 172_800 })],
    ["not valid yet", () => good({ nbf: now() + 600 })],
    ["of nobody", () => good({ sub: undefined })],
    ["of an empty subject", () => good({ sub: "" })],
    ["of a number", () => good({ sub: 7 })],
    ["of a subject with a line break", () => good({ sub: "1\n2" })],
    ["that is an access token", () => good({}, { typ: "at+jwt" })],
    ["of an unknown key", () => good({}, { kid: "unknown" })],
    ["of no key", () => good({}, { kid: null })],
    ["with a crit that nobody knows", () => good({}, { x: 1, crit: ["x"] })],
    ["of 8 KiB", () => good({ more: "x".repeat(8_192) })],
    ["with padding", async () => `${await good()}=`],
    ["with a space", async () => `${await good()} x`],
    ["in another spelling", async () => respelled(await good())],
    ["without a signature", async () => (await good()).replace(/[^.]+$/, "")],
    ["of another's key", () => forged({}, stranger.key)],
    ["with the key in it", () => forged({ jwk: stranger.jwk }, stranger.key)],
    ["with a key from elsewhere", () => forged({ jku: newRealm().jwks }, stranger.key)],
    [
      "with a MAC by the public key",
      async () => {
        const [jwk] = (await realm.order({})).published;
        return forged({ alg: "HS256" }, new TextEncoder().encode(JSON.stringify(jwk)));
      },
    ],
    [
      "with no algorithm",
      async () => {
        const [, payload] = (await good()).split(".");
        return `${btoa('{"alg":"none","typ":"JWT"}')}.${payload}.`;
      },
    ],
    ["that is none", async () => "a.b.c"],
  ])("%s opens nothing", async (_, token) => {
    expect(await show(await token())).toMatchObject({ status: 401, json: WRONG });
  });

  it("of another algorithm opens nothing, though the issuer publishes its key", async () => {
    const es256 = newIssuer();
    await es256.realm.order({ rotate: { keepsOld: true, alg: "ES256" } });
    expect(await es256.status(await es256.good())).toBe(401);
  });

  it.each<[string, () => Promise<string>]>([
    ["for us in a list", () => good({ aud: [AUDIENCE] })],
    ["of a clock that is a little ahead", () => good({ iat: now() + 20 })],
    ["without a type", () => good({}, { typ: null })],
  ])("%s is good", async (_, token) => expect((await show(await token())).status).toBe(200));

  it("of one issuer opens nothing as another's", async () => {
    const [one, other] = [newRealm("one"), newRealm("other")];
    const call = service(taking(one, other));
    const token = await one.idToken({ email: newEmail() });
    const as = async ({ header }: typeof one) =>
      (await call("GET", "/rest/user", { headers: { [header]: token } })).status;
    expect([await as(other), await as(one)]).toEqual([401, 200]);
  });
});

describe("published keys", () => {
  it("are had once", async () => {
    const { realm, status, good } = newIssuer();
    for (const token of [await good(), await good(), await good()]) {
      expect(await status(token)).toBe(200);
    }
    expect(await realm.fetches()).toBe(1);
  });

  it("are had again once for a key that is not among them, and then not for half a minute", async () => {
    const { realm, status, good } = newIssuer();
    const { later } = stoppedClock();
    expect(await status(await good())).toBe(200);
    later(31);
    for (let probe = 0; probe < 5; probe++) {
      expect(await status(await good({}, { kid: crypto.randomUUID() }))).toBe(401);
    }
    expect(await realm.fetches()).toBe(2);
    expect(await status(await good())).toBe(200);
    later(31);
    expect(await status(await good({}, { kid: crypto.randomUUID() }))).toBe(401);
    expect(await realm.fetches()).toBe(3);
  });

  it("rotate", async () => {
    const { realm, status, good } = newIssuer();
    const { later } = stoppedClock();
    const old = await good({ email: newEmail() });
    expect(await status(old)).toBe(200);
    await realm.order({ rotate: { keepsOld: true } });
    later(31);
    expect([await status(await good()), await status(old)]).toEqual([200, 200]);
    expect(await realm.fetches()).toBe(2);
    await realm.order({ rotate: { keepsOld: false } });
    later(31);
    expect([await status(await good()), await status(old)]).toEqual([200, 401]);
    expect(await realm.fetches()).toBe(3);
  });

  it("that were withdrawn are not used for longer than ten minutes", async () => {
    const { realm, status, good } = newIssuer();
    const { later } = stoppedClock();
    const old = await good();
    expect(await status(old)).toBe(200);
    await realm.order({ rotate: { keepsOld: false } });
    later(599);
    expect(await status(old)).toBe(200);
    later(2);
    expect(await status(old)).toBe(401);
  });
});

describe("an issuer that does not answer", () => {
  const FAILURES = ["fails", "hangs", "hangs midway", "garbage"] as const;
  it.each(FAILURES)(
    "as one that %s: 503, and nobody else waits for it",
    async (mode) => {
      vi.spyOn(console, "error").mockReturnValue();
      const { realm, show, good } = newIssuer({ STORAGE_DEADLINE_MS: "100" });
      const { later } = stoppedClock();
      const token = await good();
      await realm.order({ mode });
      for (const path of ["/rest/user", "/api/action-tokens", "/tokens"]) {
        const answer = await show(token, path);
        expect([path, answer.status, answer.headers.get("retry-after")]).toEqual([path, 503, "5"]);
      }
      expect(await realm.fetches()).toBe(1);
      await realm.order({ mode: "good" });
      later(5);
      expect((await show(token)).status).toBe(200);
    },
    4_000,
  );

  it("is not needed for keys that are known", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const { realm, status, good } = newIssuer({ STORAGE_DEADLINE_MS: "100" });
    const { later } = stoppedClock();
    const token = await good();
    expect(await status(token)).toBe(200);
    await realm.order({ mode: "fails" });
    later(31);
    expect(await status(await good({}, { kid: "unknown" }))).toBe(503);
    expect(await status(token)).toBe(200);
  });

  it("is logged without the token", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const { realm, status, good } = newIssuer();
    const token = await good();
    await realm.order({ mode: "fails" });
    expect(await status(token)).toBe(503);
    const logged = JSON.stringify(log.mock.calls);
    expect(logged).toContain("the keys of acme cannot be had");
    for (const part of token.split(".")) expect(logged).not.toContain(part);
  });
});
