import sql, { join, raw, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Json } from "../core/token.ts";
import { PROFILE_COLUMNS, profileOf, type UserWithPassword } from "../core/user.ts";
import { USER_IS_ACTIVE } from "./revocation.ts";

/** The columns of the profile fields, of a table or its alias. */
export const profileColumns = (table: string): Sql =>
  join(PROFILE_COLUMNS.map((column) => raw(`${table}.${column}`)));

/** Every column of an account; named apart where a token's have the same name. */
export const USER_COLUMNS: Sql = sql`users.id AS user_id, users.email, users.password, users.role, users.credential_version AS user_credential_version,
  users.api_token_version AS user_api_token_version, users.login_version, ${profileColumns("users")},
  users.created_on, users.modified_on, users.deleted_on, users.verified_on, users.ha1b, users.pending_email, users.metadata,
  (SELECT json_group_object(issuer, subject) FROM identities WHERE identities.user_id = users.id) AS identities`;

const nullable = v.nullable(v.string());

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
  pending_email: nullable,
  metadata: v.pipe(
    v.string(),
    v.parseJson(),
    v.custom<Json>((value) => value !== undefined),
  ),
  identities: v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string())),
});

export function toUser(row: v.InferOutput<typeof UserRow>): UserWithPassword {
  return {
    id: row.user_id,
    email: row.email,
    pendingEmail: row.pending_email,
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
    identities: row.identities,
  };
}

/** What a deleted account keeps of the person: nothing. */
export const ERASED_PROFILE: Sql = sql`email = '', ${join(PROFILE_COLUMNS.map((column) => raw(`${column} = NULL`)))},
  verified_on = NULL, metadata = '{}', pending_email = NULL, undo_email = NULL, undo_until = NULL`;

/** First and last name, as far as they are set; null where neither is, or the user is gone. */
export const DISPLAY_NAME: Sql = sql`CASE WHEN ${USER_IS_ACTIVE} THEN
  NULLIF(TRIM(COALESCE(users.first_name, '') || ' ' || COALESCE(users.last_name, '')), '') END`;

/** True where an email is no one's, or this user's own, now and as long as a change of it can be undone. */
export const isFree = (email: string | Sql, userId: string, nowMs: number): Sql =>
  sql`NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email = ${email} AND other.deleted_on IS NULL AND other.id <> ${userId}
    UNION ALL SELECT 1 FROM users AS other WHERE other.undo_email = ${email} AND other.undo_until > ${nowMs} AND other.id <> ${userId})`;
