import sql, { join } from "sql-template-tag";
import * as v from "valibot";
import type { InspectionStore } from "../core/inspection.ts";
import type { Database } from "./database.ts";
import { USER_STANDS } from "./standing-sql.ts";
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
  address: v.nullable(v.string()),
});

const JwtRow = v.object({
  ...AccountRow.entries,
  ended_at: nullableNumber,
  behind_ended_at: nullableNumber,
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
    async ownToken(id, userId) {
      const row = await db.first(
        sql`SELECT ${TOKEN_COLUMNS}, tokens.revoked_at, tokens.detail ->> '$.address' AS address, ${ACCOUNT}
          FROM tokens JOIN users ON users.id = tokens.user_id
          WHERE tokens.id = ${id} AND tokens.user_id = ${userId}
            AND tokens.kind IN ('session', 'api', 'action')`,
        v.intersect([TokenRow, EndedRow, AccountRow]),
      );
      if (row === null) return null;
      const { address, revoked_at } = row;
      return { token: toToken(row), address, endedAtMs: revoked_at, account: accountOf(row) };
    },

    async ownJwt({ jti, userId, sid }, behind) {
      const among = behind.length === 0 ? sql`(NULL)` : sql`(${join([...behind])})`;
      const row = await db.first(
        sql`SELECT ${ACCOUNT},
            (SELECT revoked_at FROM tokens WHERE id = ${jti}) AS ended_at,
            (SELECT MIN(revoked_at) FROM tokens WHERE id IN ${among}) AS behind_ended_at,
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
        rotation: row.rotation,
        rotatedAtMs: row.rotated_at,
        account: accountOf(row),
      };
    },
  };
}
