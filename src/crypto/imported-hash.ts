/**
 * A password hash stored by another system: Django's formats, bcrypt, better-auth's, or an Argon2 PHC string. This file only
 * parses, for the import of accounts (which runs in Node) too; `imported-passwords.ts` computes.
 */
export type ImportedHash =
  | {
      readonly scheme: "pbkdf2";
      readonly digest: "sha256" | "sha1";
      readonly rounds: number;
      readonly salt: string;
      /** Base64 with padding. */
      readonly tag: string;
    }
  /** `digestFirst`: Django's `bcrypt_sha256`, which hashes the SHA-256 of the password in hex. */
  | { readonly scheme: "bcrypt"; readonly hash: string; readonly digestFirst: boolean }
  | {
      readonly scheme: "argon2";
      readonly type: "id" | "i";
      readonly memoryKiB: number;
      readonly passes: number;
      readonly lanes: number;
      /** Base64 without padding. */
      readonly salt: string;
      readonly tag: string;
    }
  | {
      readonly scheme: "scrypt";
      readonly cost: { readonly N: number; readonly r: number; readonly p: number };
      readonly salt: string;
      /** Base64 with padding (Django), or hex (better-auth, which folds the password by NFKC too). */
      readonly tag: string;
      readonly form: "base64" | "hex";
    }
  /** Django's oldest: the digest of salt and password, in hex; the salt may be empty. */
  | {
      readonly scheme: "digest";
      readonly digest: "md5" | "sha1";
      readonly salt: string;
      readonly tag: string;
    };

/** Not a known hash, or one too expensive for a login. The message quotes nothing of the string. */
export interface UnsupportedHash {
  readonly wrong: string;
}

/**
 * The most that a login may compute: each limit takes at most half of a request's 10,000 ms of processor time
 * (wrangler.toml) and of an isolate's 128 MB. PBKDF2 takes longest, 3.8 s for 1,000,000 rounds in workerd;
 * 1,200,000 is the default of Django 6.0.
 */
export const IMPORT_LIMITS = {
  pbkdf2Rounds: 1_200_000,
  bcryptCost: 13,
  /** In WebAssembly, in the same memory as our own hash. */
  argon2id: { memoryKiB: 64 * 1024, memoryTimesPasses: 256 * 1024 },
  /** N times r times p, of which memory takes 128 bytes each where p is 1. */
  scryptWork: 2 ** 18,
  /** In JavaScript, which is many times slower. */
  argon2i: { memoryKiB: 16 * 1024, memoryTimesPasses: 32 * 1024 },
} as const;

const ARGON2_LANES = 16;

const PBKDF2 =
  /^pbkdf2_(sha256|sha1)\$([1-9]\d{0,9})\$([^$]{1,128})\$([A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{27}=)$/;
const SCRYPT =
  /^scrypt\$([1-9]\d{0,7})\$([^$]{1,128})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9+/]{86}==)$/;
const BETTER_AUTH = /^([\da-f]{32}):([\da-f]{128})$/;
const DIGEST = /^(?:(md5|sha1)\$([^$]{0,128})\$)?([\da-f]{32}|[\da-f]{40})$/;
const BCRYPT = /^(bcrypt\$|bcrypt_sha256\$)?(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/;
const ARGON2 =
  /^(?:argon2)?\$argon2(id|i)\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

export function readImportedHash(stored: string): ImportedHash | UnsupportedHash {
  return (
    pbkdf2(stored) ??
    bcrypt(stored) ??
    argon2(stored) ??
    scrypt(stored) ??
    digest(stored) ?? {
      wrong: "is no password hash of Django, bcrypt, better-auth or Argon2 that is known here",
    }
  );
}

function pbkdf2(stored: string): ImportedHash | UnsupportedHash | null {
  const [, name, count, salt, tag] = PBKDF2.exec(stored) ?? [];
  if (salt === undefined || tag === undefined) return null;
  const digest = name === "sha1" ? "sha1" : "sha256";
  if (tag.length !== (digest === "sha1" ? 28 : 44)) return null;
  const rounds = Number(count);
  const bound = IMPORT_LIMITS.pbkdf2Rounds;
  if (rounds > bound) return { wrong: tooExpensive(`${rounds} rounds of PBKDF2`, `${bound}`) };
  return { scheme: "pbkdf2", digest, rounds, salt, tag };
}

function bcrypt(stored: string): ImportedHash | UnsupportedHash | null {
  const [, prefix, hash, costText] = BCRYPT.exec(stored) ?? [];
  if (hash === undefined) return null;
  const cost = Number(costText);
  if (cost < 4) return { wrong: "has a bcrypt cost under 4, which bcrypt does not know" };
  if (cost > IMPORT_LIMITS.bcryptCost) {
    return { wrong: tooExpensive(`a bcrypt cost of ${cost}`, `${IMPORT_LIMITS.bcryptCost}`) };
  }
  return { scheme: "bcrypt", hash, digestFirst: prefix === "bcrypt_sha256$" };
}

function argon2(stored: string): ImportedHash | UnsupportedHash | null {
  const [, typeName, m, t, p, salt, tag] = ARGON2.exec(stored) ?? [];
  if (salt === undefined || tag === undefined) return null;
  if (!isCanonical(salt) || !isCanonical(tag)) {
    return { wrong: "has a salt or a tag that is no base64" };
  }
  const type = typeName === "i" ? "i" : "id";
  const bound = IMPORT_LIMITS[`argon2${type}`];
  const [memoryKiB, passes, lanes] = [Number(m), Number(t), Number(p)];
  if (lanes > ARGON2_LANES)
    return { wrong: tooExpensive(`${lanes} lanes of Argon2`, `${ARGON2_LANES}`) };
  if (memoryKiB < 8 * lanes) return { wrong: "has less memory than Argon2 needs for its lanes" };
  if (memoryKiB > bound.memoryKiB) {
    return {
      wrong: tooExpensive(`${memoryKiB} KiB of memory for Argon2${type}`, `${bound.memoryKiB}`),
    };
  }
  if (memoryKiB * passes > bound.memoryTimesPasses) {
    const most = Math.floor(bound.memoryTimesPasses / memoryKiB);
    return {
      wrong: tooExpensive(`${passes} passes of Argon2${type} over ${memoryKiB} KiB`, `${most}`),
    };
  }
  return { scheme: "argon2", type, memoryKiB, passes, lanes, salt, tag };
}

/** What better-auth uses for all: N = 16,384, r = 16, p = 1. */
const BETTER_AUTH_COST = { N: 16_384, r: 16, p: 1 };

function scrypt(stored: string): ImportedHash | UnsupportedHash | null {
  const [, saltHex, key] = BETTER_AUTH.exec(stored) ?? [];
  if (saltHex !== undefined && key !== undefined) {
    return { scheme: "scrypt", cost: BETTER_AUTH_COST, salt: saltHex, tag: key, form: "hex" };
  }
  const [, n, salt, r, p, tag] = SCRYPT.exec(stored) ?? [];
  if (salt === undefined || tag === undefined) return null;
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  if (cost.N < 2 || (cost.N & (cost.N - 1)) !== 0 || cost.r < 1 || cost.p < 1) {
    return { wrong: "has parameters that scrypt does not know" };
  }
  const work = cost.N * cost.r * cost.p;
  const bound = IMPORT_LIMITS.scryptWork;
  if (work > bound)
    return { wrong: tooExpensive(`N times r times p of ${work} of scrypt`, `${bound}`) };
  return { scheme: "scrypt", cost, salt, tag, form: "base64" };
}

function digest(stored: string): ImportedHash | null {
  const [, name, salt = "", tag] = DIGEST.exec(stored) ?? [];
  if (tag === undefined) return null;
  const digest = tag.length === 32 ? "md5" : "sha1";
  // Without a name only MD5: Django writes an unsalted SHA-1 as `sha1$$…`.
  if (name === undefined ? digest === "sha1" : name !== digest) return null;
  return { scheme: "digest", digest, salt, tag };
}

/** Without stray bits in the last character, so that a value has only one spelling. */
function isCanonical(base64: string): boolean {
  const last = [/./, /^$/, /[AQgw]/, /[AEIMQUYcgkosw048]/][base64.length % 4];
  return last?.test(base64.slice(-1)) === true;
}

function tooExpensive(what: string, bound: string): string {
  return `asks for ${what}; a login can compute at most ${bound}`;
}
