import { encode, type TestJwk } from "../crypto/signing.ts";
import type { Case, Family } from "./families.ts";
import { decode, type Keys, signed } from "./forge.ts";
import type { Verdict } from "./judge.ts";

/** A JWS that the key itself has signed, shown to a service whose key set has the key so changed. */
const changed = (
  alg: keyof Keys,
  verdict: Verdict,
  changes: Readonly<Record<string, (jwk: TestJwk, keys: Keys) => object | readonly object[]>>,
): readonly Case[] =>
  Object.entries(changes).map(([name, change]) => ({
    name: `${alg}: ${name}`,
    verdict,
    make: async (keys) => {
      const made = change(keys[alg], keys);
      return { keys: Array.isArray(made) ? made : [made], jws: await signed(keys[alg]) };
    },
  }));

/** A secret of so many bytes, and a JWS that it signed. */
const withSecret = (bytes: number, verdict: Verdict): Case => ({
  name: `a secret of ${bytes} bytes`,
  verdict,
  make: async ({ HS256 }) => {
    const jwk = { ...HS256, k: encode(crypto.getRandomValues(new Uint8Array(bytes))) };
    // WebCrypto makes no MAC with an empty key: one of zeros makes the same.
    const signing = bytes === 0 ? { ...jwk, k: encode(new Uint8Array(64)) } : jwk;
    return { keys: [jwk], jws: await signed(signing) };
  },
});

const EACH = ["ES256", "EdDSA", "RS256", "HS256"] as const;

const withEach = (
  verdict: Verdict,
  changes: Parameters<typeof changed>[2],
  algorithms: readonly (keyof Keys)[] = EACH,
) => algorithms.flatMap((alg) => changed(alg, verdict, changes));

const other = (jwk: TestJwk, { ES256, EdDSA }: Keys) => (jwk.alg === "ES256" ? EdDSA : ES256);

export const JWK_FAMILIES = {
  "a set of keys": {
    matches: /jws_keyset/,
    generated: [
      ...withEach("accepted", { "first of two": (jwk, keys) => [jwk, retiring(other(jwk, keys))] }),
      ...withEach("accepted", {
        "second of two": (jwk, keys) => [other(jwk, keys), retiring(jwk)],
      }),
      ...withEach("refused", { "not in it": (jwk, keys) => other(jwk, keys) }),
    ],
  },
  "private and public keys in one set": {
    matches: /MixedKeySet/,
    generated: withEach(
      "keys refused",
      {
        "a public key beside": (jwk, keys) => {
          const { d: _, ...publicJwk } = other(jwk, keys);
          return [jwk, retiring(publicJwk)];
        },
      },
      EACH,
    ),
  },
  "one kid twice": {
    matches: /DuplicateKid/,
    generated: withEach("keys refused", {
      "the same key": (jwk) => [jwk, retiring(jwk)],
      "another key": (jwk, keys) => [jwk, retiring({ ...other(jwk, keys), kid: jwk.kid })],
    }),
  },
  "a key for something else": {
    matches: /WrongUse|WrongKeyOps|invalid_use/,
    generated: [
      ...withEach("accepted", {
        "use sig": (jwk) => ({ ...jwk, use: "sig" }),
        "key_ops sign": (jwk) => ({ ...jwk, key_ops: ["sign"] }),
        "key_ops sign and verify": (jwk) => ({ ...jwk, key_ops: ["sign", "verify"] }),
      }),
      ...withEach("keys refused", {
        "use enc": (jwk) => ({ ...jwk, use: "enc" }),
        "key_ops encrypt": (jwk) => ({ ...jwk, key_ops: ["encrypt"] }),
        "key_ops sign and decrypt": (jwk) => ({ ...jwk, key_ops: ["sign", "decrypt"] }),
        "key_ops in one word": (jwk) => ({ ...jwk, key_ops: ["sign, verify"] }),
      }),
    ],
  },
  "a short RSA modulus": {
    matches: /1024bit/,
    generated: changed("RS256", "keys refused", {
      "1,024 bits": (jwk) => ({ ...jwk, n: jwk.n?.slice(0, 171) }),
      "2,032 bits": (jwk) => ({ ...jwk, n: encode(decode(jwk.n).slice(0, 254)) }),
    }),
  },
  "an exponent that hides nothing": {
    matches: /exponentOne/,
    generated: changed("RS256", "keys refused", {
      "1": (jwk) => ({ ...jwk, e: "AQ" }),
      "3": (jwk) => ({ ...jwk, e: "Aw" }),
      none: (jwk) => ({ ...jwk, e: "" }),
      "65537 with a 0 before": (jwk) => ({ ...jwk, e: "AAEAAQ" }),
    }),
  },
  "a short secret": {
    matches: /key_too_short/,
    generated: [1, 16, 31].map((bytes) => withSecret(bytes, "keys refused")),
  },
  "an empty secret (CVE-2019-20933)": {
    matches: /empty_key/,
    generated: [withSecret(0, "keys refused")],
  },
  "a long secret": {
    matches: /long_key/,
    generated: [32, 33, 64, 65, 67, 128].map((bytes) => withSecret(bytes, "accepted")),
  },
  "an algorithm that is not the key's": {
    matches: /mismatchedAlgAndCurve|rejectsAesKey/,
    generated: withEach("keys refused", {
      ...Object.fromEntries(
        ["ES521", "ES224", "ES384", "A256GCM", "A256KW", "none", ""].map((alg) => [
          `alg ${alg}`,
          (jwk: TestJwk) => ({ ...jwk, alg }),
        ]),
      ),
      "no alg": ({ alg: _, ...jwk }) => jwk,
    }),
  },
  "a key that is none": {
    matches: /invalid_point|wrong_curve|wrong_kty/,
    generated: [
      ...changed("ES256", "keys refused", {
        "a point off the curve": (jwk) => ({ ...jwk, y: jwk.x }),
        "the point 0, 0": (jwk) => ({ ...jwk, x: "A".repeat(43), y: "A".repeat(43) }),
        "another curve": (jwk) => ({ ...jwk, crv: "P-384" }),
        "another type": (jwk) => ({ ...jwk, kty: "RSA" }),
      }),
      ...changed("EdDSA", "keys refused", {
        "another curve": (jwk) => ({ ...jwk, crv: "X25519" }),
        "another type": (jwk) => ({ ...jwk, kty: "EC" }),
      }),
    ],
  },
} satisfies Readonly<Record<string, Family>>;

function retiring(jwk: object): object {
  return { ...jwk, state: "retiring" };
}
