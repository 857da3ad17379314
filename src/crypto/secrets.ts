import crc32 from "crc/calculators/crc32";
import { type Secrets, TOKEN_KINDS, type TokenKind } from "../core/token.ts";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 62^43 > 2^256. */
const RANDOM_LENGTH = 43;
const CHECK_LENGTH = 6;
/** The largest multiple of 62 in a byte: using bytes from here on would favor some characters. */
const FAIR = 248;

const encoder = new TextEncoder();

const KINDS = Object.keys(TOKEN_KINDS) as TokenKind[];
const CODES = KINDS.map((kind) => TOKEN_KINDS[kind]);

/**
 * A secret is `<prefix>_<kind>_`, 256 random bits in base62, and a CRC-32 of all that in six base62
 * characters. So typos and probes are rejected without a read, and leak scanners have a pattern.
 * @param prefixes of the deployment: new secrets have the first, and those with another are still accepted
 * @param legacy whose opaque tokens, imported by their digests, are API tokens too
 */
export function createSecrets(
  prefixes: readonly [string, ...string[]],
  legacy: readonly LegacyTokens[] = [],
): Secrets {
  const start = `(?:${prefixes.join("|")})_(${CODES.join("|")})_`;
  const secretPattern = `${start}[0-9A-Za-z]{${RANDOM_LENGTH + CHECK_LENGTH}}`;
  const START = new RegExp(`^${start}`);
  const SECRET = new RegExp(`^${secretPattern}$`);
  const WITHIN = new RegExp(`(?<![0-9A-Za-z])${secretPattern}(?![0-9A-Za-z])`);

  function kindOf(secret: string): TokenKind | null {
    const code = START.exec(secret)?.[1];
    if (code === undefined && legacyOf(secret) !== undefined) return "api";
    return KINDS.find((kind) => TOKEN_KINDS[kind] === code) ?? null;
  }

  function isWellFormed(kind: TokenKind, secret: string): boolean {
    // guard: secret-is-of-its-kind
    if (kindOf(secret) !== kind || !SECRET.test(secret)) return false;
    return checksum(secret.slice(0, -CHECK_LENGTH)) === secret.slice(-CHECK_LENGTH);
  }

  const legacyOf = (secret: string) => legacy.find((each) => LEGACY[each].form.test(secret));

  return {
    async create(kind) {
      const unchecked = `${prefixes[0]}_${TOKEN_KINDS[kind]}_${randomBase62(RANDOM_LENGTH)}`;
      const secret = unchecked + checksum(unchecked);
      return { secret, id: await digestId(secret) };
    },
    async idOf(kind, secret) {
      if (isWellFormed(kind, secret)) return digestId(secret);
      const system = kind === "api" ? legacyOf(secret) : undefined;
      return system === undefined ? null : LEGACY[system].idOf(secret);
    },
    kindOf,
    tokenIn: (text) => WITHIN.exec(text)?.[0] ?? text,
    async keyedDigest(secret, text) {
      const hmac = { name: "HMAC", hash: "SHA-256" };
      const bytes = encoder.encode(secret);
      const key = await crypto.subtle.importKey("raw", bytes, hmac, false, ["sign"]);
      const digest = await crypto.subtle.sign("HMAC", key, encoder.encode(text));
      return hexOf(new Uint8Array(digest));
    },
  };
}

const hexOf = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function randomBase62(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < FAIR && text.length < length) text += BASE62.charAt(byte % 62);
    }
  }
  return text;
}

function checksum(text: string): string {
  let rest = crc32(encoder.encode(text)) >>> 0;
  let digits = "";
  for (let i = 0; i < CHECK_LENGTH; i++) {
    digits = BASE62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** `uuidv8(SHA-256(text))` (RFC 9562 section 5.8): identifies the record, and does not reveal the secret. */
export const digestId = (text: string): Promise<string> => idOf("SHA-256", encoder.encode(text));

const idOf = async (hash: string, bytes: BufferSource) =>
  idOfDigest(new Uint8Array(await crypto.subtle.digest(hash, bytes)));

/** A UUID of version 8 that has the digest's first 122 bits. */
export function idOfDigest(digest: Uint8Array): string {
  const bytes = digest.slice(0, 16);
  bytes[6] = (Number(bytes[6]) & 0x0f) | 0x80;
  bytes[8] = (Number(bytes[8]) & 0x3f) | 0x80;
  return hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export const LEGACY_TOKENS = ["sanctum", "knox", "knox4"] as const;
export type LegacyTokens = (typeof LEGACY_TOKENS)[number];

/** Other systems' opaque tokens, of 160 random bits and more, by the digest that is stored of each there. */
const LEGACY = {
  sanctum: {
    form: /^\d{1,20}\|[0-9A-Za-z]{40,60}$/,
    idOf: (secret: string) => digestId(secret.slice(secret.indexOf("|") + 1)),
  },
  knox: {
    form: /^[0-9a-f]{64}$/,
    idOf: (secret: string) => idOf("SHA-512", encoder.encode(secret)),
  },
  /** Before version 5 it hashed the bytes that the digits stand for. */
  knox4: { form: /^[0-9a-f]{64}$/, idOf: (secret: string) => idOf("SHA-512", bytesOf(secret)) },
} as const satisfies Record<LegacyTokens, { form: RegExp; idOf(secret: string): Promise<string> }>;

const bytesOf = (hex: string) =>
  Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
