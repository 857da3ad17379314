import type { Challenges } from "../core/passkeys.ts";
import type { JwtKeySet } from "./keys.ts";

const encoder = new TextEncoder();
const HMAC = { name: "HMAC", hash: "SHA-256" } as const;

/** Before the HMAC: when it expires, as 8 bytes, and 16 random ones. */
const HEAD = 24;

/**
 * Challenges that need no store: each carries its expiry and an HMAC over that and its purpose. The keys are derived
 * from those that sign JWTs: the active one issues, and all check, so that a rotation refuses none.
 */
export function challenges({ keys }: JwtKeySet): Challenges {
  const derived = new Map<string, CryptoKey>();

  async function keyOf(key: JwtKeySet["keys"][number]): Promise<CryptoKey> {
    const known = derived.get(key.kid);
    if (known !== undefined) return known;
    const secret = encoder.encode(key.kty === "oct" ? key.k : key.d);
    const hkdf = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
    const from = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: INFO };
    const made = await crypto.subtle.deriveKey(from, hkdf, { ...HMAC, length: 256 }, false, [
      "sign",
      "verify",
    ]);
    derived.set(key.kid, made);
    return made;
  }

  const signed = (head: Uint8Array, purpose: string) =>
    new Uint8Array([...head, ...encoder.encode(purpose)]);

  return {
    async issue(purpose, expiresAtMs) {
      const active = keys.find(({ state }) => state === "active");
      if (active === undefined) throw new Error("no active key");
      const head = crypto.getRandomValues(new Uint8Array(HEAD));
      new DataView(head.buffer).setBigUint64(0, BigInt(expiresAtMs));
      const mac = await crypto.subtle.sign(HMAC, await keyOf(active), signed(head, purpose));
      return new Uint8Array([...head, ...new Uint8Array(mac)]).toBase64(BASE64URL);
    },

    async expiryOf(challenge, purpose, nowMs) {
      if (!/^[\w-]{74}[AEIMQUYcgkosw048]$/.test(challenge)) return null;
      const bytes = Uint8Array.fromBase64(challenge, { alphabet: "base64url" });
      const head = bytes.slice(0, HEAD);
      const expiresAtMs = Number(new DataView(head.buffer).getBigUint64(0));
      if (expiresAtMs <= nowMs) return null;
      for (const key of keys) {
        const [secret, text] = [await keyOf(key), signed(head, purpose)];
        // guard: challenge-is-ours
        if (await crypto.subtle.verify(HMAC, secret, bytes.slice(HEAD), text)) return expiresAtMs;
      }
      return null;
    },
  };
}

const INFO = encoder.encode("latchkey challenge");
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;
