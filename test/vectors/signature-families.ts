import type { TestJwk } from "../crypto/signing.ts";
import { header, of } from "./cases.ts";
import type { Family } from "./families.ts";
import {
  decode,
  type Keys,
  type Primitive,
  signed,
  toBytes,
  toNumber,
  withSignature,
} from "./forge.ts";
import { BAD_PADDINGS } from "./rsa-padding.ts";

/** The order of P-256's group. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const primitives = (alg: keyof Keys, others: readonly Primitive[]) =>
  of(
    alg,
    "refused",
    Object.fromEntries(
      others.flatMap((primitive) => [
        [`signed by ${primitive}`, (jwk: TestJwk) => signed(jwk, { primitive })],
        [
          `signed by ${primitive}, as the header says`,
          (jwk: TestJwk) => signed(jwk, { primitive, header: header(jwk, { alg: primitive }) }),
        ],
      ]),
    ),
  );

/** RSA's signature as another number. */
const asNumber = (change: (signature: bigint, n: bigint) => bigint, bytes = 256) => {
  return async (jwk: TestJwk) => {
    const good = await signed(jwk);
    const n = toNumber(decode(jwk.n));
    return withSignature(good, toBytes(change(toNumber(decode(good.split(".")[2])), n), bytes));
  };
};

const bytesChanged = (change: (signature: readonly number[]) => readonly number[]) => {
  return async (jwk: TestJwk) => {
    const good = await signed(jwk);
    return withSignature(good, Uint8Array.from(change([...decode(good.split(".")[2])])));
  };
};

const EDGES = { 0: 0n, 1: 1n, "n-1": ORDER - 1n, n: ORDER };
const edgePairs = Object.entries(EDGES).flatMap(([rName, r]) =>
  Object.entries(EDGES).map(([sName, s]) => [
    `r is ${rName}, s is ${sName}`,
    async (jwk: TestJwk) =>
      withSignature(await signed(jwk), Uint8Array.from([...toBytes(r, 32), ...toBytes(s, 32)])),
  ]),
);

/** Signatures that are wrong in themselves. */
export const SIGNATURE_FAMILIES = {
  "RSA padding": {
    matches: /ModifiedPadding/,
    generated: BAD_PADDINGS.flatMap(({ name, make }) => of("RS256", "refused", { [name]: make })),
  },
  "RSA signatures that were changed": {
    matches: /ModifiedSignature|saltIsAll/,
    generated: of("RS256", "refused", {
      "is 0": asNumber(() => 0n),
      "is 1": asNumber(() => 1n),
      "is n-1": asNumber((_, n) => n - 1n),
      "is n": asNumber((_, n) => n),
      "is not reduced": asNumber((signature, n) => signature + n),
      "a 0 before": asNumber((signature) => signature, 257),
      "a 0 after": bytesChanged((bytes) => [...bytes, 0]),
      truncated: bytesChanged((bytes) => bytes.slice(0, -1)),
      "its last byte changed": bytesChanged((bytes) =>
        bytes.map((b, at) => (at === 255 ? b ^ 1 : b)),
      ),
      "its first byte changed": bytesChanged((bytes) =>
        bytes.map((b, at) => (at === 0 ? b ^ 1 : b)),
      ),
      negated: asNumber((signature, n) => n - signature),
    }),
  },
  "another primitive than the key's": {
    matches: /WrongPrimitive/,
    generated: [
      ...primitives("RS256", ["RS384", "RS512", "PS256", "PS384", "PS512"]),
      ...primitives("HS256", ["HS384", "HS512"]),
    ],
  },
  "ECDSA at its edges (CVE-2022-21449)": {
    matches: /SpecialCaseEs256 (?!valid)/,
    generated: of("ES256", "refused", {
      ...Object.fromEntries(edgePairs),
      "too long": bytesChanged((bytes) => [0, ...bytes.slice(0, 32), 0, ...bytes.slice(32)]),
      "zeros after": bytesChanged((bytes) => [...bytes, 0, 0]),
      "too short": bytesChanged((bytes) => bytes.slice(0, -1)),
      "r too big": bytesChanged((bytes) => [1, ...bytes]),
      "s too big": bytesChanged((bytes) => [...bytes.slice(0, 32), 1, ...bytes.slice(32)]),
      "500 bytes": bytesChanged((bytes) => [...bytes, ...Array<number>(436).fill(0xff)]),
      "r + n": bytesChanged((bytes) => [
        ...toBytes(toNumber(Uint8Array.from(bytes.slice(0, 32))) + ORDER, 32),
        ...bytes.slice(32),
      ]),
      "DER in place of r and s": bytesChanged((bytes) => [
        ...[0x30, 0x46, 0x02, 0x21, 0, ...bytes.slice(0, 32)],
        ...[0x02, 0x21, 0, ...bytes.slice(32)],
      ]),
    }),
  },
} satisfies Readonly<Record<string, Family>>;
