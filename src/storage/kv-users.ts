import * as v from "valibot";
import type { User } from "../core/user.ts";
import type { Deadline } from "./deadline.ts";
import { UserRecord, userKey } from "./keys.ts";

/** Copies of users, so that reading one's own account goes on while D1 is down. Never the password's hash. */
export interface KvUsers {
  get(id: string): Promise<User | null>;
  put(user: User): Promise<void>;
  evict(id: string): Promise<void>;
}

/** @param ttlSeconds how old a copy may be; at least KV's own 60 */
export function kvUsers(kv: KVNamespace, withDeadline: Deadline, ttlSeconds: number): KvUsers {
  return {
    async get(id) {
      const text = await withDeadline("KV get", () => kv.get(userKey(id)));
      return text === null ? null : v.parse(v.pipe(v.string(), v.parseJson(), UserRecord), text);
    },
    async put(user) {
      // Through the schema, which leaves out what a copy must not hold.
      const record = JSON.stringify(v.parse(UserRecord, user));
      await withDeadline("KV put", () =>
        kv.put(userKey(user.id), record, { expirationTtl: ttlSeconds }),
      );
    },
    evict: (id) => withDeadline("KV delete", () => kv.delete(userKey(id))),
  };
}
