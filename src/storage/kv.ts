import * as v from "valibot";
import type { ActiveToken } from "../core/authenticate.ts";
import type { JwtClaims } from "../core/jwt.ts";
import type { Json, Token } from "../core/token.ts";
import { PROFILE_FIELDS, type User } from "../core/user.ts";
import type { Deadline } from "./calls.ts";
import {
  MIN_TTL_SECONDS,
  tokenKey,
  tombstoneKey,
  tombstonesOf,
  tombstonesOfJwt,
  ttlUntil,
  userKey,
} from "./keys.ts";

/** The profile copied to KV. `v.object` drops unknown keys, so the password hash never gets there. */
const UserRecord = v.object({
  id: v.string(),
  email: v.string(),
  pendingEmail: v.nullable(v.string()),
  externalId: v.nullable(v.union([v.string(), v.number()])),
  metadata: v.custom<Json>((value) => value !== undefined),
  role: v.picklist(["User", "Admin"]),
  credentialVersion: v.number(),
  apiTokenVersion: v.number(),
  loginVersion: v.number(),
  ...v.entriesFromList(
    PROFILE_FIELDS.map(({ name }) => name),
    v.nullable(v.string()),
  ),
  createdAtMs: v.number(),
  modifiedAtMs: v.number(),
  deletedAtMs: v.nullable(v.number()),
  emailVerifiedAtMs: v.nullable(v.number()),
  identities: v.record(v.string(), v.string()),
}) satisfies v.GenericSchema<User>;

/** Copies of tokens, and tombstones of what was revoked: both eventually consistent. */
export interface KvTokens {
  put(token: Token, nowMs: number): Promise<void>;
  /** @returns null where there is no copy here (yet), whether or not there is such a token */
  get(id: string): Promise<Token | null>;
  /**
   * The copy, unless a tombstone says that it was revoked, or may have been (`unsure`): then only D1 can tell.
   * @param wantsUser whether to read their copy too
   */
  findActive(id: string, wantsUser: boolean): Promise<ActiveToken | "revoked" | "unsure" | null>;
  /** `unsure`: only D1 can tell. */
  jwt(
    claims: JwtClaims,
    wantsUser: boolean,
  ): Promise<{ readonly user: User | null } | "revoked" | "unsure">;
  evict(id: string): Promise<void>;
  putTombstone(key: string, ttlSeconds: number): Promise<void>;
}

/** @param parse reads a copy */
export function kvTokens(
  kv: KVNamespace,
  withDeadline: Deadline,
  parse: (text: string) => Token,
): KvTokens {
  /** One bulk read counts as one operation. @returns whether any of some of the keys is there, and a user's copy */
  const read = async (keys: readonly string[], userId: string | null) => {
    const key = userId === null ? [] : [userKey(userId)];
    const found = await withDeadline("KV get", () => kv.get([...keys, ...key]));
    return {
      isAny: (some: readonly string[]) => some.some((each) => found.get(each) != null),
      user: toUser(key[0] === undefined ? null : found.get(key[0])),
    };
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
    async findActive(id, wantsUser) {
      const keys = [tokenKey(id), tombstoneKey(id)] as const;
      const found = await withDeadline("KV get", () => kv.get([...keys]));
      // guard: copy-asks-for-its-tombstone
      if (found.get(keys[1]) != null) return "revoked";
      const text = found.get(keys[0]);
      if (text == null) return null;
      const token = parse(text);
      const { revokes, doubts, versions } = tombstonesOf(token);
      const userId = wantsUser ? token.userId : null;
      const { isAny, user } = await read([...revokes, ...doubts, ...versions], userId);
      if (isAny(revokes)) return "revoked";
      if (isAny(doubts)) return "unsure";
      // The one credential that a new password spares has the new version: D1 knows.
      // guard: copy-is-of-the-current-version
      return isAny(versions) ? null : { token, user };
    },
    async jwt(claims, wantsUser) {
      const { revokes, doubts } = tombstonesOfJwt(claims);
      const userId = wantsUser ? claims.userId : null;
      const { isAny, user } = await read([...revokes, ...doubts], userId);
      if (isAny(revokes)) return "revoked";
      return isAny(doubts) ? "unsure" : { user };
    },
    evict: (id) => withDeadline("KV delete", () => kv.delete(tokenKey(id))),
    putTombstone: (key, ttlSeconds) =>
      withDeadline("KV put", () =>
        kv.put(key, "", { expirationTtl: Math.max(MIN_TTL_SECONDS, ttlSeconds) }),
      ),
  };
}

const toUser = (text: string | null | undefined): User | null =>
  text == null ? null : v.parse(v.pipe(v.string(), v.parseJson(), UserRecord), text);

/** Copies of users, so that one's own account can still be read while D1 is down. Never the password hash. */
export interface KvUsers {
  get(id: string): Promise<User | null>;
  put(user: User): Promise<void>;
  evict(id: string): Promise<void>;
}

/** @param ttlSeconds how old a copy may be; at least KV's own 60 */
export function kvUsers(kv: KVNamespace, withDeadline: Deadline, ttlSeconds: number): KvUsers {
  return {
    async get(id) {
      return toUser(await withDeadline("KV get", () => kv.get(userKey(id))));
    },
    async put(user) {
      const record = JSON.stringify(v.parse(UserRecord, user));
      await withDeadline("KV put", () =>
        kv.put(userKey(user.id), record, { expirationTtl: ttlSeconds }),
      );
    },
    evict: (id) => withDeadline("KV delete", () => kv.delete(userKey(id))),
  };
}
