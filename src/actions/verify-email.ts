import sql from "sql-template-tag";
import { actions } from "../console/words.ts";
import { defineAction } from "./define-action.ts";
import {
  accountMatches,
  emailCurrentOrPending,
  rememberForUndo,
  MailedAddress,
  emailNotTaken,
  ProvenEmail,
} from "./email-tokens.ts";
import { uuid } from "../core/uuid.ts";

const words = actions.verifyEmail;

/**
 * Marks the email as verified; a pending new email replaces the old one. The user must be logged in too.
 * Otherwise someone who signed up with another person's email would only have to wait until that person
 * follows the link.
 */
export const verifyEmail = defineAction({
  name: "verifyEmail",
  // guard: email-is-proven-by-its-account
  needsCaller: true,
  isInternal: true,
  payload: MailedAddress,
  answer: ProvenEmail,
  check: ({ payload: { email }, issuerId }) => [
    emailCurrentOrPending(email, issuerId),
    emailNotTaken(email, issuerId),
  ],
  run({ payload: { email }, issuerId, nowMs, once }) {
    const isNew = sql`email <> ${email}`;
    return {
      writes: [
        // What was linked under the old one may be another's.
        once(sql`DELETE FROM identities WHERE user_id = ${uuid(issuerId)} AND email IS NOT ${email}
          AND ${accountMatches(issuerId, isNew)}`),
        once(sql`UPDATE users SET ${rememberForUndo(nowMs, isNew)},
            verified_on = CASE WHEN ${isNew} THEN ${nowMs} ELSE COALESCE(verified_on, ${nowMs}) END,
            ha1b = CASE WHEN ${isNew} THEN NULL ELSE ha1b END,
            identities_revoked_on = CASE WHEN ${isNew} THEN ${nowMs} ELSE identities_revoked_on END,
            pending_email = CASE WHEN ${isNew} THEN NULL ELSE pending_email END,
            email = ${email}, modified_on = ${nowMs}
          WHERE id = ${uuid(issuerId)}`),
      ],
      answer: { email },
      event: sql`CASE WHEN ${accountMatches(issuerId, isNew)} THEN 'email.changed' ELSE 'email.verified' END`,
      changes: {
        userId: issuerId,
        revokesCredentials: false,
        notice: { kind: "email_changed", if: accountMatches(issuerId, isNew) },
      },
    };
  },

  page: {
    title: words.title,
    note: actions.mailedNote,
    next: { text: words.next, href: "/console/account" },
    renew: { text: words.renew, href: "/console/account" },
    asksForLogin: true,
    describe: ({ payload: { email }, text }) => ({
      before: words.before(text(email)),
      after: words.after(text(email)),
    }),
  },
});
