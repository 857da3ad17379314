import { vi } from "vitest";
import { itemsAt, type Login, textAt } from "../support/client.ts";
import type { Isolate } from "../support/service.ts";
import { codeOf, STEP_MS } from "./code.ts";

export { codeOf };

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
