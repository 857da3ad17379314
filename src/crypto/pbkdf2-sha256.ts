/** PBKDF2-HMAC-SHA-256 of RFC 8018, with an output of 32 bytes: one block. */
export type Pbkdf2Sha256 = (
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
) => Uint8Array<ArrayBuffer>;

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

/** Where in the module's memory a thing is, in words of 32 bits. */
const INNER = 0;
const OUTER = 8;
const U = 16;
const T = 24;
const BLOCK = 32;
const MEMORY_WORDS = 48;

const INITIAL = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/**
 * Production's WebCrypto refuses more than 100,000 iterations, and the hashes of other systems have
 * up to twelve times as many. So the iterations are done in a WebAssembly module that holds nothing
 * but SHA-256's compression and the loop around it (made by src/cli/sha256-wasm.ts): half the time
 * of JavaScript. It is for reading those hashes only.
 */
export function loadPbkdf2Sha256(module: WebAssembly.Module): Pbkdf2Sha256 {
  const { exports } = new WebAssembly.Instance(module);
  const { memory } = exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new Error("the module has no memory");
  const compress: Exported = exported(exports.compress);
  const iterate: Exported = exported(exports.iterate);
  const words = new Int32Array(memory.buffer, 0, MEMORY_WORDS);

  /** The hash's state at `state` takes in these bytes, as many as make whole blocks. */
  function absorb(state: number, bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      for (let i = 0; i < 16; i++) words[BLOCK + i] = view.getInt32(at + 4 * i);
      compress(4 * state, 4 * BLOCK);
    }
  }

  /** SHA-256 of a message whose first `before` bytes the state has taken in already. */
  function finish(state: number, message: Uint8Array, before: number): void {
    const length = Math.ceil((message.length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
    const padded = new Uint8Array(length);
    padded.set(message);
    padded[message.length] = 0x80;
    new DataView(padded.buffer).setUint32(length - 4, (before + message.length) * 8);
    absorb(state, padded);
    padded.fill(0);
  }

  function read(state: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(DIGEST_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 8; i++) view.setInt32(4 * i, words[state + i] ?? 0);
    return bytes;
  }

  /** HMAC's key block. */
  function keyBlock(password: Uint8Array): Uint8Array {
    const block = new Uint8Array(BLOCK_BYTES);
    if (password.length <= BLOCK_BYTES) {
      block.set(password);
    } else {
      words.set(INITIAL, U);
      finish(U, password, 0);
      block.set(read(U));
    }
    return block;
  }

  return (password, salt, iterations) => {
    try {
      const key = keyBlock(password);
      words.set(INITIAL, INNER);
      absorb(
        INNER,
        key.map((byte) => byte ^ 0x36),
      );
      words.set(INITIAL, OUTER);
      absorb(
        OUTER,
        key.map((byte) => byte ^ 0x5c),
      );
      key.fill(0);
      words.copyWithin(U, INNER, OUTER);
      finish(U, Uint8Array.of(...salt, 0, 0, 0, 1), BLOCK_BYTES);
      const innerDigest = read(U);
      words.copyWithin(U, OUTER, U);
      finish(U, innerDigest, BLOCK_BYTES);
      words.copyWithin(T, U, T);
      // From here on what is hashed is always a digest: only its eight words change in the block,
      // and the padding that `finish` left after them stays.
      iterate(iterations - 1);
      return read(T);
    } finally {
      words.fill(0);
    }
  };
}

type Exported = (...numbers: readonly number[]) => unknown;

function exported(found: unknown): Exported {
  if (typeof found !== "function") throw new Error("the module lacks a function");
  return (...numbers) => Reflect.apply(found, undefined, numbers);
}
