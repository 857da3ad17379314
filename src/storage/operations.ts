import sql, { join, raw, type Sql } from "sql-template-tag";
import type { PersonalTable } from "../core/action.ts";
import { PROFILE_COLUMNS, type Role } from "../core/user.ts";
import { EVENT_LOG } from "./event-rows.ts";
import { uuid } from "../core/uuid.ts";

/**
 * What operators do to accounts, for the routes and for `npm run users`: SQL alone. Each changes nothing where it
 * has been done already, so that a repetition leaves no second event.
 * @param which the condition on `users`; it names deleted accounts too
 */
export const disabling = (which: Sql, nowMs: number): Sql =>
  // guard: disabling-revokes-all
  sql`UPDATE users SET disabled_on = ${nowMs}, modified_on = ${nowMs}, credential_version = credential_version + 1,
      identities_revoked_on = ${nowMs} WHERE ${which} AND deleted_on IS NULL AND disabled_on IS NULL`;

/** After it: other ways to log in may be a stranger's. */
export const removingOtherWaysIn = (which: Sql): readonly Sql[] =>
  [sql`identities`, sql`passkeys`].map(
    (table) =>
      sql`DELETE FROM ${table} WHERE user_id IN (SELECT id FROM users WHERE ${which} AND disabled_on IS NOT NULL)`,
  );

export const enabling = (which: Sql, nowMs: number): Sql =>
  sql`UPDATE users SET disabled_on = NULL, modified_on = ${nowMs}
    WHERE ${which} AND deleted_on IS NULL AND disabled_on IS NOT NULL`;

/** All that anyone holds; the ways to log in stay. */
export const revokingAll = (which: Sql, nowMs: number): Sql =>
  sql`UPDATE users SET credential_version = credential_version + 1, modified_on = ${nowMs}
    WHERE ${which} AND deleted_on IS NULL`;

/** What an operator can revoke one by one: not the links in emails, of which one may be the owner's only way back. */
const ONE_BY_ONE = {
  login: sql`tokens.kind IN ('session', 'family')`,
  token: sql`tokens.kind IN ('api', 'action') AND json_extract(tokens.detail, '$.internal') IS NULL`,
};
export type OneByOne = keyof typeof ONE_BY_ONE;

/** The condition on `tokens` that it is one of the account's, whether or not it is active. */
export const isOneOf = (kind: OneByOne, id: string, userId: string): Sql =>
  sql`tokens.id = ${uuid(id)} AND tokens.user_id = ${uuid(userId)} AND ${ONE_BY_ONE[kind]}`;

/** @param which the condition on `tokens` */
export const revokingOne = (which: Sql, nowMs: number): Sql =>
  // guard: operators-revoke-what-is-active
  sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
    WHERE ${which} AND revoked_at IS NULL AND expires_at > ${nowMs} AND (max_uses IS NULL OR uses < max_uses)
      AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND users.credential_version = tokens.credential_version
        AND (tokens.api_token_version IS NULL OR tokens.api_token_version = users.api_token_version))`;

/** The kind of the event, as when its owner revokes it. */
export const whatIsRevoked = (id: string): Sql =>
  sql`(SELECT CASE kind WHEN 'session' THEN 'session.revoked' WHEN 'family' THEN 'jwt.revoked' WHEN 'api' THEN 'token.revoked'
    ELSE 'action.revoked' END FROM tokens WHERE id = ${uuid(id)})`;

export const settingRole = (which: Sql, role: Role, nowMs: number): Sql =>
  sql`UPDATE users SET role = ${role}, modified_on = ${nowMs}
    WHERE ${which} AND deleted_on IS NULL AND role <> ${role}`;

/** @param metadata a JSON object as text, which replaces what there was */
export const settingMetadata = (which: Sql, metadata: string, nowMs: number): Sql =>
  sql`UPDATE users SET metadata = ${metadata}, modified_on = ${nowMs}
    WHERE ${which} AND deleted_on IS NULL AND metadata <> ${metadata}`;

/** What a deleted account keeps of the person: nothing. */
const ERASED_PROFILE: Sql = sql`email = '', ${join(PROFILE_COLUMNS.map((column) => raw(`${column} = NULL`)))},
  verified_on = NULL, metadata = '{}', external_id = NULL, pending_email = NULL, undo_email = NULL, undo_until = NULL, email_login_at = NULL`;

export const deleting = (which: Sql, nowMs: number): Sql =>
  // guard: deletion-revokes-all
  sql`UPDATE users SET deleted_on = ${nowMs}, modified_on = ${nowMs}, password = '',
      ${ERASED_PROFILE}, credential_version = credential_version + 1, api_token_version = api_token_version + 1, ha1b = NULL
    WHERE ${which} AND deleted_on IS NULL`;

/** What has the user's id in `user_id` and goes with the account. */
const ERASED_TABLES = [
  // They open nothing more, and may create a new account.
  "identities",
  "passkeys",
  "contacts",
  "devices",
  "notices",
  "recovery_codes",
  "second_factors",
];

/**
 * After it: what a deletion erases beside the account. Their tokens, of which there may be very many, are left to
 * housekeeping.
 * @param tables of actions
 */
export function erasePersonalData(userId: string, tables: readonly PersonalTable[]): Sql[] {
  const isDeleted = sql`EXISTS (SELECT 1 FROM users WHERE id = ${uuid(userId)} AND deleted_on IS NOT NULL)`;
  return [
    ...ERASED_TABLES.map(
      (name) => sql`DELETE FROM ${raw(name)} WHERE user_id = ${uuid(userId)} AND ${isDeleted}`,
    ),
    ...tables.map(
      ({ name, userColumn }) =>
        sql`DELETE FROM ${raw(`"${name}"`)} WHERE ${raw(`"${userColumn}"`)} IN (${uuid(userId)}, ${userId}) AND ${isDeleted}`,
    ),
    // Keep the receipt, but erase its data and idempotency key.
    // guard: deletion-leaves-no-data
    sql`UPDATE receipts SET data = 'null', idempotency_key = NULL, request_digest = NULL WHERE run_by = ${uuid(userId)} AND ${isDeleted}`,
  ];
}

export const DEAD_LETTER_COLUMNS: Sql = sql`receiver, d.user_id AS userId, event_id AS eventId,
  (SELECT what FROM ${EVENT_LOG} AS e WHERE e.user_id = d.user_id AND e.id = event_id) AS what,
  attempts, reason, died_at AS diedAtMs`;

/** Queues dead letters again, behind what waits of the same users. @param which the condition on `dead_letters` */
export const replaying = (which: Sql, nowMs: number): readonly [Sql, Sql] => [
  sql`INSERT INTO deliveries (receiver, user_id, position, event_id, queued_at, due_at)
    SELECT these.receiver, these.user_id, ROW_NUMBER() OVER (PARTITION BY these.receiver, these.user_id ORDER BY these.event_id)
        + COALESCE((SELECT MAX(position) FROM deliveries AS d WHERE d.receiver = these.receiver
          AND d.user_id = these.user_id), 0),
      these.event_id, ${nowMs}, ${nowMs} FROM dead_letters AS these WHERE ${which}`,
  sql`DELETE FROM dead_letters AS these WHERE ${which}`,
];
