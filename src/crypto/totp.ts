import type { Totp } from "../core/second-factor.ts";

const STEP_MS = 30_000;
/** A clock may be one step off, either way (RFC 6238 section 5.2). */
const STEPS_OFF = [0, -1, 1];
/** As long as SHA-1's output (RFC 4226 section 4, R6). */
const SECRET_BYTES = 20;
const DIGITS = 6;
/** More than 112 bits, so that a plain digest hides it (OWASP ASVS 6.5.2). */
const RECOVERY_BYTES = 15;

/** RFC 4648 section 6. Authenticator apps take no other form. */
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32.charAt((held >>> (bits - 5)) & 31);
    held &= 0xff;
  }
  return bits === 0 ? text : text + BASE32.charAt((held << (5 - bits)) & 31);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bits = Array.from(text, (each) => BASE32.indexOf(each).toString(2).padStart(5, "0")).join(
    "",
  );
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

/** HOTP (RFC 4226 section 5.3) with SHA-1. */
async function hotp(key: CryptoKey, counter: number): Promise<string> {
  const text = new DataView(new ArrayBuffer(8));
  text.setBigUint64(0, BigInt(counter));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, text));
  const truncated = mac.getUint32(mac.getUint8(19) & 15) & 0x7fffffff;
  return String(truncated % 10 ** DIGITS).padStart(DIGITS, "0");
}

/** RFC 6238 as every authenticator app has it: SHA-1, six digits, thirty seconds. */
export const totp: Totp = {
  create: () => base32(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))),

  recoveryCode: () => base32(crypto.getRandomValues(new Uint8Array(RECOVERY_BYTES))).toLowerCase(),

  async stepOf(secret, code, nowMs) {
    const hmac = { name: "HMAC", hash: "SHA-1" };
    const key = await crypto.subtle.importKey("raw", bytesOf(secret), hmac, false, ["sign"]);
    const step = Math.floor(nowMs / STEP_MS);
    const steps = STEPS_OFF.map((off) => step + off);
    // All of them, so that the time taken says nothing about the clock of whoever asks.
    const codes = await Promise.all(steps.map((each) => hotp(key, each)));
    return steps.find((_, index) => codes[index] === code) ?? null;
  },
};
