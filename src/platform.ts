import { waitUntil } from "cloudflare:workers";
import { argon2Passwords } from "./crypto/passwords.ts";
import type { Platform } from "./wire.ts";

/** What only workerd has: its own modules, and WebAssembly that is imported as a module. */
export const platform: Platform = { waitUntil, passwords: argon2Passwords() };
