import sql, { join, type Sql } from "sql-template-tag";
import type { CallerRef } from "../core/caller.ts";

/** Whether an account is one at all: neither deleted nor disabled by an operator. */
// guard: user-is-active
export const USER_IS_ACTIVE: Sql = sql`users.deleted_on IS NULL AND users.disabled_on IS NULL`;

/**
 * What stands, in one place. A token and its user joined: not ended itself, and of the
 * user's current epochs. Expiry is asked apart, because rows outlive it.
 */
// guard: token-is-active
export const TOKEN_IS_ACTIVE: Sql = sql`tokens.revoked_at IS NULL AND tokens.credential_version = users.credential_version
  AND (tokens.api_token_version IS NULL OR tokens.api_token_version = users.api_token_version) AND ${USER_IS_ACTIVE}`;

/** No parent of the token was revoked, has expired or is gone. `tokens` is in scope. */
// guard: parents-are-active
export const parentsAreActive = (nowMs: number): Sql => sql`(tokens.parents IS NULL OR NOT EXISTS (
  SELECT 1 FROM json_each(tokens.parents) AS link LEFT JOIN tokens AS parent ON parent.id = link.value
  WHERE parent.id IS NULL OR parent.revoked_at IS NOT NULL OR parent.expires_at <= ${nowMs}
    OR parent.api_token_version <> (SELECT owner.api_token_version FROM users AS owner WHERE owner.id = parent.user_id)))`;

/** The same of a token that may have been derived from another, which must stand too. */
// guard: token-and-parents-are-active
export const isActiveWithParents = (nowMs: number): Sql =>
  sql`${TOKEN_IS_ACTIVE} AND ${parentsAreActive(nowMs)}`;

/** In the words of the index `tokens_list`, or SQLite does not take it. */
export const NOT_USED_UP: Sql = sql`(max_uses IS NULL OR uses < max_uses)`;

/** What a JWT says of itself that decides whether it is active. */
export type JwtRef = Pick<
  CallerRef,
  "credentialIds" | "parentIds" | "apiTokenVersion" | "loginVersion"
>;

/**
 * Whether a JWT stands, with its `users` in scope. A JWT has a row only once it was revoked, or is the
 * parent of a token; what it was obtained with has one, and where that row is gone, the answer is no.
 */
export function jwtIsActive(
  { credentialIds, parentIds, apiTokenVersion, loginVersion }: JwtRef,
  nowMs: number,
): Sql {
  // guard: jwt-is-active
  return join(
    [
      sql`TRUE`,
      ...(apiTokenVersion === null ? [] : [sql`users.api_token_version = ${apiTokenVersion}`]),
      ...(loginVersion === null ? [] : [sql`users.login_version = ${loginVersion}`]),
      ...(credentialIds.length === 0
        ? []
        : [
            sql`NOT EXISTS (SELECT 1 FROM tokens AS revoked
              WHERE revoked.id IN (${join([...credentialIds])}) AND revoked.revoked_at IS NOT NULL)`,
          ]),
      ...(parentIds.length === 0
        ? []
        : [
            // guard: jwt-parents-have-not-expired
            sql`(SELECT COUNT(*) FROM tokens AS parent WHERE parent.id IN (${join([...parentIds])})
              AND parent.revoked_at IS NULL AND parent.expires_at > ${nowMs}) = ${parentIds.length}`,
          ]),
    ],
    " AND ",
  );
}

/**
 * Asked inside every statement that writes for a caller, whatever the promise for reads is: what
 * was ended, writes nothing, not even in the instant after it was checked.
 */
export function callerIsActive(
  { userId, credentialVersion, tokenId, ...jwt }: CallerRef,
  nowMs: number,
): Sql {
  if (tokenId !== null) {
    // guard: caller-token-is-active
    return sql`EXISTS (SELECT 1 FROM tokens JOIN users ON users.id = tokens.user_id
      WHERE tokens.id = ${tokenId} AND tokens.expires_at > ${nowMs} AND ${isActiveWithParents(nowMs)})`;
  }
  // guard: caller-is-active
  return sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${userId} AND users.credential_version = ${credentialVersion}
    AND ${USER_IS_ACTIVE} AND ${jwtIsActive(jwt, nowMs)})`;
}
