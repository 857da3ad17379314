import sql from "sql-template-tag";
import * as v from "valibot";
import type { ContactStore } from "../core/contacts.ts";
import { type Audit, byCaller } from "./audit-sql.ts";
import type { Database } from "./database.ts";
import { pageOf, toPage } from "./paging.ts";
import { callerIsActive } from "./active-sql.ts";

const ContactRow = v.object({
  contact_id: v.string(),
  first_name: v.nullable(v.string()),
  last_name: v.nullable(v.string()),
  created_at: v.number(),
});

export function d1Contacts(db: Database, audit: Audit): ContactStore {
  return {
    async remove(caller, contactId, nowMs) {
      const { userId } = caller;
      const isActive = callerIsActive(caller, nowMs);
      const own = {
        what: "contact.removed" as const,
        ...byCaller(caller),
        subjectId: contactId,
      };
      // The other learns of it too, but not from where it was done.
      const others = { ...own, userId: contactId, subjectId: userId, hidesClient: true };
      const rows = await db.batch([
        sql`DELETE FROM contacts WHERE ((user_id = ${userId} AND contact_id = ${contactId})
            OR (user_id = ${contactId} AND contact_id = ${userId})) AND ${isActive}`,
        audit.after(own, nowMs),
        audit.after({ ...others, credentialId: null }, nowMs),
        sql`SELECT ${isActive} AS is_active`,
      ]);
      return v.parse(v.object({ is_active: v.number() }), rows.at(-1)?.[0]).is_active === 1;
    },

    async list(userId, page) {
      const { from, orderAndLimit } = pageOf(sql`c.contact_id`, sql`c.created_at`, page);
      const rows = await db.all(
        sql`SELECT c.contact_id, c.created_at, u.first_name, u.last_name
          FROM contacts AS c JOIN users AS u ON u.id = c.contact_id
          WHERE c.user_id = ${userId} AND u.deleted_on IS NULL AND u.disabled_on IS NULL AND ${from} ${orderAndLimit}`,
        ContactRow,
      );
      const contacts = rows.map((row) => ({
        id: row.contact_id,
        firstName: row.first_name,
        lastName: row.last_name,
        createdAtMs: row.created_at,
      }));
      return toPage(contacts, page);
    },
  };
}
