import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Background } from "./background.ts";
import type { Database } from "./database.ts";
import { userTombstoneKey, userTombstonePrefix, LONGEST_LIFE_SECONDS, ttlUntil } from "./keys.ts";
import type { KvTokens } from "./kv-tokens.ts";
import type { RevocationPolicy } from "./revocation-policy.ts";

/** Something to be ended, and the mark that says so in KV. */
export interface Revocation {
  /** The statements that end it. */
  readonly batch: readonly Sql[];
  /** The mark's key, as text or as an expression over the database. */
  readonly key: string | Sql;
  /** Where `key` is of many rows: the FROM clause that they come from. */
  readonly from?: Sql;
  /** True if, and only if, the batch ends it. */
  readonly onlyIf: Sql;
  /** Whether `key` and `onlyIf` speak of the database before the batch or, as by default, after it. */
  readonly asked?: "before" | "after";
  /** Until when a token could live that the mark ends. */
  readonly untilMs: number;
  /**
   * How the keys begin of marks that this ending needs too. An earlier request may have ended an
   * older credential version, and its answer, and so its mark, been lost: whoever is told now that all is ended
   * must be able to count on that one as well.
   */
  readonly alsoPending?: string;
}

/**
 * Transactional outbox: D1 and KV share no transaction, so the batch that revokes in D1 also enqueues
 * the tombstone that KV gets. It is written at every revocation lag, also where KV is not read: the
 * lag may be raised later, or be another in a version that runs beside this one. At a lag of 60 s and
 * more it is put into KV before the answer, below after it. Housekeeping retries what failed: a
 * failure delays a tombstone, and never loses it.
 */
export interface PendingRevocations {
  /**
   * @returns the rows of the batch's statements
   * @throws FaultError `unavailable` where D1 failed or, where KV is read, KV did not take the mark,
   *   which stays owed
   */
  commit(revocation: Revocation, nowMs: number): Promise<unknown[][]>;
  /**
   * Puts marks that are still owed. @returns how many there were, at most `limit`
   * @throws FaultError `unavailable` where KV did not take one; it stays owed
   */
  flush(limit: number, nowMs: number): Promise<number>;
}

/**
 * Of so many things ended at once, KV is told in the same request: it may do 1,000 operations. The
 * rest stay owed, and housekeeping tells of them.
 */
export const MAX_TOMBSTONES = 500;

/** "Log out everywhere else" has one more, for all that has no row. */
const MAX_PUTS = MAX_TOMBSTONES + 1;

/** One mark that KV does not take must not keep back the others; a KV that takes none is left alone. */
const MAX_FAILURES = 3;

const Pending = v.object({ key: v.string(), expires_at: v.number() });

/** The mark for everything of the user's last credential version but the present one. */
export function allCredentialsRevocation({ userId }: { readonly userId: string }, nowMs: number) {
  return {
    key: sql`(SELECT ${userTombstoneKey(userId, "")} || (credential_version - 1) FROM users WHERE id = ${userId})`,
    onlyIf: sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND credential_version > 0)`,
    untilMs: nowMs + LONGEST_LIFE_SECONDS * 1000,
    alsoPending: userTombstonePrefix(userId),
  };
}

export function pendingRevocations(
  db: Database,
  kv: KvTokens,
  background: Background,
  { readsFromKv }: RevocationPolicy,
): PendingRevocations {
  async function putAll(pending: readonly v.InferOutput<typeof Pending>[], nowMs: number) {
    if (pending.length === 0) return;
    // guard: tombstone-stays-enqueued-until-taken
    await Promise.all(
      pending.map(({ key, expires_at }) => kv.putTombstone(key, ttlUntil(expires_at, nowMs))),
    );
    const keys = JSON.stringify(pending.map(({ key }) => key));
    await db.run(
      sql`DELETE FROM pending_revocations WHERE key IN (SELECT value FROM json_each(${keys}))`,
    );
  }

  return {
    async commit({ batch, key, from = sql``, onlyIf, untilMs, asked = "after", ...rest }, nowMs) {
      // Where KV is not read, nobody counts on a mark before housekeeping puts it.
      const alsoPending = readsFromKv ? rest.alsoPending : undefined;
      // guard: every-revocation-leaves-a-tombstone
      const enqueue = sql`INSERT INTO pending_revocations (key, expires_at) SELECT ${key}, ${untilMs} ${from} WHERE ${onlyIf}
        ON CONFLICT (key) DO UPDATE SET expires_at = MAX(expires_at, ${untilMs}) RETURNING *`;
      const isFirst = asked === "before";
      // A range of the primary key: "~" comes after all that stands in a key.
      const earlier =
        alsoPending === undefined
          ? []
          : [
              sql`SELECT key, expires_at FROM pending_revocations WHERE key > ${alsoPending} AND key < ${`${alsoPending}~`}`,
            ];
      const rows = await db.batch([
        ...(isFirst ? [enqueue, ...batch] : [...batch, enqueue]),
        ...earlier,
      ]);
      const [all = []] = alsoPending === undefined ? [] : rows.splice(-1, 1);
      const [own = []] = rows.splice(isFirst ? 0 : -1, 1);
      const pending = v.parse(v.array(Pending), alsoPending === undefined ? own : all);
      const flushed = putAll(pending.slice(0, MAX_PUTS), nowMs);
      // guard: tombstone-before-the-answer
      if (readsFromKv) await flushed;
      else background.afterResponse("put tombstones into KV", flushed);
      return rows;
    },

    async flush(limit, nowMs) {
      const pending = await db.all(
        sql`SELECT key, expires_at FROM pending_revocations LIMIT ${limit}`,
        Pending,
      );
      const failures: unknown[] = [];
      for (const each of pending) {
        try {
          await putAll([each], nowMs);
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
