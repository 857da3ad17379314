import { exportJWK, generateKeyPair } from "jose";
import type { JwtClaims } from "../../src/core/jwt.ts";
import { type JwtKeySet, parseKeySet } from "../../src/crypto/keys.ts";

export const ALGORITHMS = ["ES256", "EdDSA", "RS256", "HS256"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];
export type State = "standby" | "active" | "retiring";

export interface TestJwk extends Readonly<Record<string, string>> {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly state: State;
}

/** A fresh private JWK as `JWT_KEYS` has it. */
export async function newJwk(
  alg: Algorithm,
  kid: string = alg,
  state: State = "active",
): Promise<TestJwk> {
  return { ...(alg === "HS256" ? newSecret() : await newPair(alg)), kid, alg, state };
}

const newSecret = () => ({ kty: "oct", k: encode(crypto.getRandomValues(new Uint8Array(32))) });

async function newPair(alg: Algorithm): Promise<Record<string, string>> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const members = Object.entries(await exportJWK(privateKey));
  return Object.fromEntries(members.map(([name, value]) => [name, String(value)]));
}

export function keySet(...keys: readonly object[]): JwtKeySet {
  const parsed = parseKeySet(JSON.stringify({ keys }));
  if ("wrong" in parsed) throw new Error(parsed.wrong);
  return parsed;
}

export function encode(bytes: Uint8Array | string): string {
  const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  return data.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Claims of an access JWT that is good at `nowSeconds`. */
export function claimsAt(nowSeconds: number, change: Partial<JwtClaims> = {}): JwtClaims {
  return {
    type: "access",
    jti: "00000000-0000-4000-8000-000000000001",
    userId: "00000000-0000-4000-8000-000000000002",
    credentialVersion: 3,
    sid: "00000000-0000-4000-8000-000000000004",
    apiTokenVersion: null,
    loginVersion: null,
    parentIds: [],
    rootJti: null,
    fromJti: null,
    endsAt: nowSeconds + 3600,
    chainEndsAt: nowSeconds + 3600,
    audience: null,
    rotation: null,
    authTime: nowSeconds,
    loginAt: null,
    issuedAt: nowSeconds,
    expiresAt: nowSeconds + 300,
    role: null,
    statusIndex: null,
    scopes: null,
    ...change,
  };
}
