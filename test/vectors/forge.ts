import { encode, type TestJwk } from "../crypto/signing.ts";

/** One key of each algorithm, made afresh. */
export type Keys = Readonly<Record<"ES256" | "EdDSA" | "RS256" | "HS256", TestJwk>>;

const RSA = "RSASSA-PKCS1-v1_5";
const PRIMITIVES = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
  HS256: { name: "HMAC", hash: "SHA-256" },
  HS384: { name: "HMAC", hash: "SHA-384" },
  HS512: { name: "HMAC", hash: "SHA-512" },
  RS256: { name: RSA, hash: "SHA-256" },
  RS384: { name: RSA, hash: "SHA-384" },
  RS512: { name: RSA, hash: "SHA-512" },
  PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
  PS384: { name: "RSA-PSS", hash: "SHA-384", saltLength: 48 },
  PS512: { name: "RSA-PSS", hash: "SHA-512", saltLength: 64 },
} as const;
export type Primitive = keyof typeof PRIMITIVES;

/** The key's own members: whatever else stands in a JWK must not keep it from signing here. */
const MATERIAL = ["kty", "crv", "x", "y", "d", "k", "n", "e", "p", "q", "dp", "dq", "qi"];

/** A signature by WebCrypto alone, of any text, by any algorithm that the key can be made to do. */
export async function signatureOf(
  jwk: object,
  primitive: Primitive,
  input: string,
): Promise<Uint8Array> {
  const params = PRIMITIVES[primitive];
  const material = Object.fromEntries(
    Object.entries(jwk).filter(([name]) => MATERIAL.includes(name)),
  );
  const key = await crypto.subtle.importKey("jwk", { kty: "", ...material }, params, false, [
    "sign",
  ]);
  return new Uint8Array(await crypto.subtle.sign(params, key, new TextEncoder().encode(input)));
}

export interface Signing {
  /** The header's text. */
  readonly header?: string;
  readonly payload?: Uint8Array | string;
  readonly primitive?: Primitive;
}

export const headerOf = ({ alg, kid }: TestJwk) => JSON.stringify({ alg, kid });

/** A JWS that is good but for what is asked for. */
export async function signed(
  jwk: TestJwk,
  { header = headerOf(jwk), payload = "foo", primitive = jwk.alg }: Signing = {},
): Promise<string> {
  return signedParts(jwk, encode(header), encode(payload), primitive);
}

/** The same over parts that may be no base64url at all. */
export async function signedParts(
  jwk: TestJwk,
  header: string,
  payload: string,
  primitive: Primitive = jwk.alg,
): Promise<string> {
  const input = `${header}.${payload}`;
  return `${input}.${encode(await signatureOf(jwk, primitive, input))}`;
}

/** The JWS with another signature. */
export function withSignature(jws: string, signature: Uint8Array): string {
  return `${jws.slice(0, jws.lastIndexOf("."))}.${encode(signature)}`;
}

export function decode(part: string | undefined): Uint8Array {
  return Uint8Array.fromBase64(part ?? "", { alphabet: "base64url" });
}

export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x0${bytes.toHex()}`);
}

/** Big-endian, in so many bytes at least. */
export function toBytes(number: bigint, length: number): Uint8Array {
  const hex = number.toString(16);
  return Uint8Array.fromHex(hex.padStart(Math.max(2 * length, hex.length + (hex.length % 2)), "0"));
}

/** RSA's private operation on any block: the signature of a padding that no library would make. */
export function rsaPrivate(jwk: TestJwk, block: Uint8Array): Uint8Array {
  const [n, p, q, dp, dq, qi] = ["n", "p", "q", "dp", "dq", "qi"].map((name) =>
    toNumber(decode(jwk[name])),
  );
  if (!n || !p || !q || !dp || !dq || !qi) throw new Error("not an RSA key");
  const message = toNumber(block);
  const byP = power(message % p, dp, p);
  const byQ = power(message % q, dq, q);
  const factor = (((byP - byQ) % p) + p) % p;
  return toBytes(byQ + q * ((factor * qi) % p), toBytes(n, 0).length);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
