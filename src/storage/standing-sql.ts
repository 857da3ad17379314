import sql, { join, type Sql } from "sql-template-tag";
import type { CallerRef } from "../core/ports.ts";

/**
 * What stands, in one place. A token and its user joined: not ended itself, and of the
 * user's current epochs. Expiry is asked apart, because rows outlive it.
 */
export const STANDS: Sql = sql`tokens.revoked_at IS NULL AND tokens.epoch = users.epoch
  AND (tokens.api_epoch IS NULL OR tokens.api_epoch = users.api_epoch) AND users.deleted_on IS NULL`;

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
export function callerStands({ userId, epoch, credentialIds }: CallerRef): Sql {
  return sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${userId} AND users.epoch = ${epoch}
    AND users.deleted_on IS NULL AND ${noneEnded(credentialIds)})`;
}
