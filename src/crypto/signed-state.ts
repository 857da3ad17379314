import type { SignedState } from "../core/issuer-login.ts";
import type { JwtKeySet } from "./keys.ts";

const encoder = new TextEncoder();
const HMAC = { name: "HMAC", hash: "SHA-256", length: 256 } as const;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** HMACs under keys that are derived from those of JWTs, so that neither can stand in for the other: the active one signs, all check. */
export function signedState({ keys }: JwtKeySet, purpose: string): SignedState {
  async function macKey(key: JwtKeySet["keys"][number]): Promise<CryptoKey> {
    const secret = encoder.encode(key.kty === "oct" ? key.k : key.d);
    const from = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
    const info = encoder.encode(`latchkey ${purpose}`);
    const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
    return crypto.subtle.deriveKey(how, from, HMAC, false, ["sign", "verify"]);
  }

  return {
    async sign(text) {
      const active = keys.find(({ state }) => state === "active");
      if (active === undefined) throw new Error("no active key");
      const bytes = encoder.encode(text);
      const mac = new Uint8Array(await crypto.subtle.sign(HMAC, await macKey(active), bytes));
      return `${bytes.toBase64(BASE64URL)}.${mac.toBase64(BASE64URL)}`;
    },

    async read(signed) {
      if (!/^[\w-]{1,2000}\.[\w-]{43}$/.test(signed)) return null;
      const [bytes, mac] = signed.split(".").map(bytesOf);
      if (bytes === undefined || mac === undefined) return null;
      for (const key of keys) {
        // guard: state-is-signed-here
        if (await crypto.subtle.verify(HMAC, await macKey(key), mac, bytes)) {
          return new TextDecoder().decode(bytes);
        }
      }
      return null;
    },
  };
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return new Uint8Array();
  }
}
