import { encode, newJwk, type TestJwk } from "../crypto/signing.ts";
import { ALGORITHMS, header, of, ofEach, withPart } from "./cases.ts";
import type { Family } from "./families.ts";
import { decode, headerOf, signatureOf, signed, signedParts } from "./forge.ts";
import { GOOD_PADDING } from "./rsa-padding.ts";

/** A MAC whose first byte is 0, which one payload in 256 has. */
async function withZeroFirst(jwk: TestJwk): Promise<string> {
  for (let count = 0; ; count++) {
    const jws = await signed(jwk, { payload: `T${count}` });
    if (decode(jws.split(".")[2])[0] === 0) return jws;
  }
}

const CONFUSIONS: Readonly<Record<string, (jwk: TestJwk) => Uint8Array | string>> = {
  "its bytes": (jwk) => Uint8Array.from([...decode(jwk.x ?? jwk.n), ...decode(jwk.y ?? jwk.e)]),
  "its x or n": (jwk) => decode(jwk.x ?? jwk.n),
  "its JWK": ({ kty, crv, x, y, n, e }) => JSON.stringify({ kty, crv, x, y, n, e }),
};

const confusions = (["ES256", "EdDSA", "RS256"] as const).flatMap((alg) =>
  of(
    alg,
    "refused",
    Object.fromEntries(
      Object.entries(CONFUSIONS).map(([name, secret]) => [
        `an HS256 whose secret is ${name}`,
        async (jwk: TestJwk) => {
          const input = `${encode(header(jwk, { alg: "HS256" }))}.${encode("foo")}`;
          const hmac = { kty: "oct", k: encode(secret(jwk)) };
          return `${input}.${encode(await signatureOf(hmac, "HS256", input))}`;
        },
      ]),
    ),
  ),
);

const BAD_BASE64: Readonly<Record<string, (part: string) => string>> = {
  "spaces before": (part) => `    ${part}`,
  "spaces after": (part) => `${part}    `,
  "a line break inside": (part) => `${part.slice(0, 2)}\n${part.slice(2)}`,
  padding: (part) => part.padEnd(Math.ceil((part.length + 1) / 4) * 4, "="),
  "a character that is none, before": (part) => `?${part}`,
  "a character that is none, inside": (part) => `${part.slice(0, 2)}?${part.slice(2)}`,
  "a character that is none, after": (part) => `${part}?`,
  "four of them": (part) => `####${part}`,
  "a character of base64 in place of one of base64url": (part) => `+${part.slice(1)}`,
  "one character too many": (part) => part + "A".repeat(5 - (part.length % 4)),
};

/** The signature is over the parts as they stand: only the spelling is wrong. */
const badBase64 = (["HS256", "ES256"] as const).flatMap((alg) =>
  of(
    alg,
    "refused",
    Object.fromEntries(
      Object.entries(BAD_BASE64).flatMap(([name, change]) => [
        [
          `${name}, in the header`,
          (jwk: TestJwk) => signedParts(jwk, change(encode(headerOf(jwk))), encode("Test")),
        ],
        [
          `${name}, in the payload`,
          (jwk: TestJwk) => signedParts(jwk, encode(headerOf(jwk)), change(encode("Test"))),
        ],
        [
          `${name}, in the signature`,
          async (jwk: TestJwk) => withPart(2, change)(await signed(jwk, { payload: "Test" })),
        ],
      ]),
    ),
  ),
);

/** What is wrong with a JWS around its signature. */
export const JWS_FAMILIES = {
  "good ones": {
    matches: /acceptsValid|Es256 valid|ValidMac|ValidEdgeCase|Figure|(?:Byte|Zero|normal)Payload/,
    generated: [
      ...ofEach("accepted", { "a payload of three bytes": (jws) => jws }),
      ...ALGORITHMS.flatMap((alg) =>
        of(alg, "accepted", {
          "a payload of one byte": (jwk) => signed(jwk, { payload: "a" }),
          "a payload of 0": (jwk) => signed(jwk, { payload: new Uint8Array(20) }),
          "a payload of bytes that are no text": (jwk) =>
            signed(jwk, { payload: Uint8Array.from({ length: 32 }, (_, at) => 0xe0 + at) }),
        }),
      ),
      ...of("HS256", "accepted", { "a MAC that begins with 0": withZeroFirst }),
      ...of("RS256", "accepted", { [GOOD_PADDING.name]: (jwk) => GOOD_PADDING.make(jwk) }),
    ],
  },
  "no payload": {
    matches: /emptyPayload/,
    generated: ALGORITHMS.flatMap((alg) =>
      of(alg, "refused", { signed: (jwk) => signed(jwk, { payload: "" }) }),
    ),
  },
  "parts that are missing or too many": {
    matches: /rejectsMissing|EmptyString|Extra/,
    generated: ofEach("refused", {
      "no signature": withPart(2, () => ""),
      "no signature and no dot": (jws) => jws.slice(0, jws.lastIndexOf(".")),
      "no payload": withPart(1, () => ""),
      "no payload and no dot": (jws) => jws.replace(/\.[^.]*/, ""),
      "no header": withPart(0, () => ""),
      "no header and no dot": (jws) => jws.slice(jws.indexOf(".") + 1),
      "no header and no signature": (jws) => `.${jws.split(".")[1]}.`,
      "the payload alone": (jws) => `${jws.split(".")[1]}`,
      nothing: () => "",
      "an empty fourth part": (jws) => `${jws}.`,
      "a fourth part": (jws) => `${jws}.Zm9v`,
    }),
  },
  "changed after it was signed": {
    matches: /rejectsModified(?:Signature|Payload|Header)/,
    generated: ofEach("refused", {
      "another signature": withPart(2, (part) => (part[0] === "X" ? "Y" : "X") + part.slice(1)),
      "another payload": withPart(1, () => encode("Xoo")),
      "another kid": withPart(0, (part) =>
        encode(new TextDecoder().decode(decode(part)).replace(/"kid":"./, '"kid":"X')),
      ),
    }),
  },
  "alg none (CVE-2015-2951)": {
    matches: /AlgIsNone|NoneAlgorithm/,
    generated: ALGORITHMS.flatMap((alg) =>
      of(alg, "refused", {
        ...Object.fromEntries(
          ["none", "None", "NONE", "nOnE", "", " none"].flatMap((none) => [
            [
              `${none}, no signature`,
              async (jwk: TestJwk) => `${encode(header(jwk, { alg: none }))}.${encode("foo")}.`,
            ],
            [
              `${none}, signed`,
              (jwk: TestJwk) => signed(jwk, { header: header(jwk, { alg: none }) }),
            ],
          ]),
        ),
        "none and no kid": async () => `${encode('{"alg":"none"}')}.${encode("foo")}.`,
      }),
    ),
  },
  "JSON serialization (CVE-2022-39227)": {
    matches: /JsonSerialization/,
    generated: ofEach("refused", {
      flattened: (jws) => {
        const [protectedPart, payload, signature] = jws.split(".");
        return JSON.stringify({ protected: protectedPart, payload, signature });
      },
      general: (jws) => {
        const [protectedPart, payload, signature] = jws.split(".");
        return JSON.stringify({ payload, signatures: [{ protected: protectedPart, signature }] });
      },
      "compact and JSON at once": (jws) => {
        const [protectedPart, payload, signature] = jws.split(".");
        return `{" ${protectedPart}.${encode("forged")}.":"","protected":"${protectedPart}","payload":"${payload}","signature":"${signature}"}`;
      },
    }),
  },
  "a public key as an HMAC secret (CVE-2016-10555)": {
    matches: /SymmetryConfusion/,
    generated: confusions,
  },
  "a key in the header (CVE-2018-0114)": {
    matches: /EmbeddedJwk/,
    generated: (["ES256", "EdDSA", "RS256"] as const).flatMap((alg) =>
      of(alg, "refused", {
        "the attacker's": async (jwk) => {
          const attacker = await newJwk(alg, jwk.kid);
          const { kty, crv, x, y, n, e } = attacker;
          return signed(attacker, { header: header(jwk, { jwk: { kty, crv, x, y, n, e } }) });
        },
      }),
    ),
  },
  "wrong base64url": {
    matches: /base64 (?!Valid(?:Mac|Edge))(?!.*JsonHeader)/,
    generated: [
      ...badBase64,
      ...of("HS256", "refused", {
        "bits past the payload's last byte": async (jwk) =>
          withPart(1, () => "AB")(await signed(jwk, { payload: "\0" })),
        "bits past the payload's last byte, signed": (jwk) =>
          signedParts(jwk, encode(headerOf(jwk)), "AB"),
        "bits past the signature's last byte": async (jwk) => {
          const jws = await signed(jwk);
          const spare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
          return jws.slice(0, -1) + spare.charAt(spare.indexOf(jws.slice(-1)) + 1);
        },
      }),
    ],
  },
  "another spelling of the header": {
    matches: /JsonHeader/,
    generated: ALGORITHMS.flatMap((alg) =>
      of(alg, "refused", {
        spaces: (jwk) => signed(jwk, { header: headerOf(jwk).replaceAll(/[:,]/g, " $& ") }),
        "a line break": (jwk) => signed(jwk, { header: headerOf(jwk).replace(",", ",\n\t") }),
        "kid before alg": ({ kid, ...jwk }) =>
          signed({ kid, ...jwk }, { header: JSON.stringify({ kid, alg: jwk.alg }) }),
        "an escaped letter": (jwk) =>
          signed(jwk, { header: headerOf(jwk).replace('"alg"', '"\\u0061lg"') }),
      }),
    ),
  },
} satisfies Readonly<Record<string, Family>>;
