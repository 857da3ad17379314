import { compactVerify, type CryptoKey as JoseKey, importJWK, type JWK } from "jose";
import * as v from "valibot";
import { isStrictCompact, MAX_JWT_LENGTH } from "../core/compact-jws.ts";
import type { LegacyClaims, LegacyKeys } from "../core/legacy-jwts.ts";
import { verifiedJwts } from "./jwt.ts";
import { digestId } from "./secrets.ts";

/** A secret shorter than its hash can be guessed from one token (RFC 7518 section 3.2). */
const SECRET_BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const;
const kid = v.optional(v.pipe(v.string(), v.minLength(1)));
const encoder = new TextEncoder();

const Secret = v.pipe(
  v.object({
    alg: v.picklist(["HS256", "HS384", "HS512"]),
    secret: v.string(),
    kid,
  }),
  v.check(
    ({ alg, secret }) => encoder.encode(secret).length >= SECRET_BYTES[alg],
    "a secret is shorter than its hash",
  ),
);
const Public = v.looseObject({
  alg: v.picklist(["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"]),
  kty: v.picklist(["RSA", "EC", "OKP"]),
  kid,
});

const Setting = v.object({
  until: v.pipe(
    v.string(),
    v.transform((text) => Date.parse(text)),
    v.check((ms) => !Number.isNaN(ms), "until must be a date"),
  ),
  keys: v.pipe(v.array(v.union([Secret, Public])), v.minLength(1), v.maxLength(8)),
  user_id_claim: v.optional(v.pipe(v.string(), v.minLength(1)), "user_id"),
  issuer: v.optional(v.string()),
  audience: v.optional(v.string()),
});

export type LegacySetting = v.InferOutput<typeof Setting>;

/** @returns the setting, or null for what has another form */
export function parseLegacySetting(json: string): LegacySetting | null {
  try {
    const result = v.safeParse(Setting, JSON.parse(json));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

/** simplejwt writes `JWT`, as does nearly everyone; our own types are never read as theirs. */
const Header = v.looseObject({
  alg: v.string(),
  kid: v.optional(v.string()),
  typ: v.optional(v.pipe(v.string(), v.toUpperCase(), v.literal("JWT"))),
});

const seconds = v.pipe(
  v.number(),
  v.minValue(0),
  v.maxValue(Number.MAX_SAFE_INTEGER),
  v.transform(Math.floor),
);
const Claims = v.looseObject({
  token_type: v.optional(v.picklist(["access", "refresh"]), "access"),
  exp: seconds,
  iat: v.optional(seconds, 0),
  nbf: v.optional(seconds, 0),
  iss: v.optional(v.string()),
  aud: v.optional(v.union([v.string(), v.array(v.string())]), []),
});
const UserId = v.union([v.pipe(v.string(), v.minLength(1)), v.pipe(v.number(), v.safeInteger())]);

/** The keys that signed the JWTs of an earlier system. */
export function legacyKeys({ until, keys, ...expected }: LegacySetting): LegacyKeys {
  // Keys never change in an isolate, so a signature that was right stays right.
  const verified = verifiedJwts<LegacyClaims>();
  const imported = new Map<object, JoseKey | Uint8Array>();

  async function keyOf(key: (typeof keys)[number]) {
    const usable = imported.get(key) ?? (await importKey(key));
    imported.set(key, usable);
    return usable;
  }

  async function payloadOf(jwt: string): Promise<unknown> {
    const header = headerOf(jwt);
    if (header === null) return null;
    for (const key of keys) {
      if (key.alg !== header.alg) continue;
      if (key.kid !== undefined && header.kid !== undefined && key.kid !== header.kid) continue;
      try {
        const { payload } = await compactVerify(jwt, await keyOf(key), { algorithms: [key.alg] });
        return JSON.parse(new TextDecoder().decode(payload));
      } catch {
        // Signed with another one, or not at all.
      }
    }
    return null;
  }

  return {
    untilMs: until,
    async read(jwt) {
      const known = verified.get(jwt);
      if (known !== undefined) return known;
      if (jwt.length > MAX_JWT_LENGTH || !isStrictCompact(jwt)) return null;
      const result = v.safeParse(Claims, await payloadOf(jwt));
      if (!result.success) return null;
      const { token_type, exp, iat, nbf, iss, aud, ...others } = result.output;
      // guard: legacy-jwt-is-for-the-expected
      if (expected.issuer !== undefined && iss !== expected.issuer) return null;
      if (expected.audience !== undefined && ![aud].flat().includes(expected.audience)) return null;
      const userId = v.safeParse(UserId, { ...others, iss, aud }[expected.user_id_claim]);
      if (!userId.success) return null;
      const claims = {
        type: token_type,
        userId: userId.output,
        // Not of the signature: ECDSA has two of each.
        id: await digestId(`legacy ${jwt.slice(0, jwt.lastIndexOf("."))}`),
        issuedAt: iat,
        notBefore: nbf,
        expiresAt: exp,
      };
      verified.add(jwt, claims);
      return claims;
    },
  };
}

function headerOf(jwt: string): v.InferOutput<typeof Header> | null {
  try {
    const result = v.safeParse(
      Header,
      JSON.parse(atob(jwt.slice(0, jwt.indexOf(".")).replaceAll("-", "+").replaceAll("_", "/"))),
    );
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

async function importKey(key: LegacySetting["keys"][number]): Promise<JoseKey | Uint8Array> {
  if ("secret" in key) return encoder.encode(String(key.secret));
  const { kty, alg, ...members } = key;
  // Only what a public key has: one that was pasted with its private part verifies all the same.
  const jwk: JWK = { kty, alg };
  for (const name of ["n", "e", "crv", "x", "y"] as const) {
    const member = members[name];
    if (typeof member === "string") jwk[name] = member;
  }
  return importJWK(jwk, alg);
}
