import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/**
 * What the Worker takes from the platform beside its bindings: time, chance and WebCrypto. While a
 * simulation runs, all of it follows from the seed. WebCrypto answers from a pool of threads, in an
 * order that no seed decides, so digests and HMACs are computed on the spot.
 */
export interface Simulated {
  readonly clock: Clock;
  /** What the clock of the isolate says that is asking. */
  nowMs(): number;
  /** The stream of the isolate that asks. */
  random(): Random;
  log(line: string): void;
}

let simulated: Simulated | null = null;
let installed = false;

/** Runs `work` with the platform simulated; outside of it everything is real. */
export async function withSimulated<T>(by: Simulated, work: () => Promise<T>): Promise<T> {
  if (!installed) install();
  if (simulated !== null) throw new Error("one simulation at a time in a thread");
  simulated = by;
  try {
    return await work();
  } finally {
    simulated = null;
  }
}

const hmacSecrets = new WeakMap<CryptoKey, Uint8Array>();

function install(): void {
  installed = true;
  const { now } = Date;
  Date.now = () => simulated?.nowMs() ?? now();

  const chance = Math.random;
  Math.random = () => simulated?.random().next() ?? chance();

  replace(
    globalThis,
    "setTimeout",
    (real) =>
      (run: () => void, ms = 0, ...rest: unknown[]) =>
        simulated === null
          ? call(real, globalThis, run, ms, ...rest)
          : simulated.clock.after(ms, run),
  );
  replace(
    globalThis,
    "clearTimeout",
    (real) => (handle: unknown) =>
      simulated !== null && typeof handle === "number"
        ? simulated.clock.cancel(handle)
        : call(real, globalThis, handle),
  );
  for (const method of ["error", "warn"] as const) {
    const print = console[method].bind(console);
    console[method] = (...parts: unknown[]) =>
      simulated === null ? print(...parts) : simulated.log(parts.map(String).join(" "));
  }
  installCrypto();
  installBase64();
}

/** workerd has these; Node 24 has not got them yet. */
function installBase64(): void {
  if (Reflect.has(Uint8Array, "fromBase64")) return;
  const encoding = (options?: { alphabet?: string }) =>
    options?.alphabet === "base64url" ? "base64url" : "base64";
  const fromBase64 = (text: string, options?: { alphabet?: string }) =>
    new Uint8Array(Buffer.from(text, encoding(options)));
  Object.defineProperty(Uint8Array, "fromBase64", { value: fromBase64 });
  function toHex(this: Uint8Array) {
    return Buffer.from(this).toString("hex");
  }
  Object.defineProperty(Uint8Array.prototype, "toHex", { value: toHex });
}

function installCrypto(): void {
  const { subtle } = crypto;
  replace(crypto, "getRandomValues", (real) => (into: Uint8Array) => {
    if (simulated === null) return call(real, crypto, into);
    const random = simulated.random();
    for (let i = 0; i < into.length; i++) into[i] = random.int(256);
    return into;
  });
  replace(crypto, "randomUUID", (real) => () => {
    if (simulated === null) return call(real, crypto);
    const random = simulated.random();
    const digits = Array.from({ length: 32 }, () => random.int(16).toString(16)).join("");
    return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
  });
  replace(subtle, "digest", (real) => async (algorithm: unknown, data: Uint8Array) => {
    if (algorithm !== "SHA-256") return call(real, subtle, algorithm, data);
    return exactly(createHash("sha256").update(data).digest());
  });
  replace(subtle, "importKey", (real) => async (...parts: unknown[]) => {
    const key = await call(real, subtle, ...parts);
    const [format, bytes] = parts;
    if (format === "raw" && bytes instanceof Uint8Array && key instanceof CryptoKey) {
      hmacSecrets.set(key, bytes.slice());
    }
    return key;
  });
  replace(subtle, "sign", (real) => async (...parts: [unknown, CryptoKey, Uint8Array]) => {
    const [, key, data] = parts;
    const secret = hmacSecrets.get(key);
    return secret === undefined ? call(real, subtle, ...parts) : exactly(hmac(secret, data));
  });
  replace(
    subtle,
    "verify",
    (real) =>
      async (...parts: [unknown, CryptoKey, Uint8Array, Uint8Array]) => {
        const [, key, signature, data] = parts;
        const secret = hmacSecrets.get(key);
        if (secret === undefined) return call(real, subtle, ...parts);
        const expected = hmac(secret, data);
        return expected.length === signature.length && timingSafeEqual(expected, signature);
      },
  );
}

const hmac = (secret: Uint8Array, data: Uint8Array) =>
  createHmac("sha256", secret).update(data).digest();

/** Node's small buffers share one pool: an ArrayBuffer of their own, as WebCrypto gives. */
const exactly = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

type Method = (...parts: never[]) => unknown;

function call(method: unknown, self: object, ...parts: unknown[]): unknown {
  if (typeof method !== "function") throw new TypeError("not a method");
  return Reflect.apply(method, self, parts);
}

function replace(owner: object, name: string, by: (real: unknown) => Method): void {
  const value = by(Reflect.get(owner, name));
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
}
