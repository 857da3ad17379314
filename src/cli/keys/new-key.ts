import { exportJWK, generateKeyPair, generateSecret } from "jose";

export const ALGORITHMS = ["ES256", "EdDSA", "RS256", "HS256"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** A fresh private JWK with a `kid` of its own, and no state yet. */
export async function newKey(alg: Algorithm, nowMs: number) {
  const key =
    alg === "HS256"
      ? await generateSecret(alg, { extractable: true })
      : (await generateKeyPair(alg, { extractable: true })).privateKey;
  return {
    ...(await exportJWK(key)),
    kid: crypto.randomUUID(),
    alg,
    use: "sig",
    created_at: new Date(nowMs).toISOString(),
  };
}
