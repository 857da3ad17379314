import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The file that this writes, with `node src/cli/sha256-wasm.ts`. */
export const WASM_FILE = fileURLToPath(new URL("../crypto/pbkdf2-sha256.wasm", import.meta.url));

/** Where in its memory the module keeps what: see src/crypto/pbkdf2-sha256.ts. */
const INNER = 0;
const OUTER = 32;
const U = 64;
const T = 96;
const BLOCK = 128;

// The instructions of WebAssembly 1.0 that are needed, by their names there.
const I32 = 0x7f;
const localGet = (index: number) => [0x20, ...unsigned(index)];
const localSet = (index: number) => [0x21, ...unsigned(index)];
const load = (offset: number) => [0x28, 2, ...unsigned(offset)];
const store = (offset: number) => [0x36, 2, ...unsigned(offset)];
const constant = (value: number) => [0x41, ...signed(value)];
const call = (index: number) => [0x10, ...unsigned(index)];
const ADD = 0x6a;
const SUB = 0x6b;
const AND = 0x71;
const XOR = 0x73;
const SHR_U = 0x76;
const ROTR = 0x78;
const END = 0x0b;

// The locals of `compress(state, block)`: its parameters, the eight variables of FIPS 180-4, the
// sixteen last words of the schedule, and T1.
const STATE_AT = 0;
const BLOCK_AT = 1;
const VARIABLES = 2;
const WORDS = 10;
const T1 = 26;

const xor3 = (x: readonly number[], y: readonly number[], z: readonly number[]) => [
  ...x,
  ...y,
  XOR,
  ...z,
  XOR,
];
const rotr = (local: number, by: number) => [...localGet(local), ...constant(by), ROTR];
const shr = (local: number, by: number) => [...localGet(local), ...constant(by), SHR_U];

/** FIPS 180-4, 6.2.2, with every round written out: `state` is added to, and words are 32-bit numbers as memory has them. */
function compress(): number[] {
  const code: number[] = [];
  for (let t = 0; t < 16; t++)
    code.push(...localGet(BLOCK_AT), ...load(4 * t), ...localSet(WORDS + t));
  for (let i = 0; i < 8; i++)
    code.push(...localGet(STATE_AT), ...load(4 * i), ...localSet(VARIABLES + i));
  for (let t = 0; t < 64; t++) {
    const word = (back: number) => WORDS + ((t - back + 64) % 16);
    if (t >= 16) {
      const [w15, w2] = [word(15), word(2)];
      code.push(
        ...[...localGet(word(16)), ...localGet(word(7)), ADD],
        ...[...xor3(rotr(w15, 7), rotr(w15, 18), shr(w15, 3)), ADD],
        ...[...xor3(rotr(w2, 17), rotr(w2, 19), shr(w2, 10)), ADD],
        ...localSet(word(0)),
      );
    }
    // The variables move on by one each round: their names do, not their values.
    const [a, b, c, d, e, f, g, h] = Array.from(
      "abcdefgh",
      (_, i) => VARIABLES + ((i + 64 - t) % 8),
    ) as [number, number, number, number, number, number, number, number];
    code.push(
      ...[...localGet(h), ...constant(ROUND_CONSTANTS[t] ?? 0), ADD, ...localGet(word(0)), ADD],
      ...[...xor3(rotr(e, 6), rotr(e, 11), rotr(e, 25)), ADD],
      ...[...localGet(g), ...localGet(e), ...localGet(f), ...localGet(g), XOR, AND, XOR, ADD],
      ...localSet(T1),
      ...[...localGet(d), ...localGet(T1), ADD, ...localSet(d)],
      ...[...localGet(T1), ...xor3(rotr(a, 2), rotr(a, 13), rotr(a, 22)), ADD],
      ...[...localGet(a), ...localGet(b), AND, ...localGet(c)],
      ...[...localGet(a), ...localGet(b), XOR, AND, XOR, ADD, ...localSet(h)],
    );
  }
  for (let i = 0; i < 8; i++) {
    code.push(...localGet(STATE_AT), ...localGet(STATE_AT), ...load(4 * i));
    code.push(...localGet(VARIABLES + i), ADD, ...store(4 * i));
  }
  return [...code, END];
}

/** `iterate(count)`: so many more iterations of PBKDF2 on U and T. */
function iterate(): number[] {
  const copy = (from: number, to: number) =>
    words((at) => [...constant(0), ...constant(0), ...load(from + at), ...store(to + at)]);
  const hmacHalf = (key: number) => [
    ...copy(U, BLOCK),
    ...copy(key, U),
    ...[...constant(U), ...constant(BLOCK), ...call(0)],
  ];
  const xorIn = words((at) => [
    ...[...constant(0), ...constant(0), ...load(T + at)],
    ...[...constant(0), ...load(U + at), XOR, ...store(T + at)],
  ]);
  const whileCounting = [
    ...[...localGet(0), 0x45, 0x0d, 1], // i32.eqz, br_if out of the block
    ...[...hmacHalf(INNER), ...hmacHalf(OUTER), ...xorIn],
    ...[...localGet(0), ...constant(1), SUB, ...localSet(0)],
    ...[0x0c, 0], // br to the loop's start
  ];
  return [0x02, 0x40, 0x03, 0x40, ...whileCounting, END, END, END];
}

function words(each: (at: number) => readonly number[]): number[] {
  return Array.from({ length: 8 }, (_, i) => each(4 * i)).flat();
}

/** The module: `compress`, `iterate`, and one page of memory. */
export function sha256Module(): Uint8Array<ArrayBuffer> {
  const functionBody = (locals: readonly number[], code: readonly number[]) =>
    sized([...locals, ...code]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, 0x60, 2, I32, I32, 0, 0x60, 1, I32, 0]),
    ...section(3, [2, 0, 1]),
    ...section(5, [1, 1, 1, 1]),
    ...section(7, [
      ...[3, ...name("compress"), 0, 0],
      ...[...name("iterate"), 0, 1],
      ...[...name("memory"), 2, 0],
    ]),
    ...section(10, [2, ...functionBody([1, 25, I32], compress()), ...functionBody([0], iterate())]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

function sized(content: readonly number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return sized([...Buffer.from(text)]);
}

/** LEB128 */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const last = value >= -64 && value < 64;
  return last ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

/** FIPS 180-4, 4.2.2: of the cube roots of the first 64 primes, the first 32 bits after the point. */
const ROUND_CONSTANTS = primes(64).map((prime) => fractionOfCubeRoot(prime) | 0);

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++)
    if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

/** Whole numbers only: the last bits of a floating-point root may be wrong. */
function fractionOfCubeRoot(value: number): number {
  const scaled = BigInt(value) << 96n;
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** 3n <= scaled) low = middle;
    else high = middle;
  }
  return Number(BigInt.asUintN(32, low));
}

if (import.meta.main) writeFileSync(WASM_FILE, sha256Module());
