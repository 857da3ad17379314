import sql, { join, raw, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { CallerRef, Derivation, WayIn } from "../core/caller.ts";
import {
  type ActionToken,
  API_TOKEN_DEPTH_MAX,
  type ApiToken,
  type Json,
  type RefreshFamily,
  type SessionToken,
  type Token,
  type TokenRestrictions,
} from "../core/token.ts";
import { PROFILE_COLUMNS, profileOf, type UserWithPassword } from "../core/user.ts";
import { anyJson, json, uuids } from "./d1.ts";
import { callerIsActive, USER_IS_ACTIVE } from "./revocation.ts";
import { uuid } from "../core/uuid.ts";

/** The columns of the profile fields, of a table or its alias. */
export const profileColumns = (table: string): Sql =>
  join(PROFILE_COLUMNS.map((column) => raw(`${table}.${column}`)));

/** Whether an account has a confirmed second factor. @param userId an expression */
export const hasSecondFactor = (userId: Sql): Sql =>
  sql`EXISTS (SELECT 1 FROM second_factors WHERE second_factors.user_id = ${uuid(userId)} AND confirmed_at IS NOT NULL)`;

/** Every column of an account; named apart where a token's have the same name. */
export const USER_COLUMNS: Sql = sql`users.id AS user_id, users.email, users.password, users.role, users.credential_version AS user_credential_version,
  users.api_token_version AS user_api_token_version, users.login_version, ${profileColumns("users")},
  users.created_on, users.modified_on, users.deleted_on, users.verified_on, users.ha1b, users.pending_email, users.external_id, users.metadata,
  ${hasSecondFactor(sql`users.id`)} AS has_second_factor,
  (SELECT json_group_object(issuer, subject) FROM identities WHERE identities.user_id = users.id) AS identities`;

const nullable = v.nullable(v.string());
const anyValue = v.custom<Json>((value) => value !== undefined);

export const UserRow = v.object({
  user_id: v.string(),
  email: v.string(),
  password: v.string(),
  role: v.picklist(["User", "Admin"]),
  user_credential_version: v.number(),
  user_api_token_version: v.number(),
  login_version: v.number(),
  ...v.entriesFromList(PROFILE_COLUMNS, nullable),
  created_on: v.number(),
  modified_on: v.number(),
  deleted_on: v.nullable(v.number()),
  verified_on: v.nullable(v.number()),
  ha1b: nullable,
  has_second_factor: v.number(),
  pending_email: nullable,
  external_id: v.nullable(v.pipe(v.string(), v.parseJson(), v.union([v.string(), v.number()]))),
  metadata: anyJson,
  identities: v.pipe(json, v.record(v.string(), v.string())),
});

export function toUser(row: v.InferOutput<typeof UserRow>): UserWithPassword {
  return {
    id: row.user_id,
    email: row.email,
    pendingEmail: row.pending_email,
    externalId: row.external_id,
    metadata: row.metadata,
    passwordHash: row.password,
    role: row.role,
    credentialVersion: row.user_credential_version,
    apiTokenVersion: row.user_api_token_version,
    loginVersion: row.login_version,
    ...profileOf(row),
    createdAtMs: row.created_on,
    modifiedAtMs: row.modified_on,
    deletedAtMs: row.deleted_on,
    emailVerifiedAtMs: row.verified_on,
    ha1bHash: row.ha1b,
    hasSecondFactor: row.has_second_factor === 1,
    identities: row.identities,
  };
}

/** First and last name, as far as they are set; null where neither is, or the user is gone. */
export const DISPLAY_NAME: Sql = sql`CASE WHEN ${USER_IS_ACTIVE} THEN
  NULLIF(TRIM(COALESCE(users.first_name, '') || ' ' || COALESCE(users.last_name, '')), '') END`;

/** True where an email is no one's, or this user's own, now and as long as a change of it can be undone. */
export const isFree = (email: string | Sql, userId: string, nowMs: number): Sql =>
  sql`NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email = ${email} AND other.deleted_on IS NULL AND other.id <> ${uuid(userId)}
    UNION ALL SELECT 1 FROM users AS other WHERE other.undo_email = ${email} AND other.undo_until > ${nowMs} AND other.id <> ${uuid(userId)})`;

/** When a token expires: a parent's expiry may have been moved up since it was created. */
export const EFFECTIVE_END: Sql = sql`MIN(tokens.expires_at, COALESCE((SELECT MIN(parent.expires_at)
  FROM json_each(tokens.parents) AS link JOIN tokens AS parent ON parent.id = unhex(link.value, '-')), tokens.expires_at))`;

/** What is left of a token's uses, as JSON: a row of `token_meters`, by the name `meter`. */
export const METER: Sql = sql`json_object('remaining', meter.remaining, 'max', meter.limit_max, 'seconds', meter.limit_seconds,
  'startedAtMs', meter.window_started_at, 'used', meter.window_used)`;

/** The columns of a token, active or not; `detail` has what only its kind has. */
export const TOKEN_COLUMNS: Sql = sql`tokens.id, tokens.kind, tokens.user_id, tokens.credential_version, tokens.api_token_version, tokens.created_at,
  tokens.modified_at, COALESCE(tokens.authenticated_at, tokens.created_at) AS authenticated_at, ${EFFECTIVE_END} AS expires_at, tokens.used_at, tokens.uses, tokens.max_uses, tokens.parents, tokens.replaced_by,
  tokens.detail, tokens.disabled_at, tokens.allowed_ips, tokens.meter IS NOT NULL AS is_metered,
  (SELECT ${METER} FROM token_meters AS meter WHERE meter.id = tokens.meter) AS meter`;

const common = {
  id: v.string(),
  user_id: v.string(),
  credential_version: v.number(),
  created_at: v.number(),
  modified_at: v.number(),
  expires_at: v.number(),
};

const parents = v.pipe(
  v.nullable(v.string()),
  v.transform((text) => text ?? "[]"),
  v.parseJson(),
  v.array(v.string()),
);

const ApiDetail = v.object({
  name: v.string(),
  hint: v.string(),
  scopes: v.array(v.string()),
  metadata: anyValue,
});

export const Meter = v.object({
  remaining: v.nullable(v.number()),
  max: v.nullable(v.number()),
  seconds: v.nullable(v.number()),
  startedAtMs: v.nullable(v.number()),
  used: v.number(),
});

/** `payload` was parsed at issue, and its action parses it again before it is used. */
const ActionDetail = v.object({
  action: v.string(),
  payload: anyValue,
  audience: v.nullable(v.string()),
  /** Set where it was issued with a credential that may not run actions. */
  needsCaller: v.optional(v.boolean(), false),
});

export const SessionRow = v.object({
  ...common,
  kind: v.literal("session"),
  authenticated_at: v.number(),
});
export const ApiRow = v.object({
  ...common,
  kind: v.literal("api"),
  api_token_version: v.number(),
  used_at: v.nullable(v.number()),
  parents,
  replaced_by: v.nullable(v.string()),
  disabled_at: v.nullable(v.number()),
  allowed_ips: v.nullable(v.pipe(json, v.array(v.string()))),
  is_metered: v.number(),
  meter: v.nullable(v.pipe(json, Meter)),
  detail: v.pipe(json, ApiDetail),
});
export const ActionRow = v.object({
  ...common,
  kind: v.literal("action"),
  uses: v.number(),
  max_uses: v.number(),
  parents,
  detail: v.pipe(json, ActionDetail),
});
export const TokenRow = v.variant("kind", [SessionRow, ApiRow, ActionRow]);

const toStored = (row: v.InferOutput<typeof TokenRow>) => ({
  id: row.id,
  userId: row.user_id,
  credentialVersion: row.credential_version,
  createdAtMs: row.created_at,
  modifiedAtMs: row.modified_at,
  expiresAtMs: row.expires_at,
});

export function toSession(row: v.InferOutput<typeof SessionRow>): SessionToken {
  return { kind: row.kind, ...toStored(row), authenticatedAtMs: row.authenticated_at };
}

export function toApi(row: v.InferOutput<typeof ApiRow>): ApiToken {
  return {
    kind: row.kind,
    ...toStored(row),
    apiTokenVersion: row.api_token_version,
    ...row.detail,
    lastUsedAtMs: row.used_at,
    parentIds: row.parents,
    replacedById: row.replaced_by,
    isEnabled: row.disabled_at === null,
    restrictions: restrictionsOf(row),
  };
}

function restrictionsOf(row: v.InferOutput<typeof ApiRow>): TokenRestrictions | null {
  const { is_metered, meter, allowed_ips } = row;
  if (is_metered === 0 && allowed_ips === null) return null;
  const limit =
    meter === null || meter.max === null || meter.seconds === null
      ? null
      : { max: meter.max, seconds: meter.seconds };
  return { remaining: meter?.remaining ?? null, limit, allowedIps: allowed_ips };
}

export function toAction(row: v.InferOutput<typeof ActionRow>): ActionToken {
  const { needsCaller, ...detail } = row.detail;
  return {
    kind: row.kind,
    ...toStored(row),
    ...detail,
    runsForIssuer: !needsCaller,
    parentIds: row.parents,
    maxUses: row.max_uses,
    uses: row.uses,
  };
}

export function toToken(row: v.InferOutput<typeof TokenRow>): Token {
  if (row.kind === "session") return toSession(row);
  return row.kind === "api" ? toApi(row) : toAction(row);
}

const stored = {
  id: v.string(),
  userId: v.string(),
  credentialVersion: v.number(),
  createdAtMs: v.number(),
  modifiedAtMs: v.number(),
  expiresAtMs: v.number(),
};

/** A token, to be read near the caller. Contains nothing that could be used as one. */
const TokenRecord = v.variant("kind", [
  v.object({ ...stored, kind: v.literal("session"), authenticatedAtMs: v.number() }),
  v.object({
    ...stored,
    kind: v.literal("api"),
    apiTokenVersion: v.number(),
    name: v.string(),
    hint: v.string(),
    scopes: v.array(v.string()),
    lastUsedAtMs: v.nullable(v.number()),
    parentIds: v.array(v.string()),
    replacedById: v.nullable(v.string()),
    metadata: anyValue,
    // No other token is copied.
    isEnabled: v.literal(true),
    restrictions: v.null(),
  }),
  v.object({
    ...stored,
    kind: v.literal("action"),
    action: v.string(),
    payload: anyValue,
    audience: v.nullable(v.string()),
    maxUses: v.number(),
    uses: v.number(),
    parentIds: v.array(v.string()),
    runsForIssuer: v.boolean(),
  }),
]) satisfies v.GenericSchema<Token>;

const RECOGNIZED = sql`t.address, t.way, devices.browser, devices.system, devices.country, t.city`;

/** Which rows of `tokens` housekeeping deletes once they have expired, worded as in the indexes: families by their ids. */
export const EXPIRING_KINDS = {
  logins: sql`(kind = 'session' OR kind = 'jwt')`,
  tokens: sql`(kind = 'api' OR kind = 'action')`,
};

/** @throws ValiError for what is no copy of a token */
export const readCopy = (text: string): Token =>
  v.parse(v.pipe(v.string(), v.parseJson(), TokenRecord), text);

/** What the export of a user's data shows of the kinds in `tokens`, which it names `t`. */
export const EXPORTED_TOKENS: readonly (readonly [name: string, kind: string, columns: Sql])[] = [
  [
    "api_tokens",
    "api",
    sql`t.detail ->> '$.name' AS name, t.detail ->> '$.hint' AS token_hint,
      t.detail -> '$.scopes' AS scopes_json, t.used_at AS last_used_on, t.parents AS derived_from_json,
      t.replaced_by AS replaced_by_uuid, t.detail -> '$.metadata' AS metadata_json, t.disabled_at AS disabled_on,
      t.allowed_ips AS allowed_ips_json, (SELECT ${METER} FROM token_meters AS meter WHERE meter.id = t.meter) AS meter_json`,
  ],
  ["sessions", "session", sql`t.used_at AS last_used_on, ${RECOGNIZED}`],
  [
    "logins",
    "family",
    sql`t.rotation AS refreshed, t.rotated_at AS refreshed_on, t.used_at AS last_used_on, ${RECOGNIZED}`,
  ],
  ["jwts", "jwt", sql`t.kind`],
  [
    "action_tokens",
    "action",
    sql`t.detail ->> '$.action' AS action, t.detail -> '$.payload' AS payload_json,
      t.detail ->> '$.audience' AS audience, t.uses, t.max_uses, t.parents AS derived_from_json`,
  ],
];

/** What is stored of a log-in for its user to recognize it by. */
export interface StoredLogin {
  readonly way: WayIn;
  readonly city: string | null;
  /** Of the client, in the form in which it may be stored. */
  readonly address: string | null;
  /** The rest: its row in `devices`, as SQL. */
  readonly device: Sql;
}

/** The value of the column `detail`. */
function detailOf(token: Token | RefreshFamily): string {
  switch (token.kind) {
    case "session":
    case "family":
      return "{}";
    case "api":
      return JSON.stringify({
        name: token.name,
        hint: token.hint,
        scopes: token.scopes,
        metadata: token.metadata,
      });
    case "action": {
      const { action, payload, audience, runsForIssuer } = token;
      return JSON.stringify({
        action,
        payload,
        audience,
        ...(!runsForIssuer && { needsCaller: true }),
      });
    }
  }
}

/**
 * The next index in the status lists, after all whose JWTs may still be active: those of deleted rows have expired
 * long enough ago that no cached list has them as revoked, and come up again.
 */
export const nextStatusIndex = sql`(SELECT COALESCE(MAX(status_index) + 1, 0) FROM tokens WHERE status_index IS NOT NULL)`;

/**
 * The row of a new token, inserted only if the caller is active at that instant: a revoked credential
 * leaves no child behind. The versions are the user's own of that instant.
 * @param login of a session or a family
 */
export function insertToken(
  token: Token | RefreshFamily,
  caller: CallerRef,
  login: StoredLogin | null,
  alsoHolds: Sql = sql`TRUE`,
): Sql {
  const api = token.kind === "api" ? token : null;
  const allowedIps = api?.restrictions?.allowedIps ?? null;
  // guard: insert-asks-the-caller
  return sql`INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at,
      expires_at, authenticated_at, max_uses, status_index, parents, detail, disabled_at, meter, allowed_ips,
      device, way, city, address)
    SELECT ${uuid(token.id)}, ${token.kind}, owner.id, owner.credential_version,
      ${token.kind === "api" ? sql`owner.api_token_version` : null}, ${token.createdAtMs},
      ${token.modifiedAtMs}, ${endOf(token)},
      ${token.kind === "session" && token.authenticatedAtMs !== token.createdAtMs ? token.authenticatedAtMs : null},
      ${token.kind === "action" ? token.maxUses : null},
      ${token.kind === "family" ? nextStatusIndex : null},
      ${"parentIds" in token && token.parentIds.length > 0 ? JSON.stringify(token.parentIds) : null},
      ${detailOf(token)}, ${api?.isEnabled === false ? api.createdAtMs : null},
      ${api !== null && isMetered(api.restrictions) ? uuid(api.id) : null}, ${allowedIps === null ? null : JSON.stringify(allowedIps)},
      ${login?.device ?? null}, ${login?.way ?? null}, ${login?.city ?? null}, ${login?.address ?? null}
    FROM users AS owner
    WHERE owner.id = ${uuid(token.userId)} AND ${callerIsActive(caller, token.createdAtMs)} AND ${alsoHolds}
    ${token.kind === "action" || token.kind === "api" ? sql`ON CONFLICT DO NOTHING` : sql``}
    RETURNING credential_version, api_token_version, expires_at, status_index`;
}

/** What the caller's check knew about the parents may be as old as the lag, so their rows decide. */
function endOf(token: Token | RefreshFamily): Sql {
  if (!("parentIds" in token) || token.parentIds.length === 0) return sql`${token.expiresAtMs}`;
  return sql`MIN(${token.expiresAtMs}, (SELECT MIN(parent.expires_at) FROM tokens AS parent
    WHERE parent.id IN (${uuids(token.parentIds)})))`;
}

/** A caller that was replaced, or was derived from one that was, may derive nothing; its successor may. */
// guard: replaced-token-derives-nothing
export const noneReplaced = (parentIds: readonly string[]): Sql =>
  parentIds.length === 0
    ? sql`TRUE`
    : sql`NOT EXISTS (SELECT 1 FROM tokens AS replaced
        WHERE replaced.id IN (${uuids(parentIds)}) AND replaced.replaced_by IS NOT NULL)`;

/** Asks for the callers' expiry as it is now, and not as a copy showed it: no one extends a token past it. */
// guard: nobody-extends-past-the-caller
export const noneEndsBefore = (expiresAtMs: number, callerIds: readonly string[]): Sql =>
  callerIds.length === 0
    ? sql`TRUE`
    : sql`NOT EXISTS (SELECT 1 FROM tokens AS holder
        WHERE holder.id IN (${uuids(callerIds)}) AND holder.expires_at < ${expiresAtMs})`;

/** Whether a token with these parents would be nested deeper than API tokens may be. */
export const isTooDeep = (parentIds: readonly string[]): Sql =>
  parentIds.length < API_TOKEN_DEPTH_MAX
    ? sql`FALSE`
    : sql`(SELECT COUNT(*) FROM tokens AS parent WHERE parent.id IN (${uuids(parentIds)})
        AND parent.kind = 'api') >= ${API_TOKEN_DEPTH_MAX}`;

const isMetered = (restrictions: TokenRestrictions | null): boolean =>
  restrictions !== null && (restrictions.remaining !== null || restrictions.limit !== null);

/** What a new token may be charged; it comes after the token's own row. */
export function insertMeter({ id, restrictions }: ApiToken): Sql[] {
  if (restrictions === null || !isMetered(restrictions)) return [];
  const { remaining, limit } = restrictions;
  return [
    sql`INSERT INTO token_meters (id, remaining, limit_max, limit_seconds)
      SELECT meter, ${remaining}, ${limit?.max ?? null}, ${limit?.seconds ?? null} FROM tokens WHERE id = ${uuid(id)} AND meter = ${uuid(id)}
      ON CONFLICT DO NOTHING`,
  ];
}

/** The row of the JWT among a new token's parents, by which the token finds it; it comes after the token's own. */
export function insertParentJwt(childId: string, { jwt }: Derivation, nowMs: number): Sql[] {
  if (jwt === null) return [];
  return [
    sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at)
      SELECT ${uuid(jwt.id)}, 'jwt', user_id, credential_version, ${nowMs}, ${nowMs}, ${jwt.endMs} FROM tokens WHERE id = ${uuid(childId)}
      ON CONFLICT DO NOTHING`,
  ];
}
