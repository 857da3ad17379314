import argon2id from "argon2id/lib/argon2id.js";
import type { Argon2idParams } from "argon2id/lib/setup.js";

/**
 * Argon2id version 19 (RFC 9106). `memorySize` is in KiB. The caller checks the salt's length.
 * @throws Error below 8 KiB per lane, RangeError above about 65 MiB; later calls still work
 */
export type Argon2id = (params: Argon2idParams) => Uint8Array;

/** 65 MiB in pages of 64 KiB, the minimum of the module. Pages that are never written cost nothing. */
const PAGES = 1040;

/** The library puts 5 KiB of tables in front of the blocks. */
const TABLES_KIB = 6;

/**
 * Creates an instance whose memory cannot grow: an isolate has 128 MB in total. The package's own set-up
 * is asynchronous (two concurrent first logins would each reserve 65 MiB), allows 4 GiB, and hides the
 * memory, which then could not be cleared. So this calls the function below it.
 */
export function loadArgon2id(module: WebAssembly.Module): Argon2id {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return (params) => {
    try {
      return argon2id({ ...params, password: opaque(params.password) }, { memory, instance });
    } finally {
      // The library clears its tables but not its blocks. The last block yields the tag, and any of them
      // may let an attacker test a guess for less than a full hash. Only the used part is cleared, because
      // writing to the rest would allocate it.
      const used = Math.min((params.memorySize + TABLES_KIB) * 1024, memory.buffer.byteLength);
      new Uint8Array(memory.buffer, 0, used).fill(0);
    }
  };
}

/**
 * The same bytes, but converted to a number they are NaN. The library compares the array with 8, which would
 * put the password on the heap as a decimal string. It would also reject an empty password or a single
 * control character, and a login with one of these must take as long as any other.
 */
function opaque(password: Uint8Array): Uint8Array {
  const view = new Uint8Array(password.buffer, password.byteOffset, password.byteLength);
  return Object.assign(view, { [Symbol.toPrimitive]: () => Number.NaN });
}
