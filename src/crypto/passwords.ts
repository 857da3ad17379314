import simd from "argon2id/dist/simd.wasm";
import type { Passwords } from "../core/ports.ts";
import { type Argon2id, loadArgon2id } from "./argon2id.ts";
import { isCommonPassword } from "./common-passwords.ts";

interface Cost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/**
 * OWASP's m=19 MiB, t=2, p=1. To raise it, change it here: each login then rehashes its own. Do not
 * lower it: the accounts that still cost more would stand out by their time.
 */
export const CURRENT_COST: Cost = { memoryKiB: 19 * 1024, passes: 2 };

/**
 * The most that a stored string may ask for: room for two steps up, at 3.4 times today's work.
 * Whoever could write one row would otherwise stop an isolate for as long as she likes.
 */
export const COST_BOUND: Cost = { memoryKiB: 32 * 1024, passes: 4 };

/** Argon2 knows no less: 8 blocks of 1 KiB to a lane. */
const LEAST_MEMORY_KIB = 8;
const SALT_BYTES = 16;
const TAG_BYTES = 32;

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
const SCHEMES: readonly Scheme[] = [argon2idPhc];

// Resolved, never a promise: one that is cached hangs every request after the one that it died with.
let loaded: Argon2id | undefined;

/** Argon2id in PHC strings. The isolate's single instance is made at the first hash. */
export function argon2Passwords(): Passwords {
  return passwordsOver((params) => {
    loaded ??= loadArgon2id(simd);
    return loaded(params);
  });
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

function formatPhc({ memoryKiB, passes }: Cost, salt: Uint8Array, tag: Uint8Array): string {
  const [saltText, tagText] = [salt, tag].map((part) => part.toBase64({ omitPadding: true }));
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${saltText}$${tagText}`;
}

function tagOf(argon2id: Argon2id, password: Uint8Array, salt: Uint8Array, cost: Cost): Uint8Array {
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
