import * as v from "valibot";
import type { JwtClaims } from "../core/jwt.ts";
import type { Token } from "../core/token.ts";
import type { Deadline } from "./deadline.ts";
import {
  tombstoneKey,
  tombstonesOf,
  tombstonesOfJwt,
  TokenRecord,
  tokenKey,
  ttlUntil,
} from "./keys.ts";

/** Copies of tokens, and marks of what was ended: both eventually consistent. */
export interface KvTokens {
  put(token: Token, nowMs: number): Promise<void>;
  /** @returns null where there is no copy here (yet), whether or not there is such a token */
  get(id: string): Promise<Token | null>;
  /** The copy, unless a mark says that it was ended, or may have been (`unsure`): then only D1 can tell. */
  findActive(id: string): Promise<Token | "revoked" | "unsure" | null>;
  /** `unsure`: only D1 can tell. */
  jwt(claims: JwtClaims): Promise<"active" | "revoked" | "unsure">;
  evict(id: string): Promise<void>;
  putTombstone(key: string, ttlSeconds: number): Promise<void>;
}

export function kvTokens(kv: KVNamespace, withDeadline: Deadline): KvTokens {
  const parse = (text: string) => v.parse(v.pipe(v.string(), v.parseJson(), TokenRecord), text);
  /** One bulk read counts as one operation. @returns whether any of some of the keys is there */
  const read = async (keys: readonly string[]) => {
    const found = await withDeadline("KV get", () => kv.get([...keys]));
    return (some: readonly string[]) => some.some((key) => found.get(key) != null);
  };

  return {
    async put(token, nowMs) {
      const expirationTtl = ttlUntil(token.expiresAtMs, nowMs);
      await withDeadline("KV put", () =>
        kv.put(tokenKey(token.id), JSON.stringify(token), { expirationTtl }),
      );
    },
    async get(id) {
      const text = await withDeadline("KV get", () => kv.get(tokenKey(id)));
      return text === null ? null : parse(text);
    },
    async findActive(id) {
      const keys = [tokenKey(id), tombstoneKey(id)] as const;
      const found = await withDeadline("KV get", () => kv.get([...keys]));
      // guard: copy-asks-for-its-tombstone
      if (found.get(keys[1]) != null) return "revoked";
      const text = found.get(keys[0]);
      if (text == null) return null;
      const token = parse(text);
      const { revokes, doubts, versions } = tombstonesOf(token);
      const isAny = await read([...revokes, ...doubts, ...versions]);
      if (isAny(revokes)) return "revoked";
      if (isAny(doubts)) return "unsure";
      // The one credential that a new password spares has moved on to the new epoch: D1 knows.
      // guard: copy-is-of-the-present-version
      return isAny(versions) ? null : token;
    },
    async jwt(claims) {
      const { revokes, doubts } = tombstonesOfJwt(claims);
      const isAny = await read([...revokes, ...doubts]);
      if (isAny(revokes)) return "revoked";
      return isAny(doubts) ? "unsure" : "active";
    },
    evict: (id) => withDeadline("KV delete", () => kv.delete(tokenKey(id))),
    putTombstone: (key, ttlSeconds) =>
      withDeadline("KV put", () => kv.put(key, "", { expirationTtl: Math.max(60, ttlSeconds) })),
  };
}
