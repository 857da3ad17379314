import type { UserStore } from "../core/accounts.ts";
import type { ApiTokenStore } from "../core/api-tokens.ts";
import type { PasswordHashStore } from "../core/passwords.ts";
import type { Background } from "./background.ts";
import type { D1Users } from "./d1-users.ts";
import type { InvalidateUser } from "./invalidate-user.ts";
import type { KvUsers } from "./kv-users.ts";
import type { RevocationPolicy } from "./revocation-policy.ts";

interface Deps {
  readonly d1: D1Users;
  readonly kv: KvUsers;
  readonly background: Background;
  readonly policy: RevocationPolicy;
  readonly invalidating: InvalidateUser;
}

/** Users live in D1; where KV may answer, it holds copies for reading. Whatever changes one makes this isolate ask anew. */
export function users({
  d1,
  kv,
  background,
  policy,
  invalidating,
}: Deps): UserStore & PasswordHashStore & Pick<ApiTokenStore, "revokeApiTokens"> {
  return {
    ...d1,
    async profile(id) {
      if (!policy.readsFromKv) return d1.byId(id);
      const copy = await kv.get(id);
      if (copy !== null) return copy;
      const user = await d1.byId(id);
      if (user !== null) background.afterResponse("copy a user to KV", kv.put(user));
      return user;
    },
    /** A courtesy: the login is right without it. */
    rehash: (id, oldHash, newHash) =>
      background.bestEffort("rehash a password", d1.rehash(id, oldHash, newHash)),
    update: (caller, change, ifCredentialVersion, nowMs) =>
      invalidating(caller.userId, d1.update(caller, change, ifCredentialVersion, nowMs)),
    remove: (caller, ifCredentialVersion, nowMs) =>
      invalidating(caller.userId, d1.remove(caller, ifCredentialVersion, nowMs)),
    revokeApiTokens: (caller, nowMs) =>
      invalidating(caller.userId, d1.revokeApiTokens(caller, nowMs)),
  };
}
