import simd from "argon2id/dist/simd.wasm";
import type { Passwords } from "../core/passwords.ts";
import { type Argon2id, loadArgon2id } from "./argon2id.ts";
import { isCommonPassword } from "./common-passwords.ts";
import { importedMatcher } from "./imported-passwords.ts";
import { type Cost, CURRENT_COST, formatPhc, SALT_BYTES, TAG_BYTES } from "./phc.ts";

/**
 * The most that a stored string may ask for: room for two steps up, at 3.4 times today's work.
 * Whoever could write one row would otherwise stop an isolate for as long as she likes.
 */
export const COST_BOUND: Cost = { memoryKiB: 32 * 1024, passes: 4 };

/** Argon2 knows no less: 8 blocks of 1 KiB to a lane. */
const LEAST_MEMORY_KIB = 8;

/** A stored password as its scheme reads it. */
interface Stored {
  readonly current: boolean;
  /** Blocks written by `matches`. Time is in proportion to it. */
  readonly work: number;
  matches(password: Uint8Array): boolean;
}

/** Reads the strings of one scheme; null for every other string. */
type Scheme = (stored: string, argon2id: Argon2id) => Stored | null;

/** A scheme that is only read (an import from elsewhere) is one more line, and never `current`. */
const SCHEMES: readonly Scheme[] = [argon2idPhc, imported];

// Resolved, never a promise: one that is cached hangs every request after the one that it died with.
let loaded: Argon2id | undefined;

/** The isolate's single instance, made at the first hash. */
export const isolateArgon2id: Argon2id = (params) => {
  loaded ??= loadArgon2id(simd);
  return loaded(params);
};

/** Argon2id in PHC strings. */
export function argon2Passwords(): Passwords {
  return passwordsOver(isolateArgon2id);
}

/** {@link argon2Passwords} over any Argon2id, so that its work can be counted. */
export function passwordsOver(argon2id: Argon2id): Passwords {
  return {
    hash: async (password) =>
      withUtf8(password, (bytes) => {
        const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
        return formatPhc(CURRENT_COST, salt, tagOf(argon2id, bytes, salt, CURRENT_COST));
      }),

    verify: async (password, phc) =>
      withUtf8(password, (bytes) => {
        const stored = phc === null ? null : readStored(phc, argon2id);
        if (stored?.matches(bytes)) return stored.current ? "match" : "stale";
        // What is missing to the work of a current hash is done too, all of it where there is no
        // account: else time would tell an old account from a new one, and either from none.
        // guard: every-wrong-password-costs-the-same
        spend(work(CURRENT_COST) - (stored?.work ?? 0), argon2id, bytes);
        return "mismatch";
      }),

    isCommon: isCommonPassword,
  };
}

function readStored(phc: string, argon2id: Argon2id): Stored | null {
  for (const scheme of SCHEMES) {
    const stored = scheme(phc, argon2id);
    if (stored !== null) return stored;
  }
  return null;
}

// Exactly what `formatPhc` writes: no leading zeros, no padding, and no stray bits in the last
// character of salt (of 22) and tag (of 43), so that one value has one spelling. A single lane only:
// the threads that more lanes are for do not exist here.
const PHC =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=1\$([A-Za-z0-9+/]{21}[AQgw])\$([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])$/;

/** The PHC string format. Null too where the string asks for more than `COST_BOUND`. */
function argon2idPhc(stored: string, argon2id: Argon2id): Stored | null {
  const [, m, t, salt, tag] = PHC.exec(stored) ?? [];
  if (salt === undefined || tag === undefined) return null;
  const cost: Cost = { memoryKiB: Number(m), passes: Number(t) };
  if (cost.memoryKiB < LEAST_MEMORY_KIB || cost.memoryKiB > COST_BOUND.memoryKiB) return null;
  if (cost.passes > COST_BOUND.passes) return null;
  return {
    current: cost.memoryKiB === CURRENT_COST.memoryKiB && cost.passes === CURRENT_COST.passes,
    work: work(cost),
    matches: (password) =>
      crypto.subtle.timingSafeEqual(
        tagOf(argon2id, password, Uint8Array.fromBase64(salt), cost),
        Uint8Array.fromBase64(tag),
      ),
  };
}

/**
 * What an import brought. Its time cannot be made equal to ours, so no work of ours is set off
 * against it: a wrong password costs a hash of today's on top, as the right one does that is then
 * hashed anew.
 */
function imported(stored: string, argon2id: Argon2id): Stored | null {
  const matches = importedMatcher(stored, argon2id);
  return matches === null ? null : { current: false, work: 0, matches };
}

export function tagOf(
  argon2id: Argon2id,
  password: Uint8Array,
  salt: Uint8Array,
  cost: Cost,
): Uint8Array {
  return argon2id({
    password,
    salt,
    memorySize: cost.memoryKiB,
    passes: cost.passes,
    parallelism: 1,
    tagLength: TAG_BYTES,
  });
}

function work({ memoryKiB, passes }: Cost): number {
  return memoryKiB * passes;
}

/** Hashes for the sake of the time, in as many passes as today. */
function spend(missing: number, argon2id: Argon2id, password: Uint8Array): void {
  const { passes } = CURRENT_COST;
  const memoryKiB = Math.floor(missing / passes);
  if (memoryKiB < LEAST_MEMORY_KIB) return;
  tagOf(argon2id, password, new Uint8Array(SALT_BYTES), { memoryKiB, passes });
}

/**
 * The password is its UTF-8, untrimmed and not normalised. The bytes are cleared after `use`; the
 * string itself, and what BLAKE2b copied of it outside the WASM memory, wait for the collector.
 */
function withUtf8<T>(password: string, use: (bytes: Uint8Array) => T): T {
  const bytes = new TextEncoder().encode(password);
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}
