import sql from "sql-template-tag";
import type { Ha1bStore } from "../core/ha1b.ts";
import type { Background } from "./background.ts";
import { toUser, USER_COLUMNS, UserRow } from "./d1-users.ts";
import type { Database } from "./database.ts";
import { USER_IS_ACTIVE } from "./active-sql.ts";

export function d1Ha1b(db: Database, background: Background): Ha1bStore {
  return {
    async byHa1b(hash) {
      const row = await db.first(
        sql`SELECT ${USER_COLUMNS} FROM users WHERE users.ha1b = ${hash} AND ${USER_IS_ACTIVE}`,
        UserRow,
      );
      return row === null ? null : toUser(row);
    },
    // A new password raises the credential version.
    keepHa1b: ({ id, email, credentialVersion }, hash) =>
      background.bestEffort(
        "keep an HA1B hash",
        db.run(
          sql`UPDATE users SET ha1b = ${hash} WHERE id = ${id} AND email = ${email}
            AND credential_version = ${credentialVersion} AND ${USER_IS_ACTIVE}`,
        ),
      ),
  };
}
