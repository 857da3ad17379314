import type { TestJwk } from "../crypto/signing.ts";
import { rsaPrivate, signed, withSignature } from "./forge.ts";

type Bytes = readonly number[];

const SHA256: Bytes = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA1: Bytes = [0x2b, 0x0e, 0x03, 0x02, 0x1a];
const GARBAGE: Bytes = [0xca, 0xfe];
const MODULUS_BYTES = 256;

/** What is done to one element of the DER that RSASSA-PKCS1-v1_5 pads: its tag, and what is in it. */
const MUTATIONS: Readonly<Record<string, (tag: number, value: Bytes) => Bytes>> = {
  "a length in the long form": (tag, value) => [tag, 0x81, value.length, ...value],
  "a length with a leading 0": (tag, value) => [tag, 0x82, 0, value.length, ...value],
  "a length one too long": (tag, value) => [tag, value.length + 1, ...value],
  "a length one too short": (tag, value) => [tag, (value.length + 127) % 128, ...value],
  "a length of 2^32-1": (tag, value) => [tag, 0x84, 0xff, 0xff, 0xff, 0xff, ...value],
  "a length past 64 bits": (tag, value) => [
    ...[tag, 0x89, 1, 0, 0, 0, 0, 0, 0, 0],
    ...[value.length, ...value],
  ],
  "an indefinite length": (tag, value) => [tag, 0x80, ...value, 0, 0],
  "an indefinite length without end": (tag, value) => [tag, 0x80, ...value],
  removed: () => [],
  "a lonely tag": (tag) => [tag],
  "its value dropped": (tag) => [tag, 0],
  "replaced by NULL": () => [0x05, 0x00],
  "garbage before its value": (tag, value) => [tag, value.length + 2, ...GARBAGE, ...value],
  "garbage after its value": (tag, value) => [tag, value.length + 2, ...value, ...GARBAGE],
  "NULL after its value": (tag, value) => [tag, value.length + 2, ...value, 0x05, 0x00],
  "garbage after it": (tag, value) => [tag, value.length, ...value, ...GARBAGE],
  "another tag": (tag, value) => [tag ^ 0x01, value.length, ...value],
  "a composed tag": (tag, value) => [tag ^ 0x20, value.length, ...value],
  "an undefined tag before its value": (tag, value) => [
    tag,
    value.length + 3,
    0xaa,
    0x01,
    0x00,
    ...value,
  ],
  "its last byte cut off": (tag, value) => [
    tag,
    Math.max(value.length - 1, 0),
    ...value.slice(0, -1),
    ...(value.length === 0 ? [0] : []),
  ],
  "its first byte changed": (tag, value) => [
    tag,
    value.length || 1,
    (value[0] ?? 0) ^ 0x10,
    ...value.slice(1),
  ],
  twice: (tag, value) => [tag, value.length, ...value, tag, value.length, ...value],
};

const ELEMENTS = ["outer sequence", "inner sequence", "oid", "null", "digest"] as const;
type Element = (typeof ELEMENTS)[number];
type Encode = (element: Element, tag: number, value: Bytes) => Bytes;

const strict: Encode = (_, tag, value) => [tag, value.length, ...value];

function digestInfo(digest: Bytes, oid: Bytes, encode: Encode): Bytes {
  const algorithm = [...encode("oid", 0x06, oid), ...encode("null", 0x05, [])];
  return encode("outer sequence", 0x30, [
    ...encode("inner sequence", 0x30, algorithm),
    ...encode("digest", 0x04, digest),
  ]);
}

/** 00 01 FF … FF 00 and the DER, as long as the modulus. */
function padded(der: Bytes): Bytes {
  return [0, 1, ...filling(der.length + 3), 0, ...der];
}

const filling = (taken: number): Bytes => Array<number>(MODULUS_BYTES - taken).fill(0xff);

/** Blocks whose padding around good DER is wrong; by the last ones keys with e = 3 were forged. */
const BLOCKS: Readonly<Record<string, (der: Bytes) => Bytes>> = {
  "block type 0": (der) => [0, 0, ...filling(der.length + 3), 0, ...der],
  "block type 2": (der) => [0, 2, ...filling(der.length + 3), 0, ...der],
  "a first byte that is not 0": (der) => [0x01, ...padded(der).slice(1)],
  "no 0 before the DER": (der) => [0, 1, ...filling(der.length + 2), ...der],
  "another byte in the filling": (der) => padded(der).map((byte, at) => (at === 20 ? 0xfe : byte)),
  "no padding at all": (der) => [...Array<number>(MODULUS_BYTES - der.length).fill(0), ...der],
  "the digest alone": (der) => padded(der.slice(-32)),
  "garbage after the DER, 8 bytes of filling (CVE-2006-4339)": (der) => [
    ...[0, 1, ...Array<number>(8).fill(0xff), 0, ...der],
    ...Array<number>(MODULUS_BYTES - 11 - der.length).fill(0x42),
  ],
};

export interface Padded {
  readonly name: string;
  make(jwk: TestJwk): Promise<string>;
}

const paddedCase = (name: string, block: (digest: Bytes) => Bytes): Padded => ({
  name,
  async make(jwk) {
    const good = await signed(jwk);
    const input = new TextEncoder().encode(good.slice(0, good.lastIndexOf(".")));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", input));
    return withSignature(good, rsaPrivate(jwk, Uint8Array.from(block([...digest]))));
  },
});

/** Made by the same code as the bad ones, so that only what they change is wrong with them. */
export const GOOD_PADDING = paddedCase("the padding that it should be", (digest) =>
  padded(digestInfo(digest, SHA256, strict)),
);

/** NULL in place of NULL, and NULL without its value, which is empty, are no change. */
function mutationsOf(element: Element) {
  const same = element === "null" ? ["its value dropped", "replaced by NULL"] : [];
  return Object.entries(MUTATIONS).filter(([name]) => !same.includes(name));
}

export const BAD_PADDINGS: readonly Padded[] = [
  ...ELEMENTS.flatMap((mutated) =>
    mutationsOf(mutated).map(([name, mutation]) =>
      paddedCase(`${mutated}: ${name}`, (digest) =>
        padded(
          digestInfo(digest, SHA256, (element, tag, value) =>
            element === mutated ? mutation(tag, value) : strict(element, tag, value),
          ),
        ),
      ),
    ),
  ),
  ...Object.entries(BLOCKS).map(([name, block]) =>
    paddedCase(name, (digest) => block(digestInfo(digest, SHA256, strict))),
  ),
  paddedCase("oid: SHA-1", (digest) => padded(digestInfo(digest, SHA1, strict))),
];
