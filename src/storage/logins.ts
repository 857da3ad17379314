import type { LoginStore } from "../core/logins.ts";
import type { Background } from "./background.ts";
import type { KvTokens } from "./kv-tokens.ts";
import type { Caches } from "./cached-tokens.ts";

interface Deps {
  readonly d1: LoginStore;
  readonly kv: Pick<KvTokens, "evict">;
  readonly background: Background;
  readonly caches: Pick<Caches, "tokens" | "jwts">;
}

/** Logins are ended in D1; this isolate forgets what it knew of them, also where the answer was lost. */
export function logins({ d1, kv, background, caches }: Deps): LoginStore {
  return {
    list: d1.list,

    async revoke(id, caller, nowMs) {
      try {
        const ended = await d1.revoke(id, caller, nowMs);
        if (ended) background.afterResponse("delete a login's copy", kv.evict(id));
        return ended;
      } finally {
        caches.tokens.delete(id);
        caches.jwts.clear();
      }
    },

    async revokeOthers(caller, kept, nowMs) {
      try {
        // The marks end them; the copies run out by themselves.
        return await d1.revokeOthers(caller, kept, nowMs);
      } finally {
        caches.tokens.clear();
        caches.jwts.clear();
      }
    },
  };
}
