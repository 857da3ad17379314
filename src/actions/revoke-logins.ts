import sql from "sql-template-tag";
import * as v from "valibot";
import { actions } from "../console/words.ts";
import { REVOKE_LOGINS_ACTION } from "../core/notices.ts";
import { defineAction } from "./define-action.ts";
import { accountMatches } from "./email-tokens.ts";
import { uuid } from "../core/uuid.ts";

const words = actions.revokeLogins;

/** Revokes the log-ins that an email told of, with all JWTs that were derived from them. */
export const revokeLogins = defineAction({
  name: REVOKE_LOGINS_ACTION,
  needsCaller: false,
  isInternal: true,
  payload: v.object({ logins: v.array(v.pipe(v.string(), v.uuid())) }),
  answer: v.object({}),
  check: ({ issuerId }) => [{ holds: accountMatches(issuerId, sql`TRUE`), message: words.gone }],
  run: ({ payload: { logins }, issuerId, nowMs, once }) => ({
    writes: once(sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
      WHERE id IN (SELECT unhex(value, '-') FROM json_each(${JSON.stringify(logins)})) AND user_id = ${uuid(issuerId)}
        AND kind IN ('session', 'family') AND revoked_at IS NULL`),
    answer: {},
    event: "login.revoked",
    changes: { userId: issuerId, revokesCredentials: false, revokesLogins: logins },
  }),

  page: {
    title: words.title,
    note: actions.mailedNote,
    next: { text: words.next, href: "/console/forgotten" },
    asksForLogin: false,
    describe: () => ({ before: words.before, after: words.after }),
  },
});
