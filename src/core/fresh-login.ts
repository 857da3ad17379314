import type { Caller } from "./caller.ts";
import { refuse } from "./fault.ts";

/**
 * How old a log-in may be for an act that would give whoever stole a credential more than that one: a new way in,
 * another email or password, a powerful token, all data at once, or the account's end.
 */
export const FRESH_SECONDS = 600;

/** Locations' clocks differ by less. */
const CLOCK_SKEW_MS = 5_000;

/** @throws FaultError `login_not_fresh` */
export function requireFresh({ authTimeMs }: Pick<Caller, "authTimeMs">, nowMs: number): void {
  const isFresh = authTimeMs >= nowMs - FRESH_SECONDS * 1000 && authTimeMs <= nowMs + CLOCK_SKEW_MS;
  if (!isFresh) refuse({ code: "login_not_fresh", reason: authTimeMs === 0 ? "never" : "old" });
}
