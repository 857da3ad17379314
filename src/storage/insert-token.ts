import sql, { type Sql } from "sql-template-tag";
import type { CallerRef } from "../core/ports.ts";
import type { RefreshFamily, Token } from "../core/token.ts";
import { takenStatusIndex } from "./d1-status-lists.ts";
import { callerStands } from "./standing-sql.ts";
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
  return sql`INSERT INTO tokens (id, kind, user_id, epoch, api_epoch, created_at, modified_at,
      expires_at, max_uses, status_index, detail)
    SELECT ${token.id}, ${token.kind}, owner.id, owner.epoch,
      ${token.kind === "api" ? sql`owner.api_epoch` : null}, ${token.createdAtMs},
      ${token.modifiedAtMs}, ${token.expiresAtMs},
      ${token.kind === "action" ? token.maxUses : null},
      ${token.kind === "family" ? takenStatusIndex : null},
      ${detailOf(token, address)}
    FROM users AS owner
    WHERE owner.id = ${token.userId} AND ${callerStands(caller, token.createdAtMs)} AND ${alsoHolds}
    ${token.kind === "action" ? sql`ON CONFLICT DO NOTHING` : sql``}
    RETURNING epoch, api_epoch, status_index`;
}
