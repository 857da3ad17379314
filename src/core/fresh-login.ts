import type { Caller } from "./caller.ts";
import { refuse } from "./fault.ts";
import { isAllPowerful, type Scope } from "./scopes.ts";

/**
 * How old a log-in may be for an act that would give whoever stole a credential more than that one: a new way in,
 * another email or password, a powerful token, all data at once, or the account's end.
 */
export const FRESH_SECONDS = 600;

/** Locations' clocks differ by less. */
const CLOCK_SKEW_MS = 5_000;

type Authenticated = Pick<Caller, "authTimeMs">;

export function isFresh({ authTimeMs }: Authenticated, nowMs: number): boolean {
  // guard: fresh-is-ten-minutes
  return authTimeMs >= nowMs - FRESH_SECONDS * 1000 && authTimeMs <= nowMs + CLOCK_SKEW_MS;
}

/** @throws FaultError `login_not_fresh` */
export function requireFresh(caller: Authenticated, nowMs: number): void {
  if (!isFresh(caller, nowMs)) refuseStale(caller);
}

/** @throws FaultError `login_not_fresh` always */
export const refuseStale = ({ authTimeMs }: Authenticated): never =>
  refuse({ code: "login_not_fresh", reason: authTimeMs === 0 ? "never" : "old" });

const LONG_LIFE_MS = 90 * 86_400_000;

/** An API token that is worth more to a thief than the log-in that they stole: it can do everything, or lives long. */
export const isPowerful = (scopes: readonly Scope[], lifeMs: number): boolean =>
  isAllPowerful(scopes) || lifeMs > LONG_LIFE_MS;
