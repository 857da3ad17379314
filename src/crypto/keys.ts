import { importJWK, type JWK } from "jose";
import * as v from "valibot";

const base64url = v.pipe(
  v.string(),
  v.regex(/^(?=.)(?:[\w-]{4})*(?:[\w-]{2,3})?$/, "must be base64url without padding"),
);
const time = v.pipe(v.string(), v.isoTimestamp());
const bytes32 = v.pipe(base64url, v.length(43, "must be 32 bytes"));

/** The supported algorithms, and what each key needs. If a part is missing, the service does not start. */
const Ec = v.looseObject({
  kty: v.literal("EC"),
  crv: v.literal("P-256"),
  alg: v.literal("ES256"),
  x: bytes32,
  y: bytes32,
  d: bytes32,
});
const Okp = v.looseObject({
  kty: v.literal("OKP"),
  crv: v.literal("Ed25519"),
  alg: v.literal("EdDSA"),
  x: bytes32,
  d: bytes32,
});
/** RFC 7518 section 3.3: at least 2,048 bits, which is 342 base64url characters. */
const Rsa = v.looseObject({
  kty: v.literal("RSA"),
  alg: v.literal("RS256"),
  n: v.pipe(base64url, v.minLength(342, "RS256 needs a modulus of at least 2,048 bits")),
  /** 65537. With the exponent 1, every message would be its own signature. */
  e: v.literal("AQAB"),
  d: base64url,
  p: base64url,
  q: base64url,
  dp: base64url,
  dq: base64url,
  qi: base64url,
});
/** RFC 7518 section 3.2: at least as long as the hash. 43 base64url characters are 256 bits. */
const Oct = v.looseObject({
  kty: v.literal("oct"),
  alg: v.literal("HS256"),
  k: v.pipe(base64url, v.minLength(43, "HS256 needs a secret of at least 256 bits")),
});

const Key = v.intersect([
  v.variant("kty", [Ec, Okp, Rsa, Oct]),
  v.looseObject({
    kid: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
    use: v.optional(v.literal("sig")),
    key_ops: v.optional(v.array(v.picklist(["sign", "verify"]))),
    /** Our own member: only the active key signs, all keys verify. */
    state: v.picklist(["standby", "active", "retiring"]),
    /** Our own members: when the key entered each state. */
    created_at: v.optional(time),
    activated_at: v.optional(time),
    retired_at: v.optional(time),
  }),
]);

/** The JWK set in the secret `JWT_KEYS` (RFC 7517 section 5): exactly one active key, no `kid` twice. */
const KeySet = v.pipe(
  v.object({ keys: v.array(Key) }),
  v.check(
    ({ keys }) => keys.filter((key) => key.state === "active").length === 1,
    "exactly one key must have the state active",
  ),
  v.check(
    ({ keys }) => new Set(keys.map((key) => key.kid)).size === keys.length,
    "two keys have the same kid",
  ),
);

export type JwtKeySet = v.InferOutput<typeof KeySet>;
export type JwtKey = JwtKeySet["keys"][number];

export interface ImportedKey {
  readonly kid: string;
  readonly alg: string;
  readonly key: CryptoKey;
  /** The algorithm parameters that WebCrypto needs with the key. */
  readonly params: { readonly name: string; readonly hash: string; readonly saltLength?: number };
}

export interface KeyRing {
  signing(): Promise<ImportedKey>;
  /** @returns null for a `kid` that is not ours */
  verifying(kid: string): Promise<ImportedKey | null>;
}

/** @returns the set, or what is wrong with the secret, without quoting any of it */
export function parseKeySet(json: string): JwtKeySet | { readonly wrong: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { wrong: "is not JSON" };
  }
  const result = v.safeParse(KeySet, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  // A schema's own message may quote the value, which is secret here.
  const missing = issue.path?.at(-1)?.origin === "key";
  const shape = missing ? "is missing" : `expected ${issue.expected}`;
  const message = issue.kind === "validation" ? issue.message : shape;
  return { wrong: path === null ? message : `${path}: ${message}` };
}

/** The JWK set for those who verify our JWTs: only public keys, including standby keys before they sign. */
export function publicKeySet({ keys }: JwtKeySet): { readonly keys: readonly PublicJwk[] } {
  const asymmetric = keys.filter((key) => key.kty !== "oct");
  return { keys: asymmetric.map((key) => ({ ...publicPart(key), kid: key.kid, use: "sig" })) };
}

/** What operators see of each key: nothing secret, and symmetric keys too. */
export const keyStates = ({ keys }: JwtKeySet) =>
  keys.map(({ kid, alg, state, created_at, activated_at, retired_at }) => {
    const since = { standby: created_at, active: activated_at ?? created_at, retiring: retired_at };
    return { kid, alg, state, createdAtMs: msOf(created_at), sinceMs: msOf(since[state]) };
  });

const msOf = (iso: string | undefined) => (iso === undefined ? null : Date.parse(iso));

type PublicJwk = Readonly<Record<string, string>>;

/** Each key is imported once per isolate, because an import costs as much as a signature. */
export function keyRing({ keys }: JwtKeySet): KeyRing {
  const imported = new Map<string, ImportedKey>();

  async function use(key: JwtKey, part: "private" | "public"): Promise<ImportedKey> {
    const name = `${part} ${key.kid}`;
    const known = imported.get(name);
    if (known !== undefined) return known;
    const jwk: JWK = part === "public" ? publicPart(key) : privatePart(key);
    const cryptoKey = await importJWK(jwk, key.alg);
    // importJWK returns bytes for symmetric keys, so these are imported here: jose gets only CryptoKeys.
    const usable =
      cryptoKey instanceof Uint8Array
        ? await crypto.subtle.importKey(
            "raw",
            new Uint8Array(cryptoKey),
            { name: "HMAC", hash: "SHA-256" },
            false,
            ["sign", "verify"],
          )
        : cryptoKey;
    const params = { name: usable.algorithm.name, hash: "SHA-256" };
    const result = { kid: key.kid, alg: key.alg, key: usable, params };
    imported.set(name, result);
    return result;
  }

  return {
    async signing() {
      const active = keys.find((key) => key.state === "active");
      if (active === undefined) throw new Error("no active key"); // KeySet rules this out
      return use(active, "private");
    },
    async verifying(kid) {
      const key = keys.find((candidate) => candidate.kid === kid);
      return key === undefined ? null : use(key, "public");
    },
  };
}

/** The members needed for signing. `use` and `key_ops` were checked above, and the others are our own. */
function privatePart(key: JwtKey): JWK {
  switch (key.kty) {
    case "EC":
    case "OKP":
      return { ...publicPart(key), d: key.d };
    case "RSA": {
      const { d, p, q, dp, dq, qi } = key;
      return { ...publicPart(key), d, p, q, dp, dq, qi };
    }
    case "oct":
      return publicPart(key);
  }
}

function publicPart(key: JwtKey): Record<string, string> {
  switch (key.kty) {
    case "EC":
      return { kty: key.kty, alg: key.alg, crv: key.crv, x: key.x, y: key.y };
    case "OKP":
      return { kty: key.kty, alg: key.alg, crv: key.crv, x: key.x };
    case "RSA":
      return { kty: key.kty, alg: key.alg, n: key.n, e: key.e };
    case "oct":
      return { kty: key.kty, alg: key.alg, k: key.k };
  }
}

/** The form of the setting ENCRYPTION_KEYS: AES-256 keys, the first for what is new. */
export type EncryptionKeys = readonly [Uint8Array<ArrayBuffer>, ...Uint8Array<ArrayBuffer>[]];
