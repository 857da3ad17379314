import sql from "sql-template-tag";
import * as v from "valibot";
import { actions } from "../console/words.ts";
import type { PersonalTable } from "../core/action.ts";
import { PASSKEYS_MAX } from "../core/passkeys.ts";
import { type IsPwned, passwordProblem, type Passwords } from "../core/passwords.ts";
import { defineAction } from "./define-action.ts";
import { MailedAddress, emailUnchanged } from "./email-tokens.ts";
import { erasedProfile, eraseIfUnproven } from "./unproven.ts";
import { uuid } from "../core/uuid.ts";

const words = actions.resetPassword;

/** The same rules as for sign-up. Messages follow the field's name. */
const newPassword = (passwords: Passwords) =>
  v.pipe(
    v.string("must be a string"),
    v.rawCheck(({ dataset, addIssue }) => {
      const problem = dataset.typed ? passwordProblem(dataset.value) : null;
      if (problem !== null) addIssue({ message: problem });
    }),
    v.check((text) => !passwords.isCommon(text), "is among the most common ones: choose another"),
    v.title(words.password),
    v.description(words.passwordHint),
    v.metadata({ form: "password" }),
  );

const passkeysToKeep = v.pipe(
  v.array(v.pipe(v.string("must be a string"), v.uuid("must be a UUID")), "must be a list"),
  v.maxLength(PASSKEYS_MAX, `must have at most ${PASSKEYS_MAX} items`),
  v.title(words.passkeys),
  v.description(words.passkeysHint),
  v.metadata({ form: "passkeys" }),
);

/**
 * Sets a new password and revokes every credential: sessions, JWTs, API tokens, linked identities, passkeys that are
 * not named, and action tokens, including other reset tokens. Whoever holds the token can read the mailbox, so the
 * email is verified too.
 */
export const resetPassword = (
  passwords: Passwords,
  isPwned: IsPwned,
  tables: readonly PersonalTable[],
) =>
  defineAction({
    name: "resetPassword",
    needsCaller: false,
    // guard: nobody-issues-resets
    isInternal: true,
    isExpensive: true,
    payload: MailedAddress,
    input: v.object(
      { password: newPassword(passwords), keep_passkeys: v.optional(passkeysToKeep) },
      "must be an object",
    ),
    answer: v.object({}),
    check: ({ payload: { email }, issuerId }) => [emailUnchanged(email, issuerId)],
    async run({ input: { password, keep_passkeys: kept = [] }, issuerId, nowMs, once }) {
      if (await isPwned(password)) return { rejected: words.leaked };
      const hash = await passwords.hash(password);
      return {
        writes: [
          once(sql`DELETE FROM identities WHERE user_id = ${uuid(issuerId)}`),
          // guard: reset-keeps-only-named-passkeys
          once(sql`DELETE FROM passkeys WHERE user_id = ${uuid(issuerId)}
            AND id NOT IN (SELECT unhex(value, '-') FROM json_each(${JSON.stringify(kept)}))`),
          ...eraseIfUnproven(issuerId, tables, nowMs).map(once),
          // guard: reset-revokes-all
          once(sql`UPDATE users SET password = ${hash}, ha1b = NULL, credential_version = credential_version + 1, modified_on = ${nowMs},
              identities_revoked_on = ${nowMs}, verified_on = COALESCE(verified_on, ${nowMs}), pending_email = NULL,
              ${erasedProfile()}
            WHERE id = ${uuid(issuerId)}`),
        ],
        answer: {},
        event: "password.changed",
        changes: {
          userId: issuerId,
          // guard: reset-leaves-a-tombstone
          revokesCredentials: true,
          keepsUndo: true,
          notice: { kind: "password_changed", if: sql`TRUE` },
        },
      };
    },

    page: {
      title: words.title,
      button: words.button,
      note: actions.mailedNote,
      next: { text: words.next, href: "/console/login" },
      renew: { text: words.renew, href: "/console/forgotten" },
      asksForLogin: false,
      describe: ({ payload: { email }, text }) => ({
        before: words.before(text(email)),
        after: words.after,
      }),
    },
  });
