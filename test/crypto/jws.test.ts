import { beforeAll, describe, expect, it } from "vitest";
import { isStrictCompact, parseCanonicalJson } from "../../src/core/compact-jws.ts";
import { verifyCompact } from "../../src/crypto/jws.ts";
import { type KeyRing, keyRing } from "../../src/crypto/keys.ts";
import { headerOf, signed, signedParts } from "./forge.ts";
import { encode, keySet, newJwk, type TestJwk } from "./signing.ts";

let jwk: TestJwk;
let ring: KeyRing;
beforeAll(async () => {
  jwk = await newJwk("ES256", "key");
  ring = keyRing(keySet(jwk));
});

const withMembers = (members: object) => JSON.stringify({ alg: "ES256", kid: "key", ...members });

it("gives back the header and the payload that were signed", async () => {
  const verified = await verifyCompact(await signed(jwk, { header: withMembers({ x: 1 }) }), ring);
  expect(verified?.header).toEqual({ alg: "ES256", kid: "key", x: 1 });
  expect(new TextDecoder().decode(verified?.payload)).toBe("foo");
});

describe("extensions, of which it understands none (RFC 7515 section 4.1.11)", () => {
  it.each([
    { crit: ["x"], x: 1 },
    { crit: ["b64"], b64: true },
    { crit: [] },
    { crit: null },
    { b64: true },
    { b64: false },
  ])("refuses %j", async (members) => {
    expect(
      await verifyCompact(await signed(jwk, { header: withMembers(members) }), ring),
    ).toBeNull();
  });

  it("refuses a payload that is not encoded (RFC 7797)", async () => {
    const header = encode(withMembers({ b64: false, crit: ["b64"] }));
    expect(await verifyCompact(await signedParts(jwk, header, "bare"), ring)).toBeNull();
  });
});

it("takes the key's own name for its algorithm alone, of two that mean the same", async () => {
  const edDsa = await newJwk("EdDSA", "key");
  const edRing = keyRing(keySet(edDsa));
  const named = (alg: string) => signed(edDsa, { header: JSON.stringify({ alg, kid: "key" }) });
  expect(await verifyCompact(await named("EdDSA"), edRing)).not.toBeNull();
  expect(await verifyCompact(await named("Ed25519"), edRing)).toBeNull();
});

it("takes of all spellings of a part the one that an encoder writes", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (const before of ["", "A", "AA", "AAA", "AAAA"]) {
    for (const last of ["", "=", "+", ...alphabet]) {
      const part = before + last;
      const parts = [`${part}.A_-w.AAAA`, `A_-w.${part}.AAAA`, `A_-w.AAAA.${part}`];
      expect(parts.map(isStrictCompact), part).toEqual(Array(3).fill(isAsWritten(part)));
    }
  }
});

function isAsWritten(part: string): boolean {
  try {
    const written = Uint8Array.fromBase64(part, { alphabet: "base64url" });
    return part !== "" && written.toBase64({ alphabet: "base64url", omitPadding: true }) === part;
  } catch {
    return false;
  }
}

it("looks for no key, where the form is wrong", async () => {
  const asked: string[] = [];
  const verifying = async (kid: string) => {
    asked.push(kid);
    return null;
  };
  const counting = { ...ring, verifying };
  const good = await signed(jwk);
  for (const bad of [
    `${good}=`,
    `${good}.`,
    ` ${good}`,
    await signed(jwk, { header: `${headerOf(jwk)} ` }),
  ]) {
    expect(await verifyCompact(bad, counting)).toBeNull();
  }
  expect(asked).toEqual([]);
  await verifyCompact(good, counting);
  expect(asked).toEqual(["key"]);
});

it("does not take a failure of ours for a bad signature", async () => {
  const failing = { ...ring, verifying: () => Promise.reject(new Error("broken")) };
  await expect(verifyCompact(await signed(jwk), failing)).rejects.toThrow("broken");
});

describe("JSON in our own spelling", () => {
  const parse = (text: string | Uint8Array) =>
    parseCanonicalJson(typeof text === "string" ? new TextEncoder().encode(text) : text);

  it.each(['{"a":1}', "[]", '"a"', "null", '{"a":{"b":[1,2.5,"ключ"]}}'])("takes %s", (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a": 1}',
    '{"a":1.0}',
    '{"\\u0061":1}',
    "\ufeff{}",
    "{",
    "",
    '{"a":1e3}',
  ])("refuses %j", (text) => expect(parse(text)).toBeUndefined());

  it("refuses what is no UTF-8", () => {
    expect(parse(Uint8Array.of(0x22, 0xff, 0x22))).toBeUndefined();
  });
});
