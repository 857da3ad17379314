import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { UserChange, UserStore } from "../core/accounts.ts";
import type { ApiTokenStore } from "../core/api-tokens.ts";
import type { CallerRef } from "../core/caller.ts";
import type { PasswordHashStore } from "../core/passwords.ts";
import type { Json } from "../core/token.ts";
import type { UserWithPassword } from "../core/user.ts";
import { type Audit, byCaller } from "./audit-sql.ts";
import { ERASED_PROFILE, erasePersonalData } from "./d1-erasure.ts";
import {
  endIdentitiesButOne,
  endIdentitiesOfDeleted,
  endIdentitiesOfOtherEmail,
  identitiesRevoked,
} from "./d1-identity-ends.ts";
import { isFree } from "./free-email.ts";
import { carryUndo, keepForUndo, type NoticeSql } from "./d1-notices.ts";
import type { Database } from "./database.ts";
import { type PendingRevocations, allCredentialsRevocation } from "./pending-revocations.ts";
import { apiTokensTombstoneKey, userTombstonePrefix, LONGEST_LIFE_SECONDS } from "./keys.ts";
import { callerIsActive, USER_IS_ACTIVE } from "./active-sql.ts";

export const USER_COLUMNS: Sql = sql`users.id AS user_id, users.email, users.password, users.role, users.credential_version AS user_credential_version,
  users.api_token_version AS user_api_token_version, users.login_version, users.first_name, users.last_name, users.phone_number, users.dob, users.gender,
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
  first_name: nullable,
  last_name: nullable,
  phone_number: nullable,
  dob: nullable,
  gender: nullable,
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
    firstName: row.first_name,
    lastName: row.last_name,
    phoneNumber: row.phone_number,
    dob: row.dob,
    gender: row.gender,
    createdAtMs: row.created_on,
    modifiedAtMs: row.modified_on,
    deletedAtMs: row.deleted_on,
    emailVerifiedAtMs: row.verified_on,
    ha1bHash: row.ha1b,
    identities: row.identities,
  };
}

const PROFILE_COLUMNS = {
  email: sql`email`,
  firstName: sql`first_name`,
  lastName: sql`last_name`,
  phoneNumber: sql`phone_number`,
  dob: sql`dob`,
  gender: sql`gender`,
} as const;

const PROFILE_FIELDS = Object.keys(PROFILE_COLUMNS) as (keyof typeof PROFILE_COLUMNS)[];

export type D1Users = Omit<UserStore, "profile"> &
  PasswordHashStore &
  Pick<ApiTokenStore, "revokeApiTokens">;

export function d1Users(
  db: Database,
  revocations: PendingRevocations,
  audit: Audit,
  notices: NoticeSql,
): D1Users {
  async function find(where: Sql): Promise<UserWithPassword | null> {
    const row = await db.first(
      sql`SELECT ${USER_COLUMNS} FROM users WHERE ${USER_IS_ACTIVE} AND ${where}`,
      UserRow,
    );
    return row === null ? null : toUser(row);
  }

  return {
    async insert(user) {
      const insert = sql`
        INSERT INTO users (id, email, password, role, first_name, last_name, phone_number, dob,
          gender, created_on, modified_on, ha1b)
        SELECT ${user.id}, ${user.email}, ${user.passwordHash}, ${user.role}, ${user.firstName},
          ${user.lastName}, ${user.phoneNumber}, ${user.dob}, ${user.gender}, ${user.createdAtMs},
          ${user.modifiedAtMs}, ${user.ha1bHash}
        WHERE ${isFree(user.email, user.id, user.createdAtMs)}
        ON CONFLICT (email) WHERE deleted_on IS NULL DO NOTHING RETURNING id`;
      const who = { userId: user.id, actorId: user.id, credentialId: null, subjectId: null };
      const row = { what: "user.created" as const, ...who };
      const [rows = []] = await db.batch([insert, audit.after(row, user.createdAtMs)]);
      return rows.length > 0;
    },

    byId: (id) => find(sql`users.id = ${id}`),

    async update(caller, change, ifCredentialVersion, nowMs) {
      const stores = { db, revocations, audit, notices };
      const [taken, [row]] = await changeUser(stores, caller, change, ifCredentialVersion, nowMs);
      if (row !== undefined) return toUser(v.parse(UserRow, row));
      return taken.length > 0 ? "email_taken" : null;
    },

    async rehash(id, oldHash, newHash) {
      await db.run(
        sql`UPDATE users SET password = ${newHash} WHERE id = ${id} AND password = ${oldHash}`,
      );
    },

    async remove(caller, ifCredentialVersion, nowMs) {
      const row = { what: "user.deleted" as const, ...byCaller(caller), subjectId: null };
      const [rows = []] = await revocations.commit(
        {
          batch: [
            // guard: deletion-revokes-all
            sql`UPDATE users SET deleted_on = ${nowMs}, modified_on = ${nowMs}, password = '',
                ${ERASED_PROFILE}, credential_version = credential_version + 1, api_token_version = api_token_version + 1, ha1b = NULL
              WHERE id = ${caller.userId} AND credential_version = ${ifCredentialVersion}
                AND ${callerIsActive(caller, nowMs)} RETURNING id`,
            audit.after(row, nowMs),
            endIdentitiesOfDeleted(caller.userId),
            ...erasePersonalData(caller.userId),
          ],
          ...allCredentialsRevocation(caller, nowMs),
        },
        nowMs,
      );
      return rows.length > 0;
    },

    async revokeApiTokens(caller, nowMs) {
      const row = { what: "tokens.revoked_all" as const, ...byCaller(caller), subjectId: null };
      const [rows = []] = await revocations.commit(
        {
          batch: [
            sql`UPDATE users SET api_token_version = api_token_version + 1
              WHERE id = ${caller.userId} AND ${callerIsActive(caller, nowMs)} RETURNING id`,
            audit.after(row, nowMs),
          ],
          key: sql`(SELECT ${apiTokensTombstoneKey(caller.userId, "")} || (api_token_version - 1) FROM users
            WHERE id = ${caller.userId})`,
          onlyIf: sql`EXISTS (SELECT 1 FROM users WHERE id = ${caller.userId} AND api_token_version > 0)`,
          untilMs: nowMs + LONGEST_LIFE_SECONDS * 1000,
          alsoPending: userTombstonePrefix(caller.userId),
        },
        nowMs,
      );
      return rows.length > 0;
    },
  };
}

interface Stores {
  readonly db: Database;
  readonly revocations: PendingRevocations;
  readonly audit: Audit;
  readonly notices: NoticeSql;
}

/** One batch. @returns the rows of other accounts with the new e-mail, and the user's own if it changed */
async function changeUser(
  { db, revocations, audit, notices }: Stores,
  caller: CallerRef,
  change: UserChange,
  ifCredentialVersion: number | null,
  nowMs: number,
) {
  const sets = PROFILE_FIELDS.flatMap((field) =>
    change[field] === undefined ? [] : [sql`${PROFILE_COLUMNS[field]} = ${change[field]}`],
  );
  const { email, passwordHash } = change;
  const { pendingEmail } = change;
  if (email !== undefined) sets.push(sql`verified_on = NULL`, sql`pending_email = NULL`);
  if (pendingEmail !== undefined) sets.push(sql`pending_email = ${pendingEmail}`);
  if (typeof pendingEmail === "string") sets.push(keepForUndo(nowMs));
  // It is made of both.
  if (email !== undefined || passwordHash !== undefined) {
    sets.push(sql`ha1b = ${change.ha1bHash ?? null}`);
  }
  if (passwordHash !== undefined) {
    // guard: new-password-revokes-all
    sets.push(
      sql`password = ${passwordHash}`,
      sql`credential_version = credential_version + 1`,
      identitiesRevoked(nowMs),
    );
  }
  const others = sql`SELECT 1 WHERE NOT ${isFree(email ?? "", caller.userId, nowMs)}`;
  // guard: account-change-asks-the-caller
  // guard: password-shown-is-the-present-one
  const update = sql`UPDATE users SET ${join([...sets, sql`modified_on = ${nowMs}`])}
    WHERE users.id = ${caller.userId} AND ${ifCredentialVersion === null ? sql`TRUE` : sql`credential_version = ${ifCredentialVersion}`}
      AND ${callerIsActive(caller, nowMs)} AND NOT EXISTS (${others})
    RETURNING ${USER_COLUMNS}`;
  // The token that was shown is carried over to the new epoch: every other one ends, also the one
  // that a JWT was got with.
  // guard: new-password-spares-what-was-shown
  const carry = sql`UPDATE tokens SET credential_version = credential_version + 1
    WHERE id = ${caller.tokenId}
      AND EXISTS (SELECT 1 FROM users WHERE id = user_id AND users.credential_version = tokens.credential_version + 1
        AND password = ${passwordHash ?? null})`;
  const what =
    passwordHash !== undefined
      ? "password.changed"
      : email !== undefined
        ? "email.changed"
        : typeof pendingEmail === "string"
          ? "email.requested"
          : "user.changed";
  const written = audit.after({ what, ...byCaller(caller), subjectId: null }, nowMs);
  const { userId } = caller;
  const rest: Sql[] = [];
  const happened = sql`changes() > 0`;
  if (passwordHash !== undefined) {
    rest.push(...notices.queue("password_changed", userId, happened, nowMs));
  }
  if (typeof pendingEmail === "string") {
    rest.push(...notices.queue("email_change_requested", userId, happened, nowMs));
  }
  if (passwordHash !== undefined) {
    const isSet = sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND password = ${passwordHash}
      AND modified_on = ${nowMs})`;
    rest.push(carry, carryUndo(userId, isSet));
    rest.push(endIdentitiesButOne(userId, change.keptIdentity ?? null, isSet));
  }
  if (email !== undefined) {
    const isSet = sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND email = ${email}
      AND modified_on = ${nowMs})`;
    rest.push(endIdentitiesOfOtherEmail(userId, email, isSet));
  }
  const [taken = [], updated = []] =
    passwordHash === undefined
      ? await db.batch([others, update, written, ...rest])
      : await revocations.commit(
          { batch: [others, update, written, ...rest], ...allCredentialsRevocation(caller, nowMs) },
          nowMs,
        );
  return [taken, updated] as const;
}
