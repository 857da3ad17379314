import type { Client } from "openapi-fetch";
import type { paths } from "./api.ts";
import { withLock } from "./lock.ts";
import { withRetries, retryAfterSeconds, REFRESH_LIMITS } from "./retry.ts";
import { isOfSameUser, type LoginTokens, type TokenStore } from "./tokens.ts";

/** What became of a refresh. */
export type RefreshResult =
  | { readonly kind: "renewed"; readonly tokens: LoginTokens }
  | { readonly kind: "logged_out" }
  /** The service asks for patience. The log-in stands, as far as anybody knows. */
  | { readonly kind: "unavailable"; readonly status: 429 | 503; readonly untilMs: number }
  /** No answer came. */
  | { readonly kind: "failed"; readonly error: unknown };

export type Refresh = (stale: LoginTokens) => Promise<RefreshResult>;

interface Deps {
  readonly anonymous: Client<paths>;
  readonly store: TokenStore;
  /** Of the lock that this origin's tabs share. */
  readonly name: string;
  readonly onLoggedOut: () => void;
}

const MAX_BACKOFF_SECONDS = 60;

/**
 * Refreshes once for all who ask meanwhile, in this tab and in others. Whoever asks for a token that
 * has a successor by now gets that.
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
    // Somebody logged out or in meanwhile: what came is of no use, and must not undo that.
    const after = await store.load();
    // guard: log-out-stays-a-log-out
    if (after?.refresh !== stored.refresh) return resultFor(after, stale);
    const { data, response } = result;
    if (data !== undefined) {
      const { access, refresh = stored.refresh } = data;
      const tokens = { access, refresh, receivedAtMs: Date.now() };
      // Before anybody uses it: a spent refresh token that is shown again later ends the log-in.
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

/** What was begun as one user is never ended as another. */
function resultFor(stored: LoginTokens | null, stale: LoginTokens): RefreshResult {
  // guard: nothing-goes-out-as-another
  return stored !== null && isOfSameUser(stored, stale)
    ? { kind: "renewed", tokens: stored }
    : { kind: "logged_out" };
}
