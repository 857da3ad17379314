import type { Background } from "./background.ts";
import type { KvUsers } from "./kv-users.ts";
import type { RevocationPolicy } from "./revocation-policy.ts";
import type { Caches } from "./cached-tokens.ts";

/** Waits for a change of the user, and makes this isolate, and where KV may answer KV, ask anew. */
export type InvalidateUser = <T>(id: string, change: Promise<T>) => Promise<T>;

interface Deps {
  readonly kv: KvUsers;
  readonly background: Background;
  readonly policy: RevocationPolicy;
  readonly caches: Caches;
}

export function invalidateUser({ kv, background, policy, caches }: Deps): InvalidateUser {
  return async (id, change) => {
    const changed = await change.finally(() => {
      // Also where the answer was lost: it may have happened.
      caches.tokens.clear();
      caches.jwts.clear();
    });
    // Not after a failure: while D1 is down, the copy is all that reads have, and it is never older
    // than the promise.
    if (policy.readsFromKv) await background.bestEffort("delete a user's copy", kv.evict(id));
    return changed;
  };
}
