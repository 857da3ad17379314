import { encode, type TestJwk } from "./signing.ts";

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

/** The key's own members: whatever else is in a JWK must not keep it from signing here. */
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
