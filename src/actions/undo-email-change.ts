import sql, { raw } from "sql-template-tag";
import { actions } from "../console/words.ts";
import { UNDO_ACTION, UNDO_MS } from "../core/notices.ts";
import { defineAction } from "./define-action.ts";
import { accountMatches, emailNotTaken, MailedAddress, ProvenEmail } from "./email-tokens.ts";
import { uuid } from "../core/uuid.ts";

const words = actions.undoEmailChange;

/** Confirmed since the email was changed; what is older is the owner's. */
const isOfTheChange = (
  userId: string,
) => sql`EXISTS (SELECT 1 FROM second_factors JOIN users ON users.id = second_factors.user_id
  WHERE users.id = ${uuid(userId)} AND confirmed_at >= users.undo_until - ${UNDO_MS})`;

/**
 * Restores a changed email for its mailbox. Whoever changed it knew the password, so the password and all
 * credentials go, except identities linked under that email before the change; the owner then resets the password.
 * All other undo tokens are revoked too, so that an address set in between cannot undo this in turn.
 */
export const undoEmailChange = defineAction({
  name: UNDO_ACTION,
  needsCaller: false,
  isInternal: true,
  payload: MailedAddress,
  answer: ProvenEmail,
  check: ({ payload: { email }, issuerId }) => [
    {
      holds: accountMatches(issuerId, sql`undo_email = ${email}`),
      field: "email",
      message: words.over,
    },
    emailNotTaken(email, issuerId),
  ],
  run: ({ payload: { email }, issuerId, nowMs, once }) => ({
    writes: [
      once(sql`DELETE FROM identities WHERE user_id = ${uuid(issuerId)} AND (email IS NOT ${email}
        OR created_at >= (SELECT undo_until - ${UNDO_MS} FROM users WHERE id = ${uuid(issuerId)}))`),
      // Whoever changed the email could add passkeys; no email says whose they are.
      once(sql`DELETE FROM passkeys WHERE user_id = ${uuid(issuerId)}`),
      // Whoever changed the email may have added it, to keep the owner out.
      ...["recovery_codes", "second_factors"].map((table) =>
        once(
          sql`DELETE FROM ${raw(table)} WHERE user_id = ${uuid(issuerId)} AND ${isOfTheChange(issuerId)}`,
        ),
      ),
      once(sql`UPDATE users SET email = ${email}, verified_on = ${nowMs}, pending_email = NULL, undo_email = NULL,
          undo_until = NULL, password = '', ha1b = NULL, credential_version = credential_version + 1,
          identities_revoked_on = ${nowMs}, modified_on = ${nowMs}
        WHERE id = ${uuid(issuerId)}`),
    ],
    answer: { email },
    event: "email.restored",
    changes: {
      userId: issuerId,
      revokesCredentials: true,
      notice: { kind: "email_restored", if: sql`TRUE` },
    },
  }),

  page: {
    title: words.title,
    note: actions.mailedNote,
    next: { text: words.next, href: "/console/forgotten" },
    asksForLogin: false,
    describe: ({ payload: { email }, text }) => ({
      before: words.before(text(email)),
      after: words.after,
    }),
  },
});
