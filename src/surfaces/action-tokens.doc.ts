import * as v from "valibot";
import { HISTORY_STATES } from "../core/action-tokens.ts";
import { CONTACT_SEARCH_MAX } from "../core/contacts.ts";
import { ACTION_MAX_USES, TTL_SECONDS } from "../core/token.ts";
import type { RoutesOf, Parameter, SurfaceDoc } from "../openapi/description.ts";
import {
  inQuery,
  answer,
  anyJson,
  count,
  describe,
  errorAnswers,
  nextCursor,
  otpCode,
  PAGE,
  pathParameter,
  requestId,
  text,
  textOrNull,
  time,
  uuid,
  uuidOrNull,
} from "../openapi/shapes.ts";
import { type actionTokenRoutes, generateBody, HISTORY_ORDERS, run } from "./action-tokens.ts";

const { min, max } = TTL_SECONDS.action;

const Generate = generateBody(() => true).schema;

const token = {
  id: uuid,
  user_id: describe(uuid, "Who issued it."),
  action: text,
  payload: anyJson,
  audience: describe(uuidOrNull, "The only user who may run it; null for anyone who holds it."),
  max_uses: count,
  uses: count,
  expires_at: time,
  created_at: time,
  updated_at: time,
};
const ActionToken = v.object({ ...token, state: v.picklist(HISTORY_STATES) });
const IssuedActionToken = v.object({
  ...token,
  token: describe(text, "The secret. Shown only once."),
});
const Receipt = v.object({
  id: uuid,
  token_id: uuid,
  action: text,
  run_by: describe(
    uuid,
    "The user that it ran for: the caller, or the issuer if no one is logged in.",
  ),
  run_at: time,
});
/** What is added to these with each action: src/actions/api-document.ts. */
const ActionDone = v.unknown();
const BY_ACTION = { action: { type: "string", enum: [] }, payload: { anyOf: [] } };
const ActionTokenError = v.object({ message: text, code: otpCode });
const ActionTokenFailure = v.object({ message: text, request_id: requestId });
const ActionTokenFieldErrors = v.object({
  message: text,
  errors: v.record(v.string(), v.array(text)),
});
const ActionNotRun = v.object({
  status: v.literal("action_token_invalid"),
  message: text,
  reason: v.picklist(["unknown", "expired", "used", "revoked", "audience", "rejected"]),
});
const ActionUse = v.object({
  id: describe(uuid, "Of the receipt."),
  token_id: describe(uuidOrNull, "null where the token is no longer kept."),
  action: text,
  run_at: time,
  is_own: describe(v.boolean(), "You used it yourself."),
  name: describe(textOrNull, "Of who used it; null where they set none, or are gone."),
  contact_id: describe(uuidOrNull, "Their ID, if they are one of your contacts."),
});
const Contact = v.object({
  contact: v.object({ id: uuid, first_name: textOrNull, last_name: textOrNull }),
  created_at: time,
});
const Follower = v.object({
  ...Contact.entries,
  introduced_by: describe(textOrNull, "Their name; null where they set none, or it is not known."),
});

const idempotencyKey: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "The same request with the same key gets the same receipt again and runs nothing twice; another request is refused. A string of RFC 9651, with or without its quotes.",
  schema: v.pipe(v.string(), v.minLength(1)),
};

export const actionTokensDoc: SurfaceDoc<RoutesOf<typeof actionTokenRoutes>> = {
  title: "Action tokens",
  description:
    "Tokens that let whoever holds them run one action, a limited number of times. Laravel-style responses.",
  prefix: "ActionTokens",
  unfit: 422,
  wrongMediaType: 415,
  components: {
    GenerateActionToken: {
      schema: Generate,
      extra: { required: ["action", "payload"] },
      fields: {
        action: { ...BY_ACTION.action, description: "What the token can do." },
        payload: {
          anyOf: [{ type: "string" }],
          description: "What the action needs, or a string that contains it as JSON.",
        },
        ttl: {
          minimum: min,
          maximum: max,
          description: "Seconds; an hour by default.",
        },
        max_uses: {
          minimum: 1,
          maximum: ACTION_MAX_USES,
          description: "How often it can be run; once by default.",
        },
        audience: {
          description: "The ID of the only user who may run it; by default, anyone who holds it.",
        },
      },
    },
    RunActionToken: {
      schema: run.schema,
      fields: {
        token: { description: "The secret of an action token." },
        input: {
          anyOf: [{ type: "string" }, { type: "null" }],
          description:
            "What some actions take from the one who runs them, or a string that contains it as JSON.",
        },
      },
    },
    ActionToken: { schema: ActionToken, fields: BY_ACTION },
    IssuedActionToken: { schema: IssuedActionToken, fields: BY_ACTION },
    Receipt: { schema: Receipt, description: "One for each use." },
    ActionDone: {
      schema: ActionDone,
      extra: { oneOf: [] },
      description: "`data` depends on the action.",
    },
    ActionUse: { schema: ActionUse },
    Contact: { schema: Contact },
    Follower: { schema: Follower },
    ActionTokenError: { schema: ActionTokenError },
    ActionTokenFieldErrors: {
      schema: ActionTokenFieldErrors,
      description: "By field, what is wrong with it.",
    },
    ActionTokenFailure: { schema: ActionTokenFailure },
    ActionNotRun: { schema: ActionNotRun },
  },
  operations: {
    "POST /api/generate-action-token": {
      id: "generateActionToken",
      refuses: [507],
      summary: "Issue an action token",
      description: "A token that could never run is not issued.",
      body: Generate,
      answers: answer("The token, with its secret.", v.object({ token: IssuedActionToken })),
    },
    "POST /api/run-action-token": {
      id: "runActionToken",
      refuses: [507],
      summary: "Run an action token",
      description:
        "Runs for the caller if there is one, otherwise for its issuer. Some actions require a caller.",
      parameters: [idempotencyKey],
      answers: {
        200: { description: "Action completed.", schema: ActionDone },
        422: {
          description:
            "Why it did not run; or what is wrong, by field; or the Idempotency-Key belongs to another request.",
          schema: v.union([ActionNotRun, ActionTokenFieldErrors, ActionTokenError]),
        },
      },
    },
    "GET /api/action-tokens": {
      id: "listActionTokens",
      summary: "List your action tokens, newest first",
      description:
        "Those that can still run, if no other `state` is asked for. With a filter, 5,000 are looked at for a page; sorted by anything but `created`, your newest 5,000.",
      parameters: [
        inQuery("state", "`active` by default.", v.picklist([...HISTORY_STATES, "all"])),
        inQuery("action", "Of this action alone.", text),
        inQuery(
          "audience",
          "`anyone` who has the link, one `person`, or the user with this ID.",
          v.union([v.picklist(["anyone", "person"]), uuid]),
        ),
        inQuery("sort", 'With "-" in front: descending.', v.picklist(HISTORY_ORDERS)),
        ...PAGE,
      ],
      answers: answer(
        "A page of tokens, without their secrets.",
        v.object({ data: v.array(ActionToken), next_cursor: nextCursor }),
      ),
    },
    "GET /api/action-tokens/uses": {
      id: "listUses",
      summary: "List all uses",
      description:
        "Who used which, newest first; also of tokens that are no longer kept themselves.",
      parameters: [inQuery("action", "Of this action alone.", text), ...PAGE],
      answers: answer(
        "A page of uses.",
        v.object({ data: v.array(ActionUse), next_cursor: nextCursor }),
      ),
    },
    "GET /api/action-tokens/:id/uses": {
      id: "listTokenUses",
      summary: "List uses of a token",
      description: "Newest first, as long as the token is kept: two days after it expired.",
      parameters: [...pathParameter("id", "The token's `id`."), ...PAGE],
      answers: answer(
        "A page of uses.",
        v.object({ data: v.array(ActionUse), next_cursor: nextCursor }),
      ),
      refuses: [404],
    },
    "DELETE /api/action-tokens/:id": {
      id: "revokeActionToken",
      summary: "Revoke an action token",
      description: "It does not undo anything that the token was already used for.",
      parameters: pathParameter("id", "The token's `id`."),
      answers: { 204: { description: "Revoked." } },
      refuses: [404],
    },
    "DELETE /api/user/contacts/:id": {
      id: "removeContact",
      summary: "Remove a contact, and yourself from theirs",
      description:
        "It does not matter who added the other. If there is no such contact, nothing happens.",
      parameters: pathParameter("id", "The contact's `id`."),
      answers: { 204: { description: "Neither is a contact of the other." } },
      refuses: [404],
    },
    "GET /api/user/contacts/followers": {
      id: "listFollowers",
      summary: "List who else has you",
      description:
        "People to whom someone introduced you, and who are not in your contacts, newest first. `DELETE /api/user/contacts/{id}` removes you from their contacts. 10,000 of those who have you are looked at.",
      parameters: PAGE,
      answers: answer(
        "A page of them.",
        v.object({
          data: v.object({ contacts: v.array(Follower) }),
          next_cursor: nextCursor,
        }),
      ),
    },
    "GET /api/user/get-contacts": {
      id: "listContacts",
      summary: "List your contacts, newest first",
      description: "A contact's names are null until they have set them.",
      parameters: [
        ...PAGE,
        {
          name: "search",
          in: "query",
          description:
            "Words of the name, each of which must be in it. 10,000 contacts are searched.",
          schema: v.pipe(v.string(), v.maxLength(CONTACT_SEARCH_MAX)),
        },
      ],
      answers: answer(
        "A page of contacts.",
        v.object({
          data: v.object({ contacts: v.array(Contact) }),
          next_cursor: nextCursor,
        }),
      ),
    },
  },
  errors: {
    ...errorAnswers(
      { error: ActionTokenError, failure: ActionTokenFailure },
      [400, 401, 403, 404, 408, 409, 413, 415, 429, 507],
      {
        400: "The body is malformed, or more than one credential was sent.",
        404: "You have no such token.",
      },
    ),
    422: { description: "By field, what is wrong with it.", schema: ActionTokenFieldErrors },
  },
};
