import type { LoginStore } from "../core/logins.ts";
import type { Background } from "./background.ts";
import type { KvTokens } from "./kv-tokens.ts";
import type { Memories } from "./tokens.ts";

interface Deps {
  readonly d1: LoginStore;
  readonly kv: Pick<KvTokens, "forget">;
  readonly background: Background;
  readonly memories: Pick<Memories, "tokens" | "jwts">;
}

/** Logins are ended in D1; this isolate forgets what it knew of them, also where the answer was lost. */
export function logins({ d1, kv, background, memories }: Deps): LoginStore {
  return {
    list: d1.list,

    async end(id, caller, nowMs) {
      try {
        const ended = await d1.end(id, caller, nowMs);
        if (ended) background.later("delete a login's copy", kv.forget(id));
        return ended;
      } finally {
        memories.tokens.delete(id);
        memories.jwts.clear();
      }
    },

    async endOthers(caller, kept, nowMs) {
      try {
        // The marks end them; the copies run out by themselves.
        return await d1.endOthers(caller, kept, nowMs);
      } finally {
        memories.tokens.clear();
        memories.jwts.clear();
      }
    },
  };
}
