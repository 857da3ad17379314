import sql from "sql-template-tag";
import * as v from "valibot";
import type { Condition } from "../core/action.ts";

/** What the token of a mail says: the address that it went to. */
export const Mailed = v.object({ email: v.string() });

/** Who holds the token has read that mailbox; it says nothing about another that came since. */
export const stillHers = (email: string, userId: string): Condition => ({
  holds: sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND email = ${email}
    AND deleted_on IS NULL AND disabled_on IS NULL)`,
  field: "email",
  message: "The e-mail of this account was changed after this was sent.",
});
