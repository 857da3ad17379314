// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const AT_0: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=0 " };
const AT_60: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=60 " };
const STANDING: Suite = { file: "test/promises/standing.test.ts" };
const SESSIONS: Suite = { file: "test/promises/sessions.test.ts" };
const ENDING_RACES: Suite = { file: "test/races/endings.test.ts" };
const CHANGE_RACES: Suite = { file: "test/races/changes.test.ts" };

/** Who stands, as D1 has it. */
export const STANDING_MUTANTS: readonly Mutant[] = [
  {
    name: "standing not asked",
    file: "src/storage/standing-sql.ts",
    find: "tokens.revoked_at IS NULL AND tokens.epoch = users.epoch",
    replace: "tokens.epoch = users.epoch",
    suites: [AT_0],
  },
  {
    name: "epoch not compared",
    file: "src/storage/standing-sql.ts",
    find: "tokens.revoked_at IS NULL AND tokens.epoch = users.epoch",
    replace: "tokens.revoked_at IS NULL",
    suites: [AT_0],
  },
  {
    name: "API epoch not compared",
    file: "src/storage/standing-sql.ts",
    find: "AND (tokens.api_epoch IS NULL OR tokens.api_epoch = users.api_epoch) AND",
    replace: "AND",
    suites: [AT_0],
  },
  {
    name: "what a JWT hangs on not asked",
    file: "src/storage/standing-sql.ts",
    find: "...(parentIds.length === 0",
    replace: "...(parentIds.length >= 0",
    suites: [AT_0],
  },
  {
    name: "a JWT of an API token outlives the end of all",
    file: "src/storage/standing-sql.ts",
    find: "...(apiEpoch === null ? [] : [sql`users.api_epoch = ${apiEpoch}`]),",
    replace: "...(apiEpoch === null ? [] : []),",
    suites: [AT_0],
  },
  {
    name: "a write does not ask the caller's epoch",
    file: "src/storage/standing-sql.ts",
    find: " AND users.epoch = ${epoch}\n",
    replace: "\n",
    suites: [STANDING],
  },
  {
    name: "a write does not ask the caller's credential",
    file: "src/storage/standing-sql.ts",
    find: "AND ${USER_STANDS} AND ${jwtStands(jwt, nowMs)})`;",
    replace: "AND ${USER_STANDS})`;",
    suites: [STANDING],
  },
  {
    name: "a write does not ask the caller's token",
    file: "src/storage/standing-sql.ts",
    find: "AND tokens.expires_at > ${nowMs} AND ${standsWithParents(nowMs)})`;",
    replace: "AND tokens.expires_at > ${nowMs})`;",
    suites: [STANDING],
  },
  {
    name: "a write does not ask the end of the caller's token",
    file: "src/storage/standing-sql.ts",
    find: "AND tokens.expires_at > ${nowMs} AND ${standsWithParents(nowMs)})`;",
    replace: "AND ${standsWithParents(nowMs)})`;",
    suites: [STANDING],
  },
  {
    name: "a write trusts the epoch that is remembered of a token",
    file: "src/core/authenticate.ts",
    find: "return { ...callerRefOf({ id: userId, epoch }), tokenId: id };",
    replace: "return { ...callerRefOf({ id: userId, epoch }), credentialIds: [id] };",
    suites: [STANDING],
  },
  {
    name: "a token is inserted for a caller who is gone",
    file: "src/storage/insert-token.ts",
    find: " AND ${callerStands(caller, token.createdAtMs)} AND ${alsoHolds}",
    replace: " AND ${alsoHolds}",
    suites: [STANDING],
  },
  {
    name: "expiry not checked in D1",
    file: "src/storage/d1-tokens.ts",
    find: "IN ('session', 'api', 'action') AND tokens.expires_at > ${nowMs}",
    replace: "IN ('session', 'api', 'action')",
    suites: [SESSIONS],
  },
  {
    name: "epoch of a JWT not compared",
    file: "src/storage/d1-tokens.ts",
    find: "          AND users.epoch = ${claims.epoch} AND ${USER_STANDS}",
    replace: "          AND ${USER_STANDS}",
    suites: [AT_0],
  },
  {
    name: "an expired session is revived",
    file: "src/storage/d1-tokens.ts",
    find: "tokens.created_at + ${SESSION_MAX_MS}))\n          WHERE tokens.id = ${id} AND tokens.kind = 'session' AND tokens.expires_at > ${nowMs}",
    replace:
      "tokens.created_at + ${SESSION_MAX_MS}))\n          WHERE tokens.id = ${id} AND tokens.kind = 'session'",
    suites: [SESSIONS],
  },
  {
    name: "an ended session is extended",
    file: "src/storage/d1-tokens.ts",
    find: "AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${STANDS})\n          RETURNING ${TOKEN_COLUMNS}",
    replace: "\n          RETURNING ${TOKEN_COLUMNS}",
    suites: [SESSIONS],
  },
  {
    name: "an extension shortens a longer one",
    file: "src/storage/d1-tokens.ts",
    find: "MAX(tokens.expires_at, MIN(${nowMs + SESSION_TTL_MS}, tokens.created_at + ${SESSION_MAX_MS}))",
    replace: "MIN(${nowMs + SESSION_TTL_MS}, tokens.created_at + ${SESSION_MAX_MS})",
    suites: [SESSIONS],
  },
  {
    name: "a session has no absolute end",
    file: "src/storage/d1-tokens.ts",
    find: "MIN(${nowMs + SESSION_TTL_MS}, tokens.created_at + ${SESSION_MAX_MS})",
    replace: "${nowMs + SESSION_TTL_MS}",
    suites: [SESSIONS],
  },
  {
    name: "a session ends more than once",
    file: "src/storage/d1-tokens.ts",
    find: "AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${STANDS})\n          RETURNING id",
    replace: "\n          RETURNING id",
    suites: [SESSIONS, ENDING_RACES],
  },
  {
    name: "an API token ends more than once",
    file: "src/storage/d1-tokens.ts",
    find: "AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${standsWithParents(nowMs)})`;",
    replace: "`;",
    suites: [ENDING_RACES],
  },
  {
    name: "an API token of somebody else is ended",
    file: "src/storage/d1-tokens.ts",
    find: "tokens.kind = 'api' AND tokens.user_id = ${caller.userId} AND tokens.expires_at",
    replace: "tokens.kind = 'api' AND tokens.expires_at",
    suites: [{ file: "test/contracts/rest-token" }],
  },
  {
    name: "a caller who is gone changes an API token",
    file: "src/storage/d1-tokens.ts",
    find: "sql`${isOwn(id, caller, nowMs)} AND ${callerStands(caller, nowMs)}`;",
    replace: "isOwn(id, caller, nowMs);",
    suites: [STANDING],
  },
  {
    name: "a profile is changed for a caller who is gone",
    file: "src/storage/d1-users.ts",
    find: "      AND ${callerStands(caller, nowMs)} AND NOT EXISTS",
    replace: "      AND NOT EXISTS",
    suites: [CHANGE_RACES, STANDING],
  },
  {
    name: "a password shown before another change allows one after it",
    file: "src/storage/d1-users.ts",
    find: "${ifEpoch === null ? sql`TRUE` : sql`epoch = ${ifEpoch}`}",
    replace: "TRUE",
    suites: [{ file: "test/faults/matrix-0", test: "PATCH /rest/user .API token: password" }],
  },
  {
    name: "a new password leaves the epoch",
    file: "src/storage/d1-users.ts",
    find: "sets.push(sql`password = ${passwordHash}`, sql`epoch = epoch + 1`, identitiesEnded(nowMs))",
    replace: "sets.push(sql`password = ${passwordHash}`, identitiesEnded(nowMs))",
    suites: [AT_0],
  },
  {
    name: "a new password spares nothing",
    file: "src/storage/d1-users.ts",
    find: "WHERE id = ${caller.tokenId}\n",
    replace: "WHERE FALSE\n",
    suites: [AT_0],
  },
  {
    name: "a new password spares what a JWT hangs on",
    file: "src/storage/d1-users.ts",
    find: "WHERE id = ${caller.tokenId}\n",
    replace: 'WHERE id IN (${join([...caller.credentialIds, caller.tokenId ?? ""])})\n',
    suites: [AT_0],
  },
  {
    name: "a deletion leaves the epoch",
    file: "src/storage/d1-users.ts",
    find: "${BLANK_PROFILE}, epoch = epoch + 1, api_epoch = api_epoch + 1, ha1b = NULL\n",
    replace: "${BLANK_PROFILE}, api_epoch = api_epoch + 1, ha1b = NULL\n",
    suites: [AT_60],
  },
  {
    name: "a deletion leaves the account",
    file: "src/storage/d1-users.ts",
    find: "SET deleted_on = ${nowMs}, modified_on",
    replace: "SET modified_on",
    suites: [{ file: "test/rights/deletion" }],
  },
  {
    name: "two accounts want one e-mail and get a 503",
    file: "src/storage/d1-users.ts",
    find: " AND NOT EXISTS (${others})\n",
    replace: "\n",
    suites: [CHANGE_RACES],
  },
];
