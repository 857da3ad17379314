import sql, { join } from "sql-template-tag";
import * as v from "valibot";
import { holderOf } from "../core/authenticate.ts";
import type { InspectionStore } from "../core/inspection.ts";
import type { Database } from "./database.ts";
import { jwtStands, parentsStand, USER_STANDS } from "./standing-sql.ts";
import { TOKEN_COLUMNS, TokenRow, toToken } from "./token-row.ts";

const nullableNumber = v.nullable(v.number());

const ACCOUNT = sql`NOT (${USER_STANDS}) AS is_disabled, users.epoch AS user_epoch,
  users.api_epoch AS user_api_epoch`;

const AccountRow = v.object({
  is_disabled: v.number(),
  user_epoch: v.number(),
  user_api_epoch: v.number(),
});

const EndedRow = v.object({
  revoked_at: nullableNumber,
  parent_gone: v.number(),
  address: v.nullable(v.string()),
});

const JwtRow = v.object({
  ...AccountRow.entries,
  ended_at: nullableNumber,
  behind_ended_at: nullableNumber,
  parent_gone: v.number(),
  rotation: nullableNumber,
  rotated_at: nullableNumber,
});

const accountOf = (row: v.InferOutput<typeof AccountRow>) => ({
  isDisabled: row.is_disabled === 1,
  epoch: row.user_epoch,
  apiEpoch: row.user_api_epoch,
});

/** Also what does not stand any more, for its owner alone. */
export function d1Inspection(db: Database): InspectionStore {
  return {
    async ownToken(id, userId, nowMs) {
      const row = await db.first(
        sql`SELECT ${TOKEN_COLUMNS}, tokens.revoked_at, tokens.detail ->> '$.address' AS address,
            NOT ${parentsStand(nowMs)} AS parent_gone, ${ACCOUNT}
          FROM tokens JOIN users ON users.id = tokens.user_id
          WHERE tokens.id = ${id} AND tokens.user_id = ${userId}
            AND tokens.kind IN ('session', 'api', 'action')`,
        v.intersect([TokenRow, EndedRow, AccountRow]),
      );
      if (row === null) return null;
      return {
        token: toToken(row),
        address: row.address,
        endedAtMs: row.revoked_at,
        isParentGone: row.parent_gone === 1,
        account: accountOf(row),
      };
    },

    async ownJwt(claims, behind, nowMs) {
      const { jti, userId, sid } = claims;
      const among = behind.length === 0 ? sql`(NULL)` : sql`(${join([...behind])})`;
      const row = await db.first(
        sql`SELECT ${ACCOUNT},
            (SELECT revoked_at FROM tokens WHERE id = ${jti}) AS ended_at,
            (SELECT MIN(revoked_at) FROM tokens WHERE id IN ${among}) AS behind_ended_at,
            NOT (${jwtStands({ ...holderOf(claims), apiEpoch: null }, nowMs)}) AS parent_gone,
            family.rotation, family.rotated_at
          FROM users LEFT JOIN tokens AS family
            ON family.id = ${sid} AND family.kind = 'family' AND family.user_id = users.id
          WHERE users.id = ${userId}`,
        JwtRow,
      );
      if (row === null) return null;
      return {
        endedAtMs: row.ended_at,
        loginEndedAtMs: row.behind_ended_at,
        isParentGone: row.parent_gone === 1,
        rotation: row.rotation,
        rotatedAtMs: row.rotated_at,
        account: accountOf(row),
      };
    },
  };
}
