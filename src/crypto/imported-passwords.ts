import { argon2i } from "@noble/hashes/argon2.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { compareSync as bcryptCompare } from "bcryptjs";
import type { Argon2id } from "./argon2id.ts";
import { type ImportedHash, readImportedHash } from "./imported-hash.ts";

/** @returns a check of passwords against a hash from another system, or null if it is not one */
export function importedMatcher(
  stored: string,
  argon2id: Argon2id,
): ((password: Uint8Array) => boolean) | null {
  const hash = readImportedHash(stored);
  if ("wrong" in hash) return null;
  switch (hash.scheme) {
    case "pbkdf2":
      return (password) => equal(pbkdf2Tag(hash, password), Uint8Array.fromBase64(hash.tag));
    case "bcrypt":
      return (password) => bcryptCompare(bcryptInput(hash, password), hash.hash);
    case "argon2":
      return (password) =>
        equal(argon2Tag(hash, password, argon2id), Uint8Array.fromBase64(hash.tag));
    case "scrypt":
      return (password) => equal(scryptTag(hash, password), tagOf(hash));
    case "digest": {
      const digest = DIGESTS[hash.digest];
      const salt = new TextEncoder().encode(hash.salt);
      return (password) =>
        equal(digest(new Uint8Array([...salt, ...password])), Uint8Array.fromHex(hash.tag));
    }
  }
}

const DIGESTS = { md5, sha1, sha256 };

type Of<S extends ImportedHash["scheme"]> = Extract<ImportedHash, { scheme: S }>;

/** In JavaScript, because production's WebCrypto refuses more than 100,000 rounds. */
function pbkdf2Tag(hash: Of<"pbkdf2">, password: Uint8Array): Uint8Array {
  const salt = new TextEncoder().encode(hash.salt);
  const digest = DIGESTS[hash.digest];
  return pbkdf2(digest, password, salt, { c: hash.rounds, dkLen: digest.outputLen });
}

const tagOf = ({ tag, form }: Of<"scrypt">) =>
  form === "hex" ? Uint8Array.fromHex(tag) : Uint8Array.fromBase64(tag);

function scryptTag({ cost, salt, form }: Of<"scrypt">, password: Uint8Array): Uint8Array {
  const given =
    form === "hex"
      ? new TextEncoder().encode(new TextDecoder().decode(password).normalize("NFKC"))
      : password;
  return scrypt(given, new TextEncoder().encode(salt), { ...cost, dkLen: 64 });
}

/** bcrypt ignores everything after the 72nd byte, and the imported hashes were computed like that. */
function bcryptInput({ digestFirst }: Of<"bcrypt">, password: Uint8Array): string {
  if (digestFirst) return sha256(password).toHex();
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(password);
}

function argon2Tag(hash: Of<"argon2">, password: Uint8Array, argon2id: Argon2id): Uint8Array {
  const salt = Uint8Array.fromBase64(hash.salt);
  const tagLength = Uint8Array.fromBase64(hash.tag).length;
  const { memoryKiB, passes, lanes } = hash;
  if (hash.type === "i") {
    return argon2i(password, salt, { m: memoryKiB, t: passes, p: lanes, dkLen: tagLength });
  }
  return argon2id({ password, salt, memorySize: memoryKiB, passes, parallelism: lanes, tagLength });
}

function equal(made: Uint8Array, stored: Uint8Array): boolean {
  return made.length === stored.length && crypto.subtle.timingSafeEqual(made, stored);
}
