import { argon2Sync, randomBytes } from "node:crypto";
import { isCommonPassword } from "../../crypto/common-passwords.ts";
import { CURRENT_COST, formatPhc, SALT_BYTES, TAG_BYTES } from "../../crypto/phc.ts";
import { Refused } from "./refused.ts";

/** 120 bits in the alphabet of URLs. */
export function newPassword(): string {
  return randomBytes(15).toString("base64url");
}

/** @throws Refused for a password that sign-up would refuse too */
export function checkPassword(password: string): void {
  const { length } = [...password];
  if (length < 8 || length > 255) throw new Refused("A password has 8 to 255 characters.");
  if (password.trim() === "") throw new Refused("A password is not all white space.");
  if (isCommonPassword(password)) throw new Refused("This password is among the most common ones.");
}

/** As the service itself hashes: a first login finds nothing to replace. */
export function hashed(password: string): string {
  const salt = randomBytes(SALT_BYTES);
  const tag = argon2Sync("argon2id", {
    message: password,
    nonce: salt,
    memory: CURRENT_COST.memoryKiB,
    passes: CURRENT_COST.passes,
    parallelism: 1,
    tagLength: TAG_BYTES,
  });
  return formatPhc(CURRENT_COST, salt, tag);
}
