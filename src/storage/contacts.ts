import sql from "sql-template-tag";
import * as v from "valibot";
import type { DisplayNameStore } from "../core/action-pages.ts";
import type { ContactStore } from "../core/contacts.ts";
import type { StorageContext } from "./context.ts";
import { pageOf, toPage } from "./d1.ts";
import { byCaller } from "./events.ts";
import { callerIsActive } from "./revocation.ts";
import { DISPLAY_NAME } from "./user-rows.ts";

const ContactRow = v.object({
  id: v.string(),
  firstName: v.nullable(v.string()),
  lastName: v.nullable(v.string()),
  createdAtMs: v.number(),
});

export function createContacts({ db, events }: StorageContext): ContactStore {
  return {
    async remove(caller, contactId, nowMs) {
      const { userId } = caller;
      const isActive = callerIsActive(caller, nowMs);
      const own = {
        what: "contact.removed" as const,
        ...byCaller(caller),
        subjectId: contactId,
      };
      // The other one has an event too, but does not learn where it was done.
      const others = { ...own, userId: contactId, subjectId: userId, hidesClient: true };
      const { asked } = await db.batch({
        deleted: sql`DELETE FROM contacts WHERE ((user_id = ${userId} AND contact_id = ${contactId})
            OR (user_id = ${contactId} AND contact_id = ${userId})) AND ${isActive}`,
        own: events.after(own, nowMs),
        others: events.after({ ...others, credentialId: null }, nowMs),
        asked: sql`SELECT ${isActive} AS is_active`,
      });
      return v.parse(v.object({ is_active: v.number() }), asked[0]).is_active === 1;
    },

    async list(userId, page) {
      const { from, orderAndLimit } = pageOf(sql`c.contact_id`, sql`c.created_at`, page);
      const rows = await db.all(
        sql`SELECT c.contact_id AS id, c.created_at AS createdAtMs, u.first_name AS firstName, u.last_name AS lastName
          FROM contacts AS c JOIN users AS u ON u.id = c.contact_id
          WHERE c.user_id = ${userId} AND u.deleted_on IS NULL AND u.disabled_on IS NULL AND ${from} ${orderAndLimit}`,
        ContactRow,
      );
      return toPage(rows, page);
    },
  };
}

const NameRow = v.object({ id: v.string(), name: v.nullable(v.string()) });

export function createDisplayNames({ db }: StorageContext): DisplayNameStore {
  return {
    async names(ids) {
      if (ids.length === 0) return new Map();
      const rows = await db.all(
        sql`SELECT users.id, ${DISPLAY_NAME} AS name FROM users
          WHERE users.id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
        NameRow,
      );
      return new Map(rows.flatMap(({ id, name }) => (name === null ? [] : [[id, name]])));
    },
  };
}
