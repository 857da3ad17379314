import * as v from "valibot";
import { AUDIT_EVENTS } from "../core/audit.ts";
import { anyJson, count, nextCursor, say, scope, text, time, uuid } from "./shapes.ts";

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
  email: say(text, "As it compares: trimmed, NFKC, lower case, the domain as DNS has it."),
  phone_number: say(orNull, "E.164."),
  first_name: orNull,
  last_name: orNull,
  dob: v.nullable(v.pipe(v.string(), v.isoDate())),
  gmail_user_id: say(orNull, "The Google account that opens this one."),
  facebook_user_id: say(orNull, "The Facebook account that opens this one."),
  apple_user_id: v.null(),
  wechat_user_id: v.null(),
  role: v.picklist(["User", "Admin"]),
  gender: orNull,
  deleted_on: v.nullable(time),
  email_verified: say(
    v.boolean(),
    "Whether the e-mail is proven to be hers. Anybody may sign up with any other: match accounts by `uuid`, never by e-mail.",
  ),
  pending_email: say(orNull, "What `email` becomes once its mailbox has proven it."),
  metadata: say(v.record(v.string(), anyJson), "The deployment's own facts about her."),
};

export const Identity = v.strictObject({
  id: uuid,
  issuer: say(text, "The first spelling of its `iss`."),
  subject: text,
  email: say(orNull, "The account's e-mail when it was linked."),
  linked_on: time,
  last_used_on: say(v.nullable(time), "To the hour."),
});

export const User = v.strictObject(user);
export const UserWithJwt = v.strictObject({
  ...user,
  token: say(text, "A JWT for a day, or for as long as what it was got with."),
});
export const ChangedUser = v.strictObject({
  ...user,
  token: v.optional(
    say(
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
  last_used_on: say(v.nullable(time), "To the hour."),
  token_hint: say(text, "Its prefix and last four characters."),
  scopes: v.array(scope),
});
export const IssuedApiToken = v.strictObject({
  name: text,
  ttl: say(count, "Its whole life in seconds."),
  scopes: v.array(scope),
  token: say(text, "The secret. It is shown this once."),
  uuid,
  ...times,
});
export const EndedToken = v.strictObject({
  token: say(text, "What was sent."),
  name: say(orNull, "null for a JWT."),
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
  actor_uuid: say(idOrNull, "Who did it; null where nobody knows."),
  address: say(orNull, "From where, as far as the deployment keeps it."),
  token_uuid: say(idOrNull, "The token or JWT that was shown; null for a password."),
  subject_uuid: say(idOrNull, "What was made, changed or ended."),
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
