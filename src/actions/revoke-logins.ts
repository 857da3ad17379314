import sql from "sql-template-tag";
import * as v from "valibot";
import { REVOKE_LOGINS_ACTION } from "../core/notices.ts";
import { defineAction } from "./define-action.ts";
import { accountMatches } from "./email-tokens.ts";

/** Revokes the log-ins that an email told of, with all JWTs that were derived from them. */
export const revokeLogins = defineAction({
  name: REVOKE_LOGINS_ACTION,
  needsCaller: false,
  isInternal: true,
  payload: v.object({ logins: v.array(v.pipe(v.string(), v.uuid())) }),
  answer: v.object({}),
  check: ({ issuerId }) => [
    { holds: accountMatches(issuerId, sql`TRUE`), message: "There is no such account any more." },
  ],
  run: ({ payload: { logins }, issuerId, nowMs, once }) => ({
    writes: once(sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
      WHERE id IN (SELECT value FROM json_each(${JSON.stringify(logins)})) AND user_id = ${issuerId}
        AND kind IN ('session', 'family') AND revoked_at IS NULL`),
    answer: {},
    event: "login.revoked",
    changes: { userId: issuerId, revokesCredentials: false, revokesLogins: logins },
  }),

  page: {
    title: "Log out that device",
    note: "Only someone who can read this inbox has the link.",
    next: { text: "Reset your password", href: "/console/forgotten" },
    asksForLogin: false,
    describe: () => ({
      before:
        "The session that the email told you about will be logged out. Your other sessions stay.",
      after:
        "Logged out. If that session wasn't yours, someone can log in to your account: reset your password, which logs out everything.",
    }),
  },
});
