import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
  verify as verifySignature,
} from "node:crypto";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/**
 * What the Worker takes from the platform beside its bindings: time, chance and WebCrypto. While a
 * simulation runs, all of it follows from the seed. WebCrypto answers from a pool of threads, in an
 * order that no seed decides, so all that the Worker asks of it is computed on the spot.
 */
export interface Simulated {
  readonly clock: Clock;
  /** What the clock of the isolate says that is asking. */
  nowMs(): number;
  /** The stream of the isolate that asks. */
  random(): Random;
  log(line: string): void;
  /** What was sent to the receiver of emails. @returns whether it takes it */
  mail(body: unknown): boolean;
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

/** Of HMAC, AES and HKDF keys. */
const secrets = new WeakMap<CryptoKey, Uint8Array>();
/** Of passkeys. */
const publicKeys = new WeakMap<CryptoKey, KeyObject>();

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
  // The one host that this Worker calls.
  replace(globalThis, "fetch", (real) => async (url: unknown, init: RequestInit) => {
    if (simulated === null) return call(real, globalThis, url, init);
    return new Response(null, {
      status: simulated.mail(JSON.parse(String(init.body))) ? 204 : 400,
    });
  });
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
  function toBase64(this: Uint8Array, options?: { alphabet?: string; omitPadding?: boolean }) {
    const text = Buffer.from(this).toString(encoding(options));
    const isBare = options?.alphabet === "base64url" || options?.omitPadding === true;
    return isBare ? text.replace(/=+$/, "") : text;
  }
  Object.defineProperty(Uint8Array.prototype, "toHex", { value: toHex });
  Object.defineProperty(Uint8Array.prototype, "toBase64", { value: toBase64 });
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
  const keyOf = async (...parts: readonly unknown[]): Promise<unknown> => {
    const key = await call(importKey, subtle, ...parts);
    const [format, bytes] = parts;
    if (format === "raw" && bytes instanceof Uint8Array && key instanceof CryptoKey) {
      secrets.set(key, bytes.slice());
    }
    if (format === "jwk" && key instanceof CryptoKey && Object(bytes).kty === "OKP") {
      publicKeys.set(key, createPublicKey({ key: Object(bytes), format }));
    }
    return key;
  };
  const { importKey } = subtle;
  replace(subtle, "importKey", () => keyOf);
  replace(
    subtle,
    "deriveKey",
    (real) =>
      async (...parts: [Hkdf, CryptoKey, { readonly length: number }, ...unknown[]]) => {
        const [{ salt, info }, from, to, ...rest] = parts;
        const secret = secrets.get(from);
        if (secret === undefined) return call(real, subtle, ...parts);
        const bytes = hkdfSync("sha256", secret, salt, info, to.length / 8);
        return keyOf("raw", new Uint8Array(bytes), to, ...rest);
      },
  );
  replace(subtle, "sign", (real) => async (...parts: [unknown, CryptoKey, Uint8Array]) => {
    const [, key, data] = parts;
    const secret = secrets.get(key);
    return secret === undefined ? call(real, subtle, ...parts) : exactly(hmac(key, secret, data));
  });
  replace(
    subtle,
    "verify",
    (real) =>
      async (...parts: [unknown, CryptoKey, Uint8Array, Uint8Array]) => {
        const [, key, signature, data] = parts;
        const secret = secrets.get(key);
        if (secret !== undefined) {
          const expected = hmac(key, secret, data);
          return expected.length === signature.length && timingSafeEqual(expected, signature);
        }
        const publicKey = publicKeys.get(key);
        return publicKey === undefined
          ? call(real, subtle, ...parts)
          : verifySignature(null, data, publicKey, signature);
      },
  );
  replace(
    subtle,
    "encrypt",
    () =>
      async ({ iv, additionalData }: Gcm, key: CryptoKey, data: Uint8Array) => {
        const cipher = createCipheriv("aes-256-gcm", secrets.get(key) ?? "", iv).setAAD(
          additionalData,
        );
        return exactly(Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]));
      },
  );
  replace(
    subtle,
    "decrypt",
    () =>
      async ({ iv, additionalData }: Gcm, key: CryptoKey, data: Uint8Array) => {
        const decipher = createDecipheriv("aes-256-gcm", secrets.get(key) ?? "", iv)
          .setAAD(additionalData)
          .setAuthTag(data.subarray(-TAG_BYTES));
        return exactly(
          Buffer.concat([decipher.update(data.subarray(0, -TAG_BYTES)), decipher.final()]),
        );
      },
  );
}

const TAG_BYTES = 16;

interface Hkdf {
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
}

interface Gcm {
  readonly iv: Uint8Array;
  readonly additionalData: Uint8Array;
}

function hmac({ algorithm }: CryptoKey, secret: Uint8Array, data: Uint8Array) {
  const { name } = Object(algorithm).hash;
  return createHmac(String(name).replace("-", ""), secret).update(data).digest();
}

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
