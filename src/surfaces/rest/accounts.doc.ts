import * as v from "valibot";
import { ChangeUser, DeleteUser, SignUp } from "./fields.ts";
import { PasswordReset } from "./recovery.ts";
import { type Component, MEDIA, type Operation } from "../../openapi/operation.ts";
import {
  AuditEvent,
  ChangedUser,
  Empty,
  Export,
  Identity,
  page,
  success,
  User,
  UserWithJwt,
} from "./shapes.doc.ts";
import { anyJson, PAGE, describe, text } from "../../openapi/shapes.ts";

const EMAIL = { description: "5 to 80 characters once it is trimmed; compares in lower case." };
const PASSWORD = {
  description: "Taken exactly as sent; not all white space, and none of the most common ones.",
};
const NULL_CLEARS = { description: "null clears it." };
const PROFILE = {
  first_name: NULL_CLEARS,
  last_name: NULL_CLEARS,
  phone_number: { description: "E.164; null clears it." },
  dob: NULL_CLEARS,
  gender: NULL_CLEARS,
};

export const accountComponents: Readonly<Record<string, Component>> = {
  SignUp: { schema: SignUp, fields: { email: EMAIL, password: PASSWORD } },
  ChangeUser: {
    schema: ChangeUser,
    description: "At least one field to change; the others stay as they are.",
    extra: { minProperties: 1 },
    fields: {
      ...PROFILE,
      email: EMAIL,
      password: PASSWORD,
      current_password: { description: "A new e-mail or password needs it." },
    },
  },
  DeleteUser: {
    schema: DeleteUser,
    fields: { password: { description: "The account's own, where it has one." } },
  },
  PasswordReset: { schema: PasswordReset, fields: { email: EMAIL } },
  Identity: { schema: Identity },
  User: { schema: User },
  UserWithJwt: { schema: UserWithJwt },
  ChangedUser: { schema: ChangedUser },
  AuditEvent: { schema: AuditEvent },
  PersonalData: {
    schema: Export,
    description:
      "Lists by what is held. A page begins where the one before it ended, and has not all of them.",
  },
};

const read = { access: "caller", scope: "account:read" } as const;
const write = { access: "caller", scope: "account:write" } as const;

export const accountOperations: Readonly<Record<string, Operation>> = {
  "GET /rest/auth": {
    id: "authenticate",
    summary: "Say who one is, and get a JWT for a day",
    description:
      "Takes every way to log in. Also for gateways that ask by subrequest, such as nginx `auth_request`.",
    ...read,
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
    summary: "Make an account",
    access: "anyone",
    body: { schema: SignUp, media: MEDIA.json },
    answers: { 201: { description: "Made.", schema: success(User) } },
    refuses: [403, 409, 429],
  },
  "GET /rest/user": {
    id: "readUser",
    summary: "Read one's account",
    ...read,
    answers: { 200: { description: "The caller's account.", schema: success(User) } },
  },
  "PATCH /rest/user": {
    id: "changeUser",
    summary: "Change one's account, e-mail or password",
    description:
      "A new password ends every other credential of the account, JWTs and action tokens too. A new e-mail is `pending_email` until a mail to it was answered, and whether it is taken is not told; where the deployment sends no mail it counts at once, or is 409.",
    ...write,
    body: { schema: ChangeUser, media: MEDIA.json },
    answers: { 200: { description: "The account as it is now.", schema: success(ChangedUser) } },
    refuses: [409, 429],
  },
  "DELETE /rest/user": {
    id: "deleteUser",
    summary: "Delete one's account, and end every credential of it",
    ...write,
    description:
      "An account without a password is deleted by an ID token of the last ten minutes, as the caller's credential.",
    body: { schema: DeleteUser, media: MEDIA.json, isOptional: true },
    answers: { 200: { description: "Deleted.", schema: success(Empty) } },
  },
  "GET /rest/user/identities": {
    id: "listIdentities",
    summary: "List the accounts at OpenID issuers that open one's own",
    ...read,
    answers: { 200: { description: "All of them.", schema: page(v.array(Identity)) } },
  },
  "DELETE /rest/user/identities/:id": {
    id: "removeIdentity",
    summary: "Remove one of them",
    description:
      "Not the last way in. It can link again with an ID token that is issued later, where both sides have proven one e-mail.",
    ...write,
    parameters: [{ name: "id", in: "path", description: "Its `id`.", schema: text }],
    answers: { 200: { description: "Removed.", schema: success(Empty) } },
    refuses: [404, 409],
  },
  "GET /rest/user/export": {
    id: "exportUser",
    summary: "Everything that is held about one, page by page",
    description: "Needs the scope `tokens:read` too, for it lists tokens.",
    ...read,
    parameters: [
      {
        name: "cursor",
        in: "query",
        description: "The `next_cursor` of the page before.",
        schema: text,
      },
    ],
    answers: { 200: { description: "A page of it, nothing of it secret.", schema: page(Export) } },
  },
  "POST /rest/user/password_reset": {
    id: "requestPasswordReset",
    summary: "Have a mail sent by which a forgotten password is replaced",
    description:
      "The answer is the same whether there is such an account or not. The mail's token is run at `/api/run-action-token` with the new password as `input`.",
    access: "anyone",
    security: [],
    body: { schema: PasswordReset, media: MEDIA.json },
    answers: { 200: { description: "Taken.", schema: success(Empty) } },
  },
  "POST /rest/user/verify_email": {
    id: "requestEmailVerification",
    summary: "Have a mail sent that proves one's e-mail",
    description: "Nothing is sent where it is proven, or a mail went out a moment ago.",
    ...write,
    body: {
      schema: describe(anyJson, "It has no fields; what is sent is not read."),
      media: MEDIA.json,
      isOptional: true,
    },
    answers: { 200: { description: "Taken.", schema: success(Empty) } },
  },
  "GET /rest/audit": {
    id: "listAudit",
    summary: "What was done to one's account, newest first",
    ...read,
    parameters: PAGE,
    answers: { 200: { description: "A page of events.", schema: page(v.array(AuditEvent)) } },
  },
};
