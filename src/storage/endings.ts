import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Background } from "./background.ts";
import type { Database } from "./database.ts";
import { endedEpochKey, endedUserPrefix, LONGEST_LIFE_SECONDS, ttlUntil } from "./keys.ts";
import type { KvTokens } from "./kv-tokens.ts";
import type { CheckPlan } from "./promise.ts";

/** Something to be ended, and the mark that says so in KV. */
export interface Ending {
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
   * older epoch, and its answer, and so its mark, been lost: whoever is told now that all is ended
   * must be able to count on that one as well.
   */
  readonly alsoOwed?: string;
}

/**
 * Transactional outbox: D1 and KV share no transaction, so the batch that revokes in D1 also enqueues
 * the tombstone that KV gets. It is written at every revocation lag, also where KV is not read: the
 * lag may be raised later, or be another in a version that runs beside this one. At a lag of 60 s and
 * more it is put into KV before the answer, below after it. Housekeeping retries what failed: a
 * failure delays a tombstone, and never loses it.
 */
export interface Endings {
  /**
   * @returns the rows of the batch's statements
   * @throws FaultError `unavailable` where D1 failed or, where KV is read, KV did not take the mark,
   *   which stays owed
   */
  commit(ending: Ending, nowMs: number): Promise<unknown[][]>;
  /**
   * Puts marks that are still owed. @returns how many there were, at most `limit`
   * @throws FaultError `unavailable` where KV did not take one; it stays owed
   */
  settle(limit: number, nowMs: number): Promise<number>;
}

/**
 * Of so many things ended at once, KV is told in the same request: it may do 1,000 operations. The
 * rest stay owed, and housekeeping tells of them.
 */
export const MAX_MARKS = 500;

/** "Log out everywhere else" has one more, for all that has no row. */
const MAX_PUTS = MAX_MARKS + 1;

/** One mark that KV does not take must not keep back the others; a KV that takes none is left alone. */
const MAX_FAILURES = 3;

const Owed = v.object({ key: v.string(), expires_at: v.number() });

/** The mark for everything of the user's last epoch but the present one. */
export function epochEnding({ userId }: { readonly userId: string }, nowMs: number) {
  return {
    key: sql`(SELECT ${endedEpochKey(userId, "")} || (epoch - 1) FROM users WHERE id = ${userId})`,
    onlyIf: sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND epoch > 0)`,
    untilMs: nowMs + LONGEST_LIFE_SECONDS * 1000,
    alsoOwed: endedUserPrefix(userId),
  };
}

export function endings(
  db: Database,
  kv: KvTokens,
  background: Background,
  { kvAnswers }: CheckPlan,
): Endings {
  async function markAll(owed: readonly v.InferOutput<typeof Owed>[], nowMs: number) {
    if (owed.length === 0) return;
    // guard: tombstone-stays-enqueued-until-taken
    await Promise.all(
      owed.map(({ key, expires_at }) => kv.markEnded(key, ttlUntil(expires_at, nowMs))),
    );
    const keys = JSON.stringify(owed.map(({ key }) => key));
    await db.run(sql`DELETE FROM endings WHERE key IN (SELECT value FROM json_each(${keys}))`);
  }

  return {
    async commit({ batch, key, from = sql``, onlyIf, untilMs, asked = "after", ...rest }, nowMs) {
      // Where KV is not read, nobody counts on a mark before housekeeping puts it.
      const alsoOwed = kvAnswers ? rest.alsoOwed : undefined;
      // guard: every-revocation-leaves-a-tombstone
      const owe = sql`INSERT INTO endings (key, expires_at) SELECT ${key}, ${untilMs} ${from} WHERE ${onlyIf}
        ON CONFLICT (key) DO UPDATE SET expires_at = MAX(expires_at, ${untilMs}) RETURNING *`;
      const isFirst = asked === "before";
      // A range of the primary key: "~" comes after all that stands in a key.
      const earlier =
        alsoOwed === undefined
          ? []
          : [
              sql`SELECT key, expires_at FROM endings WHERE key > ${alsoOwed} AND key < ${`${alsoOwed}~`}`,
            ];
      const rows = await db.batch([...(isFirst ? [owe, ...batch] : [...batch, owe]), ...earlier]);
      const [all = []] = alsoOwed === undefined ? [] : rows.splice(-1, 1);
      const [own = []] = rows.splice(isFirst ? 0 : -1, 1);
      const owed = v.parse(v.array(Owed), alsoOwed === undefined ? own : all);
      const flushed = markAll(owed.slice(0, MAX_PUTS), nowMs);
      // guard: tombstone-before-the-answer
      if (kvAnswers) await flushed;
      else background.later("put tombstones into KV", flushed);
      return rows;
    },

    async settle(limit, nowMs) {
      const owed = await db.all(sql`SELECT key, expires_at FROM endings LIMIT ${limit}`, Owed);
      const failures: unknown[] = [];
      for (const each of owed) {
        try {
          await markAll([each], nowMs);
        } catch (failure) {
          failures.push(failure);
          if (failures.length === MAX_FAILURES) break;
        }
      }
      if (failures.length > 0) throw failures[0];
      return owed.length;
    },
  };
}
