import simd from "argon2id/dist/simd.wasm";
import type { Passwords } from "../core/passwords.ts";
import { type Argon2id, loadArgon2id } from "./argon2id.ts";
import { isCommonPassword } from "./common-passwords.ts";
import { importedMatcher } from "./imported-passwords.ts";
import { type Cost, CURRENT_COST, formatPhc, SALT_BYTES, TAG_BYTES } from "./phc.ts";

/**
 * The most that a stored hash may cost: 3.4 times today's work, which leaves room to raise it twice.
 * Otherwise one tampered row could tie up an isolate indefinitely.
 */
export const COST_BOUND: Cost = { memoryKiB: 32 * 1024, passes: 4 };

/** The minimum of Argon2: 8 blocks of 1 KiB per lane. */
const LEAST_MEMORY_KIB = 8;

/** A stored password hash, parsed. */
interface Stored {
  readonly current: boolean;
  /** How many blocks `matches` writes. Its time is proportional to this. */
  readonly work: number;
  matches(password: Uint8Array): boolean;
}

/** Parses the hashes of one scheme; null for every other string. */
type Scheme = (stored: string, argon2id: Argon2id) => Stored | null;

/** Our own scheme, and those of imported accounts, which are never `current`. */
const SCHEMES: readonly Scheme[] = [argon2idPhc, imported];

// Not a promise: a cached one that belongs to a canceled request would hang every later request.
let loaded: Argon2id | undefined;

/** The isolate's only instance, created for the first hash. */
export const isolateArgon2id: Argon2id = (params) => {
  loaded ??= loadArgon2id(simd);
  return loaded(params);
};

/** Argon2id hashes as PHC strings. */
export function argon2Passwords(): Passwords {
  return passwordsOver(isolateArgon2id);
}

/** {@link argon2Passwords} with any Argon2id, so that tests can count its work. */
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
        // Fill up to the work of a current hash (all of it if there is no account). Otherwise the time
        // would tell old accounts from new ones, and both from unknown emails.
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

// Exactly what `formatPhc` writes: no leading zeros, padding or stray bits in the last character of salt
// and tag, so that a value has only one spelling. One lane, because Workers have no threads for more.
const PHC =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=1\$([A-Za-z0-9+/]{21}[AQgw])\$([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])$/;

/** Parses our own PHC strings. Null also for one that costs more than `COST_BOUND`. */
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
 * An imported hash. Its time cannot be compared with ours, so it counts as no work: a wrong password costs one
 * current hash in addition, and so does the right one, which is then rehashed.
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

/** Hashes only to take time, in as many passes as a current hash. */
function spend(missing: number, argon2id: Argon2id, password: Uint8Array): void {
  const { passes } = CURRENT_COST;
  const memoryKiB = Math.floor(missing / passes);
  if (memoryKiB < LEAST_MEMORY_KIB) return;
  tagOf(argon2id, password, new Uint8Array(SALT_BYTES), { memoryKiB, passes });
}

/**
 * Passwords are hashed as UTF-8, neither trimmed nor normalized. The bytes are cleared after `use`. The string
 * itself, and BLAKE2b's copy outside the WASM memory, remain until they are garbage-collected.
 */
function withUtf8<T>(password: string, use: (bytes: Uint8Array) => T): T {
  const bytes = new TextEncoder().encode(password);
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}
