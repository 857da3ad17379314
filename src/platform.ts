import { waitUntil } from "cloudflare:workers";
import { ha1bHashes } from "./crypto/ha1b.ts";
import { argon2Passwords, isolateArgon2id } from "./crypto/passwords.ts";
import type { Platform } from "./wire.ts";

/** What only workerd has: its own modules, and WebAssembly that is imported as a module. */
export const platform: Platform = {
  waitUntil,
  passwords: argon2Passwords(),
  ha1bHashes: (issuer) => ha1bHashes(isolateArgon2id, issuer),
};
