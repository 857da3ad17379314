import type { Argon2id } from "../../src/crypto/argon2id.ts";
import { ha1bHashes } from "../../src/crypto/ha1b.ts";
import { isolateArgon2id, passwordsOver } from "../../src/crypto/passwords.ts";
import { platform } from "../../src/latchkey.ts";
import type { Platform } from "../../src/services.ts";
import { track } from "./background.ts";

/** What the deployed Worker has: tests about hashing use it. */
export const deployed: Platform = { ...platform };

/** As little work as Argon2id can do. A hash at its real cost takes 40 ms, and nearly every test signs up a user. */
export const quickArgon2id: Argon2id = (params) =>
  isolateArgon2id({ ...params, memorySize: 8, passes: 1 });

// For the Worker, and for every service of a test that brings no hashes of its own. Only the work is less.
Object.assign(platform, {
  waitUntil: (work) => deployed.waitUntil(track(work)),
  passwords: passwordsOver(quickArgon2id),
  ha1bHashes: (issuer) => ha1bHashes(quickArgon2id, issuer),
} satisfies Partial<Platform>);
