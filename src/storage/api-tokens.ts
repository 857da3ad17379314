import sql, { join } from "sql-template-tag";
import * as v from "valibot";
import type { ApiTokenStore } from "../core/api-tokens.ts";
import type { CallerRef } from "../core/caller.ts";
import { isAllPowerful } from "../core/scopes.ts";
import { API_TOKENS_MAX, LONGEST_LIFE_SECONDS } from "../core/token.ts";
import type { StorageContext } from "./context.ts";
import { pageOf, toPage } from "./d1.ts";
import {
  apiTokensTombstoneKey,
  expiryMovedKey,
  tombstoneKey,
  userTombstonePrefix,
} from "./keys.ts";
import {
  callerIsActive,
  isActiveWithParents,
  NOT_USED_UP,
  parentsAreActive,
  revokeToken,
} from "./revocation.ts";
import {
  ApiRow,
  insertParentJwt,
  insertToken,
  isTooDeep,
  noneEndsBefore,
  noneReplaced,
  toApi,
  TOKEN_COLUMNS,
} from "./rows.ts";

const API_MAX_MS = LONGEST_LIFE_SECONDS * 1000;

/**
 * How many of a user's newest tokens are read to count the active ones. Expired ones are kept for two
 * days, and creating many short-lived ones must not make every count slower.
 */
const COUNTED_TOKENS = 10_000;

const InsertedRow = v.object({
  credential_version: v.number(),
  api_token_version: v.nullable(v.number()),
  expires_at: v.number(),
});

/** Why an API token was not inserted, asked at the same instant. Flags are 0 or 1. */
const WhyNotRow = v.object({
  caller_is_active: v.number(),
  replaced: v.number(),
  deep: v.number(),
  taken: v.number(),
});

const TargetRow = v.object({
  is_own: v.number(),
  replaced: v.number(),
  beyond: v.nullable(v.string()),
});

// guard: only-owners-change-a-token
const isOwn = (id: string, caller: CallerRef, nowMs: number) => sql`
    tokens.id = ${id} AND tokens.kind = 'api' AND tokens.user_id = ${caller.userId} AND tokens.expires_at > ${nowMs}
    AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${isActiveWithParents(nowMs)})`;

// guard: owner-is-active
const own = (id: string, caller: CallerRef, nowMs: number) =>
  sql`${isOwn(id, caller, nowMs)} AND ${callerIsActive(caller, nowMs)}`;

export function apiTokensInD1({ db, revocations, events, notices }: StorageContext): ApiTokenStore {
  return {
    async insertApiToken(token, caller, derivation) {
      const { userId, createdAtMs: nowMs, parentIds } = token;
      const isDeep = isTooDeep(parentIds);
      const active = sql`(SELECT COUNT(*) FROM (SELECT expires_at FROM tokens WHERE user_id = ${userId} AND kind = 'api'
          AND credential_version = (SELECT credential_version FROM users WHERE id = ${userId})
          AND api_token_version = (SELECT api_token_version FROM users WHERE id = ${userId})
          AND revoked_at IS NULL AND ${NOT_USED_UP} ORDER BY created_at DESC, id DESC LIMIT ${COUNTED_TOKENS})
        WHERE expires_at > ${nowMs})`;
      const allowed = sql`${noneReplaced(parentIds)} AND NOT ${isDeep} AND ${active} < ${API_TOKENS_MAX}`;
      const { inserted, why } = await db.batch({
        inserted: insertToken(token, caller, events.address(), allowed),
        event: events.afterCaller("token.created", caller, token.id, nowMs),
        // Right after its event, which `changes()` counts.
        notices: isAllPowerful(token.scopes)
          ? notices.queue("api_token_created", userId, sql`changes() > 0`, nowMs, token.id)
          : [],
        why: sql`SELECT ${callerIsActive(caller, nowMs)} AS caller_is_active, NOT ${noneReplaced(parentIds)} AS replaced, ${isDeep} AS deep,
          EXISTS (SELECT 1 FROM tokens WHERE id = ${token.id}) AS taken`,
        parentJwt: insertParentJwt(token.id, derivation, nowMs),
      });
      if (inserted[0] !== undefined) {
        const row = v.parse(InsertedRow, inserted[0]);
        return {
          ...token,
          credentialVersion: row.credential_version,
          apiTokenVersion: row.api_token_version ?? 0,
          expiresAtMs: row.expires_at,
        };
      }
      const { caller_is_active, replaced, deep, taken } = v.parse(WhyNotRow, why[0]);
      if (caller_is_active === 0) return "caller_gone";
      if (taken === 1) return "taken";
      if (replaced === 1) return "replaced";
      return deep === 1 ? "too_deep" : "too_many";
    },

    async listApiTokens(caller, page, nowMs) {
      const { from, orderAndLimit } = pageOf(sql`tokens.id`, sql`tokens.created_at`, page);
      // The versions as values, and not by a join, so that the index leads straight to the page.
      const rows = await db.all(
        sql`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE tokens.user_id = ${caller.userId}
          AND tokens.kind = 'api' AND tokens.revoked_at IS NULL
          AND tokens.credential_version = (SELECT credential_version FROM users WHERE id = ${caller.userId})
          AND tokens.api_token_version = (SELECT api_token_version FROM users WHERE id = ${caller.userId})
          AND tokens.expires_at > ${nowMs} AND ${NOT_USED_UP} AND ${from} AND ${parentsAreActive(nowMs)}
          ${orderAndLimit}`,
        ApiRow,
      );
      return toPage(rows.map(toApi), page);
    },

    async changeApiToken(id, caller, { name, expiresAtMs }, { endMs, parentIds, scopes }, nowMs) {
      const sets = [sql`modified_at = ${nowMs}`];
      if (name !== undefined) sets.push(sql`detail = json_set(detail, '$.name', ${name})`);
      if (expiresAtMs !== undefined) sets.push(sql`expires_at = ${expiresAtMs}`);
      const target = own(id, caller, nowMs);
      const beyond =
        scopes === null
          ? sql`NULL`
          : sql`(SELECT given.value FROM json_each(tokens.detail, '$.scopes') AS given
              WHERE given.value NOT IN (SELECT value FROM json_each(${JSON.stringify(scopes)})))`;
      const isShorter = sql`tokens.expires_at >= ${expiresAtMs ?? Number.MAX_SAFE_INTEGER}`;
      // No later than the caller, and than what the token itself was derived from.
      const isWithin =
        expiresAtMs === undefined
          ? sql`TRUE`
          : sql`(${isShorter} OR (${expiresAtMs <= endMs} AND NOT EXISTS (
              SELECT 1 FROM json_each(tokens.parents) AS link JOIN tokens AS parent ON parent.id = link.value
              WHERE parent.expires_at < ${expiresAtMs}) AND ${noneEndsBefore(expiresAtMs, parentIds)}))`;
      // A replaced token can only expire sooner, and a replaced caller can change nothing but that.
      const isOnlyShorter =
        name === undefined && expiresAtMs !== undefined ? isShorter : sql`FALSE`;
      const isReplaced = sql`(tokens.replaced_by IS NOT NULL OR NOT ${noneReplaced(parentIds)})`;
      // guard: token-change-stays-within-the-caller
      const allowed = sql`${beyond} IS NULL AND ${isWithin} AND (NOT ${isReplaced} OR ${isOnlyShorter})`;
      // An expiry that is moved up makes every copy with the old one doubtful.
      const { changed, why } = await revocations.commit(
        {
          batch: {
            changed: sql`UPDATE tokens SET ${join(sets)} WHERE ${target} AND ${allowed} RETURNING ${TOKEN_COLUMNS}`,
            event: events.afterCaller("token.changed", caller, id, nowMs),
            why: sql`SELECT ${target} AS is_own, ${isReplaced} AS replaced, ${beyond} AS beyond
              FROM tokens WHERE tokens.id = ${id}`,
          },
          key: expiryMovedKey(id),
          onlyIf: sql`EXISTS (SELECT 1 FROM tokens
            WHERE ${target} AND ${allowed} AND tokens.expires_at > ${expiresAtMs ?? Number.MAX_SAFE_INTEGER})`,
          asked: "before",
          untilMs: nowMs + API_MAX_MS,
        },
        nowMs,
      );
      if (changed[0] !== undefined) return toApi(v.parse(ApiRow, changed[0]));
      const found = why[0] === undefined ? null : v.parse(TargetRow, why[0]);
      if (found === null || found.is_own === 0) return "not_found";
      if (found.replaced === 1) return "replaced";
      return found.beyond === null ? "outlives" : { beyond: found.beyond };
    },

    async revokeApiToken(id, caller, nowMs) {
      const revocation = {
        id,
        statement: sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE ${own(id, caller, nowMs)} RETURNING ${TOKEN_COLUMNS}`,
        event: events.afterCaller("token.revoked", caller, id, nowMs),
        untilMs: nowMs + API_MAX_MS,
      };
      const [row] = await revokeToken(revocations, revocation, nowMs);
      return row === undefined ? null : toApi(v.parse(ApiRow, row));
    },

    async revokeApiTokens(caller, nowMs) {
      const { userId } = caller;
      const { revoked } = await revocations.commit(
        {
          batch: {
            revoked: sql`UPDATE users SET api_token_version = api_token_version + 1
              WHERE id = ${userId} AND ${callerIsActive(caller, nowMs)} RETURNING id`,
            event: events.afterCaller("tokens.revoked_all", caller, null, nowMs),
          },
          key: sql`(SELECT ${apiTokensTombstoneKey(userId, "")} || (api_token_version - 1) FROM users
            WHERE id = ${userId})`,
          onlyIf: sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND api_token_version > 0)`,
          untilMs: nowMs + API_MAX_MS,
          alsoPending: userTombstonePrefix(userId),
        },
        nowMs,
      );
      return revoked.length > 0;
    },

    /**
     * One batch: the new token takes over the old one's name, scopes and expiry, and the old one expires,
     * with all that was derived from it. With no grace left it is revoked.
     */
    async rotateApiToken(id, { parentIds, ...next }, caller, derivation, oldEndsAtMs, nowMs) {
      const target = own(id, caller, nowMs);
      const isReplaced = sql`(tokens.replaced_by IS NOT NULL OR NOT ${noneReplaced(derivation.parentIds)})`;
      // guard: token-has-one-successor
      const allowed = sql`${target} AND NOT ${isReplaced} AND NOT ${isTooDeep(parentIds)}`;
      const endsAt = Number.isFinite(next.endMs)
        ? sql`MIN(expires_at, ${next.endMs})`
        : sql`expires_at`;
      const isDerivedFromJwt = derivation.jwtId !== null && parentIds.includes(derivation.jwtId);
      const isRevoked = oldEndsAtMs <= nowMs;
      const { successor } = await revocations.commit(
        {
          batch: {
            successor: sql`INSERT INTO tokens
                (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, parents, detail)
              SELECT ${next.id}, kind, user_id, credential_version, api_token_version, ${nowMs}, ${nowMs}, ${endsAt},
                ${parentIds.length === 0 ? null : JSON.stringify(parentIds)}, json_set(detail, '$.hint', ${next.hint})
              FROM tokens WHERE ${allowed}
              RETURNING ${TOKEN_COLUMNS}`,
            event: events.afterCaller("token.rotated", caller, next.id, nowMs),
            parentJwt: isDerivedFromJwt ? insertParentJwt(next.id, derivation, nowMs) : [],
            old: isRevoked
              ? sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs} WHERE ${allowed}`
              : sql`UPDATE tokens SET expires_at = MIN(expires_at, ${oldEndsAtMs}), replaced_by = ${next.id},
                  modified_at = ${nowMs} WHERE ${allowed}`,
          },
          ...(isRevoked
            ? {
                key: tombstoneKey(id),
                onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${next.id})`,
              }
            : {
                key: expiryMovedKey(id),
                onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE ${allowed} AND expires_at > ${oldEndsAtMs})`,
                asked: "before" as const,
              }),
          untilMs: nowMs + API_MAX_MS,
        },
        nowMs,
      );
      if (successor[0] !== undefined) return toApi(v.parse(ApiRow, successor[0]));
      // Nothing was changed, so the reason may be asked a moment later.
      const why = sql`SELECT ${target} AS is_own, ${isReplaced} AS replaced, NULL AS beyond
        FROM tokens WHERE tokens.id = ${id}`;
      const found = await db.first(why, TargetRow);
      if (found === null || found.is_own === 0) return "not_found";
      return found.replaced === 1 ? "replaced" : "too_deep";
    },
  };
}
