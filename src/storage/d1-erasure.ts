import sql, { type Sql } from "sql-template-tag";

/** An account that was deleted says nothing of the person any more: only that there was one. */
export const ERASED_PROFILE: Sql = sql`email = '', first_name = NULL, last_name = NULL, phone_number = NULL,
  dob = NULL, gender = NULL, verified_on = NULL, metadata = '{}', pending_email = NULL, undo_email = NULL,
  undo_until = NULL`;

/**
 * What else a deletion takes away in its own batch; each statement asks whether the user is
 * deleted. Her tokens, of which there may be very many, housekeeping deletes.
 */
export function erasePersonalData(userId: string): Sql[] {
  const isDeleted = sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND deleted_on IS NOT NULL)`;
  return [
    sql`DELETE FROM contacts WHERE user_id = ${userId} AND ${isDeleted}`,
    sql`DELETE FROM notices WHERE user_id = ${userId} AND ${isDeleted}`,
    // That a use was had stays; not with what, nor under which key of hers.
    // guard: deletion-leaves-no-data
    sql`UPDATE receipts SET data = 'null', idempotency_key = NULL, request_digest = NULL WHERE run_by = ${userId} AND ${isDeleted}`,
  ];
}
