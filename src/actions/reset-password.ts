import sql from "sql-template-tag";
import * as v from "valibot";
import { type IsPwned, passwordProblem } from "../core/password-rules.ts";
import type { Passwords } from "../core/ports.ts";
import { defineAction } from "./define.ts";
import { Mailed, stillHers } from "./mailed.ts";

/** The rules of sign-up. The messages follow the field's name. */
const newPassword = (passwords: Passwords) =>
  v.pipe(
    v.string("must be a string"),
    v.rawCheck(({ dataset, addIssue }) => {
      const problem = dataset.typed ? passwordProblem(dataset.value) : null;
      if (problem !== null) addIssue({ message: problem });
    }),
    v.check((text) => !passwords.isCommon(text), "is among the most common ones: choose another"),
    v.title("New password"),
    v.description("8 characters or more"),
    v.metadata({ form: "password" }),
  );

/**
 * Sets the password that comes with the token, and ends every credential that there was: sessions,
 * JWTs, API tokens, and the action tokens, this one's siblings too. The mailbox answered, so the
 * e-mail is proven as well.
 */
export const resetPassword = (passwords: Passwords, isPwned: IsPwned) =>
  defineAction({
    name: "resetPassword",
    needsCaller: false,
    isInternal: true,
    isCostly: true,
    payload: Mailed,
    input: v.object({ password: newPassword(passwords) }, "must be an object"),
    conditions: ({ email }, userId) => [stillHers(email, userId)],
    async plan({ input: { password }, issuerId, nowMs }) {
      if (await isPwned(password)) return { rejected: "This password has leaked: choose another." };
      const hash = await passwords.hash(password);
      return {
        writes: (claimed) => [
          // Whoever signed up with this e-mail before it was proven to be theirs keeps no way in.
          sql`DELETE FROM identities WHERE user_id = ${issuerId} AND ${claimed}
            AND EXISTS (SELECT 1 FROM users WHERE id = ${issuerId} AND verified_on IS NULL)`,
          sql`UPDATE users SET password = ${hash}, ha1b = NULL, epoch = epoch + 1, modified_on = ${nowMs},
              verified_on = COALESCE(verified_on, ${nowMs})
            WHERE id = ${issuerId} AND ${claimed}`,
        ],
        data: {},
        changes: { userId: issuerId, endsCredentials: true },
      };
    },

    page: {
      title: "Choose a new password",
      about: "Whoever opens the link has read the mail that it came with.",
      asksForLogin: false,
      mentions: () => [],
      describe: () => ({
        will: "Your account gets the password that you enter here. All that is logged in to it is logged out, and all its API tokens and action tokens end.",
        done: "Your new password is set. Log in with it.",
      }),
    },
  });
