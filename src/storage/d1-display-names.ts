import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { DisplayNameStore } from "../core/action-pages.ts";
import type { Database } from "./database.ts";
import { USER_IS_ACTIVE } from "./active-sql.ts";

/** First and last name as far as they are said; null where neither is, or who has them is gone. */
export const DISPLAY_NAME: Sql = sql`CASE WHEN ${USER_IS_ACTIVE} THEN
  NULLIF(TRIM(COALESCE(users.first_name, '') || ' ' || COALESCE(users.last_name, '')), '') END`;

const NameRow = v.object({ id: v.string(), name: v.nullable(v.string()) });

export function d1DisplayNames(db: Database): DisplayNameStore {
  return {
    async names(ids) {
      if (ids.length === 0) return new Map();
      const rows = await db.all(
        sql`SELECT users.id, ${DISPLAY_NAME} AS name FROM users
          WHERE users.id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
        NameRow,
      );
      return new Map(rows.flatMap(({ id, name }) => (name === null ? [] : [[id, name]])));
    },
  };
}
