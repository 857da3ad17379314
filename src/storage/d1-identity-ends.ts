import sql, { type Sql } from "sql-template-tag";
import type { IdentityRef } from "../core/issuers.ts";

/** For the batch that deletes an account: its identities open nothing, and may make a new account. */
export function endIdentitiesOfDeleted(userId: string): Sql {
  return sql`DELETE FROM identities WHERE user_id = ${userId}
    AND EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND deleted_on IS NOT NULL)`;
}

/** An ID token may have been fetched for the very log-in that chose the new password. */
const JUST_BEFORE_MS = 30_000;

export const identitiesRevoked = (nowMs: number): Sql =>
  sql`identities_revoked_on = ${nowMs - JUST_BEFORE_MS}`;

/**
 * For the batch of a new password: all but the one that was shown for it.
 * @param changed whether the password was set
 */
export function endIdentitiesButOne(userId: string, kept: IdentityRef | null, changed: Sql): Sql {
  const isKept =
    kept === null ? sql`FALSE` : sql`issuer = ${kept.issuer} AND subject = ${kept.subject}`;
  // guard: new-password-unlinks-identities
  return sql`DELETE FROM identities WHERE user_id = ${userId} AND NOT (${isKept}) AND ${changed}`;
}

/** For the batch of a new e-mail: those that were linked under another. */
export function endIdentitiesOfOtherEmail(userId: string, email: string, changed: Sql): Sql {
  return sql`DELETE FROM identities WHERE user_id = ${userId} AND email IS NOT ${email} AND ${changed}`;
}
