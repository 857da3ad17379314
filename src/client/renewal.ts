import type { Client } from "openapi-fetch";
import type { paths } from "./api.ts";
import { exclusively } from "./exclusive.ts";
import { persistently, retryAfterSeconds, WITHIN_GRACE } from "./persistence.ts";
import { isOfSameUser, type LoginTokens, type TokenStore } from "./tokens.ts";

/** What became of a refresh. */
export type Renewal =
  | { readonly kind: "renewed"; readonly tokens: LoginTokens }
  | { readonly kind: "logged_out" }
  /** The service asks for patience. The log-in stands, as far as anybody knows. */
  | { readonly kind: "unavailable"; readonly status: 429 | 503; readonly untilMs: number }
  /** No answer came. */
  | { readonly kind: "failed"; readonly error: unknown };

export type Renew = (stale: LoginTokens) => Promise<Renewal>;

interface Deps {
  readonly anonymous: Client<paths>;
  readonly store: TokenStore;
  /** Of the lock that this origin's tabs share. */
  readonly name: string;
  readonly onLoggedOut: () => void;
}

const MAX_REST_SECONDS = 60;

/**
 * Refreshes once for all who ask meanwhile, in this tab and in others. Whoever asks for a token that
 * has a successor by now gets that.
 */
export function renewal({ anonymous, store, name, onLoggedOut }: Deps): Renew {
  let underway: { readonly access: string; readonly done: Promise<Renewal> } | null = null;
  let resting: Extract<Renewal, { kind: "unavailable" }> | null = null;

  async function renewOnce(stale: LoginTokens): Promise<Renewal> {
    const held = await store.load();
    if (held?.access !== stale.access) return asHeld(held, stale);
    if (resting !== null && Date.now() < resting.untilMs) return resting;
    resting = null;
    const sent = await persistently(WITHIN_GRACE, (signal) =>
      anonymous.POST("/api/token/refresh/", { body: { refresh: held.refresh }, signal }),
    ).catch((error: unknown) => ({ error, data: undefined, response: null }));
    // Somebody logged out or in meanwhile: what came is of no use, and must not undo that.
    const after = await store.load();
    // guard: log-out-stays-a-log-out
    if (after?.refresh !== held.refresh) return asHeld(after, stale);
    const { data, response } = sent;
    if (data !== undefined) {
      const { access, refresh = held.refresh } = data;
      const tokens = { access, refresh, receivedAtMs: Date.now() };
      // Before anybody uses it: a spent refresh token that is shown again later ends the log-in.
      await store.save(tokens);
      return { kind: "renewed", tokens };
    }
    if (response === null) return { kind: "failed", error: sent.error };
    if (response.status === 400 || response.status === 401) {
      await store.save(null);
      onLoggedOut();
      return { kind: "logged_out" };
    }
    const seconds = Math.min(retryAfterSeconds(response), MAX_REST_SECONDS);
    resting = {
      kind: "unavailable",
      status: response.status === 429 ? 429 : 503,
      untilMs: Date.now() + seconds * 1000,
    };
    return resting;
  }

  async function renew(stale: LoginTokens): Promise<Renewal> {
    try {
      return await exclusively(name, () => renewOnce(stale));
    } finally {
      if (underway?.access === stale.access) underway = null;
    }
  }

  return (stale) => {
    // guard: one-refresh-for-all
    if (underway?.access !== stale.access) {
      underway = { access: stale.access, done: renew(stale) };
    }
    return underway.done;
  };
}

/** What was begun as one user is never ended as another. */
function asHeld(held: LoginTokens | null, stale: LoginTokens): Renewal {
  // guard: nothing-goes-out-as-another
  return held !== null && isOfSameUser(held, stale)
    ? { kind: "renewed", tokens: held }
    : { kind: "logged_out" };
}
