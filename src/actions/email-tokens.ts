import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import { actions as words } from "../console/words.ts";
import type { Condition } from "../core/action.ts";
import { UNDO_MS } from "../core/notices.ts";
import { uuid } from "../core/uuid.ts";

/** The payload of a token sent by email: the address it was sent to. */
export const MailedAddress = v.object({ email: v.string() });

/** The answer of a run that proves an email. */
export const ProvenEmail = v.object({ email: v.string() });

/** Whether the account exists, is enabled, and `holds` is true for it. */
export const accountMatches = (userId: string, holds: Sql): Sql =>
  sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${uuid(userId)} AND ${holds}
    AND deleted_on IS NULL AND disabled_on IS NULL)`;

/** Holding the token proves access to that mailbox only, not to an address set later. */
export const emailUnchanged = (email: string, userId: string): Condition => ({
  // guard: mail-to-an-old-address-is-void
  holds: accountMatches(userId, sql`email = ${email}`),
  field: "email",
  message: words.emailChanged,
});

export const emailCurrentOrPending = (email: string, userId: string): Condition => ({
  holds: accountMatches(userId, sql`(email = ${email} OR pending_email = ${email})`),
  field: "email",
  message: words.emailChanged,
});

/** An email belongs to one account, also while its former account can still undo a change away from it. */
export const emailNotTaken = (email: string, userId: string): Condition => ({
  holds: sql`NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email = ${email}
      AND other.deleted_on IS NULL AND other.id <> ${uuid(userId)}
    UNION ALL SELECT 1 FROM users AS other WHERE other.undo_email = ${email}
      AND other.undo_until > unixepoch() * 1000 AND other.id <> ${uuid(userId)})`,
  field: "email",
  message: words.emailTaken,
});

/** Only a verified email that is not itself the result of a recent change can be restored. */
export function rememberForUndo(nowMs: number, isReplaced: Sql): Sql {
  // guard: only-a-settled-email-comes-back
  const isSettled = sql`${isReplaced} AND verified_on IS NOT NULL
    AND (undo_until IS NULL OR undo_until <= ${nowMs} OR undo_email = email)`;
  return sql`undo_email = CASE WHEN ${isSettled} THEN email ELSE undo_email END,
    undo_until = CASE WHEN ${isSettled} THEN ${nowMs + UNDO_MS} ELSE undo_until END`;
}
