import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { LatchkeyEvent } from "../../src/core/deliveries.ts";
import { isolate, type Settings } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { DB } from "../support/database.ts";

type Receive = (event: LatchkeyEvent) => void | Promise<void>;

type Bindings = NonNullable<Parameters<typeof isolate>[1]>;

/** A Worker with a receiver in its code, which keeps what it accepted. */
export function listening(
  receive: Receive = () => undefined,
  bindings: Bindings = { KV: env.KV, DB: env.DB },
  parts: Parameters<typeof isolate>[2] = {},
  settings: Settings = {},
) {
  const accepted: LatchkeyEvent[] = [];
  const on = async (event: LatchkeyEvent) => {
    await receive(event);
    accepted.push(event);
  };
  return {
    ...isolate(settings, bindings, { ...parts, options: { ...parts.options, on } }),
    accepted,
    /** What it accepted since this was asked last. */
    take: () => accepted.splice(0),
  };
}

/** An isolate that ends with the answer: it delivers nothing. */
export function dying() {
  const bindings = intercept((call, run) =>
    call.label.startsWith("D1 UPDATE deliveries")
      ? Promise.reject(new Error("the isolate ended"))
      : run(),
  );
  return listening(undefined, bindings, { waitUntil: () => undefined });
}

export const kinds = (events: readonly LatchkeyEvent[]) => events.map(({ type }) => type);

export const count = (table: string) =>
  DB.prepare(`SELECT COUNT(*) AS n FROM ${table}`).first<number>("n");

/** The clock stands still until the returned function moves it. Failures are logged, as they should be. */
export function standstill(): { readonly warnings: string[]; pass(ms: number): void } {
  vi.useFakeTimers({ toFake: ["Date"] });
  const warnings: string[] = [];
  vi.spyOn(console, "warn").mockImplementation((line) => void warnings.push(String(line)));
  return { warnings, pass: (ms) => void vi.setSystemTime(Date.now() + ms) };
}
