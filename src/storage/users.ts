import sql, { join, raw, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { UserChange, UserStore } from "../core/accounts.ts";
import type { DisplayNameStore } from "../core/action-pages.ts";
import type { CallerRef } from "../core/caller.ts";
import { CONTACT_SEARCH, type ContactStore } from "../core/contacts.ts";
import type { Ha1bStore } from "../core/ha1b.ts";
import type { PasswordHashStore } from "../core/passwords.ts";
import { PROFILE_COLUMNS, PROFILE_FIELDS, type UserWithPassword } from "../core/user.ts";
import type { StorageContext } from "./context.ts";
import { flag, idsIn, pageOf, textOf, toPage } from "./d1.ts";
import {
  identitiesRevoked,
  removeIdentitiesButOne,
  removeIdentitiesOfOtherEmail,
} from "./identities.ts";
import { carryUndo, keepForUndo } from "./mail.ts";
import { deleting, erasePersonalData } from "./operations.ts";
import { allCredentialsRevocation, callerIsActive, USER_IS_ACTIVE } from "./revocation.ts";
import { DISPLAY_NAME, isFree, toUser, USER_COLUMNS, UserRow } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

/** Users live in D1; where KV may answer, it holds copies for reading. */
export function createUsers(context: StorageContext): UserStore & PasswordHashStore & Ha1bStore {
  const { db, copies, background, policy, revocations, events, invalidatingUser } = context;

  async function find(where: Sql): Promise<UserWithPassword | null> {
    const row = await db.first(
      sql`SELECT ${USER_COLUMNS} FROM users WHERE ${USER_IS_ACTIVE} AND ${where}`,
      UserRow,
    );
    return row === null ? null : toUser(row);
  }

  const byId = (id: string) => find(sql`users.id = ${uuid(id)}`);

  async function remove(
    caller: CallerRef,
    ifCredentialVersion: number,
    nowMs: number,
  ): Promise<boolean> {
    const { userId } = caller;
    const { deleted } = await revocations.commit(
      {
        batch: {
          deleted: sql`${deleting(
            sql`id = ${uuid(userId)} AND credential_version = ${ifCredentialVersion} AND ${callerIsActive(caller, nowMs)}`,
            nowMs,
          )} RETURNING id`,
          event: events.afterCaller("user.deleted", caller, null, nowMs),
          erased: erasePersonalData(userId, context.tables),
        },
        ...allCredentialsRevocation(caller, nowMs),
      },
      nowMs,
    );
    return deleted.length > 0;
  }

  return {
    byId,

    async insert(user) {
      const profile = PROFILE_FIELDS.map(({ name }) => user[name]);
      const who = { userId: user.id, actorId: user.id, credentialId: null, subjectId: null };
      const { inserted } = await db.batch({
        inserted: sql`
          INSERT INTO users (id, email, password, role, ${join(PROFILE_COLUMNS.map((column) => raw(column)))},
            created_on, modified_on, ha1b)
          SELECT ${uuid(user.id)}, ${user.email}, ${user.passwordHash}, ${user.role}, ${join(profile)},
            ${user.createdAtMs}, ${user.modifiedAtMs}, ${user.ha1bHash}
          WHERE ${isFree(user.email, user.id, user.createdAtMs)}
          ON CONFLICT (email) WHERE deleted_on IS NULL DO NOTHING RETURNING id`,
        event: events.after({ what: "user.created", ...who }, user.createdAtMs),
      });
      return inserted.length > 0;
    },

    async profile(id) {
      if (!policy.readsFromKv) return byId(id);
      const copy = await copies.get(id);
      if (copy !== null) return copy;
      const user = await byId(id);
      if (user !== null) background.afterResponse("copy a user to KV", copies.put(user));
      return user;
    },

    async update(caller, change, ifCredentialVersion, nowMs) {
      const updated = updateUser(context, caller, change, ifCredentialVersion, nowMs);
      const { others, user } = await invalidatingUser(caller.userId, updated);
      if (user[0] !== undefined) return toUser(v.parse(UserRow, user[0]));
      return others.length > 0 ? "email_taken" : null;
    },

    remove: (caller, ifCredentialVersion, nowMs) =>
      invalidatingUser(caller.userId, remove(caller, ifCredentialVersion, nowMs)),

    rehash: (id, oldHash, newHash) =>
      background.bestEffort(
        "rehash a password",
        db.run(
          sql`UPDATE users SET password = ${newHash} WHERE id = ${uuid(id)} AND password = ${oldHash}`,
        ),
      ),

    byHa1b: (hash) => find(sql`users.ha1b = ${hash}`),

    // A new password raises the credential version.
    keepHa1b: ({ id, email, credentialVersion }, hash) =>
      background.bestEffort(
        "keep an HA1B hash",
        db.run(
          sql`UPDATE users SET ha1b = ${hash} WHERE id = ${uuid(id)} AND email = ${email}
            AND credential_version = ${credentialVersion} AND ${USER_IS_ACTIVE}`,
        ),
      ),
  };
}

/** One batch. @returns the rows of other accounts with the new email, and the user's own if it changed */
async function updateUser(
  { db, revocations, events, notices }: StorageContext,
  caller: CallerRef,
  change: UserChange,
  ifCredentialVersion: number | null,
  nowMs: number,
): Promise<{ readonly others: readonly unknown[]; readonly user: readonly unknown[] }> {
  const { userId } = caller;
  const { email, passwordHash, pendingEmail } = change;
  const sets = [
    ...(email === undefined ? [] : [sql`email = ${email}`]),
    ...PROFILE_FIELDS.flatMap(({ name, column }) =>
      change[name] === undefined ? [] : [sql`${raw(column)} = ${change[name]}`],
    ),
  ];
  if (email !== undefined) sets.push(sql`verified_on = NULL`, sql`pending_email = NULL`);
  if (pendingEmail !== undefined) sets.push(sql`pending_email = ${pendingEmail}`);
  if (typeof pendingEmail === "string") sets.push(keepForUndo(nowMs));
  // It is computed from both.
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
  const others = sql`SELECT 1 WHERE NOT ${isFree(email ?? "", userId, nowMs)}`;
  // guard: account-change-asks-the-caller
  // guard: password-is-the-current-one
  const user = sql`UPDATE users SET ${join([...sets, sql`modified_on = ${nowMs}`])}
    WHERE users.id = ${uuid(userId)} AND ${ifCredentialVersion === null ? sql`TRUE` : sql`credential_version = ${ifCredentialVersion}`}
      AND ${callerIsActive(caller, nowMs)} AND NOT EXISTS (${others})
    RETURNING ${USER_COLUMNS}`;
  // Spares the token that was presented: every other one is revoked, also the one that a JWT was obtained with.
  // guard: new-password-spares-the-callers-token
  const carry = sql`UPDATE tokens SET credential_version = credential_version + 1
    WHERE id = ${uuid(caller.tokenId)}
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
  const happened = sql`changes() > 0`;
  const has = (
    column: Sql,
  ) => sql`EXISTS (SELECT 1 FROM users WHERE id = ${uuid(userId)} AND ${column}
      AND modified_on = ${nowMs})`;
  const rest: Sql[] = [];
  if (passwordHash !== undefined) {
    const isSet = has(sql`password = ${passwordHash}`);
    rest.push(carry, carryUndo(userId, isSet));
    rest.push(removeIdentitiesButOne(userId, change.keptIdentity ?? null, isSet));
  }
  if (email !== undefined) {
    rest.push(removeIdentitiesOfOtherEmail(userId, email, has(sql`email = ${email}`)));
  }
  const batch = {
    others,
    user,
    event: events.afterCaller(what, caller, null, nowMs),
    notices: [
      ...(passwordHash === undefined
        ? []
        : notices.queue("password_changed", userId, happened, nowMs)),
      ...(typeof pendingEmail === "string"
        ? notices.queue("email_change_requested", userId, happened, nowMs)
        : []),
    ],
    rest,
  };
  return passwordHash === undefined
    ? db.batch(batch)
    : revocations.commit({ batch, ...allCredentialsRevocation(caller, nowMs) }, nowMs);
}

const ContactRow = v.object({
  id: v.string(),
  firstName: v.nullable(v.string()),
  lastName: v.nullable(v.string()),
  createdAtMs: v.number(),
});

const FollowerRow = v.object({ ...ContactRow.entries, introducer: v.nullable(v.string()) });

const LinkRow = v.object({
  ...v.omit(ContactRow, ["createdAtMs"]).entries,
  isOwn: flag,
  createdAtMs: v.number(),
  meeting: v.nullable(v.picklist(["own_code", "their_code", "introduced"])),
  introducer: v.nullable(v.string()),
  tokenId: v.nullable(v.string()),
});

/** The account `u` of a contact. */
const CONTACT = sql`u.id, c.created_at AS createdAtMs, u.first_name AS firstName, u.last_name AS lastName`;
/** Of a link `c` that neither of the two created. */
const INTRODUCER = sql`(SELECT ${DISPLAY_NAME} FROM users
  WHERE users.id = CASE WHEN c.issuer_id NOT IN (c.user_id, c.contact_id) THEN c.issuer_id END)`;
const CONTACT_IS_ACTIVE = sql`u.deleted_on IS NULL AND u.disabled_on IS NULL`;

/**
 * SQLite knows upper and lower case of ASCII alone, so each spelling of a word is asked for. Who has no name is
 * shown with the beginning of their id.
 */
function nameHas(word: string): Sql {
  const lower = word.toLowerCase();
  const spellings = [
    word,
    lower,
    word.toUpperCase(),
    lower.charAt(0).toUpperCase() + lower.slice(1),
  ];
  const name = sql`COALESCE(u.first_name, '') || ' ' || COALESCE(u.last_name, '')`;
  return sql`(CASE WHEN TRIM(${name}) = '' THEN instr(${textOf(sql`u.id`)}, ${lower}) = 1 ELSE EXISTS (
    SELECT 1 FROM json_each(${JSON.stringify(spellings)}) WHERE instr(lower(${name}), lower(value)) > 0) END)`;
}

export function createContacts({ db, events }: StorageContext): ContactStore {
  return {
    async remove(caller, contactId, nowMs) {
      const { userId } = caller;
      const isActive = callerIsActive(caller, nowMs);
      const what = "contact.removed";
      // The other one has an event too, but does not learn where it was done.
      const others = { userId: contactId, actorId: userId, credentialId: null, hidesClient: true };
      const { asked } = await db.batch({
        deleted: sql`DELETE FROM contacts WHERE ((user_id = ${uuid(userId)} AND contact_id = ${uuid(contactId)})
            OR (user_id = ${uuid(contactId)} AND contact_id = ${uuid(userId)})) AND ${isActive}`,
        own: events.afterCaller(what, caller, contactId, nowMs),
        others: events.after({ what, ...others, subjectId: userId }, nowMs),
        asked: sql`SELECT ${isActive} AS is_active`,
      });
      return v.parse(v.object({ is_active: v.number() }), asked[0]).is_active === 1;
    },

    async list(userId, page, words) {
      const [id, createdAt] = [sql`c.contact_id`, sql`c.created_at`];
      const { from, orderAndLimit } = pageOf(id, createdAt, page);
      const bound =
        words.length === 0
          ? sql``
          : pageOf(id, createdAt, { ...page, limit: CONTACT_SEARCH - 1 }).orderAndLimit;
      const rows = await db.all(
        sql`SELECT ${CONTACT} FROM (SELECT * FROM contacts AS c WHERE c.user_id = ${uuid(userId)} AND ${from} ${bound}) AS c
            JOIN users AS u ON u.id = c.contact_id
          WHERE ${join([CONTACT_IS_ACTIVE, ...words.map(nameHas)], " AND ")} ${orderAndLimit}`,
        ContactRow,
      );
      return toPage(rows, page);
    },

    async followers(userId, page) {
      const [id, createdAt] = [sql`c.user_id`, sql`c.created_at`];
      const { from, orderAndLimit } = pageOf(id, createdAt, page);
      const bound = pageOf(id, createdAt, { ...page, limit: CONTACT_SEARCH - 1 }).orderAndLimit;
      const rows = await db.all(
        sql`SELECT ${CONTACT}, ${INTRODUCER} AS introducer
          FROM (SELECT * FROM contacts AS c WHERE c.contact_id = ${uuid(userId)} AND ${from} ${bound}) AS c
            JOIN users AS u ON u.id = c.user_id
          WHERE ${CONTACT_IS_ACTIVE} AND NOT EXISTS (SELECT 1 FROM contacts AS back
            WHERE back.user_id = ${uuid(userId)} AND back.contact_id = c.user_id) ${orderAndLimit}`,
        FollowerRow,
      );
      return toPage(rows, page);
    },

    async find(userId, contactId) {
      const link = (owner: string, other: string) =>
        sql`SELECT ${CONTACT}, c.user_id = ${uuid(userId)} AS isOwn, ${INTRODUCER} AS introducer,
            CASE c.issuer_id WHEN ${uuid(userId)} THEN 'own_code' WHEN ${uuid(contactId)} THEN 'their_code'
              ELSE CASE WHEN c.issuer_id IS NOT NULL THEN 'introduced' END END AS meeting,
            (SELECT tokens.id FROM tokens WHERE tokens.id = c.token_id AND tokens.user_id = ${uuid(userId)}) AS tokenId
          FROM contacts AS c JOIN users AS u ON u.id = ${uuid(contactId)}
          WHERE c.user_id = ${uuid(owner)} AND c.contact_id = ${uuid(other)} AND ${CONTACT_IS_ACTIVE}`;
      const rows = await db.all(
        sql`${link(userId, contactId)} UNION ALL ${link(contactId, userId)}`,
        LinkRow,
      );
      const [first] = rows;
      if (first === undefined) return null;
      const { id, firstName, lastName } = first;
      const of = (isOwn: boolean) => rows.find((row) => row.isOwn === isOwn) ?? null;
      return { id, firstName, lastName, own: of(true), theirs: of(false) };
    },
  };
}

const NameRow = v.object({ id: v.string(), name: v.nullable(v.string()), hasProvenEmail: flag });

export function createDisplayNames({ db }: StorageContext): DisplayNameStore {
  return {
    async find(ids) {
      if (ids.length === 0) return new Map();
      const rows = await db.all(
        sql`SELECT users.id, ${DISPLAY_NAME} AS name, users.verified_on IS NOT NULL AND ${USER_IS_ACTIVE} AS hasProvenEmail FROM users
          WHERE users.id IN ${idsIn(ids)}`,
        NameRow,
      );
      return new Map(rows.map(({ id, ...shown }) => [id, shown]));
    },
  };
}
