import type { Client } from "openapi-fetch";
import type { paths } from "./api.ts";
import { withLock } from "./lock.ts";
import { withRetries, retryAfterSeconds, REFRESH_LIMITS } from "./retry.ts";
import { isOfSameUser, type LoginTokens, type TokenStore } from "./tokens.ts";

/** The result of a refresh. */
export type RefreshResult =
  | { readonly kind: "renewed"; readonly tokens: LoginTokens }
  | { readonly kind: "logged_out" }
  /** The service asks to wait. As far as known, the login is still valid. */
  | { readonly kind: "unavailable"; readonly status: 429 | 503; readonly untilMs: number }
  /** No response. */
  | { readonly kind: "failed"; readonly error: unknown };

export type Refresh = (stale: LoginTokens) => Promise<RefreshResult>;

interface Deps {
  readonly anonymous: Client<paths>;
  readonly store: TokenStore;
  /** Name of the Web Lock that the tabs of this origin share. */
  readonly name: string;
  readonly onLoggedOut: () => void;
}

const MAX_BACKOFF_SECONDS = 60;

/**
 * Refreshes once for all concurrent callers, in this tab and in others. A caller whose token already
 * has a successor gets that one.
 */
export function createRefresh({ anonymous, store, name, onLoggedOut }: Deps): Refresh {
  let inFlight: { readonly access: string; readonly done: Promise<RefreshResult> } | null = null;
  let backoff: Extract<RefreshResult, { kind: "unavailable" }> | null = null;

  async function refreshOnce(stale: LoginTokens): Promise<RefreshResult> {
    const stored = await store.load();
    if (stored?.access !== stale.access) return resultFor(stored, stale);
    if (backoff !== null && Date.now() < backoff.untilMs) return backoff;
    backoff = null;
    const result = await withRetries(REFRESH_LIMITS, (signal) =>
      anonymous.POST("/api/token/refresh", { body: { refresh: stored.refresh }, signal }),
    ).catch((error: unknown) => ({ error, data: undefined, response: null }));
    // If someone logged out or in meanwhile, discard the result: it must not undo that.
    const after = await store.load();
    // guard: log-out-stays-a-log-out
    if (after?.refresh !== stored.refresh) return resultFor(after, stale);
    const { data, response } = result;
    if (data !== undefined) {
      const { access, refresh = stored.refresh } = data;
      const tokens = { access, refresh, receivedAtMs: Date.now() };
      // Saved before anyone uses it: sending a used refresh token again later would revoke the login.
      await store.save(tokens);
      return { kind: "renewed", tokens };
    }
    if (response === null) return { kind: "failed", error: result.error };
    if (response.status === 400 || response.status === 401) {
      await store.save(null);
      onLoggedOut();
      return { kind: "logged_out" };
    }
    const seconds = Math.min(retryAfterSeconds(response), MAX_BACKOFF_SECONDS);
    backoff = {
      kind: "unavailable",
      status: response.status === 429 ? 429 : 503,
      untilMs: Date.now() + seconds * 1000,
    };
    return backoff;
  }

  async function refreshLocked(stale: LoginTokens): Promise<RefreshResult> {
    try {
      return await withLock(name, () => refreshOnce(stale));
    } finally {
      if (inFlight?.access === stale.access) inFlight = null;
    }
  }

  return (stale) => {
    // guard: one-refresh-for-all
    if (inFlight?.access !== stale.access) {
      inFlight = { access: stale.access, done: refreshLocked(stale) };
    }
    return inFlight.done;
  };
}

/** A request that started as one user must not continue as another. */
function resultFor(stored: LoginTokens | null, stale: LoginTokens): RefreshResult {
  // guard: nothing-goes-out-as-another
  return stored !== null && isOfSameUser(stored, stale)
    ? { kind: "renewed", tokens: stored }
    : { kind: "logged_out" };
}
