import sql, { type Sql } from "sql-template-tag";

/** For the batch that deletes an account: its identities open nothing, and may make a new account. */
export function endIdentitiesOfDeleted(userId: string): Sql {
  return sql`DELETE FROM identities WHERE user_id = ${userId}
    AND EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND deleted_on IS NOT NULL)`;
}
