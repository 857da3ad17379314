import sql, { join, type Sql } from "sql-template-tag";
import type { CallerRef, Derivation } from "../core/caller.ts";
import { API_TOKEN_DEPTH_MAX, type RefreshFamily, type Token } from "../core/token.ts";
import { lastStatusIndex } from "./d1-status-lists.ts";
import { callerIsActive } from "./active-sql.ts";
import { detailOf } from "./token-row.ts";

/**
 * The row of a new token, made only if the caller stands at that instant: an ended credential
 * leaves no child behind. The epochs are the user's own of that instant.
 * @param address from where, as far as that may be kept: a login is recognised by it
 */
export function insertToken(
  token: Token | RefreshFamily,
  caller: CallerRef,
  address: string | null,
  alsoHolds: Sql = sql`TRUE`,
): Sql {
  // guard: insert-asks-the-caller
  return sql`INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at,
      expires_at, max_uses, status_index, parents, detail)
    SELECT ${token.id}, ${token.kind}, owner.id, owner.credential_version,
      ${token.kind === "api" ? sql`owner.api_token_version` : null}, ${token.createdAtMs},
      ${token.modifiedAtMs}, ${endOf(token)},
      ${token.kind === "action" ? token.maxUses : null},
      ${token.kind === "family" ? lastStatusIndex : null},
      ${"parentIds" in token && token.parentIds.length > 0 ? JSON.stringify(token.parentIds) : null},
      ${detailOf(token, address)}
    FROM users AS owner
    WHERE owner.id = ${token.userId} AND ${callerIsActive(caller, token.createdAtMs)} AND ${alsoHolds}
    ${token.kind === "action" || token.kind === "api" ? sql`ON CONFLICT DO NOTHING` : sql``}
    RETURNING credential_version, api_token_version, expires_at, status_index`;
}

/** What the caller's check knew of the parents may be as old as the lag: their rows have the last word. */
function endOf(token: Token | RefreshFamily): Sql {
  if (!("parentIds" in token) || token.parentIds.length === 0) return sql`${token.expiresAtMs}`;
  return sql`MIN(${token.expiresAtMs}, (SELECT MIN(parent.expires_at) FROM tokens AS parent
    WHERE parent.id IN (${join([...token.parentIds])})))`;
}

/** A caller that was replaced, or was derived from one that was, may derive nothing: its successor does. */
// guard: replaced-token-derives-nothing
export const noneReplaced = (parentIds: readonly string[]): Sql =>
  parentIds.length === 0
    ? sql`TRUE`
    : sql`NOT EXISTS (SELECT 1 FROM tokens AS replaced
        WHERE replaced.id IN (${join([...parentIds])}) AND replaced.replaced_by IS NOT NULL)`;

/** The caller's own end as it is now, and not as a copy showed it: nobody prolongs past it. */
// guard: nobody-extends-past-the-caller
export const noneEndsBefore = (expiresAtMs: number, callerIds: readonly string[]): Sql =>
  callerIds.length === 0
    ? sql`TRUE`
    : sql`NOT EXISTS (SELECT 1 FROM tokens AS holder
        WHERE holder.id IN (${join([...callerIds])}) AND holder.expires_at < ${expiresAtMs})`;

/** Whether a token with these parents would be nested deeper than API tokens may be. */
export const isTooDeep = (parentIds: readonly string[]): Sql =>
  parentIds.length < API_TOKEN_DEPTH_MAX
    ? sql`FALSE`
    : sql`(SELECT COUNT(*) FROM tokens AS parent WHERE parent.id IN (${join([...parentIds])})
        AND parent.kind = 'api') >= ${API_TOKEN_DEPTH_MAX}`;

/** The row of the JWT among a new token's parents, by which that one finds it; it stands behind the token's own. */
export function insertParentJwt(
  childId: string,
  { jwtId, endMs }: Derivation,
  nowMs: number,
): Sql[] {
  if (jwtId === null) return [];
  return [
    sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at)
      SELECT ${jwtId}, 'jwt', user_id, credential_version, ${nowMs}, ${nowMs}, ${endMs} FROM tokens WHERE id = ${childId}
      ON CONFLICT DO NOTHING`,
  ];
}
