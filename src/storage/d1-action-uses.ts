import sql from "sql-template-tag";
import * as v from "valibot";
import type { ActionTokenStore } from "../core/action-tokens.ts";
import type { Database } from "./database.ts";
import { DISPLAY_NAME } from "./d1-display-names.ts";
import { pageOf, toPage } from "./paging.ts";

const UseRow = v.object({
  id: v.string(),
  run_at: v.number(),
  run_by: v.string(),
  name: v.nullable(v.string()),
});

export function d1ActionUses(db: Database): Pick<ActionTokenStore, "uses"> {
  return {
    async uses({ userId }, tokenId, page) {
      const { from, orderAndLimit } = pageOf(sql`r.id`, sql`r.run_at`, page);
      // A token has at most ACTION_MAX_USES receipts: they are sorted, and not indexed once more.
      const rows = await db.all(
        sql`SELECT r.id, r.run_at, r.run_by, ${DISPLAY_NAME} AS name
          FROM receipts AS r JOIN users ON users.id = r.run_by
          WHERE r.token_id = ${tokenId} AND ${from}
            AND EXISTS (SELECT 1 FROM tokens WHERE tokens.id = ${tokenId} AND tokens.kind = 'action'
              AND tokens.user_id = ${userId})
          ${orderAndLimit}`,
        UseRow,
      );
      const uses = rows.map((row) => ({
        id: row.id,
        createdAtMs: row.run_at,
        isOwn: row.run_by === userId,
        name: row.name,
      }));
      return toPage(uses, page);
    },
  };
}
