import { beforeAll, describe, expect, it } from "vitest";
import { jwts } from "../../src/crypto/jwt.ts";
import { keyRing, parseKeySet } from "../../src/crypto/keys.ts";
import { ALGORITHMS, type Algorithm, claimsAt, keySet, newJwk, type TestJwk } from "./signing.ts";

const ISSUER = "https://latchkey.test";
const NOW_S = 1_800_000_000;
const NOW_MS = NOW_S * 1000;
const claims = claimsAt(NOW_S);

const made = new Map<Algorithm, TestJwk>();

beforeAll(async () => {
  for (const alg of ALGORITHMS) made.set(alg, await newJwk(alg));
});

function jwkOf(alg: Algorithm): TestJwk {
  const jwk = made.get(alg);
  if (jwk === undefined) throw new Error(alg);
  return jwk;
}

const service = (...keys: readonly object[]) => jwts(keyRing(keySet(...keys)), ISSUER);

describe.each(ALGORITHMS)("%s", (alg) => {
  it("signs what it verifies", async () => {
    const ours = service(jwkOf(alg));
    const jwt = await ours.sign(claims);
    expect(await ours.verify(jwt, NOW_MS)).toEqual(claims);
    const header = JSON.parse(atob(jwt.split(".")[0] ?? ""));
    expect(header).toEqual({ alg, kid: alg, typ: "at+jwt" });
  });

  it("does not verify what another key of the same id signed", async () => {
    const jwt = await service(await newJwk(alg)).sign(claims);
    expect(await service(jwkOf(alg)).verify(jwt, NOW_MS)).toBeNull();
  });

  it("verifies for long after the start", async () => {
    const ours = service(jwkOf(alg));
    for (let round = 0; round < 3; round++) {
      expect(await ours.verify(await ours.sign(claims), NOW_MS)).toEqual(claims);
    }
  });
});

describe("states", () => {
  it.each(["standby", "retiring"] as const)(
    "a %s key verifies and does not sign",
    async (state) => {
      const active = jwkOf("ES256");
      const other = { ...jwkOf("EdDSA"), state };
      const signedByOther = await service({ ...other, state: "active" }).sign(claims);
      const ours = service(other, active);
      expect(await ours.verify(signedByOther, NOW_MS)).toEqual(claims);
      const [header = ""] = (await ours.sign(claims)).split(".");
      expect(JSON.parse(atob(header)).kid).toBe(active.kid);
    },
  );

  it("a key that is gone verifies nothing", async () => {
    const jwt = await service(jwkOf("EdDSA")).sign(claims);
    expect(await service(jwkOf("ES256")).verify(jwt, NOW_MS)).toBeNull();
  });

  it("rotation leaves no gap: standby, active, retiring", async () => {
    const [old, next] = [await newJwk("ES256", "old"), await newJwk("ES256", "next")];
    const steps = [
      service(old, { ...next, state: "standby" }),
      service({ ...old, state: "retiring" }, next),
    ];
    for (const signer of steps) {
      const jwt = await signer.sign(claims);
      for (const verifier of steps) expect(await verifier.verify(jwt, NOW_MS)).toEqual(claims);
    }
  });
});

describe("a key id", () => {
  it.each(["a b", "schlüssel", "🔑", "__proto__", "constructor", "../x", "x".repeat(64)])(
    "%j works, or is refused at the start",
    async (kid) => {
      const parsed = parseKeySet(JSON.stringify({ keys: [{ ...jwkOf("ES256"), kid }] }));
      if ("wrong" in parsed) return;
      const ours = jwts(keyRing(parsed), ISSUER);
      expect(await ours.verify(await ours.sign(claims), NOW_MS)).toEqual(claims);
    },
  );
});

/** What every wrong text has in it, so that a message that quotes would be caught. */
const KEY_MATERIAL = "bm90LXJlYWxseS1hLWtleS1idXQtaXQtY291bGQtYmU";

const keys = (...items: unknown[]) => JSON.stringify({ keys: items });
const ec = () => jwkOf("ES256");
const without = (jwk: object, member: string) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => name !== member));

/** Secrets that stop the start, and what the message speaks of. */
const WRONG: Readonly<Record<string, [text: () => string, about: RegExp]>> = {
  "no JSON": [() => KEY_MATERIAL, /is not JSON/],
  "JSON cut short": [() => `{"keys":[{"d":"${KEY_MATERIAL}"`, /is not JSON/],
  "a string": [() => JSON.stringify(KEY_MATERIAL), /expected/],
  null: [() => "null", /expected/],
  "a bare key": [() => JSON.stringify(ec()), /keys/],
  "a list": [() => JSON.stringify([ec()]), /keys/],
  "keys that are none": [() => keys(KEY_MATERIAL), /keys\.0/],
  "no key": [() => keys(), /exactly one key must have the state active/],
  "no active key": [() => keys({ ...ec(), state: "standby" }), /exactly one/],
  "two active keys": [() => keys(ec(), { ...ec(), kid: "b" }), /exactly one/],
  "one id twice": [() => keys(ec(), { ...ec(), state: "retiring" }), /same kid/],
  "no id": [() => keys(without(ec(), "kid")), /keys\.0\.kid/],
  "an empty id": [() => keys({ ...ec(), kid: "" }), /keys\.0\.kid/],
  "an id too long": [() => keys({ ...ec(), kid: KEY_MATERIAL.repeat(2) }), /keys\.0\.kid/],
  "an id that is a number": [() => keys({ ...ec(), kid: 1 }), /keys\.0\.kid/],
  "an unknown state": [() => keys({ ...ec(), state: KEY_MATERIAL }), /keys\.0\.state/],
  "no state": [() => keys(without(ec(), "state")), /keys\.0\.state/],
  "an unknown type": [() => keys({ ...ec(), kty: KEY_MATERIAL }), /keys\.0\.kty/],
  "no algorithm": [() => keys(without(ec(), "alg")), /keys\.0\.alg/],
  "alg none": [() => keys({ ...ec(), alg: "none" }), /keys\.0\.alg/],
  "another type's algorithm": [() => keys({ ...ec(), alg: "HS256" }), /keys\.0\.alg/],
  "another curve": [() => keys({ ...ec(), crv: "P-384" }), /keys\.0\.crv/],
  "a public key": [() => keys(without(ec(), "d")), /keys\.0\.d/],
  "no x": [() => keys(without(ec(), "x")), /keys\.0\.x/],
  "no y": [() => keys(without(ec(), "y")), /keys\.0\.y/],
  "no Ed25519 x": [() => keys(without(jwkOf("EdDSA"), "x")), /keys\.0\.x/],
  "a d that is no base64url": [() => keys({ ...ec(), d: `${KEY_MATERIAL}=` }), /keys\.0\.d/],
  "a d that is too short": [() => keys({ ...ec(), d: "AQAB" }), /keys\.0\.d/],
  "an HMAC secret of 248 bits": [
    () => keys({ ...jwkOf("HS256"), k: KEY_MATERIAL.slice(0, 42) }),
    /keys\.0\.k/,
  ],
  "an HMAC secret that is no base64url": [
    () => keys({ ...jwkOf("HS256"), k: `${KEY_MATERIAL} !` }),
    /keys\.0\.k/,
  ],
  "an empty HMAC secret (CVE-2019-20933)": [() => keys({ ...jwkOf("HS256"), k: "" }), /keys\.0\.k/],
  "a public key beside": [
    () => keys(ec(), { ...without(jwkOf("EdDSA"), "d"), state: "retiring" }),
    /keys\.1\.d/,
  ],
  "use enc": [() => keys({ ...ec(), use: "enc" }), /keys\.0\.use/],
  "key_ops encrypt": [() => keys({ ...ec(), key_ops: ["encrypt"] }), /keys\.0\.key_ops/],
  "key_ops that also decrypt": [
    () => keys({ ...ec(), key_ops: ["sign", "decrypt"] }),
    /keys\.0\.key_ops/,
  ],
  "key_ops in one word": [() => keys({ ...ec(), key_ops: ["sign, verify"] }), /keys\.0\.key_ops/],
  ...Object.fromEntries(
    ["AQ", "Aw", "", "AAEAAQ"].map((e): [string, (typeof WRONG)[string]] => [
      `the RSA exponent ${e}`,
      [() => keys({ ...jwkOf("RS256"), e }), /keys\.0\.e/],
    ]),
  ),
  "RSA of 2,032 bits": [
    () => keys({ ...jwkOf("RS256"), n: String(jwkOf("RS256").n).slice(0, 339) }),
    /keys\.0\.n/,
  ],
  "RSA without e": [() => keys(without(jwkOf("RS256"), "e")), /keys\.0\.e/],
  "RSA without its primes": [() => keys(without(jwkOf("RS256"), "p")), /keys\.0\.p/],
  "RSA of 1,024 bits": [() => keys({ ...jwkOf("RS256"), n: "A".repeat(171) }), /keys\.0\.n/],
};

describe("the secret JWT_KEYS", () => {
  it.each(Object.entries(WRONG))(
    "with %s stops the start and quotes nothing",
    (_, [text, about]) => {
      const parsed = parseKeySet(text());
      if (!("wrong" in parsed)) throw new Error("was taken");
      expect(parsed.wrong).toMatch(about);
      expect(parsed.wrong).not.toContain(KEY_MATERIAL.slice(0, 8));
      for (const value of Object.values({ ...ec(), ...jwkOf("HS256"), ...jwkOf("RS256") })) {
        if (value.length > 20) expect(parsed.wrong).not.toContain(value);
      }
    },
  );

  it("takes what else a JWK may hold", () => {
    const more = { use: "sig", key_ops: ["sign"], ext: true, x5t: "x", note: "mine" };
    expect("wrong" in parseKeySet(keys({ ...ec(), ...more }))).toBe(false);
  });
});
