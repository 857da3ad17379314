import sql from "sql-template-tag";
import * as v from "valibot";
import type { StatusListStore } from "../core/status-lists.ts";
import { cache } from "./cache.ts";
import type { StorageContext } from "./context.ts";
import { TOKEN_IS_ACTIVE } from "./revocation.ts";

const IndexRow = v.object({ status_index: v.number() });
const NextRow = v.object({ next: v.number() });

/** Allocates the next index, for the log-in that is inserted in the same batch. */
export const allocateStatusIndex = sql`INSERT INTO status_indexes (only, next) VALUES (1, 1)
  ON CONFLICT (only) DO UPDATE SET next = next + 1`;

export const lastStatusIndex = sql`(SELECT next - 1 FROM status_indexes)`;

/** Half of the time that caches may keep a list: an isolate reads a list from D1 no more often. */
const SCAN_MS = 30_000;

/** A request that comes while another one of this isolate reads the same list polls for its result so often. */
const LOOK_MS = 25;
const MAX_LOOKS = 40;

/** The lists are public, and each costs a scan: an isolate scans a list once in half a minute, however many ask. */
export function createStatusLists({ db }: StorageContext): StatusListStore {
  const lists = cache<readonly number[]>(SCAN_MS);
  /** Which lists are being read. Requests share the result only: workerd does not let one await another's I/O. */
  const reading = cache<true>(LOOK_MS * MAX_LOOKS);
  const nextIndexes = cache<number>(SCAN_MS);

  async function scan(from: number, to: number, nowMs: number) {
    const { last, revoked } = await db.batch({
      last: sql`SELECT COALESCE(MAX(next), 0) AS next FROM status_indexes`,
      // guard: status-list-shows-what-is-revoked
      revoked: sql`SELECT tokens.status_index FROM tokens JOIN users ON users.id = tokens.user_id
        WHERE tokens.status_index >= ${from} AND tokens.status_index < ${to} AND NOT (${TOKEN_IS_ACTIVE})`,
    });
    const { next } = v.parse(NextRow, last[0]);
    nextIndexes.set("next", next, nowMs);
    const indexes = v.parse(v.array(IndexRow), revoked).map(({ status_index }) => status_index);
    if (from < next) lists.set(String(from), indexes, nowMs);
    return from < next ? indexes : null;
  }

  return {
    async revoked(from, to, nowMs) {
      const id = String(from);
      for (let looks = 0; ; looks++) {
        const known = lists.get(id, nowMs);
        if (known !== null) return known;
        // Indexes only grow: one that was not allocated a moment ago is looked for again after half a minute.
        const next = nextIndexes.get("next", nowMs);
        if (next !== null && from >= next) return null;
        // The next index, read for any other list, also answers for a list that does not exist.
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
