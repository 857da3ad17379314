import sql from "sql-template-tag";
import * as v from "valibot";
import { actions } from "../console/words.ts";
import { defineAction } from "./define-action.ts";
import { uuid } from "../core/uuid.ts";

const words = actions.addContact;

export const NewContact = v.object(
  {
    contact_id: v.pipe(
      v.string("must be a string"),
      v.uuid("must be a user's id"),
      v.toLowerCase(),
      v.title(words.contact),
      v.description(words.contactHint),
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
    mutual: v.pipe(v.boolean(), v.description(words.mutualHint)),
  }),

  check: ({ payload: { contact_id } }) => [
    {
      holds: sql`EXISTS (SELECT 1 FROM users WHERE id = ${uuid(contact_id)} AND deleted_on IS NULL AND disabled_on IS NULL)`,
      field: "contact_id",
      message: words.gone,
    },
  ],

  run({ payload: { contact_id }, issuerId, runner, tokenId, nowMs, once }) {
    if (contact_id === runner) return { rejected: words.yourself };
    const mutual = contact_id === issuerId;
    const links: [string, string][] = [[runner, contact_id]];
    if (mutual) links.push([contact_id, runner]);
    return {
      writes: links.map(([from, to]) =>
        once(sql`INSERT INTO contacts (user_id, contact_id, created_at, token_id, issuer_id)
          VALUES (${uuid(from)}, ${uuid(to)}, ${nowMs}, ${uuid(tokenId)}, ${uuid(issuerId)}) ON CONFLICT DO NOTHING`),
      ),
      answer: { contact_id, mutual },
    };
  },

  page: {
    title: words.title,
    button: words.button,
    note: words.note,
    presets: [
      { uses: 1, seconds: 600 },
      { uses: 10, seconds: 86_400 },
      { uses: 100, seconds: 604_800 },
    ],
    next: { text: words.next, href: "/console/contacts" },
    // Without a login it would run for its issuer, which is never what someone who scans it wants.
    asksForLogin: true,
    // Someone who did not create the token has not agreed to anything, so they are not named.
    referencedUserIds: ({ payload: { contact_id }, issuerId }) =>
      contact_id === issuerId ? [contact_id] : [],
    offered({ payload: { contact_id }, issuerId, runner }) {
      const has = (from: string, to: string) =>
        sql`EXISTS (SELECT 1 FROM contacts WHERE user_id = ${uuid(from)} AND contact_id = ${uuid(to)})`;
      const back = contact_id === issuerId ? has(contact_id, runner) : sql`TRUE`;
      return [
        {
          holds: sql`NOT (${has(runner, contact_id)} AND ${back})`,
          field: "contact_id",
          message: words.already,
        },
      ];
    },
    describe({ payload: { contact_id }, issuerId, nameOf }) {
      return contact_id === issuerId ? words.mutual(nameOf(contact_id)) : words.introduced;
    },
  },
});
