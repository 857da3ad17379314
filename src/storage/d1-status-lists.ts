import sql from "sql-template-tag";
import * as v from "valibot";
import type { StatusListStore } from "../core/status-lists.ts";
import type { Database } from "./database.ts";
import { cache } from "./cache.ts";
import { TOKEN_IS_ACTIVE } from "./active-sql.ts";

const IndexRow = v.object({ status_index: v.number() });
const NextRow = v.object({ next: v.number() });

/** The next index, taken by the login that is being inserted in the same batch. */
export const allocateStatusIndex = sql`INSERT INTO status_indexes (only, next) VALUES (1, 1)
  ON CONFLICT (only) DO UPDATE SET next = next + 1`;

export const lastStatusIndex = sql`(SELECT next - 1 FROM status_indexes)`;

/** Half of what caches may keep a list for: a list is read from D1 so often and no more. */
const SCAN_MS = 30_000;

/** Who comes while another request of this isolate reads the same waits for it, and looks so often. */
const LOOK_MS = 25;
const MAX_LOOKS = 40;

/** The lists are public, and each costs a scan: an isolate makes one of a list in half a minute, however many ask. */
export function d1StatusLists(db: Database): StatusListStore {
  const lists = cache<readonly number[]>(SCAN_MS);
  /** Since when a list is being read: of the whole of D1's answer nothing is shared but what came of it. */
  const reading = cache<true>(LOOK_MS * MAX_LOOKS);
  const nextIndexes = cache<number>(SCAN_MS);

  async function scan(from: number, to: number, nowMs: number) {
    const [[row] = [], ended = []] = await db.batch([
      sql`SELECT COALESCE(MAX(next), 0) AS next FROM status_indexes`,
      // guard: status-list-shows-what-is-revoked
      sql`SELECT tokens.status_index FROM tokens JOIN users ON users.id = tokens.user_id
        WHERE tokens.status_index >= ${from} AND tokens.status_index < ${to} AND NOT (${TOKEN_IS_ACTIVE})`,
    ]);
    const { next } = v.parse(NextRow, row);
    nextIndexes.set("next", next, nowMs);
    const indexes = v.parse(v.array(IndexRow), ended).map(({ status_index }) => status_index);
    if (from < next) lists.set(String(from), indexes, nowMs);
    return from < next ? indexes : null;
  }

  return {
    async revoked(from, to, nowMs) {
      const id = String(from);
      for (let looks = 0; ; looks++) {
        const known = lists.get(id, nowMs);
        if (known !== null) return known;
        // Indexes are only counted up: what nobody had a moment ago, somebody has after half a minute at the latest.
        const next = nextIndexes.get("next", nowMs);
        if (next !== null && from >= next) return null;
        // The look-up of any other number tells of this one too, where there is none.
        if (looks === MAX_LOOKS || reading.get(id, nowMs) === null) break;
        await scheduler.wait(LOOK_MS);
      }
      reading.set(id, true, nowMs);
      try {
        return await scan(from, to, nowMs);
      } finally {
        reading.delete(id);
      }
    },
  };
}
