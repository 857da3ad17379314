import sql, { join, raw, Sql } from "sql-template-tag";
import type { PersonalTable } from "../core/action.ts";
import type { EraseUnproven } from "../core/email-login.ts";
import { PROFILE_COLUMNS } from "../core/user.ts";
import { accountMatches } from "./email-tokens.ts";
import { guardedBy, once } from "./once.ts";
import { uuid } from "../core/uuid.ts";

const IS_UNPROVEN = sql`verified_on IS NULL`;

/**
 * Anyone can sign up with an email they do not own. If it was never proven, what they left is erased before its owner
 * takes over, by these statements and by `erasedProfile`.
 */
export function eraseIfUnproven(
  userId: string,
  tables: readonly PersonalTable[],
  nowMs: number,
): readonly Sql[] {
  const wasUnproven = accountMatches(userId, IS_UNPROVEN);
  return [
    sql`DELETE FROM contacts WHERE user_id = ${uuid(userId)} AND ${wasUnproven}`,
    sql`DELETE FROM contacts WHERE contact_id = ${uuid(userId)} AND ${wasUnproven}`,
    ...tables.map(
      ({ name, userColumn }) =>
        sql`DELETE FROM ${raw(`"${name}"`)} WHERE ${raw(`"${userColumn}"`)} IN (${uuid(userId)}, ${userId}) AND ${wasUnproven}`,
    ),
    // guard: unproven-account-keeps-no-passkey
    sql`DELETE FROM passkeys WHERE user_id = ${uuid(userId)} AND ${wasUnproven}`,
    sql`DELETE FROM devices WHERE user_id = ${uuid(userId)} AND ${wasUnproven}`,
    sql`DELETE FROM second_factors WHERE user_id = ${uuid(userId)} AND ${wasUnproven}`,
    sql`DELETE FROM recovery_codes WHERE user_id = ${uuid(userId)} AND ${wasUnproven}`,
    sql`UPDATE receipts SET data = 'null', idempotency_key = NULL WHERE run_by = ${uuid(userId)}
      AND run_at < ${nowMs} AND ${wasUnproven}`,
  ];
}

/** For the statement that proves the email. */
export function erasedProfile(): Sql {
  const erased = (column: string, value: Sql) =>
    sql`${raw(column)} = CASE WHEN ${IS_UNPROVEN} THEN ${value} ELSE ${raw(column)} END`;
  return join([
    ...PROFILE_COLUMNS.map((column) => erased(column, sql`NULL`)),
    erased("metadata", sql`'{}'`),
  ]);
}

/** What proves the email of an account that had not, by the owner's log-in: every credential of before is revoked. */
export const unprovenEraser =
  (tables: readonly PersonalTable[]): EraseUnproven =>
  (userId, nowMs, claimed) =>
    [
      sql`DELETE FROM identities WHERE user_id = ${uuid(userId)}`,
      ...eraseIfUnproven(userId, tables, nowMs),
      sql`UPDATE users SET password = '', ha1b = NULL, credential_version = credential_version + 1, modified_on = ${nowMs},
          identities_revoked_on = ${nowMs}, pending_email = NULL, ${erasedProfile()}, verified_on = ${nowMs}
        WHERE id = ${uuid(userId)}`,
    ].map((write) => guardedBy(once(write), new Sql(claimed.strings, claimed.values)));
