import { compactVerify, errors, importJWK } from "jose";
import { describe, expect, it } from "vitest";
import { verifyCompact } from "../../src/crypto/jws.ts";
import type { KeyRing } from "../../src/crypto/keys.ts";
import { type Difference, JOSE, OUR_KEYS, OURS } from "./differences.ts";
import { judge } from "./judge.ts";
import { type Vector, type WycheproofJwk, wycheproof } from "./wycheproof.ts";

const named = (vectors: readonly Vector[]) =>
  vectors.map((vector) => [`${vector.id} ${vector.comment}`, vector] as const);

/**
 * ROCA (CVE-2017-15361) is not looked for: our keys come from WebCrypto, and people answer for keys that they bring.
 */
const isRoca = ({ comment }: Vector) => comment.endsWith("RocaVulnerability");

/** The difference that lists the vector, if one does. */
const differenceOf = ({ id }: Vector, differences: readonly Difference[]) =>
  differences.find(({ tests }) => tests.includes(id));

/** The file's verdict, but for the differences: those that are listed are valid, and refused. */
function expectedOf(vector: Vector, differences: readonly Difference[]): boolean {
  if (differenceOf(vector, differences) === undefined) return vector.isValid;
  expect(vector.isValid, "only what is valid may be refused for a reason of ours").toBe(true);
  return false;
}

async function isAcceptedByJose({ jws, publicKeys: [key] }: Vector): Promise<boolean> {
  try {
    const alg = key?.alg ?? JSON.parse(atob(jws.split(".")[0] ?? "")).alg;
    await compactVerify(jws, await importJWK({ kty: "", ...key, alg }, alg), { algorithms: [alg] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof DOMException) return false;
    if (error instanceof TypeError) return false; // a key that does not fit
    throw error;
  }
}

/** A ring of whatever key jose can import: for what our own key set would never hold. */
function foreignRing([jwk]: readonly WycheproofJwk[]): KeyRing {
  return {
    signing: () => Promise.reject(new Error("only verifies")),
    async verifying(kid) {
      if (jwk?.alg === undefined || kid !== jwk.kid) return null;
      const { alg } = jwk;
      const key = await importJWK({ ...jwk, alg }, alg);
      if (key instanceof Uint8Array) throw new Error("none of these is symmetric");
      const hash = `SHA-${alg.slice(2)}`;
      // RSA-PSS: a salt as long as the hash (RFC 7518 section 3.5).
      const params = { name: key.algorithm.name, hash, saltLength: Number(alg.slice(2)) / 8 };
      return { kid, alg, key, params };
    },
  };
}

const { signatures, keys } = wycheproof;

describe("json_web_signature_test.json", () => {
  it("has 401 tests", () => expect(signatures).toHaveLength(401));

  it.each(named(signatures))("%s", async (_, vector) => {
    const verdict = await judge(vector.keys, vector.jws);
    expect(verdict === "accepted").toBe(expectedOf(vector, OURS));
  });

  it("lists no difference twice, and 35 in all", () => {
    const listed = OURS.flatMap(({ tests }) => tests);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed).toHaveLength(35);
  });

  it("meets plain jose in 387 of the 401, and each difference is listed", async () => {
    const differing: number[] = [];
    for (const vector of signatures) {
      if ((await isAcceptedByJose(vector)) !== vector.isValid) differing.push(vector.id);
    }
    expect(differing).toEqual(JOSE.flatMap(({ tests }) => tests).sort((a, b) => a - b));
    expect(signatures.length - differing.length).toBe(387);
  });
});

describe("the verifier with keys that our own set would not hold", () => {
  const foreign = signatures.filter(({ keys: [key] }) =>
    /^(?:RS384|RS512|PS\d+)$/.test(key?.alg ?? ""),
  );

  it("has some", () => expect(foreign.length).toBeGreaterThan(80));

  it.each(named(foreign))("%s", async (_, vector) => {
    const verified = await verifyCompact(vector.jws, foreignRing(vector.publicKeys));
    // An empty payload is no JWT, and 346 and 350 name another algorithm than their key.
    const isOurs = !vector.comment.includes("emptyPayload") && ![346, 350].includes(vector.id);
    expect(verified !== null).toBe(vector.isValid && isOurs);
  });
});

describe("json_web_key_test.json", () => {
  it("has 26 tests", () => expect(keys).toHaveLength(26));

  it.each(named(keys))("%s", async (_, vector) => {
    const verdict = await judge(vector.keys, vector.jws);
    expect(verdict === "accepted").toBe(isRoca(vector) || expectedOf(vector, OUR_KEYS));
  });

  it("refuses every bad key set as a key set, whatever the JWS", async () => {
    const bad = keys.filter(
      (vector) =>
        !vector.isValid && !isRoca(vector) && !vector.comment.endsWith("rejectsModifiedSignature"),
    );
    expect(bad).toHaveLength(19);
    for (const vector of bad) {
      expect(await judge(vector.keys, vector.jws), `${vector.id}`).toBe("keys refused");
    }
  });
});
