import { vi } from "vitest";
import { itemsAt, type Login, textAt } from "../support/client.ts";
import type { Isolate } from "../support/service.ts";

const STEP_MS = 30_000;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** What an authenticator app shows, written apart from the service's own. */
export async function codeOf(secret: string, atMs: number): Promise<string> {
  let bits = "";
  for (const letter of secret) bits += ALPHABET.indexOf(letter).toString(2).padStart(5, "0");
  const bytes = (bits.match(/.{8}/g) ?? []).map((each) => Number.parseInt(each, 2));
  const hmac = { name: "HMAC", hash: "SHA-1" };
  const key = await crypto.subtle.importKey("raw", new Uint8Array(bytes), hmac, false, ["sign"]);
  const counter = new Uint8Array(8);
  let rest = Math.floor(atMs / STEP_MS);
  for (let index = 7; index >= 0; index--, rest = Math.floor(rest / 256))
    counter[index] = rest % 256;
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, counter));
  const from = (mac[19] ?? 0) % 16;
  const [a = 0, b = 0, c = 0, d = 0] = mac.slice(from, from + 4);
  return String((((a & 127) << 24) | (b << 16) | (c << 8) | d) % 1_000_000).padStart(6, "0");
}

/** Waits for the next code. */
export function nextStep(): void {
  const nowMs = Date.now();
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(nowMs + STEP_MS);
}

export interface Authenticator {
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
  /** A code that was never shown before. */
  fresh(): Promise<string>;
}

/** Turns the second factor on for someone who has none. */
export async function turnOn(on: Isolate, { email, password }: Login): Promise<Authenticator> {
  const basic = { email, password };
  const secret = textAt(await on.send("POST", "/rest/user/totp", { basic }), "payload", "secret");
  const otp = await codeOf(secret, Date.now());
  const confirmed = await on.send("POST", "/rest/user/totp/confirm", { basic, json: { otp } });
  return {
    secret,
    recoveryCodes: itemsAt(confirmed, "payload", "recovery_codes").map(String),
    fresh() {
      nextStep();
      return codeOf(secret, Date.now());
    },
  };
}
