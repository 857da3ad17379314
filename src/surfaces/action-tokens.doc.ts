import * as v from "valibot";
import { NewContact } from "../actions/add-contact.ts";
import { ACTION_MAX_USES, TOKEN_KINDS } from "../core/token.ts";
import { generate, Run } from "./action-tokens.ts";
import {
  type Component,
  MEDIA,
  type Parameter,
  type SurfaceDocument,
} from "../openapi/operation.ts";
import {
  ALLOW,
  anyJson,
  CHALLENGE,
  count,
  nextCursor,
  ourFailures,
  PAGE,
  THROTTLED,
  requestId,
  describe,
  text,
  time,
  uuid,
} from "../openapi/shapes.ts";

const { minTtlSeconds, maxTtlSeconds } = TOKEN_KINDS.action;

const Generate = generate(() => true);

const shown = {
  id: uuid,
  user_id: describe(uuid, "Who issued it."),
  action: text,
  payload: describe(anyJson, "What the action was given, as a JSON value."),
  audience: describe(v.nullable(uuid), "The only user who may run it; null for whoever holds it."),
  max_uses: count,
  uses: count,
  expires_at: time,
  created_at: time,
  updated_at: time,
};
const ActionToken = v.strictObject(shown);
const IssuedActionToken = v.strictObject({
  ...shown,
  token: describe(text, "The secret. It is shown this once."),
});
const Receipt = v.strictObject({
  id: uuid,
  token_id: uuid,
  action: text,
  run_by: describe(uuid, "For whom it ran: the caller, or the issuer where nobody was logged in."),
  run_at: time,
});
const ActionDone = v.strictObject({
  status: v.literal("action_success"),
  action: text,
  data: describe(anyJson, "What the action answers: for `addContact`, `{contact_id, mutual}`."),
  receipt: Receipt,
});
const LaravelMessage = v.strictObject({ message: text });
const LaravelFailure = v.strictObject({ message: text, request_id: requestId });
const LaravelFields = v.strictObject({
  message: text,
  errors: v.record(v.string(), v.array(text)),
});
const NotRun = v.strictObject({
  status: v.literal("action_token_invalid"),
  message: text,
  reason: v.picklist(["unknown", "expired", "used", "revoked", "audience", "rejected"]),
});
const Contact = v.strictObject({
  contact: v.strictObject({
    id: uuid,
    first_name: v.nullable(text),
    last_name: v.nullable(text),
  }),
  created_at: time,
});

const components: Readonly<Record<string, Component>> = {
  GenerateActionToken: {
    schema: Generate,
    fields: {
      action: { enum: ["addContact"], description: "What the token can do." },
      payload: {
        description:
          "What the action is given: a JSON value, or a string that holds one. `addContact` takes `NewContact`.",
      },
      ttl: { minimum: minTtlSeconds, maximum: maxTtlSeconds, description: "Seconds." },
      max_uses: { minimum: 1, maximum: ACTION_MAX_USES, description: "How often it may be run." },
      audience: { description: "The id of the only user who may run it." },
    },
  },
  NewContact: { schema: NewContact, description: "The payload of the action `addContact`." },
  RunActionToken: {
    schema: Run,
    fields: {
      token: { description: "The secret of an action token." },
      input: { description: "What the action takes from whoever runs it, where it takes any." },
    },
  },
  ActionToken: { schema: ActionToken },
  IssuedActionToken: { schema: IssuedActionToken },
  Receipt: { schema: Receipt, description: "That it ran: once for each use." },
  ActionDone: { schema: ActionDone },
  Contact: { schema: Contact },
  LaravelMessage: { schema: LaravelMessage },
  LaravelFields: { schema: LaravelFields, description: "By field, what is wrong with it." },
  LaravelFailure: { schema: LaravelFailure },
  ActionNotRun: { schema: NotRun },
};

const idempotencyKey: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "The same request with the same key gets the same receipt again, and nothing runs twice; another request is refused. A string of RFC 9651, with or without its quotes.",
  schema: v.pipe(v.string(), v.minLength(1)),
};

export const actionTokensDocument: SurfaceDocument = {
  name: "action-tokens",
  title: "Action tokens",
  description:
    "Tokens that let whoever shows them run one action, a stated number of times. Answers as of Laravel.",
  prefix: "ActionTokens",
  unfit: 422,
  wrongMediaType: 415,
  components,
  operations: {
    "POST /api/generate-action-token": {
      id: "generateActionToken",
      summary: "Issue an action token",
      description: "A token that could never run is not issued.",
      access: "caller",
      scope: "actions:issue",
      body: { schema: Generate, media: MEDIA.fields },
      answers: {
        200: {
          description: "The token, with its secret.",
          schema: v.strictObject({ token: IssuedActionToken }),
        },
      },
    },
    "POST /api/run-action-token": {
      id: "runActionToken",
      summary: "Run an action token",
      description:
        "Runs for the caller if there is one, else for who issued the token; an action may demand a caller.",
      access: "anyone",
      scope: "actions:run",
      parameters: [idempotencyKey],
      body: { schema: Run, media: MEDIA.fields },
      answers: {
        200: { description: "It ran.", schema: ActionDone },
        422: {
          description:
            "It did not run, and why; or by field what is wrong; or the Idempotency-Key was used with another request.",
          schema: v.union([NotRun, LaravelFields, LaravelMessage]),
        },
      },
    },
    "GET /api/action-tokens": {
      id: "listActionTokens",
      summary: "List one's own action tokens that can still run, newest first",
      access: "caller",
      scope: "actions:issue",
      parameters: PAGE,
      answers: {
        200: {
          description: "A page of them, without their secrets.",
          schema: v.strictObject({ data: v.array(ActionToken), next_cursor: nextCursor }),
        },
      },
    },
    "DELETE /api/action-tokens/:id": {
      id: "endActionToken",
      summary: "End one of one's own action tokens",
      access: "caller",
      scope: "actions:issue",
      parameters: [{ name: "id", in: "path", description: "The token's `id`.", schema: text }],
      answers: { 204: { description: "Ended." } },
      refuses: [404],
    },
    "DELETE /api/user/contacts/:id": {
      id: "removeContact",
      summary: "Remove a contact, and oneself from theirs",
      description: "Whoever made the link; where there is none, nothing happens.",
      access: "caller",
      scope: "account:write",
      parameters: [{ name: "id", in: "path", description: "The contact's `id`.", schema: text }],
      answers: { 204: { description: "Neither has the other." } },
      refuses: [404],
    },
    "GET /api/user/get-contacts": {
      id: "listContacts",
      summary: "List one's contacts, newest first",
      access: "caller",
      scope: "account:read",
      parameters: PAGE,
      answers: {
        200: {
          description: "A page of them.",
          schema: v.strictObject({
            data: v.strictObject({ contacts: v.array(Contact) }),
            next_cursor: nextCursor,
          }),
        },
      },
    },
  },
  errors: {
    400: {
      description: "The body does not parse, or more than one credential was sent.",
      schema: LaravelMessage,
    },
    401: {
      description: "Nobody is logged in, or what was sent logs nobody in.",
      schema: LaravelMessage,
      headers: CHALLENGE,
    },
    403: {
      description:
        "The credential does not have the scope, which WWW-Authenticate names; or a page of another site sent it.",
      schema: LaravelMessage,
    },
    404: { description: "No such token among the caller's own.", schema: LaravelMessage },
    405: { description: "The path takes other methods.", schema: LaravelMessage, headers: ALLOW },
    409: {
      description: "This e-mail has an account that the ID token does not open.",
      schema: LaravelMessage,
    },
    408: { description: "The body did not arrive in time.", schema: LaravelMessage },
    413: { description: "The body is larger than 64 KiB.", schema: LaravelMessage },
    415: {
      description: "The body is neither JSON nor a form, or it is compressed.",
      schema: LaravelMessage,
    },
    422: { description: "By field, what is wrong with it.", schema: LaravelFields },
    429: { description: "Too many tries.", schema: LaravelMessage, headers: THROTTLED },
    ...ourFailures(LaravelFailure),
  },
};
