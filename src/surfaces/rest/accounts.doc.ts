import * as v from "valibot";
import { AUDIT_EVENTS } from "../../core/events.ts";
import { profileEntries, type ProfileKind } from "../../core/user.ts";
import type { Component, RoutesOf, OperationDoc } from "../../openapi/description.ts";
import {
  inQuery,
  answer,
  anyJson,
  CURSOR,
  count,
  describe,
  nextCursor,
  PAGE,
  pathParameter,
  scope,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  uuidOrNull,
} from "../../openapi/shapes.ts";
import { type accountRoutes, reset } from "./accounts.ts";
import { ChangeUser, DeleteUser, SignUp } from "./fields.ts";

export const success = <const S extends v.GenericSchema>(payload: S) =>
  v.object({ success: v.literal(true), payload });

export const page = <const S extends v.GenericSchema>(payload: S) =>
  v.object({ success: v.literal(true), payload, next_cursor: nextCursor });

export const Empty = v.object({});

export const role = v.picklist(["User", "Admin"]);

const PROFILE_KINDS: Readonly<Record<ProfileKind, v.GenericSchema<string | null>>> = {
  text: textOrNull,
  phone: describe(textOrNull, "E.164."),
  date: v.nullable(v.pipe(v.string(), v.isoDate())),
};

export const User = v.object({
  created_on: time,
  modified_on: time,
  uuid,
  email: describe(text, "In its normal form: trimmed, NFKC, lowercase, the domain as in DNS."),
  ...profileEntries(({ kind }) => PROFILE_KINDS[kind]),
  gmail_user_id: describe(textOrNull, "The Google account that can log in to this one."),
  facebook_user_id: describe(textOrNull, "The Facebook account that can log in to this one."),
  apple_user_id: v.null(),
  wechat_user_id: v.null(),
  role,
  deleted_on: timeOrNull,
  email_verified: describe(
    v.boolean(),
    "Whether the user has proven that the email is theirs. Anyone can sign up with any other email: match accounts by `uuid`, never by email.",
  ),
  pending_email: describe(textOrNull, "What `email` becomes once the new mailbox is proven."),
  external_id: describe(
    v.nullable(v.union([v.string(), v.number()])),
    "Their id in the system that they came from.",
  ),
  metadata: describe(v.record(v.string(), anyJson), "The deployment's own facts about the user."),
});
export const UserWithJwt = v.intersect([
  User,
  v.object({
    token: describe(
      text,
      "A JWT, valid for a day by default, and no longer than the credential that it was obtained with.",
    ),
  }),
]);
const ChangedUser = v.intersect([
  User,
  v.object({
    token: v.optional(
      describe(
        text,
        "After a new password, if it revoked the caller's credential: a JWT to continue with.",
      ),
    ),
  }),
]);

const Identity = v.object({
  id: uuid,
  issuer: describe(text, "Its `iss`, in the first of its spellings."),
  subject: text,
  email: describe(textOrNull, "The account's email when the identity was linked."),
  linked_on: time,
  last_used_on: describe(timeOrNull, "Rounded down to the hour."),
});

const eventKind = v.picklist(AUDIT_EVENTS);
const outcome = v.picklist(["done", "refused"]);

export const AuditEvent = v.object({
  uuid,
  when: time,
  // Another version of the deployment may have had actions with events of their own.
  what: v.union([eventKind, text]),
  outcome,
  actor_uuid: describe(uuidOrNull, "Who did it; null if unknown, or an operator."),
  address: describe(textOrNull, "The client's address, as far as the deployment keeps it."),
  token_uuid: describe(uuidOrNull, "The token or JWT that authenticated; null for a password."),
  subject_uuid: describe(uuidOrNull, "What was created, changed or revoked."),
  request_id: textOrNull,
  by_operator: describe(v.boolean(), "Whether an operator of the service did it."),
});

const kept = {
  uuid,
  created_on: time,
  modified_on: time,
  expired_on: time,
  revoked_on: timeOrNull,
};
const recognized = {
  way: textOrNull,
  browser: textOrNull,
  system: textOrNull,
  country: textOrNull,
  city: textOrNull,
};
const exportedReceipt = { uuid, token_uuid: uuid, action: text, run_by_uuid: uuid, run_on: time };
const rows = <const E extends v.ObjectEntries>(entries: E) =>
  v.optional(v.array(v.object(entries)));

/** A page begins where the previous one ended, so it need not have all sections. */
export const PersonalData = v.object({
  user: rows({
    uuid,
    kind: v.picklist(["person", "service"]),
    email: text,
    role: role,
    ...profileEntries(() => textOrNull),
    created_on: time,
    modified_on: time,
    email_verified_on: timeOrNull,
    last_mail_on: timeOrNull,
    pending_email: textOrNull,
    former_email: textOrNull,
    former_email_until_on: timeOrNull,
    email_login_on: timeOrNull,
    external_id: v.nullable(v.union([v.string(), v.number()])),
    metadata: anyJson,
    identities: v.array(
      v.object({
        issuer: text,
        subject: text,
        email: textOrNull,
        linked_on: time,
        last_used_on: timeOrNull,
      }),
    ),
    second_factor_on: timeOrNull,
    recovery_codes_left: count,
  }),
  api_tokens: rows({
    ...kept,
    name: text,
    token_hint: text,
    scopes: v.array(scope),
    last_used_on: timeOrNull,
    derived_from: v.nullable(v.array(uuid)),
    replaced_by_uuid: uuidOrNull,
    metadata: anyJson,
    disabled_on: timeOrNull,
    allowed_ips: anyJson,
    meter: anyJson,
  }),
  sessions: rows({ ...kept, last_used_on: timeOrNull, address: textOrNull, ...recognized }),
  logins: rows({
    ...kept,
    refreshed: count,
    refreshed_on: timeOrNull,
    last_used_on: timeOrNull,
    address: textOrNull,
    ...recognized,
  }),
  jwts: rows({ ...kept, kind: v.literal("jwt") }),
  action_tokens: rows({
    ...kept,
    action: text,
    payload: anyJson,
    audience: uuidOrNull,
    uses: count,
    max_uses: count,
    derived_from: v.nullable(v.array(uuid)),
  }),
  receipts_as_runner: rows({ ...exportedReceipt, data: anyJson, idempotency_key: textOrNull }),
  receipts_as_issuer: rows(exportedReceipt),
  contacts: rows({
    contact_uuid: uuid,
    created_on: time,
    token_uuid: describe(uuidOrNull, "The action token over which they met."),
    issuer_uuid: describe(uuidOrNull, "Who had created it."),
  }),
  passkeys: rows({
    uuid,
    name: text,
    credential_id: text,
    public_key: describe(text, "A COSE_Key, in Base64url."),
    aaguid: uuidOrNull,
    transports: v.array(text),
    counter: count,
    backup_eligible: count,
    backed_up: count,
    created_on: time,
    last_used_on: timeOrNull,
  }),
  devices: rows({
    ...recognized,
    networks: v.array(
      v.object({
        network_digest: text,
        last_login_on: describe(time, "Rounded down to the hour."),
      }),
    ),
    first_seen_on: time,
    last_seen_on: time,
  }),
  notices: rows({
    uuid,
    email: text,
    kind: text,
    subject_uuid: uuidOrNull,
    login: anyJson,
    happened_on: time,
  }),
  audit: rows({
    uuid,
    happened_on: time,
    what: eventKind,
    outcome,
    actor_uuid: uuidOrNull,
    address: textOrNull,
    token_uuid: uuidOrNull,
    subject_uuid: uuidOrNull,
    request_id: textOrNull,
    by_operator: v.boolean(),
  }),
});

export const EMAIL = { description: "5 to 80 characters after trimming; compared in lowercase." };
const PASSWORD = {
  description: "Taken exactly as sent. Common passwords and passwords of only spaces are refused.",
};

export const accountComponents: Readonly<Record<string, Component>> = {
  SignUp: { schema: SignUp, fields: { email: EMAIL, password: PASSWORD } },
  ChangeUser: {
    schema: ChangeUser,
    description: "At least one field to change; the others stay as they are.",
    extra: { minProperties: 1 },
    fields: {
      ...profileEntries(({ kind }) => ({
        description: kind === "phone" ? "E.164; null clears it." : "null clears it.",
      })),
      email: EMAIL,
      password: PASSWORD,
      current_password: { description: "Required for a new email or password." },
    },
  },
  DeleteUser: {
    schema: DeleteUser,
    fields: { password: { description: "The account's password, if it has one." } },
  },
  PasswordReset: { schema: reset.schema, fields: { email: EMAIL } },
  Identity: { schema: Identity },
  User: { schema: User },
  UserWithJwt: { schema: UserWithJwt },
  ChangedUser: { schema: ChangedUser },
  AuditEventKind: { schema: eventKind },
  AuditEvent: { schema: AuditEvent },
  PersonalData: {
    schema: PersonalData,
    description:
      "Lists by kind. A page begins where the previous one ended, so it need not have all of them.",
  },
  Scope: { schema: scope, description: "What a token may do." },
};

/** Of acts that need one; `core/caller.ts` says which and why. */
export const FRESH_LOG_IN =
  "a log-in of the last ten minutes: an older one is answered 401 with `insufficient_user_authentication` (RFC 9470), an API token and what was obtained with one 403. Basic is always fresh.";

export const accountOperations: Readonly<Record<RoutesOf<typeof accountRoutes>, OperationDoc>> = {
  "GET /rest/auth": {
    id: "authenticate",
    summary: "Authenticate and get a 24-hour JWT",
    description:
      "Takes every kind of credential. Also for gateways that authenticate by subrequest, such as nginx `auth_request`.",
    parameters: [
      {
        name: "audience",
        in: "query",
        description:
          "Who the JWT is for, out of the deployment's audiences. A JWT for another audience than this service logs no one in here, and always names its scopes.",
        schema: text,
      },
    ],
    answers: {
      200: {
        description: "The caller's account, and a JWT.",
        schema: success(UserWithJwt),
        headers: { "X-Auth-User": "The account's `uuid`." },
      },
    },
  },
  "POST /rest/user": {
    id: "signUp",
    summary: "Create an account",
    description: "It does not log in: the account's email and password do, on every surface.",
    answers: { 201: { description: "Created.", schema: success(User) } },
    refuses: [403, 409, 429, 507],
  },
  "GET /rest/user": {
    id: "readUser",
    summary: "Get the current account",
    description: "The account that the credential belongs to.",
    answers: answer("The caller's account.", success(User)),
  },
  "PATCH /rest/user": {
    id: "changeUser",
    summary: "Change the profile, the email or the password",
    description:
      "A new password revokes every other credential of the account, JWTs and action tokens too. A new email is `pending_email` until it is proven by an email sent to it, and the answer does not tell whether it is taken. If the deployment sends no email, it counts at once, or the answer is 409. An account without a password needs no `current_password`, but " +
      FRESH_LOG_IN,
    answers: answer("The account as it is now.", success(ChangedUser)),
    refuses: [409, 429, 507],
  },
  "DELETE /rest/user": {
    id: "deleteUser",
    summary: "Delete the account and revoke all its credentials",
    description: `An account without a password needs ${FRESH_LOG_IN}`,
    answers: answer("Deleted.", success(Empty)),
  },
  "GET /rest/user/identities": {
    id: "listIdentities",
    summary: "List the OpenID identities that can log in",
    description: "At most one of each issuer.",
    answers: answer("All of them.", page(v.array(Identity))),
  },
  "DELETE /rest/user/identities/:id": {
    id: "removeIdentity",
    summary: "Remove an OpenID identity",
    description: `The last way to log in cannot be removed. An identity can link again with an ID token issued later, if both sides have proven the same email. Needs ${FRESH_LOG_IN}`,
    parameters: pathParameter("id", "The identity's `id`."),
    answers: answer("Removed.", success(Empty)),
    refuses: [404, 409],
  },
  "GET /rest/user/export": {
    id: "exportUser",
    summary: "Export all data about the account",
    description: `Page by page. Needs the scope \`tokens:read\` as well, because it lists tokens, and ${FRESH_LOG_IN}`,
    parameters: [CURSOR],
    answers: answer("A page of it, without secrets.", page(PersonalData)),
  },
  "POST /rest/user/password_reset": {
    id: "requestPasswordReset",
    summary: "Request a password reset email",
    description:
      "The answer is the same whether there is such an account or not. Run the token of the email at `/api/run-action-token`, with the new password as `input`.",
    security: [],
    answers: answer("Accepted.", success(Empty)),
  },
  "POST /rest/user/verify_email": {
    id: "requestEmailVerification",
    summary: "Request a verification email",
    description:
      "Nothing is sent if the email is proven already, or if an email was sent a moment ago.",
    answers: answer("Accepted.", success(Empty)),
  },
  "GET /rest/audit": {
    id: "listAudit",
    summary: "List the account's events, newest first",
    description:
      "What was done to the account, and attempts that were refused. With a filter, a page looks at 5,000 events: it may have few, or none, and yet not be the last. Times and IDs that fit no event find none.",
    parameters: [
      inQuery("what", "The kind of event.", text),
      inQuery("outcome", "How it ended.", v.picklist(["done", "refused"])),
      inQuery(
        "about",
        "The ID of what an event is about, or was done with: a token's history.",
        uuid,
      ),
      inQuery("from", "Not before.", time),
      inQuery("until", "Before.", time),
      ...PAGE,
    ],
    answers: answer("A page of events.", page(v.array(AuditEvent))),
  },
};
