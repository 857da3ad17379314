import type { Ha1bHashes } from "../core/ha1b.ts";
import type { Argon2id } from "./argon2id.ts";
import { tagOf } from "./passwords.ts";
import { CURRENT_COST, formatPhc } from "./phc.ts";

const SALT_BYTES = 16;

/**
 * An HA1B token names no account: the account is looked up by the token's hash, so the salt cannot be random.
 * It is derived from the issuer, one per deployment. Accounts with the same password still get different
 * hashes, because the digest contains the email.
 */
export function ha1bHashes(argon2id: Argon2id, issuer: string): Ha1bHashes {
  const saltOf = async () => (await sha256(`latchkey ha1b ${issuer}`)).slice(0, SALT_BYTES);
  return {
    async digest(email, password) {
      const domain = email.slice(email.lastIndexOf("@") + 1);
      const text = new TextEncoder().encode(`${email}:${domain}:${password}`);
      return new Uint8Array(await crypto.subtle.digest("MD5", text)).toHex();
    },
    async hash(digest) {
      const salt = await saltOf();
      const bytes = new TextEncoder().encode(digest);
      return formatPhc(CURRENT_COST, salt, tagOf(argon2id, bytes, salt, CURRENT_COST));
    },
    async isCurrent(hash) {
      const prefix = formatPhc(CURRENT_COST, await saltOf(), new Uint8Array());
      return hash.startsWith(prefix);
    },
  };
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
