import sql from "sql-template-tag";
import * as v from "valibot";
import type { StatusLists } from "../core/ports.ts";
import type { Database } from "./database.ts";
import type { Memory } from "./memory.ts";
import { STANDS } from "./standing-sql.ts";

const IndexRow = v.object({ status_index: v.number() });
const NextRow = v.object({ next: v.number() });

/** The next index, taken by the login that is being inserted in the same batch. */
export const takeStatusIndex = sql`INSERT INTO status_indexes (only, next) VALUES (1, 1)
  ON CONFLICT (only) DO UPDATE SET next = next + 1`;

export const takenStatusIndex = sql`(SELECT next - 1 FROM status_indexes)`;

/** @param memory answers for a while in place of D1: the lists are public, and each costs a scan */
export function d1StatusLists(db: Database, memory: Memory<readonly number[]>): StatusLists {
  return {
    async ended(from, to, nowMs) {
      const known = memory.get(String(from), nowMs);
      if (known !== null) return known;
      const [next = [], ended = []] = await db.batch([
        sql`SELECT next FROM status_indexes WHERE next > ${from}`,
        sql`SELECT tokens.status_index FROM tokens JOIN users ON users.id = tokens.user_id
          WHERE tokens.status_index >= ${from} AND tokens.status_index < ${to} AND NOT (${STANDS})`,
      ]);
      if (v.parse(v.array(NextRow), next).length === 0) return null;
      const indexes = v.parse(v.array(IndexRow), ended).map((row) => row.status_index);
      memory.set(String(from), indexes, nowMs);
      return indexes;
    },
  };
}
