import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Background, Deadline } from "./calls.ts";
import { createDatabase, type Database } from "./d1.ts";
import { CLOCK_SKEW_SECONDS, type RevocationPolicy } from "./revocation.ts";
import type { DatabaseSize } from "./size.ts";

/** What a check found; null for a credential that is not active. */
export interface Fresh<T> {
  readonly found: T | null;
  /** How long a yes may be trusted, by this isolate's clock; if not as long as the cache's own entries. */
  readonly untilMs?: number | undefined;
}

/**
 * D1's nearest replica. It shows a prefix of the primary's history, arbitrarily old. So it proves itself: in the same
 * SELECT as the credential it shows the heartbeat, and whatever was revoked before that, it shows as revoked.
 */
export interface Replicas {
  /**
   * The replica's yes if it is proven, otherwise the primary's own answer.
   * @param check one SELECT, with these columns too
   * @param isUsable whether such a yes may come from a replica
   * @param primary the same check at the primary
   * @returns null where replicas are off, or one of both did not answer lately and something else may
   * @throws FaultError `unavailable` where the primary failed, and nothing else may answer
   */
  ask<T>(
    check: (also: Sql) => Sql,
    parse: (row: unknown) => T,
    isUsable: (found: T) => boolean,
    primary: () => Promise<T | null>,
    nowMs: number,
  ): Promise<Fresh<T> | null>;
}

const HeartbeatRow = v.object({ heartbeat_at: v.nullable(v.number()) });

const HEARTBEAT = sql`, (SELECT at FROM heartbeat) AS heartbeat_at`;

/** The database's own clock: this statement may be late, and clocks of isolates differ. */
const DATABASE_NOW = sql`CAST(unixepoch('subsec') * 1000 AS INTEGER)`;

/** D1 is known to stall for half a minute: checks do not wait for it, one after the other. */
const REST_MS = 30_000;

interface Deps {
  readonly d1: Pick<D1Database, "withSession">;
  readonly db: Database;
  readonly withDeadline: Deadline;
  readonly background: Background;
  readonly policy: RevocationPolicy;
  readonly size: DatabaseSize;
}

export function createReplicas({ d1, db, withDeadline, background, policy, size }: Deps): Replicas {
  const { lagSeconds, heartbeatMaxAgeMs } = policy;
  if (heartbeatMaxAgeMs === null) return { ask: async () => null };
  const lagMs = lagSeconds * 1000;
  const maxAgeMs = heartbeatMaxAgeMs;
  const thirdMs = Math.floor(lagMs / 3);
  let restsUntilMs = 0;
  let bumpsFromMs = 0;

  /** At a moment of its own for each isolate, and only the first of them writes. */
  function bump(atMs: number, nowMs: number): void {
    if (Math.abs(nowMs - atMs) < thirdMs || nowMs < bumpsFromMs) return;
    bumpsFromMs = nowMs + thirdMs * (1 + Math.random() / 2);
    const bumped = db.run(sql`INSERT INTO heartbeat (only, at) VALUES (1, ${DATABASE_NOW})
      ON CONFLICT (only) DO UPDATE SET at = excluded.at
      WHERE at NOT BETWEEN excluded.at - ${thirdMs} + 1 AND excluded.at`);
    background.afterResponse("write the heartbeat", bumped);
  }

  return {
    async ask(check, parse, isUsable, primary, nowMs) {
      if (nowMs < restsUntilMs) return null;
      let isPrimarys = false;
      try {
        // Of its own: a session goes on from what it has seen, which another replica may not have reached.
        const nearest = createDatabase(
          d1.withSession("first-unconstrained"),
          withDeadline,
          size.note,
        );
        const shown = await nearest.first(check(HEARTBEAT), v.unknown());
        if (shown !== null) {
          const atMs = v.parse(HeartbeatRow, shown).heartbeat_at ?? 0;
          bump(atMs, nowMs);
          // guard: replica-proves-its-age
          const isYoung = nowMs - atMs < maxAgeMs;
          // One from the future was written by a clock that is wrong.
          // guard: heartbeat-is-not-from-the-future
          const isPast = atMs - nowMs < CLOCK_SKEW_SECONDS * 1000;
          const found = parse(shown);
          // guard: proof-lasts-from-the-heartbeat-on
          if (isYoung && isPast && isUsable(found)) return { found, untilMs: atMs + maxAgeMs };
        }
        isPrimarys = true;
        const found = await primary();
        return { found, untilMs: nowMs + lagMs };
      } catch (failure) {
        if (isPrimarys && !policy.readsFromKv) throw failure;
        restsUntilMs = nowMs + REST_MS;
        background.afterResponse("ask a replica", Promise.reject(failure));
        return null;
      }
    },
  };
}
