import sql, { type Sql } from "sql-template-tag";
import type { Role } from "../core/user.ts";
import { ERASED_PROFILE } from "./rows.ts";

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

export const settingRole = (which: Sql, role: Role, nowMs: number): Sql =>
  sql`UPDATE users SET role = ${role}, modified_on = ${nowMs}
    WHERE ${which} AND deleted_on IS NULL AND role <> ${role}`;

/** @param metadata a JSON object as text, which replaces what there was */
export const settingMetadata = (which: Sql, metadata: string, nowMs: number): Sql =>
  sql`UPDATE users SET metadata = ${metadata}, modified_on = ${nowMs}
    WHERE ${which} AND deleted_on IS NULL AND metadata <> ${metadata}`;

export const deleting = (which: Sql, nowMs: number): Sql =>
  // guard: deletion-revokes-all
  sql`UPDATE users SET deleted_on = ${nowMs}, modified_on = ${nowMs}, password = '',
      ${ERASED_PROFILE}, credential_version = credential_version + 1, api_token_version = api_token_version + 1, ha1b = NULL
    WHERE ${which} AND deleted_on IS NULL`;

export const DEAD_LETTER_COLUMNS: Sql = sql`receiver, d.user_id AS userId, event_id AS eventId,
  (SELECT what FROM events WHERE events.user_id = d.user_id AND events.id = event_id) AS what,
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
