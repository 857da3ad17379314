import sql, { join, type Sql } from "sql-template-tag";
import type { CallerRef } from "../core/ports.ts";

/** Whether an account is one at all: neither deleted nor disabled by an operator. */
export const USER_STANDS: Sql = sql`users.deleted_on IS NULL AND users.disabled_on IS NULL`;

/**
 * What stands, in one place. A token and its user joined: not ended itself, and of the
 * user's current epochs. Expiry is asked apart, because rows outlive it.
 */
export const STANDS: Sql = sql`tokens.revoked_at IS NULL AND tokens.epoch = users.epoch
  AND (tokens.api_epoch IS NULL OR tokens.api_epoch = users.api_epoch) AND ${USER_STANDS}`;

/** In the words of the index `tokens_list`, or SQLite does not take it. */
export const NOT_USED_UP: Sql = sql`(max_uses IS NULL OR uses < max_uses)`;

/** True unless one of the ids was ended. The user is in scope; an id without a row was never ended. */
export function noneEnded(ids: readonly string[]): Sql {
  if (ids.length === 0) return sql`TRUE`;
  return sql`NOT EXISTS (SELECT 1 FROM tokens AS ended WHERE ended.id IN (${join([...ids])})
    AND (ended.revoked_at IS NOT NULL OR ended.api_epoch <> users.api_epoch))`;
}

/**
 * Asked inside every statement that writes for a caller, whatever the promise for reads is: what
 * was ended, writes nothing, not even in the instant after it was checked.
 */
export function callerStands(
  { userId, epoch, tokenId, credentialIds }: CallerRef,
  nowMs: number,
): Sql {
  if (tokenId !== null) {
    return sql`EXISTS (SELECT 1 FROM tokens JOIN users ON users.id = tokens.user_id
      WHERE tokens.id = ${tokenId} AND tokens.expires_at > ${nowMs} AND ${STANDS})`;
  }
  return sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${userId} AND users.epoch = ${epoch}
    AND ${USER_STANDS} AND ${noneEnded(credentialIds)})`;
}
