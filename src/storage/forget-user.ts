import type { Background } from "./background.ts";
import type { KvUsers } from "./kv-users.ts";
import type { CheckPlan } from "./promise.ts";
import type { Memories } from "./tokens.ts";

/** Waits for a change of the user, and makes this isolate, and where KV may answer KV, ask anew. */
export type ForgetUser = <T>(id: string, change: Promise<T>) => Promise<T>;

interface Deps {
  readonly kv: KvUsers;
  readonly background: Background;
  readonly plan: CheckPlan;
  readonly memories: Memories;
}

export function forgetUser({ kv, background, plan, memories }: Deps): ForgetUser {
  return async (id, change) => {
    const changed = await change.finally(() => {
      // Also where the answer was lost: it may have happened.
      memories.tokens.clear();
      memories.jwts.clear();
    });
    // Not after a failure: while D1 is down, the copy is all that reads have, and it is never older
    // than the promise.
    if (plan.kvAnswers) await background.try("delete a user's copy", kv.forget(id));
    return changed;
  };
}
