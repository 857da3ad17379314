import sql, { type Sql } from "sql-template-tag";

/** True where an e-mail is nobody's, or this user's own, now or for as long as it can be put back. */
export const isFree = (email: string | Sql, userId: string, nowMs: number): Sql =>
  sql`NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email = ${email} AND other.deleted_on IS NULL AND other.id <> ${userId}
    UNION ALL SELECT 1 FROM users AS other WHERE other.undo_email = ${email} AND other.undo_until > ${nowMs} AND other.id <> ${userId})`;
