import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Condition } from "../core/action.ts";
import { UNDO_MS } from "../core/notices.ts";

/** What the token of a mail says: the address that it went to. */
export const MailedAddress = v.object({ email: v.string() });

/** The account that a mail speaks of, if this holds of it. */
export const accountMatches = (userId: string, holds: Sql): Sql =>
  sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${userId} AND ${holds}
    AND deleted_on IS NULL AND disabled_on IS NULL)`;

const CHANGED = "The e-mail of this account was changed after this was sent.";

/** Who holds the token has read that mailbox; it says nothing about another that came since. */
export const emailUnchanged = (email: string, userId: string): Condition => ({
  // guard: mail-to-an-old-address-is-void
  holds: accountMatches(userId, sql`email = ${email}`),
  field: "email",
  message: CHANGED,
});

export const emailCurrentOrPending = (email: string, userId: string): Condition => ({
  holds: accountMatches(userId, sql`(email = ${email} OR pending_email = ${email})`),
  field: "email",
  message: CHANGED,
});

/** An e-mail is one account's, also while its former one can still take it back. */
export const emailNotTaken = (email: string, userId: string): Condition => ({
  holds: sql`NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email = ${email}
      AND other.deleted_on IS NULL AND other.id <> ${userId}
    UNION ALL SELECT 1 FROM users AS other WHERE other.undo_email = ${email}
      AND other.undo_until > unixepoch() * 1000 AND other.id <> ${userId})`,
  field: "email",
  message: "This e-mail has another account.",
});

/** Only an e-mail that was proven, and has not come by such a change itself, can be put back. */
export function rememberForUndo(nowMs: number, isLeft: Sql): Sql {
  // guard: only-a-settled-email-comes-back
  const isSettled = sql`${isLeft} AND verified_on IS NOT NULL
    AND (undo_until IS NULL OR undo_until <= ${nowMs} OR undo_email = email)`;
  return sql`undo_email = CASE WHEN ${isSettled} THEN email ELSE undo_email END,
    undo_until = CASE WHEN ${isSettled} THEN ${nowMs + UNDO_MS} ELSE undo_until END`;
}
