import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { CallerRef } from "../core/caller.ts";
import type { LoginStore } from "../core/logins.ts";
import { JWT_LIFETIMES, TOKEN_KINDS } from "../core/token.ts";
import { type Audit, byCaller } from "./audit-sql.ts";
import type { Database } from "./database.ts";
import { type PendingRevocations, MAX_TOMBSTONES } from "./pending-revocations.ts";
import { tombstoneKey, loginsTombstoneKey } from "./keys.ts";
import { pageOf, toPage } from "./paging.ts";
import { callerIsActive, NOT_USED_UP } from "./active-sql.ts";

/** Whatever hangs on a login is gone by then. */
const LOGIN_MAX_MS = Math.max(TOKEN_KINDS.session.maxTtlSeconds, JWT_LIFETIMES.sinceLogin) * 1000;

const KINDS = ["session", "family"] as const;

const LoginRow = v.object({
  id: v.string(),
  kind: v.picklist(KINDS),
  created_at: v.number(),
  modified_at: v.number(),
  expires_at: v.number(),
  address: v.nullable(v.string()),
});

/** Of one kind: the index `tokens_list` leads straight to them. */
const isActiveLogin = (
  kind: (typeof KINDS)[number],
  { userId }: CallerRef,
  nowMs: number,
): Sql => sql`
  tokens.user_id = ${userId} AND tokens.kind = ${kind} AND tokens.revoked_at IS NULL
  AND tokens.credential_version = (SELECT credential_version FROM users WHERE id = ${userId}) AND tokens.api_token_version IS NULL
  AND tokens.expires_at > ${nowMs} AND ${NOT_USED_UP}`;

/** Those of all kinds, newest first: as many of each, so that neither is read to its end. */
function newest(columns: Sql, which: (kind: (typeof KINDS)[number]) => Sql, orderAndLimit: Sql) {
  const [one, two] = KINDS.map(
    (kind) =>
      sql`SELECT * FROM (SELECT ${columns} FROM tokens WHERE ${which(kind)} ${orderAndLimit})`,
  );
  return sql`SELECT * FROM (${one} UNION ALL ${two}) AS tokens ${orderAndLimit}`;
}

export function d1Logins(db: Database, revocations: PendingRevocations, audit: Audit): LoginStore {
  return {
    async list(caller, page, nowMs) {
      const { from, orderAndLimit } = pageOf(sql`tokens.id`, sql`tokens.created_at`, page);
      const columns = sql`tokens.id, tokens.kind, tokens.created_at,
        MAX(tokens.modified_at, COALESCE(tokens.used_at, 0)) AS modified_at, tokens.expires_at, tokens.detail ->> '$.address' AS address`;
      const rows = await db.all(
        newest(
          columns,
          (kind) => sql`${isActiveLogin(kind, caller, nowMs)} AND ${from}`,
          orderAndLimit,
        ),
        LoginRow,
      );
      const logins = rows.map((row) => ({
        kind: row.kind,
        id: row.id,
        createdAtMs: row.created_at,
        modifiedAtMs: row.modified_at,
        expiresAtMs: row.expires_at,
        address: row.address,
      }));
      return toPage(logins, page);
    },

    async revoke(id, caller, nowMs) {
      // A login on the JWT surface ends as by its refresh JWT.
      const what = sql`(SELECT CASE kind WHEN 'session' THEN 'session.revoked' ELSE 'jwt.revoked' END
        FROM tokens WHERE id = ${id})`;
      const [rows = []] = await revocations.commit(
        {
          batch: [
            // guard: only-owners-log-out
            sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
              WHERE id = ${id} AND kind IN ('session', 'family') AND user_id = ${caller.userId}
                AND credential_version = (SELECT credential_version FROM users WHERE id = ${caller.userId})
                AND revoked_at IS NULL AND expires_at > ${nowMs} AND ${callerIsActive(caller, nowMs)}
              RETURNING id`,
            audit.after({ what, ...byCaller(caller), subjectId: id }, nowMs),
          ],
          key: tombstoneKey(id),
          onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${id} AND revoked_at = ${nowMs}
            AND user_id = ${caller.userId})`,
          untilMs: nowMs + LOGIN_MAX_MS,
        },
        nowMs,
      );
      return rows.length > 0;
    },

    async revokeOthers(caller, kept, nowMs) {
      const which = (kind: (typeof KINDS)[number]) =>
        sql`${isActiveLogin(kind, caller, nowMs)} AND tokens.id IS NOT ${kept}`;
      // KV is told of so many in one request: all that is ended is refused within the promise.
      const most = sql`ORDER BY tokens.created_at DESC, tokens.id DESC LIMIT ${MAX_TOMBSTONES}`;
      const others = newest(sql`tokens.id, tokens.created_at`, which, most);
      const isActive = callerIsActive(caller, nowMs);
      const row = { what: "logins.revoked_others" as const, ...byCaller(caller), subjectId: null };
      const [ended = []] = await revocations.commit(
        {
          batch: [
            sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
              WHERE id IN (SELECT id FROM (${others})) AND ${isActive} RETURNING id`,
            audit.after(row, nowMs),
            // JWTs that were obtained with a password alone have no row of their own.
            sql`UPDATE users SET login_version = login_version + 1 WHERE id = ${caller.userId} AND ${isActive}`,
          ],
          key: sql`others.key`,
          from: sql`FROM (SELECT ${loginsTombstoneKey(caller.userId, "")} || login_version AS key
            FROM users WHERE id = ${caller.userId}
            UNION ALL SELECT ${tombstoneKey("")} || id FROM (${others})) AS others`,
          onlyIf: isActive,
          // The same rows as the update's, which is in the same transaction.
          asked: "before",
          untilMs: nowMs + LOGIN_MAX_MS,
        },
        nowMs,
      );
      return { ended: ended.length, isAll: ended.length < MAX_TOMBSTONES };
    },
  };
}
