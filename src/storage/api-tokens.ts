import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { ApiTokenChange, ApiTokenStore } from "../core/api-tokens.ts";
import type { CallerRef } from "../core/caller.ts";
import { isAllPowerful, isOperatorScope } from "../core/scopes.ts";
import type { ChargeRequest, ChargeState, ChargeStore } from "../core/token-verification.ts";
import { API_TOKENS_MAX, LONGEST_LIFE_SECONDS } from "../core/token.ts";
import type { StorageContext } from "./context.ts";
import { brokenConstraint, digestOf, flag, json, pageOf, toPage } from "./d1.ts";
import { apiTokensTombstoneKey, narrowedKey, tombstoneKey, userTombstonePrefix } from "./keys.ts";
import {
  callerIsActive,
  isActiveWithParents,
  isNotRevokedWithParents,
  noParentRevoked,
  NOT_USED_UP,
  revokeToken,
  USER_IS_ACTIVE,
} from "./revocation.ts";
import {
  ApiRow,
  hasSecondFactor,
  insertMeter,
  insertParentJwt,
  insertToken,
  isTooDeep,
  Meter,
  METER,
  noneEndsBefore,
  noneReplaced,
  SessionRow,
  toApi,
  TOKEN_COLUMNS,
  toSession,
} from "./rows.ts";
import { uuid } from "../core/uuid.ts";

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
  stale: v.number(),
  not_operator: v.number(),
});

const TargetRow = v.object({
  is_own: v.number(),
  stale: v.number(),
  replaced: v.number(),
  beyond: v.nullable(v.string()),
});

const ChargeRow = v.intersect([
  v.variant("kind", [SessionRow, ApiRow]),
  v.object({
    user_gone: flag,
    revoked: flag,
    inactive: flag,
    ip_allowed: flag,
    scopes_held: flag,
    charged: flag,
    first_digest: v.nullable(v.string()),
    first_meter: v.nullable(v.pipe(json, Meter)),
  }),
]);

// guard: only-owners-change-a-token
const isOwn = (id: string, caller: CallerRef, nowMs: number) => sql`
    tokens.id = ${uuid(id)} AND tokens.kind = 'api' AND tokens.user_id = ${uuid(caller.userId)} AND tokens.expires_at > ${nowMs}
    AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${isNotRevokedWithParents(nowMs)})`;

// guard: owner-is-active
const own = (id: string, caller: CallerRef, nowMs: number) =>
  sql`${isOwn(id, caller, nowMs)} AND ${callerIsActive(caller, nowMs)}`;

// guard: charge-asks-for-the-address
const ipIsAllowed = ({ networks }: ChargeRequest): Sql =>
  sql`(tokens.allowed_ips IS NULL OR EXISTS (SELECT 1 FROM json_each(tokens.allowed_ips) AS allowed
    WHERE allowed.value IN (SELECT value FROM json_each(${JSON.stringify(networks)}))))`;

/** What people log in with has all of them. */
// guard: charge-asks-for-scopes
const hasScopes = ({ scopes }: ChargeRequest): Sql =>
  sql`(tokens.kind = 'session' OR NOT EXISTS (SELECT 1 FROM json_each(${JSON.stringify(scopes)}) AS wanted
    WHERE wanted.value NOT IN (SELECT given.value FROM json_each(tokens.detail, '$.scopes') AS given)))`;

const toChargeState = (row: v.InferOutput<typeof ChargeRow>): ChargeState => ({
  token: row.kind === "api" ? toApi(row) : toSession(row),
  isUserGone: row.user_gone,
  isRevoked: row.revoked,
  isDisabled: row.inactive,
  isIpAllowed: row.ip_allowed,
  hasScopes: row.scopes_held,
  isCharged: row.charged,
  meter: row.kind === "api" ? row.meter : null,
  first:
    row.first_digest === null ? null : { requestDigest: row.first_digest, meter: row.first_meter },
});

/** What a change sets in the token's own row. */
function changesOf(
  { name, metadata, expiresAtMs, enabled, allowedIps }: ApiTokenChange,
  nowMs: number,
) {
  const sets = [sql`modified_at = ${nowMs}`];
  const members = [
    ...(name === undefined ? [] : [sql`'$.name', ${name}`]),
    ...(metadata === undefined ? [] : [sql`'$.metadata', json(${JSON.stringify(metadata)})`]),
  ];
  if (members.length > 0) sets.push(sql`detail = json_set(detail, ${join(members)})`);
  if (expiresAtMs !== undefined) sets.push(sql`expires_at = ${expiresAtMs}`);
  if (enabled !== undefined)
    sets.push(
      enabled ? sql`disabled_at = NULL` : sql`disabled_at = COALESCE(disabled_at, ${nowMs})`,
    );
  if (allowedIps !== undefined)
    sets.push(sql`allowed_ips = ${allowedIps === null ? null : JSON.stringify(allowedIps)}`);
  return sets;
}

/** The statements that change what a token may be charged, before its own row is, which names the meter then. */
function changeMeter(target: Sql, { remaining, limit }: ApiTokenChange) {
  const sets = [
    ...(remaining === undefined ? [] : [sql`remaining = ${remaining}`]),
    ...(limit === undefined
      ? []
      : [sql`limit_max = ${limit?.max ?? null}`, sql`limit_seconds = ${limit?.seconds ?? null}`]),
  ];
  if (sets.length === 0) return { statements: [], sets: [] };
  const newId = uuid(crypto.randomUUID());
  return {
    statements: [
      sql`UPDATE token_meters SET ${join(sets)} WHERE id = (SELECT meter FROM tokens WHERE ${target})`,
      sql`INSERT INTO token_meters (id, remaining, limit_max, limit_seconds)
        SELECT ${newId}, ${remaining ?? null}, ${limit?.max ?? null}, ${limit?.seconds ?? null} FROM tokens
        WHERE ${target} AND meter IS NULL AND ${remaining != null || limit != null}`,
    ],
    // A meter that counts nothing restricts nothing.
    sets: [
      sql`meter = (SELECT id FROM token_meters WHERE id = COALESCE(tokens.meter, ${newId})
        AND (remaining IS NOT NULL OR limit_max IS NOT NULL))`,
    ],
  };
}

export function apiTokensInD1({
  db,
  revocations,
  events,
  notices,
  isOperator,
}: StorageContext): ApiTokenStore & ChargeStore {
  return {
    async insertApiToken(token, caller, derivation, isExempt) {
      const { userId, createdAtMs: nowMs, parentIds } = token;
      const isDeep = isTooDeep(parentIds);
      const active = sql`(SELECT COUNT(*) FROM (SELECT expires_at FROM tokens WHERE user_id = ${uuid(userId)} AND kind = 'api'
          AND credential_version = (SELECT credential_version FROM users WHERE id = ${uuid(userId)})
          AND api_token_version = (SELECT api_token_version FROM users WHERE id = ${uuid(userId)})
          AND revoked_at IS NULL AND ${NOT_USED_UP} ORDER BY created_at DESC, id DESC LIMIT ${COUNTED_TOKENS})
        WHERE expires_at > ${nowMs})`;
      // guard: second-factor-asks-who-makes-a-powerful-token
      const isStale = isExempt ? sql`FALSE` : hasSecondFactor(sql`${uuid(userId)}`);
      // guard: only-operators-get-operators-scopes
      const forOperator = token.scopes.some(isOperatorScope)
        ? isOperator(caller, nowMs)
        : sql`TRUE`;
      const allowed = sql`NOT ${isStale} AND ${noneReplaced(parentIds)} AND NOT ${isDeep} AND ${active} < ${API_TOKENS_MAX} AND ${forOperator}`;
      const { inserted, why } = await db.batch({
        inserted: insertToken(token, caller, null, allowed),
        event: events.afterCaller("token.created", caller, token.id, nowMs),
        // Right after its event, which `changes()` counts.
        notices: isAllPowerful(token.scopes)
          ? notices.queue("api_token_created", userId, sql`changes() > 0`, nowMs, token.id)
          : [],
        why: sql`SELECT ${callerIsActive(caller, nowMs)} AS caller_is_active, NOT ${noneReplaced(parentIds)} AS replaced, ${isDeep} AS deep,
          EXISTS (SELECT 1 FROM tokens WHERE id = ${uuid(token.id)}) AS taken, ${isStale} AS stale,
          NOT ${forOperator} AS not_operator`,
        meter: insertMeter(token),
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
      const { caller_is_active, replaced, deep, taken, stale, not_operator } = v.parse(
        WhyNotRow,
        why[0],
      );
      if (caller_is_active === 0) return "caller_gone";
      if (not_operator === 1) return "not_operator";
      if (taken === 1) return "taken";
      if (stale === 1) return "not_fresh";
      if (replaced === 1) return "replaced";
      return deep === 1 ? "too_deep" : "too_many";
    },

    async listApiTokens(caller, page, nowMs) {
      const { from, orderAndLimit } = pageOf(sql`tokens.id`, sql`tokens.created_at`, page);
      // The versions as values, and not by a join, so that the index leads straight to the page.
      const rows = await db.all(
        sql`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE tokens.user_id = ${uuid(caller.userId)}
          AND tokens.kind = 'api' AND tokens.revoked_at IS NULL
          AND tokens.credential_version = (SELECT credential_version FROM users WHERE id = ${uuid(caller.userId)})
          AND tokens.api_token_version = (SELECT api_token_version FROM users WHERE id = ${uuid(caller.userId)})
          AND tokens.expires_at > ${nowMs} AND ${NOT_USED_UP} AND ${from} AND ${noParentRevoked(nowMs)}
          ${orderAndLimit}`,
        ApiRow,
      );
      return toPage(rows.map(toApi), page);
    },

    async findOwnApiToken(id, caller, nowMs) {
      const row = await db.first(
        sql`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE ${isOwn(id, caller, nowMs)}`,
        ApiRow,
      );
      return row === null ? null : toApi(row);
    },

    async changeApiToken(id, caller, change, { endMs, parentIds, scopes, isExempt }, nowMs) {
      const { expiresAtMs, enabled } = change;
      const target = own(id, caller, nowMs);
      const names = JSON.stringify(scopes);
      // With the same scopes there is nothing to look for.
      const beyond =
        scopes === null
          ? sql`NULL`
          : sql`CASE WHEN tokens.detail -> '$.scopes' <> ${names} THEN
              (SELECT given.value FROM json_each(tokens.detail, '$.scopes') AS given
                WHERE given.value NOT IN (SELECT value FROM json_each(${names}))) END`;
      const isShorter = sql`tokens.expires_at >= ${expiresAtMs ?? Number.MAX_SAFE_INTEGER}`;
      // No later than the caller, and than what the token itself was derived from.
      const isWithin =
        expiresAtMs === undefined
          ? sql`TRUE`
          : sql`(${isShorter} OR (${expiresAtMs <= endMs} AND NOT EXISTS (
              SELECT 1 FROM json_each(tokens.parents) AS link JOIN tokens AS parent ON parent.id = unhex(link.value, '-')
              WHERE parent.expires_at < ${expiresAtMs}) AND ${noneEndsBefore(expiresAtMs, parentIds)}))`;
      // guard: second-factor-asks-who-extends-a-token
      const isStale = isExempt
        ? sql`FALSE`
        : sql`(${hasSecondFactor(sql`${uuid(caller.userId)}`)} AND NOT ${isShorter})`;
      // A replaced token can only expire sooner or be disabled, and a replaced caller can change nothing but that.
      const endsOnly = Object.entries(change).every(
        ([name, value]) => name === "expiresAtMs" || (name === "enabled" && value === false),
      );
      const isOnlyShorter = !endsOnly
        ? sql`FALSE`
        : expiresAtMs === undefined
          ? sql`TRUE`
          : isShorter;
      const isReplaced = sql`(tokens.replaced_by IS NOT NULL OR NOT ${noneReplaced(parentIds)})`;
      // guard: token-change-stays-within-the-caller
      const allowed = sql`NOT ${isStale} AND ${beyond} IS NULL AND ${isWithin} AND (NOT ${isReplaced} OR ${isOnlyShorter})`;
      // Every copy from before becomes doubtful. Asked again, the tombstone is put again: the first answer may
      // have been lost with it.
      const restrictions = [change.remaining, change.limit, change.allowedIps];
      const isNarrower = enabled === false || restrictions.some((each) => each != null);
      const what =
        enabled === undefined ? "token.changed" : enabled ? "token.enabled" : "token.disabled";
      const meter = changeMeter(sql`${target} AND ${allowed}`, change);
      const { changed, why } = await revocations.commit(
        {
          batch: {
            meter: meter.statements,
            changed: sql`UPDATE tokens SET ${join([...changesOf(change, nowMs), ...meter.sets])}
              WHERE ${target} AND ${allowed} RETURNING ${TOKEN_COLUMNS}`,
            event: events.afterCaller(what, caller, id, nowMs),
            why: sql`SELECT ${target} AS is_own, ${isStale} AS stale, ${isReplaced} AS replaced, ${beyond} AS beyond
              FROM tokens WHERE tokens.id = ${uuid(id)}`,
          },
          key: narrowedKey(id),
          // guard: narrowing-leaves-a-tombstone
          onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE ${target} AND ${allowed}
            AND (${isNarrower} OR tokens.expires_at > ${expiresAtMs ?? Number.MAX_SAFE_INTEGER}))`,
          asked: "before",
          untilMs: nowMs + API_MAX_MS,
        },
        nowMs,
      );
      if (changed[0] !== undefined) return toApi(v.parse(ApiRow, changed[0]));
      const found = why[0] === undefined ? null : v.parse(TargetRow, why[0]);
      if (found === null || found.is_own === 0) return "not_found";
      if (found.stale === 1) return "not_fresh";
      if (found.replaced === 1) return "replaced";
      return found.beyond === null ? "outlives" : { beyond: found.beyond };
    },

    /** One transaction, so that many at once charge exactly what there is. */
    async charge(request) {
      const { chargeId, tokenId, cost, once, nowMs } = request;
      // Neither the key nor whose it is has to be kept.
      const keyId = once === null ? null : await digestOf(`${once.callerId}:${once.key}`);
      const keyIsFree =
        once === null
          ? sql`TRUE`
          : sql`NOT EXISTS (SELECT 1 FROM token_charges WHERE id = ${keyId})`;
      const isAllowed = sql`tokens.id = ${uuid(tokenId)} AND tokens.expires_at > ${nowMs} AND ${isActiveWithParents(nowMs)}
        AND ${ipIsAllowed(request)} AND ${hasScopes(request)}`;
      const isNewWindow = sql`(window_started_at IS NULL OR window_started_at <= ${nowMs} - limit_seconds * 1000)`;
      const used = sql`(CASE WHEN ${isNewWindow} THEN 0 ELSE window_used END + ${cost})`;
      // Only a look writes nothing.
      // guard: charge-is-one-statement
      const charged = sql`UPDATE token_meters SET remaining = remaining - ${cost}, charged_by = ${uuid(chargeId)}, window_used = ${used},
          window_started_at = CASE WHEN ${isNewWindow} THEN ${nowMs} ELSE window_started_at END
        WHERE id = (SELECT tokens.meter FROM tokens JOIN users ON users.id = tokens.user_id WHERE ${isAllowed})
          AND (remaining IS NULL OR remaining >= ${cost}) AND (limit_max IS NULL OR ${used} <= limit_max) AND ${keyIsFree}`;
      const { state } = await db.batch({
        charged: cost === 0 ? [] : charged,
        // guard: a-key-charges-once
        noted:
          once === null
            ? []
            : sql`INSERT INTO token_charges (id, request_digest, charged_at, meter)
              SELECT ${keyId}, ${once.requestDigest}, ${nowMs}, CASE WHEN meter.id IS NOT NULL THEN ${METER} END
              FROM tokens JOIN users ON users.id = tokens.user_id LEFT JOIN token_meters AS meter ON meter.id = tokens.meter
              WHERE ${isAllowed} AND (tokens.meter IS NULL OR ${cost === 0} OR meter.charged_by = ${uuid(chargeId)})
              ON CONFLICT DO NOTHING`,
        state: sql`SELECT ${TOKEN_COLUMNS}, NOT (${USER_IS_ACTIVE}) AS user_gone, NOT (${isNotRevokedWithParents(nowMs)}) AS revoked,
            NOT (${isActiveWithParents(nowMs)}) AS inactive, ${ipIsAllowed(request)} AS ip_allowed, ${hasScopes(request)} AS scopes_held,
            EXISTS (SELECT 1 FROM token_meters WHERE id = tokens.meter AND charged_by = ${uuid(chargeId)}) AS charged,
            earlier.request_digest AS first_digest, earlier.meter AS first_meter
          FROM tokens JOIN users ON users.id = tokens.user_id LEFT JOIN token_charges AS earlier ON earlier.id = ${keyId}
          WHERE tokens.id = ${uuid(tokenId)} AND tokens.kind IN ('api', 'session')`,
      });
      return state[0] === undefined ? null : toChargeState(v.parse(ChargeRow, state[0]));
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
              WHERE id = ${uuid(userId)} AND ${callerIsActive(caller, nowMs)} RETURNING id`,
            event: events.afterCaller("tokens.revoked_all", caller, null, nowMs),
          },
          key: sql`(SELECT ${apiTokensTombstoneKey(userId, "")} || (api_token_version - 1) FROM users
            WHERE id = ${uuid(userId)})`,
          onlyIf: sql`EXISTS (SELECT 1 FROM users WHERE id = ${uuid(userId)} AND api_token_version > 0)`,
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
      const isDerivedFromJwt = derivation.jwt !== null && parentIds.includes(derivation.jwt.id);
      const isRevoked = oldEndsAtMs <= nowMs;
      const rotating = revocations.commit(
        {
          batch: {
            successor: sql`INSERT INTO tokens
                (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, parents, detail,
                  disabled_at, meter, allowed_ips)
              SELECT ${uuid(next.id)}, kind, user_id, credential_version, api_token_version, ${nowMs}, ${nowMs}, ${endsAt},
                ${parentIds.length === 0 ? null : JSON.stringify(parentIds)}, json_set(detail, '$.hint', ${next.hint}),
                disabled_at, meter, allowed_ips
              FROM tokens WHERE ${allowed}
              RETURNING ${TOKEN_COLUMNS}`,
            event: events.afterCaller("token.rotated", caller, next.id, nowMs),
            parentJwt: isDerivedFromJwt ? insertParentJwt(next.id, derivation, nowMs) : [],
            old: isRevoked
              ? sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs} WHERE ${allowed}`
              : sql`UPDATE tokens SET expires_at = MIN(expires_at, ${oldEndsAtMs}), replaced_by = ${uuid(next.id)},
                  modified_at = ${nowMs} WHERE ${allowed}`,
          },
          ...(isRevoked
            ? {
                key: tombstoneKey(id),
                onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${uuid(next.id)})`,
              }
            : {
                key: narrowedKey(id),
                onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE ${allowed} AND expires_at > ${oldEndsAtMs})`,
                asked: "before" as const,
              }),
          untilMs: nowMs + API_MAX_MS,
        },
        nowMs,
      );
      const rotated = await rotating.catch((error: unknown) => {
        if (brokenConstraint(error) === "tokens.id") return null;
        throw error;
      });
      if (rotated === null) return "taken";
      const [successor] = rotated.successor;
      if (successor !== undefined) return toApi(v.parse(ApiRow, successor));
      // Nothing was changed, so the reason may be asked a moment later.
      const why = sql`SELECT ${target} AS is_own, FALSE AS stale, ${isReplaced} AS replaced, NULL AS beyond
        FROM tokens WHERE tokens.id = ${uuid(id)}`;
      const found = await db.first(why, TargetRow);
      if (found === null || found.is_own === 0) return "not_found";
      return found.replaced === 1 ? "replaced" : "too_deep";
    },
  };
}
