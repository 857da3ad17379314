import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Identities, Identity } from "../core/identity-ports.ts";
import { toUser, USER_COLUMNS, UserRow } from "./d1-users.ts";
import type { Audit } from "./audit-sql.ts";
import type { Database } from "./database.ts";
import { USER_STANDS } from "./standing-sql.ts";

export function d1Identities(db: Database, audit: Audit): Identities {
  return {
    async find(identity) {
      const row = await db.first(openedBy(identity), UserRow);
      return row === null ? null : toUser(row);
    },

    async open(identity, newUserId, nowMs) {
      const { issuer, subject, email } = identity;
      const verified = identity.emailVerified ? 1 : 0;
      const account = sql`INSERT INTO users (id, email, password, created_on, modified_on, verified_on)
        SELECT ${newUserId}, ${email}, '', ${nowMs}, ${nowMs}, ${verified === 1 ? nowMs : null}
        WHERE NOT EXISTS (SELECT 1 FROM identities WHERE issuer = ${issuer} AND subject = ${subject})
        ON CONFLICT (email) WHERE deleted_on IS NULL DO NOTHING`;
      // To the account that was just made, or to one whose owner has proven here what the issuer
      // says of her there. Both, or whoever signed up first with another's e-mail would be let in.
      const link = sql`INSERT INTO identities (issuer, subject, user_id, created_at)
        SELECT ${issuer}, ${subject}, id, ${nowMs} FROM users
        WHERE email = ${email} AND ${USER_STANDS}
          AND (id = ${newUserId} OR (${verified} = 1 AND verified_on IS NOT NULL))
        ON CONFLICT DO NOTHING`;
      const holder = sql`SELECT id FROM users WHERE email = ${email} AND ${USER_STANDS}`;
      const owner = sql`(SELECT user_id FROM identities WHERE issuer = ${issuer} AND subject = ${subject})`;
      const event = { credentialId: null, subjectId: null };
      const made = { what: "user.created" as const, ...event };
      const linked = { what: "identity.linked" as const, userId: owner, actorId: owner, ...event };
      const results = await db.batch([
        ...(newUserId === null
          ? []
          : [account, audit.after({ ...made, userId: newUserId, actorId: newUserId }, nowMs)]),
        link,
        audit.after(linked, nowMs),
        openedBy(identity),
        holder,
      ]);
      const [[row] = [], held = []] = results.slice(-2);
      if (row !== undefined) return toUser(v.parse(UserRow, row));
      return held.length > 0 ? "conflict" : null;
    },
  };
}

function openedBy({ issuer, subject }: Identity): Sql {
  return sql`SELECT ${USER_COLUMNS} FROM identities JOIN users ON users.id = identities.user_id
    WHERE identities.issuer = ${issuer} AND identities.subject = ${subject}
      AND ${USER_STANDS}`;
}
