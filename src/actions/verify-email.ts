import sql from "sql-template-tag";
import { defineAction } from "./define.ts";
import { Mailed, stillHers } from "./mailed.ts";

/**
 * Notes that the e-mail is hers. Whoever runs it must be logged in as well: else somebody who has
 * signed up with another's e-mail would only have to wait for the other to follow the link.
 */
export const verifyEmail = defineAction({
  name: "verifyEmail",
  needsCaller: true,
  isInternal: true,
  payload: Mailed,
  conditions: ({ email }, userId) => [stillHers(email, userId)],
  plan: ({ payload: { email }, issuerId, nowMs }) => ({
    writes: (claimed) => [
      sql`UPDATE users SET verified_on = COALESCE(verified_on, ${nowMs}), modified_on = ${nowMs}
        WHERE id = ${issuerId} AND ${claimed}`,
    ],
    data: { email },
    changes: { userId: issuerId, endsCredentials: false },
  }),

  page: {
    title: "Confirm your e-mail",
    about: "Whoever opens the link has read the mail that it came with.",
    asksForLogin: true,
    mentions: () => [],
    describe: () => ({
      will: "Your account notes that the mailbox which this link was sent to is yours.",
      done: "Your e-mail is confirmed.",
    }),
  },
});
