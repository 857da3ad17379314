import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { CallerRef } from "../core/caller.ts";
import { LONGEST_LIFE_SECONDS } from "../core/token.ts";
import type { Background } from "./calls.ts";
import { type Batch, type BatchRows, type Database, uuids } from "./d1.ts";
import { tombstoneKey, ttlUntil, userTombstoneKey, userTombstonePrefix } from "./keys.ts";
import type { KvTokens } from "./kv.ts";
import { uuid } from "../core/uuid.ts";

/**
 * `REVOCATION_LAG_SECONDS`: what was revoked is refused everywhere within so many seconds. Which
 * stores a check asks follows from that number here, and nowhere else.
 */
export interface RevocationPolicy {
  readonly lagSeconds: number;
  /** How long an isolate may trust its own last yes. */
  readonly cacheTtlMs: number;
  /** Whether KV may say yes. Where it has no copy, or one that seems to have expired, D1 is asked. */
  readonly readsFromKv: boolean;
  /**
   * Access JWTs that live no longer than this are accepted on their signature alone: however early one
   * is revoked, it expires within the lag. Its whole life counts and not what is left of it, or one
   * revoked long ago would pass again shortly before its end.
   */
  readonly signatureOnlyMaxLifeMs: number;
  /**
   * How old the heartbeat may be that a D1 replica shows beside a yes, by this isolate's clock; null where
   * replicas are not asked.
   */
  readonly heartbeatMaxAgeMs: number | null;
}

/** How long KV takes until a write is visible everywhere, by its documentation. */
const KV_LAG_SECONDS = 60;

/**
 * By how much an isolate's clock may differ from the database's. NTP keeps those of data centers within
 * milliseconds; two seconds also cover a machine that drifts for half a day without it (50 ppm).
 */
// guard: clock-skew-is-subtracted
export const CLOCK_SKEW_SECONDS = 2;

/** Below this lag the skew, and a replica's own delay, would leave too little time between two heartbeats. */
const REPLICAS_FROM_SECONDS = 5;

export function revocationPolicy(lagSeconds: number, readReplicas: boolean): RevocationPolicy {
  // guard: kv-answers-from-its-own-lag-on
  const readsFromKv = lagSeconds >= KV_LAG_SECONDS;
  return {
    lagSeconds,
    readsFromKv,
    // guard: cache-counts-kvs-own-lag
    cacheTtlMs: (lagSeconds - (readsFromKv ? KV_LAG_SECONDS : 0)) * 1000,
    signatureOnlyMaxLifeMs: lagSeconds * 1000,
    heartbeatMaxAgeMs:
      readReplicas && lagSeconds >= REPLICAS_FROM_SECONDS
        ? (lagSeconds - CLOCK_SKEW_SECONDS) * 1000
        : null,
  };
}

/** Neither deleted nor disabled by an operator. */
// guard: user-is-active
export const USER_IS_ACTIVE: Sql = sql`users.deleted_on IS NULL AND users.disabled_on IS NULL`;

/**
 * What "revoked" means, in one place: of a token and its user joined, not revoked itself, and of the
 * user's current versions. Expiry is asked separately, because rows outlive it.
 */
// guard: token-is-active
export const NOT_REVOKED: Sql = sql`tokens.revoked_at IS NULL AND tokens.credential_version = users.credential_version
  AND (tokens.api_token_version IS NULL OR tokens.api_token_version = users.api_token_version) AND ${USER_IS_ACTIVE}`;

/**
 * Of the parent of a credential: while it is disabled, or restricted in where and how often it may be used,
 * nothing that was derived from it is active.
 */
// guard: disabled-or-restricted-parent-blocks
const PARENT_LETS: Sql = sql`parent.disabled_at IS NULL AND parent.meter IS NULL AND parent.allowed_ips IS NULL`;

/** No parent of the token was revoked, has expired or is gone. `tokens` is in scope. */
// guard: parents-are-active
export const noParentRevoked = (nowMs: number, alsoOfEach: Sql = sql`TRUE`): Sql =>
  sql`(tokens.parents IS NULL OR NOT EXISTS (
  SELECT 1 FROM json_each(tokens.parents) AS link LEFT JOIN tokens AS parent ON parent.id = unhex(link.value, '-')
  WHERE parent.id IS NULL OR parent.revoked_at IS NOT NULL OR parent.expires_at <= ${nowMs} OR NOT (${alsoOfEach})
    OR parent.api_token_version <> (SELECT owner.api_token_version FROM users AS owner WHERE owner.id = parent.user_id)))`;

export const parentsAreActive = (nowMs: number): Sql => noParentRevoked(nowMs, PARENT_LETS);

/** What can still be managed, and revoked: a disabled token can be enabled again, so it counts. */
export const isNotRevokedWithParents = (nowMs: number): Sql =>
  sql`${NOT_REVOKED} AND ${noParentRevoked(nowMs)}`;

/** A token that is active, which may have been derived from another. */
// guard: token-and-parents-are-active
export const isActiveWithParents = (nowMs: number): Sql =>
  sql`${NOT_REVOKED} AND tokens.disabled_at IS NULL AND ${parentsAreActive(nowMs)}`;

/** Worded as in the index `tokens_list`, or SQLite does not use it. */
export const NOT_USED_UP: Sql = sql`(max_uses IS NULL OR uses < max_uses)`;

/** The claims of a JWT that decide whether it is active. */
type JwtRef = Pick<CallerRef, "credentialIds" | "parentIds" | "apiTokenVersion" | "loginVersion">;

/**
 * Whether a JWT is active, with its `users` in scope. A JWT has a row only once it was revoked, or is
 * the parent of a token; what it was obtained with always has one, and where that is gone, the answer is no.
 */
export function jwtIsActive(
  { credentialIds, parentIds, apiTokenVersion, loginVersion }: JwtRef,
  nowMs: number,
  parentLets: Sql = PARENT_LETS,
): Sql {
  // guard: jwt-is-active
  return join(
    [
      sql`TRUE`,
      ...(apiTokenVersion === null ? [] : [sql`users.api_token_version = ${apiTokenVersion}`]),
      ...(loginVersion === null ? [] : [sql`users.login_version = ${loginVersion}`]),
      ...(credentialIds.length === 0
        ? []
        : [
            sql`NOT EXISTS (SELECT 1 FROM tokens AS revoked
              WHERE revoked.id IN (${uuids(credentialIds)}) AND revoked.revoked_at IS NOT NULL)`,
          ]),
      ...(parentIds.length === 0
        ? []
        : [
            // guard: jwt-parents-have-not-expired
            sql`(SELECT COUNT(*) FROM tokens AS parent WHERE parent.id IN (${uuids(parentIds)})
              AND parent.revoked_at IS NULL AND parent.expires_at > ${nowMs} AND ${parentLets}) = ${parentIds.length}`,
          ]),
    ],
    " AND ",
  );
}

/**
 * Part of every statement that writes for a caller, whatever the revocation lag: what was revoked
 * writes nothing, not even in the instant after it was checked.
 */
export function callerIsActive(
  { userId, credentialVersion, tokenId, ...jwt }: CallerRef,
  nowMs: number,
): Sql {
  if (tokenId !== null) {
    // guard: caller-token-is-active
    return sql`EXISTS (SELECT 1 FROM tokens JOIN users ON users.id = tokens.user_id
      WHERE tokens.id = ${uuid(tokenId)} AND tokens.expires_at > ${nowMs} AND ${isActiveWithParents(nowMs)})`;
  }
  // guard: caller-is-active
  return sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${uuid(userId)} AND users.credential_version = ${credentialVersion}
    AND ${USER_IS_ACTIVE} AND ${jwtIsActive(jwt, nowMs)})`;
}

/**
 * Whether a caller is an operator: a role that was taken away, or a credential that was revoked, does nothing more.
 * An account with a second factor has shown it at every log-in.
 */
export function operatorCheck(needsSecondFactor: boolean) {
  // guard: operator-has-a-second-factor
  const hasFactor = needsSecondFactor
    ? sql`EXISTS (SELECT 1 FROM second_factors WHERE second_factors.user_id = operator.id AND confirmed_at IS NOT NULL)`
    : sql`TRUE`;
  return (caller: CallerRef, nowMs: number): Sql =>
    // guard: operator-has-the-role
    sql`(EXISTS (SELECT 1 FROM users AS operator WHERE operator.id = ${uuid(caller.userId)} AND operator.role = 'Admin'
      AND ${hasFactor}) AND ${callerIsActive(caller, nowMs)})`;
}

/** Something to revoke, and the tombstone that says so in KV. */
export interface Revocation<K extends string> {
  /** The statements that revoke it. */
  readonly batch: Batch<K>;
  /** The tombstone's key, as text or as an expression over the database. */
  readonly key: string | Sql;
  /** Where `key` has many rows: the FROM clause that they come from. */
  readonly from?: Sql;
  /** True if, and only if, the batch revokes it. */
  readonly onlyIf: Sql;
  /** Whether `key` and `onlyIf` are evaluated before the batch or, by default, after it. */
  readonly asked?: "before" | "after";
  /** Until when a token could live that the tombstone revokes, in milliseconds; may ask the rows of `from`. */
  readonly untilMs: number | Sql;
  /**
   * The prefix of the keys of tombstones that this revocation needs too. An earlier request may have
   * revoked an older version and lost its answer, and so its tombstone: a caller who is told now that
   * all is revoked must be able to rely on that one as well.
   */
  readonly alsoPending?: string;
}

/**
 * Transactional outbox: D1 and KV share no transaction, so the batch that revokes in D1 also enqueues
 * the KV tombstone, at every revocation lag: the lag may be raised later, or differ in a version that
 * runs beside this one. At a lag of 60 s and more it is put into KV before the answer, below after it.
 * Housekeeping retries failures: a failure delays a tombstone but never loses it.
 */
export interface PendingRevocations {
  /**
   * @returns the rows of the batch, by the same names
   * @throws FaultError `unavailable` where D1 failed or, where KV is read, KV did not take the
   *   tombstone, which stays enqueued
   */
  commit<K extends string>(revocation: Revocation<K>, nowMs: number): Promise<BatchRows<K>>;
  /**
   * Puts pending tombstones, for as long as it may. @returns how many there were, at most `limit`
   * @throws FaultError `unavailable` where KV did not take one; it stays enqueued
   */
  flush(limit: number, nowMs: number, mayGoOn: () => boolean): Promise<number>;
}

/**
 * How many tombstones of one revocation are put in the same request, which may do 1,000 operations.
 * The rest stay enqueued for housekeeping.
 */
export const MAX_TOMBSTONES = 500;

/** "Log out everywhere else" has one more, for JWTs without a row. */
const MAX_PUTS = MAX_TOMBSTONES + 1;

/** One tombstone that KV rejects must not hold back the others; a KV that rejects all is left alone. */
const MAX_FAILURES = 3;

const Pending = v.object({ key: v.string(), expires_at: v.number() });

/** The tombstone for everything of the user's previous credential version. */
export function allCredentialsRevocation({ userId }: { readonly userId: string }, nowMs: number) {
  return {
    key: sql`(SELECT ${userTombstoneKey(userId, "")} || (credential_version - 1) FROM users WHERE id = ${uuid(userId)})`,
    onlyIf: sql`EXISTS (SELECT 1 FROM users WHERE id = ${uuid(userId)} AND credential_version > 0)`,
    untilMs: nowMs + LONGEST_LIFE_SECONDS * 1000,
    alsoPending: userTombstonePrefix(userId),
  };
}

export function pendingRevocations(
  db: Database,
  kv: Pick<KvTokens, "putTombstone">,
  background: Background,
  { readsFromKv }: RevocationPolicy,
): PendingRevocations {
  type Pendings = readonly v.InferOutput<typeof Pending>[];

  async function putAll(pending: Pendings, nowMs: number): Promise<void> {
    await Promise.all(
      pending.map(({ key, expires_at }) => kv.putTombstone(key, ttlUntil(expires_at, nowMs))),
    );
  }

  /** @param put their way into KV */
  async function dequeue(pending: Pendings, put: Promise<void>): Promise<void> {
    // guard: tombstone-stays-enqueued-until-written
    await put;
    if (pending.length === 0) return;
    const keys = JSON.stringify(pending.map(({ key }) => key));
    await db.run(
      sql`DELETE FROM pending_revocations WHERE key IN (SELECT value FROM json_each(${keys}))`,
    );
  }

  return {
    async commit<K extends string>(revocation: Revocation<K>, nowMs: number) {
      const { batch, key, from = sql``, onlyIf, untilMs, asked, alsoPending } = revocation;
      // guard: every-revocation-leaves-a-tombstone
      const enqueue = sql`INSERT INTO pending_revocations (key, expires_at) SELECT ${key}, ${untilMs} ${from} WHERE ${onlyIf}
        ON CONFLICT (key) DO UPDATE SET expires_at = MAX(expires_at, excluded.expires_at) RETURNING *`;
      // Where KV is not read, no one relies on a tombstone before housekeeping puts it.
      // A range of the primary key: "~" sorts after every character of a key.
      const earlier =
        readsFromKv && alsoPending !== undefined
          ? [
              sql`SELECT key, expires_at FROM pending_revocations WHERE key > ${alsoPending} AND key < ${`${alsoPending}~`}`,
            ]
          : [];
      const rows = await db.batch({
        enqueuedFirst: asked === "before" ? enqueue : [],
        ...batch,
        enqueuedLast: asked === "before" ? [] : enqueue,
        allPending: earlier,
      });
      // What is enqueued now is among all that is pending, where that was read.
      const pending = v.parse(
        v.array(Pending),
        earlier.length > 0 ? rows.allPending : [...rows.enqueuedFirst, ...rows.enqueuedLast],
      );
      const some = pending.slice(0, MAX_PUTS);
      const put = putAll(some, nowMs);
      background.afterResponse("put tombstones into KV", dequeue(some, put));
      // guard: tombstone-before-the-answer
      if (readsFromKv) await put;
      return rows;
    },

    async flush(limit, nowMs, mayGoOn) {
      const pending = await db.all(
        sql`SELECT key, expires_at FROM pending_revocations LIMIT ${limit}`,
        Pending,
      );
      const failures: unknown[] = [];
      for (const each of pending) {
        if (!mayGoOn()) break;
        try {
          await dequeue([each], putAll([each], nowMs));
        } catch (failure) {
          failures.push(failure);
          if (failures.length === MAX_FAILURES) break;
        }
      }
      if (failures.length > 0) throw failures[0];
      return pending.length;
    },
  };
}

/** The statements that revoke one token, and what else is written where they do. */
interface TokenRevocation {
  readonly id: string;
  readonly statement: Sql;
  readonly event: readonly Sql[];
  readonly notices?: readonly Sql[];
  readonly untilMs: number | Sql;
}

/** Revokes one token, and leaves its tombstone. @returns what the statement returned */
export async function revokeToken(
  revocations: PendingRevocations,
  { id, statement, event, notices = [], untilMs }: TokenRevocation,
  nowMs: number,
): Promise<readonly unknown[]> {
  const { revoked } = await revocations.commit(
    {
      batch: { revoked: statement, event, notices },
      key: tombstoneKey(id),
      from: sql`FROM tokens`,
      onlyIf: sql`tokens.id = ${uuid(id)} AND tokens.revoked_at = ${nowMs}`,
      untilMs,
    },
    nowMs,
  );
  return revoked;
}
