import { base64url } from "jose";
import type { SignedState } from "../core/issuer-login.ts";
import type { Challenges } from "../core/passkeys.ts";
import { bytesOf } from "./encryption.ts";
import type { JwtKeySet } from "./keys.ts";

const encoder = new TextEncoder();
const HMAC = { name: "HMAC", hash: "SHA-256", length: 256 } as const;

/**
 * HMACs under keys that are derived from those of JWTs, so that neither can stand in for the other: the active one
 * signs, and all check, so that a rotation refuses nothing.
 */
function macs({ keys }: JwtKeySet, purpose: string) {
  const derived = new Map<string, CryptoKey>();

  async function macKey(key: JwtKeySet["keys"][number]): Promise<CryptoKey> {
    const known = derived.get(key.kid);
    if (known !== undefined) return known;
    const secret = encoder.encode(key.kty === "oct" ? key.k : key.d);
    const from = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
    const info = encoder.encode(`latchkey ${purpose}`);
    const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
    const made = await crypto.subtle.deriveKey(how, from, HMAC, false, ["sign", "verify"]);
    derived.set(key.kid, made);
    return made;
  }

  return {
    async of(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
      const active = keys.find(({ state }) => state === "active");
      if (active === undefined) throw new Error("no active key");
      return new Uint8Array(await crypto.subtle.sign(HMAC, await macKey(active), bytes));
    },
    async fits(mac: Uint8Array, bytes: Uint8Array): Promise<boolean> {
      for (const key of keys) {
        if (await crypto.subtle.verify(HMAC, await macKey(key), mac, bytes)) return true;
      }
      return false;
    },
  };
}

/** Texts that a browser keeps for us. */
export function signedState(keys: JwtKeySet, purpose: string): SignedState {
  const mac = macs(keys, purpose);
  return {
    async sign(text) {
      const bytes = encoder.encode(text);
      return `${base64url.encode(bytes)}.${base64url.encode(await mac.of(bytes))}`;
    },

    async read(signed) {
      if (!/^[\w-]{1,2000}\.[\w-]{43}$/.test(signed)) return null;
      const [bytes = new Uint8Array(), shown = new Uint8Array()] = signed.split(".").map(bytesOf);
      // guard: state-is-signed-here
      if (await mac.fits(shown, bytes)) return new TextDecoder().decode(bytes);
      return null;
    },
  };
}

/** Before the HMAC: when it expires, as 8 bytes, and 16 random ones. */
const HEAD = 24;

/** Challenges that need no store: each carries its expiry and an HMAC over that and its purpose. */
export function challenges(keys: JwtKeySet): Challenges {
  const mac = macs(keys, "challenge");
  const signed = (head: Uint8Array, purpose: string) =>
    new Uint8Array([...head, ...encoder.encode(purpose)]);

  return {
    async issue(purpose, expiresAtMs) {
      const head = crypto.getRandomValues(new Uint8Array(HEAD));
      new DataView(head.buffer).setBigUint64(0, BigInt(expiresAtMs));
      const tail = await mac.of(signed(head, purpose));
      return base64url.encode(new Uint8Array([...head, ...tail]));
    },

    async expiryOf(challenge, purpose, nowMs) {
      if (!/^[\w-]{74}[AEIMQUYcgkosw048]$/.test(challenge)) return null;
      const bytes = bytesOf(challenge);
      const head = bytes.slice(0, HEAD);
      const expiresAtMs = Number(new DataView(head.buffer).getBigUint64(0));
      if (expiresAtMs <= nowMs) return null;
      // guard: challenge-is-ours
      if (await mac.fits(bytes.slice(HEAD), signed(head, purpose))) return expiresAtMs;
      return null;
    },
  };
}
