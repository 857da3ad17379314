import sql, { join } from "sql-template-tag";
import * as v from "valibot";
import { callerRefOfJwt } from "../core/caller.ts";
import type { TokenDiagnosisStore } from "../core/token-diagnosis.ts";
import type { StorageContext } from "./context.ts";
import { jwtIsActive, parentsAreActive, USER_IS_ACTIVE } from "./revocation.ts";
import { TOKEN_COLUMNS, TokenRow, toToken } from "./token-rows.ts";

const nullableNumber = v.nullable(v.number());

const ACCOUNT = sql`NOT (${USER_IS_ACTIVE}) AS is_disabled, users.credential_version AS user_credential_version,
  users.api_token_version AS user_api_token_version`;

const AccountRow = v.object({
  is_disabled: v.number(),
  user_credential_version: v.number(),
  user_api_token_version: v.number(),
});

const StateRow = v.object({
  revoked_at: nullableNumber,
  parent_gone: v.number(),
  address: v.nullable(v.string()),
});

const JwtRow = v.object({
  ...AccountRow.entries,
  jwt_revoked_at: nullableNumber,
  parent_revoked_at: nullableNumber,
  parent_gone: v.number(),
  rotation: nullableNumber,
  rotated_at: nullableNumber,
});

const accountOf = (row: v.InferOutput<typeof AccountRow>) => ({
  isDisabled: row.is_disabled === 1,
  credentialVersion: row.user_credential_version,
  apiTokenVersion: row.user_api_token_version,
});

/** Active or not, but for the owner alone. */
export function createTokenDiagnosis({ db }: StorageContext): TokenDiagnosisStore {
  return {
    async ownToken(id, userId, nowMs) {
      const row = await db.first(
        sql`SELECT ${TOKEN_COLUMNS}, tokens.revoked_at, tokens.detail ->> '$.address' AS address,
            NOT ${parentsAreActive(nowMs)} AS parent_gone, ${ACCOUNT}
          FROM tokens JOIN users ON users.id = tokens.user_id
          WHERE tokens.id = ${id} AND tokens.user_id = ${userId}
            AND tokens.kind IN ('session', 'api', 'action')`,
        v.intersect([TokenRow, StateRow, AccountRow]),
      );
      if (row === null) return null;
      return {
        token: toToken(row),
        address: row.address,
        revokedAtMs: row.revoked_at,
        isParentGone: row.parent_gone === 1,
        account: accountOf(row),
      };
    },

    async ownJwt(claims, parentIds, nowMs) {
      const { jti, userId, sid } = claims;
      const among = parentIds.length === 0 ? sql`(NULL)` : sql`(${join([...parentIds])})`;
      const row = await db.first(
        sql`SELECT ${ACCOUNT},
            (SELECT revoked_at FROM tokens WHERE id = ${jti}) AS jwt_revoked_at,
            (SELECT MIN(revoked_at) FROM tokens WHERE id IN ${among}) AS parent_revoked_at,
            NOT (${jwtIsActive({ ...callerRefOfJwt(claims), apiTokenVersion: null }, nowMs)}) AS parent_gone,
            family.rotation, family.rotated_at
          FROM users LEFT JOIN tokens AS family
            ON family.id = ${sid} AND family.kind = 'family' AND family.user_id = users.id
          WHERE users.id = ${userId}`,
        JwtRow,
      );
      if (row === null) return null;
      return {
        revokedAtMs: row.jwt_revoked_at,
        loginRevokedAtMs: row.parent_revoked_at,
        isParentGone: row.parent_gone === 1,
        rotation: row.rotation,
        rotatedAtMs: row.rotated_at,
        account: accountOf(row),
      };
    },
  };
}
