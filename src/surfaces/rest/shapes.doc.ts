import * as v from "valibot";
import { AUDIT_EVENTS } from "../../core/events.ts";
import {
  anyJson,
  count,
  nextCursor,
  describe,
  scope,
  text,
  time,
  uuid,
} from "../../openapi/shapes.ts";

/** What the answers of `/rest` are made of, in Opentact's form. */

export const success = <const S extends v.GenericSchema>(payload: S) =>
  v.strictObject({ success: v.literal(true), payload });

export const page = <const S extends v.GenericSchema>(payload: S) =>
  v.strictObject({ success: v.literal(true), payload, next_cursor: nextCursor });

export const Empty = v.strictObject({});

const orNull = v.nullable(text);

const user = {
  created_on: time,
  modified_on: time,
  uuid,
  email: describe(text, "As it compares: trimmed, NFKC, lower case, the domain as DNS has it."),
  phone_number: describe(orNull, "E.164."),
  first_name: orNull,
  last_name: orNull,
  dob: v.nullable(v.pipe(v.string(), v.isoDate())),
  gmail_user_id: describe(orNull, "The Google account that opens this one."),
  facebook_user_id: describe(orNull, "The Facebook account that opens this one."),
  apple_user_id: v.null(),
  wechat_user_id: v.null(),
  role: v.picklist(["User", "Admin"]),
  gender: orNull,
  deleted_on: v.nullable(time),
  email_verified: describe(
    v.boolean(),
    "Whether the e-mail is proven to be hers. Anybody may sign up with any other: match accounts by `uuid`, never by e-mail.",
  ),
  pending_email: describe(orNull, "What `email` becomes once its mailbox has proven it."),
  metadata: describe(v.record(v.string(), anyJson), "The deployment's own facts about her."),
};

export const Identity = v.strictObject({
  id: uuid,
  issuer: describe(text, "The first spelling of its `iss`."),
  subject: text,
  email: describe(orNull, "The account's e-mail when it was linked."),
  linked_on: time,
  last_used_on: describe(v.nullable(time), "To the hour."),
});

export const User = v.strictObject(user);
export const UserWithJwt = v.strictObject({
  ...user,
  token: describe(text, "A JWT for a day, or for as long as what it was got with."),
});
export const ChangedUser = v.strictObject({
  ...user,
  token: v.optional(
    describe(
      text,
      "After a new password, where the caller used a credential that it ended: a JWT to go on with.",
    ),
  ),
});

const times = { created_on: time, modified_on: time, expired_on: time };

export const ApiToken = v.strictObject({
  uuid,
  name: text,
  ...times,
  last_used_on: describe(v.nullable(time), "To the hour."),
  token_hint: describe(text, "Its prefix and last four characters."),
  scopes: v.array(scope),
});
export const IssuedApiToken = v.strictObject({
  name: text,
  ttl: describe(count, "Its whole life in seconds."),
  scopes: v.array(scope),
  token: describe(text, "The secret. It is shown this once."),
  uuid,
  ...times,
});
export const RevokedToken = v.strictObject({
  token: describe(text, "What was sent."),
  name: describe(orNull, "null for a JWT."),
  ...times,
});

const event = v.picklist(AUDIT_EVENTS);
const outcome = v.picklist(["done", "refused"]);
const idOrNull = v.nullable(uuid);
const timeOrNull = v.nullable(time);

export const AuditEvent = v.strictObject({
  uuid,
  when: time,
  what: event,
  outcome,
  actor_uuid: describe(idOrNull, "Who did it; null where nobody knows."),
  address: describe(orNull, "From where, as far as the deployment keeps it."),
  token_uuid: describe(idOrNull, "The token or JWT that was shown; null for a password."),
  subject_uuid: describe(idOrNull, "What was made, changed or ended."),
  request_id: orNull,
});

const kept = {
  uuid,
  created_on: time,
  modified_on: time,
  expired_on: time,
  revoked_on: timeOrNull,
};
const receipt = { uuid, token_uuid: uuid, action: text, run_by_uuid: uuid, run_on: time };
const rows = <const E extends v.ObjectEntries>(entries: E) =>
  v.optional(v.array(v.strictObject(entries)));

/** A page begins where the one before it ended, and so need not have all sections. */
export const Export = v.strictObject({
  user: rows({
    uuid,
    email: text,
    role: v.picklist(["User", "Admin"]),
    first_name: orNull,
    last_name: orNull,
    phone_number: orNull,
    dob: orNull,
    gender: orNull,
    created_on: time,
    modified_on: time,
    email_verified_on: timeOrNull,
    last_mail_on: timeOrNull,
    pending_email: orNull,
    former_email: orNull,
    former_email_until_on: timeOrNull,
    metadata: anyJson,
    identities: v.array(
      v.strictObject({
        issuer: text,
        subject: text,
        email: orNull,
        linked_on: time,
        last_used_on: timeOrNull,
      }),
    ),
    known_networks: v.array(v.strictObject({ network_digest: text, last_login_on: time })),
  }),
  api_tokens: rows({
    ...kept,
    name: text,
    token_hint: text,
    scopes: v.array(scope),
    last_used_on: timeOrNull,
    derived_from: v.nullable(v.array(uuid)),
    replaced_by_uuid: idOrNull,
  }),
  sessions: rows({ ...kept, last_used_on: timeOrNull, address: orNull }),
  logins: rows({
    ...kept,
    refreshed: count,
    refreshed_on: timeOrNull,
    last_used_on: timeOrNull,
    address: orNull,
  }),
  jwts: rows({ ...kept, kind: v.literal("jwt") }),
  action_tokens: rows({
    ...kept,
    action: text,
    payload: anyJson,
    audience: idOrNull,
    uses: count,
    max_uses: count,
    derived_from: v.nullable(v.array(uuid)),
  }),
  receipts_as_runner: rows({ ...receipt, data: anyJson, idempotency_key: orNull }),
  receipts_as_issuer: rows(receipt),
  contacts: rows({ contact_uuid: uuid, created_on: time }),
  notices: rows({
    uuid,
    email: text,
    kind: text,
    subject_uuid: idOrNull,
    happened_on: time,
  }),
  audit: rows({
    uuid,
    happened_on: time,
    what: event,
    outcome,
    actor_uuid: idOrNull,
    address: orNull,
    token_uuid: idOrNull,
    subject_uuid: idOrNull,
    request_id: orNull,
  }),
});
