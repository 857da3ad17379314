import type { Users } from "../core/ports.ts";
import { endedApiEpochKey, endedEpochKey, LONGEST_LIFE_SECONDS } from "./keys.ts";
import type { KvTokens } from "./kv-tokens.ts";
import type { CheckPlan } from "./promise.ts";
import type { Memories } from "./tokens.ts";

/** Users live in D1 alone; what ends their credentials leaves its marks in KV and forgets memory. */
export function users(d1: Users, kv: KvTokens, plan: CheckPlan, memories: Memories): Users {
  function forget(): void {
    memories.tokens.clear();
    memories.jwts.clear();
  }

  async function markEnded(key: string): Promise<void> {
    forget();
    if (plan.kvAnswers) await kv.markEnded(key, LONGEST_LIFE_SECONDS);
  }

  return {
    ...d1,
    async update(caller, change, nowMs) {
      const updated = await d1.update(caller, change, nowMs);
      if (updated === null || updated === "email_taken") return updated;
      forget();
      if (change.passwordHash !== undefined) {
        await markEnded(endedEpochKey(caller.userId, caller.epoch));
      }
      return updated;
    },
    async remove(caller, nowMs) {
      const removed = await d1.remove(caller, nowMs);
      if (removed) await markEnded(endedEpochKey(caller.userId, caller.epoch));
      return removed;
    },
    async endApiTokens(caller) {
      const apiEpoch = await d1.endApiTokens(caller);
      if (apiEpoch === null) return null;
      await markEnded(endedApiEpochKey(caller.userId, apiEpoch - 1));
      return apiEpoch;
    },
  };
}
