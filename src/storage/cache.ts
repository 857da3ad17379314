import type { ActiveToken } from "../core/authenticate.ts";
import type { User } from "../core/user.ts";
import type { Background } from "./calls.ts";
import type { KvUsers } from "./kv.ts";
import type { RevocationPolicy } from "./revocation.ts";

/** How many entries an isolate keeps at most: it has 128 MB in all. */
const MAX_ENTRIES = 10_000;

/** What this isolate was last told, for as long as the revocation lag allows it to be trusted. */
export interface Cache<T> {
  get(id: string, nowMs: number): T | null;
  /** @param untilMs if it may be trusted for another time than this cache's own */
  set(id: string, value: T, nowMs: number, untilMs?: number): void;
  delete(id: string): void;
  clear(): void;
}

export function cache<T>(trustMs: number, maxEntries = MAX_ENTRIES): Cache<T> {
  // A Map keeps insertion order: the first entry is about the one that expires first.
  const entries = new Map<string, { value: T; untilMs: number }>();
  // One for good: a new iterator walks over all that was deleted.
  const oldest = entries.keys();
  return {
    get(id, nowMs) {
      const entry = entries.get(id);
      // guard: cache-evicts
      return entry !== undefined && nowMs < entry.untilMs ? entry.value : null;
    },
    set(id, value, nowMs, untilMs = nowMs + trustMs) {
      if (untilMs <= nowMs) return;
      entries.delete(id);
      entries.set(id, { value, untilMs });
      if (entries.size <= maxEntries) return;
      const { value: evicted } = oldest.next();
      if (evicted !== undefined) entries.delete(evicted);
    },
    delete: (id) => void entries.delete(id),
    clear: () => entries.clear(),
  };
}

export interface Caches {
  readonly tokens: Cache<ActiveToken>;
  readonly jwts: Cache<{ user: User | null }>;
  /** Copies put into KV lately because it had none. */
  readonly copies: Cache<true>;
  /** Uses noted in this hour, which need no second write. */
  readonly uses: Cache<true>;
  /** Tokens and users that this isolate changed: no replica is asked about them until it must show the change. */
  readonly changed: Cache<true>;
}

export const createCaches = (policy: RevocationPolicy): Caches => ({
  tokens: cache(policy.cacheTtlMs),
  jwts: cache(policy.cacheTtlMs),
  copies: cache(60_000),
  uses: cache(3_600_000),
  changed: cache(policy.heartbeatMaxAgeMs === null ? 0 : policy.lagSeconds * 1000),
});

/** Runs a user change, then invalidates the isolate's cache and, if KV is read, the KV copy. */
export type InvalidateUser = <T>(id: string, change: Promise<T>) => Promise<T>;

interface Deps {
  readonly copies: Pick<KvUsers, "evict">;
  readonly background: Background;
  readonly policy: RevocationPolicy;
  readonly caches: Caches;
}

export function invalidateUser({ copies, background, policy, caches }: Deps): InvalidateUser {
  return async (id, change) => {
    const changed = await change.finally(() => {
      // Also where the answer was lost: it may have happened.
      caches.tokens.clear();
      caches.jwts.clear();
      caches.changed.set(id, true, Date.now());
    });
    // Not after a failure: while D1 is down the copy is all that reads have, and it is never older
    // than the revocation lag.
    if (policy.readsFromKv) await background.bestEffort("delete a user's copy", copies.evict(id));
    return changed;
  };
}
