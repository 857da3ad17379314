import argon2id from "argon2id/lib/argon2id.js";
import type { Argon2idParams } from "argon2id/lib/setup.js";

/**
 * Argon2id version 19 (RFC 9106). `memorySize` is in KiB. The salt's length is the caller's to check.
 * @throws Error under 8 KiB a lane, RangeError above some 65 MiB; the next call is unharmed
 */
export type Argon2id = (params: Argon2idParams) => Uint8Array;

/** 65 MiB in pages of 64 KiB: the least that the module asks for. Pages never written cost nothing. */
const PAGES = 1040;

/** The library's own 5 KiB of tables stand before the blocks. */
const TABLES_KIB = 6;

/**
 * Makes an instance with a memory of its own that can never grow: an isolate has 128 MB for all.
 *
 * The package's documented set-up is asynchronous, so two first logins at once would each reserve
 * 65 MiB; it lets the memory grow to 4 GiB, and keeps the memory to itself, so nobody can clear it.
 * Hence this calls the function beneath.
 */
export function loadArgon2id(module: WebAssembly.Module): Argon2id {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return (params) => {
    try {
      return argon2id({ ...params, password: opaque(params.password) }, { memory, instance });
    } finally {
      // The library clears its tables, not its blocks: the last one yields the tag, and any of them
      // may let a guess be tried for less than a whole hash. Only what was used is cleared, because
      // writing to the rest would make the system back it with memory.
      const used = Math.min((params.memorySize + TABLES_KIB) * 1024, memory.buffer.byteLength);
      new Uint8Array(memory.buffer, 0, used).fill(0);
    }
  };
}

/**
 * The same bytes, seen as no number. The library compares the array itself with the number 8, which
 * turns the whole password into a string of decimals on the heap, and refuses an empty password or
 * a single control character, for which a login must do the same work as for any other.
 */
function opaque(password: Uint8Array): Uint8Array {
  const view = new Uint8Array(password.buffer, password.byteOffset, password.byteLength);
  return Object.assign(view, { [Symbol.toPrimitive]: () => Number.NaN });
}
