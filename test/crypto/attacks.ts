import { type Keys, type Primitive, signatureOf } from "./forge.ts";
import { encode, newJwk, type TestJwk } from "./signing.ts";

/** What an attacker can start from: our keys' public halves, and a good access JWT's claims. */
export interface Target {
  /** Private, so that what is claimed can be signed: then only the claim is what must be refused. */
  readonly keys: Keys;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly good: string;
}

/** What is changed in a good JWT. A text is the whole header or payload, as it is. */
interface Change {
  readonly alg?: keyof Keys;
  readonly header?: object | string;
  readonly claims?: object | string;
  readonly primitive?: Primitive;
  readonly by?: object;
}

type Attack = (target: Target) => Promise<string> | string;

async function forged(
  { keys, claims: good }: Target,
  { alg = "ES256", header = {}, claims = {}, primitive = alg, by = keys[alg] }: Change,
): Promise<string> {
  const jwk = keys[alg];
  const head = { alg, kid: jwk.kid, typ: "at+jwt", ...(typeof header === "object" && header) };
  const body = { ...good, ...(typeof claims === "object" && claims) };
  const text = typeof header === "string" ? header : JSON.stringify(head);
  const payload = typeof claims === "string" ? claims : JSON.stringify(body);
  const input = `${encode(text)}.${encode(payload)}`;
  return `${input}.${encode(await signatureOf(by, primitive, input))}`;
}

const change =
  (made: Change): Attack =>
  (target) =>
    forged(target, made);
const secret = (bytes: Uint8Array | string) => ({ kty: "oct", k: encode(bytes) });
/** HMAC pads its key with zeros: these make the same MAC as no key at all. */
const NO_SECRET = secret(new Uint8Array(64));

const unsecured = (alg: string, end: (good: string) => string): Attack => {
  return ({ keys, claims, good }) => {
    const header = encode(JSON.stringify({ alg, kid: keys.ES256.kid, typ: "at+jwt" }));
    return `${header}.${encode(JSON.stringify(claims))}.${end(good)}`;
  };
};

/** A public key in the text that a server would have it in, as the secret of an HMAC. */
const confused =
  (alg: "RS256" | "ES256" | "EdDSA", text: (jwk: TestJwk) => Promise<string>): Attack =>
  async (target) =>
    forged(target, {
      alg,
      header: { alg: "HS256" },
      primitive: "HS256",
      by: secret(await text(target.keys[alg])),
    });

async function pem({ kty = "", n, e, crv, x, y, alg }: TestJwk): Promise<string> {
  const jwk = kty === "RSA" ? { kty, n, e } : { kty, crv, x, y };
  const params =
    alg === "RS256"
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
      : { name: "ECDSA", namedCurve: "P-256" };
  const known = Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== undefined));
  const key = await crypto.subtle.importKey("jwk", { kty, ...known }, params, true, ["verify"]);
  const spki = await crypto.subtle.exportKey("spki", key);
  if (!(spki instanceof ArrayBuffer)) throw new Error("spki is bytes");
  const lines = new Uint8Array(spki).toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
}

const embedded: Attack = async (target) => {
  const attacker = await newJwk("ES256", target.keys.ES256.kid);
  const { kty, crv, x, y } = attacker;
  return forged(target, { header: { jwk: { kty, crv, x, y } }, by: attacker });
};

const withKid = (kid: unknown, by: object): Attack => change({ alg: "HS256", header: { kid }, by });

const withDates = (claims: object | string) => change({ claims });
const inText =
  (from: RegExp, to: string): Attack =>
  (target) =>
    forged(target, { claims: JSON.stringify(target.claims).replace(from, to) });

const part = (good: string, at: number) => good.split(".")[at] ?? "";

function unencodedPayload({ keys, claims }: Target): Promise<string> {
  const header = encode(
    JSON.stringify({ alg: "ES256", kid: keys.ES256.kid, typ: "at+jwt", b64: false, crit: ["b64"] }),
  );
  const input = `${header}.${JSON.stringify(claims)}`;
  return signatureOf(keys.ES256, "ES256", input).then((bytes) => `${input}.${encode(bytes)}`);
}

const anyOf = (values: readonly unknown[], attack: (value: unknown) => Attack) =>
  Object.fromEntries(values.map((value) => [JSON.stringify(value), attack(value)]));

/** Attacks by class, and the case that each class is like. */
export const ATTACKS: Readonly<Record<string, Readonly<Record<string, Attack>>>> = {
  "algorithm from the header (CVE-2026-22817, Hono)": {
    PS256: change({ alg: "RS256", header: { alg: "PS256" }, primitive: "PS256" }),
    RS512: change({ alg: "RS256", header: { alg: "RS512" }, primitive: "RS512" }),
    HS512: change({ alg: "HS256", header: { alg: "HS512" }, primitive: "HS512" }),
    "a list": change({ header: { alg: ["ES256"] } }),
    "another key of ours": ({ keys, ...target }) =>
      forged({ keys, ...target }, { header: { alg: "HS256" }, primitive: "HS256", by: keys.HS256 }),
  },
  "none in any case (CVE-2015-2951)": Object.fromEntries(
    ["none", "None", "NONE", "nOnE", "none ", ""].flatMap((alg) => [
      [`"${alg}", unsigned`, unsecured(alg, () => "")],
      [`"${alg}", signed`, unsecured(alg, (good) => part(good, 2))],
    ]),
  ),
  "null signature (CVE-2020-28042, ServiceStack)": Object.fromEntries(
    ["HS256", "ES256", "RS256"].flatMap((alg) => [
      [`${alg}, empty`, unsecured(alg, () => "")],
      [`${alg}, one 0`, unsecured(alg, () => "AA")],
    ]),
  ),
  "a signature of zeros (CVE-2022-21449, Java)": {
    "r and s": unsecured("ES256", () => encode(new Uint8Array(64))),
  },
  "RS/HS confusion (CVE-2016-10555; CVE-2026-34950, fast-jwt)": {
    "an RSA key's PEM": confused("RS256", pem),
    "white space before it": confused("RS256", async (jwk) => `\n${await pem(jwk)}`),
    "without its last line break": confused("RS256", async (jwk) => (await pem(jwk)).trim()),
    "an EC key's PEM (CVE-2022-29217, PyJWT)": confused("ES256", pem),
    "its JWK": confused("EdDSA", async ({ kty, crv, x }) => JSON.stringify({ kty, crv, x })),
  },
  "empty key (CVE-2019-20933, InfluxDB; CVE-2026-45363, ruby-jwt)": {
    "for the HMAC key": change({ alg: "HS256", by: NO_SECRET }),
    "for an unknown key": withKid("unknown", NO_SECRET),
    "for no key": withKid("", NO_SECRET),
  },
  "array payload (fast-jwt #639)": {
    "the claims in a list": (target) => forged(target, { claims: JSON.stringify([target.claims]) }),
    "an empty list": change({ claims: "[]" }),
    "null (Hono #5316)": change({ claims: "null" }),
    "a string": change({ claims: '"sub"' }),
  },
  "crit (CVE-2026-32597, PyJWT; CVE-2025-59420, Authlib)": {
    "an unknown extension": change({ header: { crit: ["x"], x: true } }),
    "a claim's name": change({ header: { crit: ["exp"] } }),
    "no extension": change({ header: { crit: [] } }),
    "a string": change({ header: { crit: "x", x: 1 } }),
  },
  "falsy dates (did-jwt #344, jsonwebtoken #28)": {
    ...anyOf([0, false, null, ""], (exp) => withDates({ exp })),
    "no exp": withDates({ exp: undefined }),
    "iat null": withDates({ iat: null }),
    "nbf ahead": withDates({ nbf: 32_503_680_000 }),
  },
  "infinite dates (GHSA-687g-22h4-j4w4, fast-jwt)": {
    "exp 1e999": inText(/"exp":\d+/, '"exp":1e999'),
    "exp past every safe integer": withDates({ exp: 2 ** 60 }),
    "nbf -1e999": inText(/"exp"/, '"nbf":-1e999,"exp"'),
  },
  "dates that are strings (did-jwt #344)": {
    ...anyOf(["never", "9999999999", "2999-01-01", ["9999999999"], { valueOf: 1 }], (exp) =>
      withDates({ exp }),
    ),
    nbf: withDates({ nbf: "0" }),
  },
  "missing audience (CVE-2020-26160, jwt-go)": {
    none: withDates({ aud: undefined }),
    ...anyOf([[], [""], "", null, {}, "https://attacker.example"], (aud) => withDates({ aud })),
    "ours among others": ({ claims, ...target }) =>
      forged({ claims, ...target }, { claims: { aud: [claims.aud, "https://attacker.example"] } }),
    "another issuer's": withDates({ iss: "https://attacker.example" }),
    "half our issuer's (CVE-2024-53861, PyJWT)": withDates({ iss: "https://latchkey" }),
  },
  "wrong typ (RFC 8725 section 3.11)": anyOf(
    [
      "JWT",
      "AT+JWT",
      "application/at+jwt",
      "refresh+jwt",
      "statuslist+jwt",
      "at+jwt ",
      ["at+jwt"],
      null,
    ],
    (typ) => change({ header: { typ } }),
  ),
  "one kind for another (OFBIZ-13493)": {
    "a refresh JWT dressed as access": withDates({ token_type: "refresh" }),
    "an access JWT dressed as refresh": change({ header: { typ: "refresh+jwt" } }),
    "no token_type": withDates({ token_type: undefined }),
  },
  "embedded jwk (CVE-2018-0114, node-jose; CVE-2026-27962, Authlib)": {
    "the attacker's key": embedded,
    "our own key": ({ keys, ...target }) => {
      const { kty, crv, x, y } = keys.ES256;
      return forged({ keys, ...target }, { header: { jwk: { kty, crv, x, y } } });
    },
    jku: change({ header: { jku: "https://attacker.example/jwks.json" } }),
    x5u: change({ header: { x5u: "https://attacker.example/x5u" } }),
    x5c: change({ header: { x5c: ["AAAA"] } }),
  },
  "hostile kid (RFC 8725 section 3.10)": {
    "a path to nothing": withKid("../../../../dev/null", NO_SECRET),
    "a path to what is known": withKid("/proc/sys/kernel/randomize_va_space", secret("2\n")),
    SQL: withKid("' UNION SELECT 'AAAA' -- ", secret("AAAA")),
    "SQL for all": withKid("' OR 1=1 -- ", NO_SECRET),
    "a command": withKid("key | curl attacker.example", NO_SECRET),
    "1 MB": withKid("k".repeat(1_000_000), NO_SECRET),
    "NUL after our own": withKid("HS256\0", NO_SECRET),
    ...anyOf(["__proto__", "constructor", ["HS256"], { HS256: 1 }, 0, null], (kid) =>
      withKid(kid, NO_SECRET),
    ),
  },
  "duplicate members (CVE-2017-12635, CouchDB)": {
    "sub, the first one false": inText(/^\{/, '{"sub":"somebody else",'),
    "exp, the first one false": inText(/^\{/, '{"exp":32503680000,'),
    "role at the end": inText(/\}$/, ',"role":"User","role":"Admin"}'),
    "alg in the header": ({ keys, ...target }) =>
      forged(
        { keys, ...target },
        { header: `{"alg":"none","kid":"${keys.ES256.kid}","typ":"at+jwt","alg":"ES256"}` },
      ),
    "kid in the header": ({ keys, ...target }) =>
      forged(
        { keys, ...target },
        { header: `{"alg":"ES256","kid":"other","typ":"at+jwt","kid":"${keys.ES256.kid}"}` },
      ),
  },
  "trailing bits (golang-jwt #502)": {
    "in the signature": ({ good }) => {
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      return good.slice(0, -1) + alphabet.charAt(alphabet.indexOf(good.slice(-1)) + 1);
    },
  },
  "padding (joserfc #51, json-jwt #129)": {
    "one =": ({ good }) => `${good}=`,
    two: ({ good }) => `${good}==`,
    "in the payload": ({ good }) => good.replace(/\.([^.]*)\./, ".$1==."),
    // With an `=` at the end, because one in fifteen has neither.
    "the alphabet of base64": ({ good }) => `${good.replaceAll("-", "+").replaceAll("_", "/")}=`,
  },
  "white space (json-jwt #129)": {
    "a line break inside": ({ good }) => good.replace(".", ".\n"),
    "spaces inside": ({ good }) => good.replace(".", "    ."),
    "a tab": ({ good }) => good.replace(/\.([^.]*)$/, ".\t$1"),
    "in the header's JSON": ({ keys, ...target }) =>
      forged(
        { keys, ...target },
        { header: `{"alg": "ES256", "kid": "${keys.ES256.kid}", "typ": "at+jwt"}` },
      ),
  },
  "b64 false (RFC 7797)": {
    "signed over the bare payload": unencodedPayload,
    "and encoded all the same": change({ header: { b64: false, crit: ["b64"] } }),
    "not critical": change({ header: { b64: false } }),
    true: change({ header: { b64: true, crit: ["b64"] } }),
  },
  "JSON serialization (CVE-2022-39227, python-jwt)": {
    flattened: ({ good }) =>
      JSON.stringify({
        protected: part(good, 0),
        payload: part(good, 1),
        signature: part(good, 2),
      }),
    general: ({ good }) =>
      JSON.stringify({
        payload: part(good, 1),
        signatures: [{ protected: part(good, 0), signature: part(good, 2) }],
      }),
    "compact and JSON at once": ({ good }) =>
      `{"  ${part(good, 0)}.${encode("{}")}.":"","protected":"${part(good, 0)}","payload":"${part(good, 1)}","signature":"${part(good, 2)}"}`,
  },
  "4 parts, and other numbers of them": {
    "an empty fourth": ({ good }) => `${good}.`,
    "a fourth": ({ good }) => `${good}.AAAA`,
    "a JWE's five (CVE-2026-29000, pac4j)": ({ good }) =>
      `${part(good, 0)}..AAAA.${part(good, 1)}.AAAA`,
    two: ({ good }) => good.slice(0, good.lastIndexOf(".")),
    one: ({ good }) => part(good, 1),
    "dots alone": () => "..",
  },
  "oversize (CVE-2025-30204, golang-jwt)": {
    "1 MB of dots": () => ".".repeat(1_000_000),
    "1 MB of signature": ({ good }) => good.padEnd(1_000_000, "A"),
    "8,193 characters": ({ good }) => good.padEnd(8_193, "A"),
    "claims that are too many": change({ claims: { more: "x".repeat(8_000) } }),
    "1,400 deep": change({ claims: `${"[".repeat(1_400)}${"]".repeat(1_400)}` }),
  },
};
