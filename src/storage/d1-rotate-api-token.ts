import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import { type ApiToken, TOKEN_KINDS } from "../core/token.ts";
import type { Revocation, PendingRevocations } from "./pending-revocations.ts";
import { tombstoneKey, expiryMovedKey } from "./keys.ts";
import { ApiRow, TOKEN_COLUMNS, toApi } from "./token-row.ts";

const API_MAX_MS = TOKEN_KINDS.api.maxTtlSeconds * 1000;

/**
 * One batch: the new token takes over the old one's name, scopes and end, and the old one ends, with
 * all that was derived from it. With no grace left it is revoked.
 * @param target the old token, if it is the caller's own, stands, and was not replaced before
 * @param written what else is written: what the audit says of it, and the JWT that the successor hangs on
 */
export async function rotateApiTokenRow(
  revocations: PendingRevocations,
  oldId: string,
  target: Sql,
  { parentIds, ...next }: Pick<ApiToken, "id" | "hint" | "parentIds"> & { readonly endMs: number },
  written: readonly Sql[],
  oldEndsAtMs: number,
  nowMs: number,
): Promise<ApiToken | null> {
  const endsAt = Number.isFinite(next.endMs)
    ? sql`MIN(expires_at, ${next.endMs})`
    : sql`expires_at`;
  const insert = sql`INSERT INTO tokens
      (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, parents, detail)
    SELECT ${next.id}, kind, user_id, credential_version, api_token_version, ${nowMs}, ${nowMs}, ${endsAt},
      ${parentIds.length === 0 ? null : JSON.stringify(parentIds)}, json_set(detail, '$.hint', ${next.hint})
    FROM tokens WHERE ${target}
    RETURNING ${TOKEN_COLUMNS}`;
  const [[row] = []] = await revocations.commit(
    {
      ...endOld([insert, ...written], oldId, next.id, target, oldEndsAtMs, nowMs),
      untilMs: nowMs + API_MAX_MS,
    },
    nowMs,
  );
  return row === undefined ? null : toApi(v.parse(ApiRow, row));
}

function endOld(
  made: readonly Sql[],
  id: string,
  nextId: string,
  target: Sql,
  endsAtMs: number,
  nowMs: number,
): Omit<Revocation, "untilMs"> {
  if (endsAtMs <= nowMs) {
    const revoke = sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs} WHERE ${target}`;
    return {
      batch: [...made, revoke],
      key: tombstoneKey(id),
      onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${nextId})`,
    };
  }
  const shorten = sql`UPDATE tokens SET expires_at = MIN(expires_at, ${endsAtMs}), replaced_by = ${nextId},
    modified_at = ${nowMs} WHERE ${target}`;
  return {
    batch: [...made, shorten],
    key: expiryMovedKey(id),
    onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE ${target} AND expires_at > ${endsAtMs})`,
    asked: "before",
  };
}
