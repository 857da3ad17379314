import type { ActionTokenStore } from "../core/action-tokens.ts";
import type { Background } from "./background.ts";
import type { InvalidateUser } from "./invalidate-user.ts";
import type { KvTokens } from "./kv-tokens.ts";

/** What an action token says never changes, so KV's copy will do; whether it may run, D1 decides. */
export function actionTokens(
  d1: Omit<ActionTokenStore, "uses">,
  kv: KvTokens,
  background: Background,
  invalidating: InvalidateUser,
): Omit<ActionTokenStore, "uses"> {
  return {
    ...d1,
    async insert(token, caller, derivation, conditions) {
      const inserted = await d1.insert(token, caller, derivation, conditions);
      if (typeof inserted !== "string" && !("holds" in inserted)) {
        await background.copy("copy an action token to KV", kv.put(inserted, token.createdAtMs));
      }
      return inserted;
    },
    async find(id) {
      const copy = await kv.get(id);
      return copy?.kind === "action" ? copy : d1.find(id);
    },
    consume(consume) {
      const { changes } = consume.plan;
      const claimed = d1.consume(consume);
      return changes === undefined ? claimed : invalidating(changes.userId, claimed);
    },
  };
}
