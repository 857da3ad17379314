import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { ApiTokenStore } from "../core/api-tokens.ts";
import type { ActiveToken, TokenCheckStore } from "../core/authenticate.ts";
import { type CallerRef, callerRefOfJwt } from "../core/caller.ts";
import type { RevocationStore } from "../core/introspection.ts";
import type { Confirmed, RefreshFamilyStore } from "../core/jwt-pairs.ts";
import { type JwtClaims, type RefreshClaims, revocationTarget } from "../core/jwt.ts";
import type { SessionState, SessionStore } from "../core/sessions.ts";
import {
  API_TOKENS_MAX,
  JWT_LIFETIMES,
  ROTATION_GRACE_SECONDS,
  SCOPES,
  type SessionToken,
  TOKEN_KINDS,
} from "../core/token.ts";
import type { User } from "../core/user.ts";
import { type Audit, type AuditRow, byCaller } from "./audit-sql.ts";
import { rotateFamily } from "./d1-families.ts";
import { rotateApiTokenRow } from "./d1-rotate-api-token.ts";
import { allocateStatusIndex } from "./d1-status-lists.ts";
import { toUser, USER_COLUMNS, UserRow } from "./d1-users.ts";
import type { NoticeSql } from "./d1-notices.ts";
import type { Database } from "./database.ts";
import type { PendingRevocations } from "./pending-revocations.ts";
import {
  insertParentJwt,
  insertToken,
  isTooDeep,
  noneEndsBefore,
  noneReplaced,
} from "./insert-token.ts";
import { tombstoneKey, expiryMovedKey } from "./keys.ts";
import { pageOf, toPage } from "./paging.ts";
import {
  callerIsActive,
  jwtIsActive,
  NOT_USED_UP,
  parentsAreActive,
  TOKEN_IS_ACTIVE,
  isActiveWithParents,
  USER_IS_ACTIVE,
} from "./active-sql.ts";
import {
  ApiRow,
  EFFECTIVE_END,
  SessionRow,
  TOKEN_COLUMNS,
  TokenRow,
  toApi,
  toSession,
  toToken,
} from "./token-row.ts";

const SESSION_TTL_MS = TOKEN_KINDS.session.ttlSeconds * 1000;
// guard: session-has-an-absolute-end
const SESSION_MAX_MS = TOKEN_KINDS.session.maxTtlSeconds * 1000;
const API_MAX_MS = TOKEN_KINDS.api.maxTtlSeconds * 1000;
/** Whatever JWT hangs on another, or on a family, is gone by then. */
const JWT_MAX_MS = JWT_LIFETIMES.sinceLogin * 1000;

const HOUR_MS = 3_600_000;
const GRACE_MS = ROTATION_GRACE_SECONDS * 1000;

const TokenOwnerRow = v.object({ id: v.string(), user_id: v.string() });
const FamilyRow = v.object({ status_index: v.number() });

const VersionsRow = v.object({
  credential_version: v.number(),
  api_token_version: v.nullable(v.number()),
  expires_at: v.number(),
});
const ConfirmedRow = v.object({ ...UserRow.entries, token_expires_at: v.nullable(v.number()) });
const ExtendedRow = v.object({ ...SessionRow.entries, email: v.string() });

const ENDED_BY_KIND = sql`CASE kind WHEN 'session' THEN 'session.revoked' WHEN 'action' THEN 'action.revoked'
  ELSE 'token.revoked' END`;

export interface ExtendedSession extends SessionState {
  readonly token: SessionToken;
}

export type TokenStore = TokenCheckStore &
  SessionStore &
  ApiTokenStore &
  RefreshFamilyStore &
  RevocationStore;

/** The tokens as D1's primary has them: always the last word. */
export interface D1Tokens
  extends Omit<
    TokenStore,
    "touch" | "extendSession" | "isActiveUntil" | "confirm" | "noteIssued" | "revokeApiTokens"
  > {
  findActive(id: string, nowMs: number): Promise<Required<ActiveToken> | null>;
  findActiveJwt(claims: JwtClaims, nowMs: number): Promise<{ user: User } | null>;
  /** Whether a refresh JWT may be exchanged: it stands, and was not replaced by a later one before its grace. */
  isActiveUntil(claims: RefreshClaims, nowMs: number): Promise<boolean>;
  confirm(caller: CallerRef, nowMs: number): Promise<Confirmed | null>;
  /** @param loginId null where the JWT hangs on no log-in that has a row */
  noteIssued(caller: CallerRef, loginId: string | null, jti: string, nowMs: number): Promise<void>;
  extendSession(id: string, nowMs: number): Promise<ExtendedSession | null>;
  /** Whether a refresh JWT was replaced by a later one: it stands for its grace, and is good for nothing else. */
  isSpent(claims: JwtClaims): Promise<boolean>;
  noteUse(id: string, hourMs: number): Promise<void>;
}

/**
 * Newest tokens of a user that are looked at to count the active ones: expired ones are kept for two
 * days, and whoever makes many short ones must not make each count slower.
 */
const COUNTED_TOKENS = 10_000;

/** Why an API token was not made, asked at the same instant. Flags are 0 or 1. */
const WhyNotRow = v.object({
  caller_is_active: v.number(),
  replaced: v.number(),
  deep: v.number(),
  taken: v.number(),
});

const TargetRow = v.object({
  is_own: v.number(),
  replaced: v.number(),
  beyond: v.nullable(v.picklist(SCOPES)),
});

export function d1Tokens(
  db: Database,
  revocations: PendingRevocations,
  audit: Audit,
  notices: NoticeSql,
): D1Tokens {
  // guard: only-owners-change-a-token
  const isOwn = (id: string, caller: CallerRef, nowMs: number) => sql`
    tokens.id = ${id} AND tokens.kind = 'api' AND tokens.user_id = ${caller.userId} AND tokens.expires_at > ${nowMs}
    AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${isActiveWithParents(nowMs)})`;
  // guard: owner-is-active
  const own = (id: string, caller: CallerRef, nowMs: number) =>
    sql`${isOwn(id, caller, nowMs)} AND ${callerIsActive(caller, nowMs)}`;

  const done = (what: AuditRow["what"], caller: CallerRef, subjectId: string, nowMs: number) =>
    audit.after({ what, ...byCaller(caller), subjectId }, nowMs);

  /** Runs the statement that ends one token, with the mark that KV is owed. @returns its rows */
  async function end(
    id: string,
    statement: Sql,
    written: Sql,
    untilMs: number,
    nowMs: number,
    told: readonly Sql[] = [],
  ) {
    const onlyIf = sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${id} AND revoked_at = ${nowMs})`;
    const revocation = {
      batch: [statement, written, ...told],
      key: tombstoneKey(id),
      onlyIf,
      untilMs,
    };
    const [rows = []] = await revocations.commit(revocation, nowMs);
    return rows;
  }

  return {
    async findActive(id, nowMs) {
      const row = await db.first(
        // guard: check-reads-the-whole-state
        sql`SELECT ${TOKEN_COLUMNS}, ${USER_COLUMNS} FROM tokens JOIN users ON users.id = tokens.user_id
          WHERE tokens.id = ${id} AND tokens.kind IN ('session', 'api', 'action') AND tokens.expires_at > ${nowMs}
            AND ${isActiveWithParents(nowMs)}`,
        v.intersect([TokenRow, UserRow]),
      );
      return row === null ? null : { token: toToken(row), user: toUser(row) };
    },

    async findActiveJwt(claims, nowMs) {
      const row = await db.first(
        // guard: check-of-a-jwt-reads-the-whole-state
        sql`SELECT ${USER_COLUMNS} FROM users WHERE users.id = ${claims.userId}
          AND users.credential_version = ${claims.credentialVersion} AND ${USER_IS_ACTIVE} AND ${jwtIsActive(callerRefOfJwt(claims), nowMs)}`,
        UserRow,
      );
      return row === null ? null : { user: toUser(row) };
    },

    async isActiveUntil(claims, nowMs) {
      // A version of the service that rotates may run beside this one: what it replaced is spent here too.
      const { userId, credentialVersion, sid, rotation } = claims;
      const row = await db.first(
        sql`SELECT 1 AS found FROM users WHERE users.id = ${userId} AND users.credential_version = ${credentialVersion}
          AND ${USER_IS_ACTIVE} AND ${jwtIsActive(callerRefOfJwt(claims), nowMs)}
          AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.id = ${sid} AND tokens.rotation > ${rotation}
            AND NOT (tokens.rotation = ${rotation + 1} AND tokens.rotated_at > ${nowMs - GRACE_MS}))`,
        v.object({ found: v.number() }),
      );
      return row !== null;
    },

    async confirm(caller, nowMs) {
      const row = await db.first(
        sql`SELECT ${USER_COLUMNS},
            (SELECT ${EFFECTIVE_END} FROM tokens WHERE tokens.id = ${caller.tokenId}) AS token_expires_at
          FROM users WHERE users.id = ${caller.userId} AND ${callerIsActive(caller, nowMs)}`,
        ConfirmedRow,
      );
      if (row === null) return null;
      return { user: toUser(row), endMs: row.token_expires_at ?? Number.POSITIVE_INFINITY };
    },

    async noteIssued(caller, loginId, jti, nowMs) {
      const hourMs = nowMs - (nowMs % HOUR_MS);
      if (loginId === null) {
        const row = { what: "jwt.obtained" as const, ...byCaller(caller), subjectId: jti };
        await db.run(audit.always(row, nowMs));
        return;
      }
      await db.batch([
        sql`UPDATE tokens SET used_at = ${hourMs} WHERE id = ${loginId} AND user_id = ${caller.userId}
          AND (used_at IS NULL OR used_at < ${hourMs})`,
        done("jwt.obtained", caller, jti, nowMs),
      ]);
    },

    async insertSession(token, caller) {
      const written = done("session.created", caller, token.id, token.createdAtMs);
      const [[first] = []] = await db.batch([insertToken(token, caller, audit.address()), written]);
      return first === undefined
        ? null
        : { ...token, credentialVersion: v.parse(VersionsRow, first).credential_version };
    },

    async insertApiToken(token, caller, derivation) {
      const { userId, createdAtMs: nowMs, parentIds } = token;
      const isDeep = isTooDeep(parentIds);
      const active = sql`(SELECT COUNT(*) FROM (SELECT expires_at FROM tokens WHERE user_id = ${userId} AND kind = 'api'
          AND credential_version = (SELECT credential_version FROM users WHERE id = ${userId})
          AND api_token_version = (SELECT api_token_version FROM users WHERE id = ${userId})
          AND revoked_at IS NULL AND ${NOT_USED_UP} ORDER BY created_at DESC, id DESC LIMIT ${COUNTED_TOKENS})
        WHERE expires_at > ${nowMs})`;
      const allowed = sql`${noneReplaced(parentIds)} AND NOT ${isDeep} AND ${active} < ${API_TOKENS_MAX}`;
      // Right behind its event: `changes()` speaks of that.
      const told =
        token.scopes.length === SCOPES.length
          ? notices.queue("api_token_created", userId, sql`changes() > 0`, nowMs, token.id)
          : [];
      const [[first] = [], , ...rest] = await db.batch([
        insertToken(token, caller, audit.address(), allowed),
        done("token.created", caller, token.id, nowMs),
        ...told,
        sql`SELECT ${callerIsActive(caller, nowMs)} AS caller_is_active, NOT ${noneReplaced(parentIds)} AS replaced, ${isDeep} AS deep,
          EXISTS (SELECT 1 FROM tokens WHERE id = ${token.id}) AS taken`,
        ...insertParentJwt(token.id, derivation, nowMs),
      ]);
      if (first !== undefined) {
        const row = v.parse(VersionsRow, first);
        return {
          ...token,
          credentialVersion: row.credential_version,
          apiTokenVersion: row.api_token_version ?? 0,
          expiresAtMs: row.expires_at,
        };
      }
      const [why] = rest[told.length] ?? [];
      const { caller_is_active, replaced, deep, taken } = v.parse(WhyNotRow, why);
      if (caller_is_active === 0) return "caller_gone";
      if (taken === 1) return "taken";
      if (replaced === 1) return "replaced";
      return deep === 1 ? "too_deep" : "too_many";
    },

    async insertFamily(family, caller) {
      // The place is taken also where the login then fails: a gap costs one bit.
      const [, [row] = []] = await db.batch([
        allocateStatusIndex,
        insertToken(family, caller, audit.address()),
        done("jwt.obtained", caller, family.id, family.createdAtMs),
      ]);
      return row === undefined ? null : v.parse(FamilyRow, row).status_index;
    },

    async extendSession(id, nowMs) {
      // MAX: an extension seen by a slower clock or a late retry never shortens the session.
      const [[found] = []] = await db.batch([
        // guard: only-active-sessions-are-extended
        sql`UPDATE tokens SET modified_at = ${nowMs}, expires_at =
            MAX(tokens.expires_at, MIN(${nowMs + SESSION_TTL_MS}, tokens.created_at + ${SESSION_MAX_MS}))
          WHERE tokens.id = ${id} AND tokens.kind = 'session' AND tokens.expires_at > ${nowMs}
            AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${TOKEN_IS_ACTIVE})
          RETURNING ${TOKEN_COLUMNS}, (SELECT email FROM users WHERE id = tokens.user_id) AS email`,
        audit.afterToken("session.extended", id, nowMs),
      ]);
      if (found === undefined) return null;
      const row = v.parse(ExtendedRow, found);
      return { token: toSession(row), email: row.email, expiresAtMs: row.expires_at };
    },

    async revokeSession(id, nowMs) {
      const rows = await end(
        id,
        // guard: session-is-revoked-once
        sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE tokens.id = ${id} AND tokens.kind = 'session' AND tokens.expires_at > ${nowMs}
            AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${TOKEN_IS_ACTIVE})
          RETURNING id`,
        audit.afterToken("session.revoked", id, nowMs),
        nowMs + SESSION_MAX_MS,
        nowMs,
      );
      return rows.length > 0;
    },

    async listApiTokens(caller, page, nowMs) {
      const { from, orderAndLimit } = pageOf(sql`tokens.id`, sql`tokens.created_at`, page);
      // The epochs as values, and not by a join, so that the index leads straight to the page.
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
        scopes.length === SCOPES.length
          ? sql`NULL`
          : sql`(SELECT given.value FROM json_each(tokens.detail, '$.scopes') AS given
              WHERE given.value NOT IN (SELECT value FROM json_each(${JSON.stringify(scopes)})))`;
      const isShorter = sql`tokens.expires_at >= ${expiresAtMs ?? Number.MAX_SAFE_INTEGER}`;
      // No later than the caller, and what the token itself was derived from.
      const isWithin =
        expiresAtMs === undefined
          ? sql`TRUE`
          : sql`(${isShorter} OR (${expiresAtMs <= endMs} AND NOT EXISTS (
              SELECT 1 FROM json_each(tokens.parents) AS link JOIN tokens AS parent ON parent.id = link.value
              WHERE parent.expires_at < ${expiresAtMs}) AND ${noneEndsBefore(expiresAtMs, parentIds)}))`;
      // What was replaced can only end sooner; who was replaced can change nothing but that.
      const canEndSooner = name === undefined && expiresAtMs !== undefined ? isShorter : sql`FALSE`;
      const isReplaced = sql`(tokens.replaced_by IS NOT NULL OR NOT ${noneReplaced(parentIds)})`;
      // guard: token-change-stays-within-the-caller
      const allowed = sql`${beyond} IS NULL AND ${isWithin} AND (NOT ${isReplaced} OR ${canEndSooner})`;
      const why = sql`SELECT ${target} AS is_own, ${isReplaced} AS replaced, ${beyond} AS beyond
        FROM tokens WHERE tokens.id = ${id}`;
      const update = sql`UPDATE tokens SET ${join(sets)} WHERE ${target} AND ${allowed} RETURNING ${TOKEN_COLUMNS}`;
      // An end that is moved up ends every copy that shows the old one.
      const [[row] = [], , [reason] = []] = await revocations.commit(
        {
          batch: [update, done("token.changed", caller, id, nowMs), why],
          key: expiryMovedKey(id),
          onlyIf: sql`EXISTS (SELECT 1 FROM tokens
            WHERE ${target} AND ${allowed} AND tokens.expires_at > ${expiresAtMs ?? Number.MAX_SAFE_INTEGER})`,
          asked: "before",
          untilMs: nowMs + API_MAX_MS,
        },
        nowMs,
      );
      if (row !== undefined) return toApi(v.parse(ApiRow, row));
      const found = reason === undefined ? null : v.parse(TargetRow, reason);
      if (found === null || found.is_own === 0) return "not_found";
      if (found.replaced === 1) return "replaced";
      return found.beyond === null ? "outlives" : { beyond: found.beyond };
    },

    async revokeApiToken(id, caller, nowMs) {
      const [row] = await end(
        id,
        sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE ${own(id, caller, nowMs)} RETURNING ${TOKEN_COLUMNS}`,
        done("token.revoked", caller, id, nowMs),
        nowMs + API_MAX_MS,
        nowMs,
      );
      return row === undefined ? null : toApi(v.parse(ApiRow, row));
    },

    async revokeJwt(claims, caller, nowMs, isLeaked = false) {
      const id = revocationTarget(claims);
      // All that is derived from it ends by then: its row and its mark are kept for as long.
      const untilMs = claims.endsAt * 1000;
      // No row is kept for a JWT until it is ended; a family has had one since its login.
      const rows = await end(
        id,
        sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, revoked_at)
          SELECT ${id}, 'jwt', users.id, users.credential_version, ${nowMs}, ${nowMs}, ${untilMs}, ${nowMs}
          FROM users WHERE users.id = ${caller.userId} AND users.credential_version = ${claims.credentialVersion}
            AND ${jwtIsActive(callerRefOfJwt(claims), nowMs)} AND ${callerIsActive(caller, nowMs)}
          ON CONFLICT (id) DO UPDATE SET revoked_at = ${nowMs}, modified_at = ${nowMs}
            WHERE revoked_at IS NULL AND user_id = ${caller.userId}
          RETURNING id`,
        done("jwt.revoked", caller, id, nowMs),
        Math.max(untilMs, nowMs + JWT_MAX_MS),
        nowMs,
        isLeaked ? notices.leaked(sql`tokens.id = ${id} AND changes() > 0`, nowMs, claims.jti) : [],
      );
      return rows.length > 0;
    },

    async isSpent({ sid, rotation }) {
      if (sid === null || rotation === null) return false;
      const laterRotation = sql`SELECT 1 AS found FROM tokens WHERE id = ${sid} AND rotation > ${rotation}`;
      return (await db.first(laterRotation, v.object({ found: v.number() }))) !== null;
    },

    async rotateApiToken(id, next, caller, derivation, oldEndsAtMs, nowMs) {
      const target = own(id, caller, nowMs);
      const isReplaced = sql`(tokens.replaced_by IS NOT NULL OR NOT ${noneReplaced(derivation.parentIds)})`;
      // guard: token-has-one-successor
      const allowed = sql`${target} AND NOT ${isReplaced} AND NOT ${isTooDeep(next.parentIds)}`;
      const isDerivedFromJwt =
        derivation.jwtId !== null && next.parentIds.includes(derivation.jwtId);
      const written = [
        done("token.rotated", caller, next.id, nowMs),
        ...(isDerivedFromJwt ? insertParentJwt(next.id, derivation, nowMs) : []),
      ];
      const token = await rotateApiTokenRow(
        revocations,
        id,
        allowed,
        next,
        written,
        oldEndsAtMs,
        nowMs,
      );
      if (token !== null) return token;
      // Nothing was changed: why, may be said a moment later.
      const why = sql`SELECT ${target} AS is_own, ${isReplaced} AS replaced, NULL AS beyond
        FROM tokens WHERE tokens.id = ${id}`;
      const found = await db.first(why, TargetRow);
      if (found === null || found.is_own === 0) return "not_found";
      return found.replaced === 1 ? "replaced" : "too_deep";
    },

    async revokeByHolder(ids, issuerId, nowMs, areLeaked = false) {
      const among = sql`tokens.id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
      const isHolders = sql`tokens.kind IN ('session', 'api', 'action') AND (tokens.kind <> 'action'
        OR tokens.max_uses = 1 OR tokens.user_id = ${issuerId}) AND ${NOT_USED_UP}`;
      const [rows = []] = await revocations.commit(
        {
          batch: [
            // guard: holder-revokes-what-is-active
            sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
              WHERE ${among} AND ${isHolders} AND tokens.expires_at > ${nowMs}
                AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${isActiveWithParents(nowMs)})
              RETURNING id, user_id`,
            audit.afterTokens(ENDED_BY_KIND, sql`${among} AND tokens.revoked_at = ${nowMs}`, nowMs),
            // `changes()` is of the events: as many as tokens.
            ...(areLeaked
              ? notices.leaked(
                  sql`${among} AND tokens.revoked_at = ${nowMs} AND changes() > 0`,
                  nowMs,
                )
              : []),
          ],
          key: sql`${tombstoneKey("")} || tokens.id`,
          from: sql`FROM tokens`,
          onlyIf: sql`${among} AND tokens.revoked_at = ${nowMs}`,
          untilMs: nowMs + API_MAX_MS,
        },
        nowMs,
      );
      return v
        .parse(v.array(TokenOwnerRow), rows)
        .map(({ id, user_id }) => ({ id, userId: user_id }));
    },

    rotateFamily: (claims, jti, nowMs) => rotateFamily(revocations, audit, claims, jti, nowMs),

    async noteUse(id, hourMs) {
      await db.run(
        sql`UPDATE tokens SET used_at = ${hourMs} WHERE id = ${id} AND (used_at IS NULL OR used_at < ${hourMs})`,
      );
    },
  };
}
