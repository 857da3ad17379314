import type { Encryption } from "../core/second-factor.ts";
import type { EncryptionKeys } from "./keys.ts";

const IV_BYTES = 12;
const encoder = new TextEncoder();

/**
 * AES-256-GCM (NIST SP 800-38D) with a random IV. The context is authenticated with it, so that what was
 * encrypted for one user or purpose opens for no other.
 */
export function encryption(keys: EncryptionKeys): Encryption {
  const use = (key: Uint8Array<ArrayBuffer>) =>
    crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
  // guard: ciphertext-is-bound-to-its-context
  const algorithm = (iv: Uint8Array<ArrayBuffer>, context: string) => ({
    name: "AES-GCM",
    iv,
    additionalData: encoder.encode(context),
  });

  return {
    async encrypt(text, context) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const how = algorithm(iv, context);
      const sealed = await crypto.subtle.encrypt(how, await use(keys[0]), encoder.encode(text));
      const all = new Uint8Array([...iv, ...new Uint8Array(sealed)]);
      return all.toBase64({ alphabet: "base64url", omitPadding: true });
    },

    async decrypt(sealed, context) {
      const bytes = bytesOf(sealed);
      const how = algorithm(bytes.slice(0, IV_BYTES), context);
      for (const key of keys) {
        try {
          const plain = await crypto.subtle.decrypt(how, await use(key), bytes.slice(IV_BYTES));
          return { text: new TextDecoder().decode(plain), isCurrent: key === keys[0] };
        } catch {
          // Of another key, or not ours: GCM says no more.
        }
      }
      return null;
    },
  };
}

/** Of base64url; none of any other text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return new Uint8Array();
  }
}
