import { CompactSign, importJWK } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { Jwts } from "../../src/core/jwt.ts";
import { jwts } from "../../src/crypto/jwt.ts";
import { keyRing } from "../../src/crypto/keys.ts";
import { claimsAt, encode, keySet, newJwk, type TestJwk } from "./signing.ts";

const ISSUER = "https://latchkey.test";
const NOW_S = 1_800_000_000;
const NOW_MS = NOW_S * 1000;
const claims = claimsAt(NOW_S);

type Members = Readonly<Record<string, unknown>>;

const HEADER: Members = { alg: "ES256", kid: "key", typ: "at+jwt" };

let jwk: TestJwk;
let hmac: TestJwk;
let ours: Jwts;
let good = "";
let payload: Members = {};

beforeAll(async () => {
  jwk = await newJwk("ES256", "key");
  hmac = await newJwk("HS256", "hmac", "retiring");
  ours = jwts(keyRing(keySet(jwk, hmac)), ISSUER);
  good = await ours.sign(claims);
  payload = JSON.parse(atob((good.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
});

const verify = (jwt: string, nowMs = NOW_MS) => ours.verify(jwt, nowMs);

/** Signed with our own key, whatever is in it: the signature is never what is wrong. */
async function signed(
  header: Members,
  body: Members | string,
  key: TestJwk = jwk,
): Promise<string> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ ...header, alg: key.alg })
    .sign(await importJWK({ kty: "oct", ...key }, key.alg));
}

/** Signed over exactly these texts: for headers that no library would write. */
async function signedRaw(header: string, body: string): Promise<string> {
  const input = `${encode(header)}.${encode(body)}`;
  const key = await crypto.subtle.importKey(
    "jwk",
    { kty: "EC", ...jwk },
    { name: "ECDSA", namedCurve: "P-256" },
    false,
    ["sign"],
  );
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    key,
    new TextEncoder().encode(input),
  );
  return `${input}.${encode(new Uint8Array(signature))}`;
}

it("takes what the suite itself signs: only what is changed below is wrong", async () => {
  expect(await verify(good)).toEqual(claims);
  expect(await verify(await signed(HEADER, payload))).toEqual(claims);
  expect(await verify(await signedRaw(JSON.stringify(HEADER), JSON.stringify(payload)))).toEqual(
    claims,
  );
});

/** Those that attacks.ts does not have. */
describe("form", () => {
  const FORMS: Readonly<Record<string, () => string>> = {
    "no text": () => "",
    "a line break at the end": () => `${good}\n`,
    "a space before": () => ` ${good}`,
    "NUL at the end": () => `${good}\0`,
    "a JWE's five parts": () => "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA",
  };

  it.each(Object.entries(FORMS))("refuses %s", async (_, form) => {
    expect(form()).not.toBe(good);
    expect(await verify(form())).toBeNull();
  });

  it("refuses every change of a single character", async () => {
    for (let at = 0; at < good.length; at += 3) {
      const changed = good.slice(0, at) + (good[at] === "A" ? "B" : "A") + good.slice(at + 1);
      expect(await verify(changed), `at ${at}`).toBeNull();
    }
  });

  it("refuses a signature of the wrong length", async () => {
    const [header, body] = good.split(".");
    for (const bytes of [0, 1, 32, 63, 65, 128]) {
      expect(await verify(`${header}.${body}.${encode(new Uint8Array(bytes))}`)).toBeNull();
    }
  });
});

describe("header", () => {
  const HEADERS: Readonly<Record<string, Members>> = {
    "no typ": { alg: "ES256", kid: "key" },
    "no kid": { alg: "ES256", typ: "at+jwt" },
    "an unknown kid": { ...HEADER, kid: "other" },
    "an empty kid": { ...HEADER, kid: "" },
    "kid of another algorithm's key": { ...HEADER, kid: "hmac" },
    zip: { ...HEADER, zip: "DEF" },
    "an unknown member": { ...HEADER, extra: 1 },
  };

  it.each(Object.entries(HEADERS))("refuses %s, though signed with our key", async (_, header) => {
    expect(
      await verify(await signedRaw(JSON.stringify(header), JSON.stringify(payload))),
    ).toBeNull();
  });

  const RAW: Readonly<Record<string, string>> = {
    "no alg": '{"kid":"key","typ":"at+jwt"}',
    "alg HS256 for an EC key": '{"alg":"HS256","kid":"key","typ":"at+jwt"}',
    "alg ES384": '{"alg":"ES384","kid":"key","typ":"at+jwt"}',
    __proto__: '{"alg":"ES256","kid":"key","__proto__":{"typ":"at+jwt"}}',
    null: "null",
    "a list": "[]",
    "a string": '"ES256"',
    "no JSON": "{alg:ES256}",
    "10,000 deep": `${"[".repeat(1_200)}${"]".repeat(1_200)}`,
  };

  it.each(Object.entries(RAW))("refuses %s", async (_, header) => {
    expect(await verify(await signedRaw(header, JSON.stringify(payload)))).toBeNull();
  });

  it("takes an HMAC key's own tokens, and no other key's under its id", async () => {
    const header = { ...HEADER, kid: "hmac" };
    expect(await verify(await signed(header, payload, hmac))).toEqual(claims);
    expect(await verify(await signed(header, payload, jwk))).toBeNull();
    expect(await verify(await signed(HEADER, payload, hmac))).toBeNull();
  });
});

describe("claims", () => {
  const CHANGES: Readonly<Record<string, Members>> = {
    "exp as a string": { exp: String(NOW_S + 300) },
    "exp as a fraction": { exp: NOW_S + 300.5 },
    "exp true": { exp: true },
    "exp negative": { exp: -1 },
    "exp now": { exp: NOW_S },
    "exp past": { exp: NOW_S - 1 },
    "iat as a string": { iat: String(NOW_S) },
    "iat as a fraction": { iat: NOW_S - 0.5 },
    "iat negative": { iat: -1 },
    "iat 6 s ahead": { iat: NOW_S + 6 },
    "iat a year ahead": { iat: NOW_S + 31_536_000 },
    "nbf ahead": { nbf: NOW_S + 60 },
    "nbf as a string": { nbf: "0" },
    "another issuer": { iss: "https://attacker.example" },
    "another audience": { aud: "https://attacker.example" },
    "refresh as access": { token_type: "refresh" },
    "the issuer with a slash": { iss: `${ISSUER}/` },
    "the issuer in a list": { iss: [ISSUER] },
    "an audience that is a number": { aud: 1 },
    "an unknown token_type": { token_type: "id" },
    "another user_id than sub": { user_id: "00000000-0000-4000-8000-00000000000f" },
    "sub as a number": { sub: 1, user_id: 1 },
    "another client": { client_id: "other" },
    "credential version as a string": { credential_version: "3" },
    "credential version as a fraction": { credential_version: 3.5 },
    "jti as a number": { jti: 1 },
    "sid as a number": { sid: 1 },
    "role as a list": { role: ["Admin"] },
  };

  it.each(Object.entries(CHANGES))("refuses %s", async (_, change) => {
    expect(await verify(await signed(HEADER, { ...payload, ...change }))).toBeNull();
  });

  const REQUIRED = ["iss", "aud", "exp", "iat", "jti", "sub", "user_id", "token_type"];
  it.each([...REQUIRED, "client_id", "credential_version", "auth_time"])(
    "refuses one without %s",
    async (name) => {
      const { [name]: _, ...rest } = payload;
      expect(await verify(await signed(HEADER, rest))).toBeNull();
    },
  );

  const TEXTS: Readonly<Record<string, (body: string) => string>> = {
    "a number in another spelling": (body) =>
      body.replace(/"credential_version":3/, '"credential_version":3.0'),
    "white space": (body) => body.replace("{", "{ "),
    __proto__: (body) => `{"__proto__":${body}}`,
    null: () => "null",
    "no JSON": (body) => body.slice(1),
    nothing: () => "",
  };

  it.each(Object.entries(TEXTS))("refuses %s", async (_, change) => {
    const header = JSON.stringify(HEADER);
    expect(await verify(await signedRaw(header, change(JSON.stringify(payload))))).toBeNull();
  });

  it("takes a clock 5 s ahead, and no token at or after its end", async () => {
    expect(await verify(good, NOW_MS - 5_000)).toEqual(claims);
    expect(await verify(good, NOW_MS - 6_000)).toBeNull();
    expect(await verify(good, NOW_MS + 299_999)).toEqual(claims);
    expect(await verify(good, NOW_MS + 300_000)).toBeNull();
  });

  it("keeps the two types apart by typ and by claim", async () => {
    const refresh = claimsAt(NOW_S, { type: "refresh", rotation: 0 });
    const jwt = await ours.sign(refresh);
    expect(await verify(jwt)).toEqual(refresh);
    const body = { ...payload, token_type: "refresh" };
    const typ = "refresh+jwt";
    expect((await verify(await signed({ ...HEADER, typ }, body)))?.type).toBe("refresh");
    expect(await verify(await signed({ ...HEADER, typ }, payload))).toBeNull();
  });

  it("is for a known audience, unless it is to be revoked; a refresh JWT is for us alone", async () => {
    const audience = "https://api.acme.example";
    const other = await ours.sign({ ...claims, audience });
    const known = jwts(keyRing(keySet(jwk, hmac)), ISSUER, [audience]);
    expect(await verify(other)).toBeNull();
    expect(await ours.verifyToRevoke(other, NOW_MS)).toMatchObject({ audience });
    expect(await known.verify(other, NOW_MS)).toMatchObject({ audience });
    const refresh = claimsAt(NOW_S, { type: "refresh", rotation: 0, audience });
    expect(await known.verifyToRevoke(await ours.sign(refresh), NOW_MS)).toBeNull();
  });

  it("gives back every claim that it signed", async () => {
    const all = claimsAt(NOW_S, {
      sid: null,
      apiTokenVersion: 0,
      rootJti: "00000000-0000-4000-8000-000000000009",
      role: "User",
    });
    expect(await verify(await ours.sign(all))).toEqual(all);
  });
});
