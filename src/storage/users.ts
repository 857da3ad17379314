import type { Users } from "../core/ports.ts";
import type { Background } from "./background.ts";
import type { ForgetUser } from "./forget-user.ts";
import type { KvUsers } from "./kv-users.ts";
import type { CheckPlan } from "./promise.ts";

interface Deps {
  readonly d1: Omit<Users, "profile">;
  readonly kv: KvUsers;
  readonly background: Background;
  readonly plan: CheckPlan;
  readonly forgetting: ForgetUser;
}

/** Users live in D1; where KV may answer, it holds copies for reading. Whatever changes one makes this isolate ask anew. */
export function users({ d1, kv, background, plan, forgetting }: Deps): Users {
  return {
    ...d1,
    async profile(id) {
      if (!plan.kvAnswers) return d1.byId(id);
      const copy = await kv.get(id);
      if (copy !== null) return copy;
      const user = await d1.byId(id);
      if (user !== null) background.later("copy a user to KV", kv.put(user));
      return user;
    },
    /** A courtesy: the login is right without it. */
    rehash: (id, oldHash, newHash) =>
      background.try("rehash a password", d1.rehash(id, oldHash, newHash)),
    update: (caller, change, ifEpoch, nowMs) =>
      forgetting(caller.userId, d1.update(caller, change, ifEpoch, nowMs)),
    remove: (caller, ifEpoch, nowMs) =>
      forgetting(caller.userId, d1.remove(caller, ifEpoch, nowMs)),
    endApiTokens: (caller, nowMs) => forgetting(caller.userId, d1.endApiTokens(caller, nowMs)),
  };
}
