import sql from "sql-template-tag";
import * as v from "valibot";
import { defineAction } from "./define-action.ts";

export const NewContact = v.object(
  {
    contact_id: v.pipe(
      v.string("must be a string"),
      v.uuid("must be a user's id"),
      v.toLowerCase(),
      v.title("Contact"),
      v.description("You, or somebody whom you introduce."),
      v.metadata({ form: "user" }),
    ),
  },
  "must be an object",
);

/**
 * Adds `contact_id` to the runner's contacts. If `contact_id` created the token, and so agreed, both
 * become contacts of each other. Repeating it changes nothing and succeeds.
 */
export const addContact = defineAction({
  name: "addContact",
  needsCaller: false,
  payload: NewContact,
  answer: v.object({
    contact_id: v.pipe(v.string(), v.uuid()),
    mutual: v.pipe(v.boolean(), v.description("Whether both are each other's contacts now.")),
  }),

  check: ({ payload: { contact_id } }) => [
    {
      holds: sql`EXISTS (SELECT 1 FROM users WHERE id = ${contact_id} AND deleted_on IS NULL AND disabled_on IS NULL)`,
      field: "contact_id",
      message: "This contact does not exist any more.",
    },
  ],

  run({ payload: { contact_id }, issuerId, runner, nowMs, once }) {
    if (contact_id === runner) return { rejected: "You cannot be your own contact." };
    const mutual = contact_id === issuerId;
    const links: [string, string][] = [[runner, contact_id]];
    if (mutual) links.push([contact_id, runner]);
    return {
      writes: links.map(([from, to]) =>
        once(sql`INSERT INTO contacts (user_id, contact_id, created_at)
          VALUES (${from}, ${to}, ${nowMs}) ON CONFLICT DO NOTHING`),
      ),
      answer: { contact_id, mutual },
    };
  },

  page: {
    title: "Become contacts",
    note: "You and whoever opens the link become each other's contacts. Or you introduce them to one of yours.",
    // Without a login it would run for its issuer, which is never what someone who scans it wants.
    asksForLogin: true,
    // Someone who did not create the token has not agreed to anything, so they are not named.
    referencedUserIds: ({ payload: { contact_id }, issuerId }) =>
      contact_id === issuerId ? [contact_id] : [],
    offered({ payload: { contact_id }, issuerId, runner }) {
      const has = (from: string, to: string) =>
        sql`EXISTS (SELECT 1 FROM contacts WHERE user_id = ${from} AND contact_id = ${to})`;
      const back = contact_id === issuerId ? has(contact_id, runner) : sql`TRUE`;
      return [
        {
          holds: sql`NOT (${has(runner, contact_id)} AND ${back})`,
          field: "contact_id",
          message: "You are contacts already.",
        },
      ];
    },
    describe({ payload: { contact_id }, issuerId, nameOf }) {
      if (contact_id !== issuerId) {
        return {
          before: "You get someone as a contact. You then see their first and last name.",
          after: "You have a new contact now.",
        };
      }
      const name = nameOf(contact_id);
      return {
        before: `You and ${name} become each other's contacts. Each of you then sees the other's first and last name.`,
        after: `You and ${name} are each other's contacts now.`,
      };
    },
  },
});
