import type { HonoRequest } from "hono";
import * as v from "valibot";
import {
  type ActionTokens,
  type ActionUses,
  HISTORY_SORTS,
  HISTORY_STATES,
  type HistoryFilter,
  type HistoryOrder,
  type HistoryState,
  NEWEST_FIRST,
  type Use,
  type UsedToken,
} from "../core/action-tokens.ts";
import { CONTACT_SEARCH_MAX, type Contact, type OwnContacts } from "../core/contacts.ts";
import { DERIVATION_FAULTS } from "../core/fault.ts";
import type { Page } from "../core/page.ts";
import type { TokenStatus } from "../core/token-diagnosis.ts";
import { ACTION_MAX_USES, type ActionToken, type Json, TTL_SECONDS } from "../core/token.ts";
import { isQuicklyParsed, readFields } from "../http/body.ts";
import {
  type Body,
  decode,
  idempotencyKey,
  isStorableJson,
  JSON_OR_FORM,
  losesDigits,
  pathId,
  storable,
} from "../http/fields.ts";
import { nestedFields } from "../http/form.ts";
import {
  cursorText,
  queryId,
  queryText,
  queryValue,
  queryWord,
  readPage,
  refuseField,
} from "../http/query.ts";
import { OTP_CODE, OTP_REQUIRED, refusals } from "../http/refusals.ts";
import { defineRoutes, isoTime, ok, type Surface } from "../http/surface.ts";

const { action: TTL } = TTL_SECONDS;

const required = (path: string) => `The ${path.replaceAll("_", " ")} field is required.`;
const messages = { required, unknown: (path: string) => `The ${path} field is not supported.` };

/** Laravel trims text, and takes null and what is then empty for missing. */
const text = (field: string) =>
  v.pipe(
    v.string(({ input }) => (input === null ? required(field) : `The ${field} must be a string.`)),
    v.trim(),
    v.minLength(1, required(field)),
    storable(`The ${field} format is invalid.`),
  );

/** Laravel's `integer` takes digits in a string too, as a form sends them. */
const wholeNumber = (field: string, min: number, max: number, otherwise: number) =>
  v.nullish(
    v.pipe(
      v.union(
        [
          v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number)),
          v.pipe(v.number(), v.integer(`The ${field} must be an integer.`)),
        ],
        `The ${field} must be an integer.`,
      ),
      v.minValue(min, `The ${field} must be between ${min} and ${max}.`),
      v.maxValue(max, `The ${field} must be between ${min} and ${max}.`),
    ),
    otherwise,
  );

/** A JSON value, or a string that holds one. */
const json = (field: string) =>
  v.pipe(
    v.unknown(),
    v.rawTransform<unknown, Json>(({ dataset, addIssue, NEVER }) => {
      const value = typeof dataset.value === "string" ? tryParse(dataset.value) : dataset.value;
      if (!isStorableJson(value)) {
        addIssue({ message: `The ${field} must be a valid JSON string.` });
        return NEVER;
      }
      if (losesDigits(value)) {
        const message = `The ${field} has a number that would lose digits: send it as text.`;
        addIssue({ message });
        return NEVER;
      }
      return value === dataset.value ? tidied(value) : value;
    }),
  );

export const HISTORY_ORDERS = HISTORY_SORTS.flatMap((each) => [each, `-${each}`] as const);

const INVALID_KEY = "The Idempotency-Key must be 1 to 255 printable characters.";
const SELECTED_ACTION = "The selected action is invalid.";

const fieldsBody = <const S extends v.GenericSchema>(schema: S): Body<v.InferOutput<S>> => ({
  schema,
  media: JSON_OR_FORM,
  read: async (request) => decode(schema, await readBody(request), messages),
});

/** Strict: a limit that is not understood would be no limit. */
export const generateBody = (isAction: (name: string) => boolean) =>
  fieldsBody(
    v.strictObject({
      action: v.pipe(text("action"), v.check(isAction, SELECTED_ACTION)),
      payload: v.optional(json("payload"), null),
      ttl: wholeNumber("ttl", TTL.min, TTL.max, TTL.default),
      max_uses: wholeNumber("max uses", 1, ACTION_MAX_USES, 1),
      audience: v.nullish(v.pipe(text("audience"), v.toLowerCase()), null),
    }),
  );

export const run = fieldsBody(
  v.object({ token: text("token"), input: v.optional(json("input"), null) }),
);

/** Contract `action-tokens`: the backend of a contact-tracing app, in Laravel's shapes. */
export const actionTokens = (
  tokens: ActionTokens,
  uses: ActionUses,
  contacts: OwnContacts,
): Surface => ({
  name: "action-tokens",
  owns: (path) => path.startsWith("/api/"),
  refuse,
  routes: actionTokenRoutes(tokens, uses, contacts),
});

export function actionTokenRoutes(
  tokens: ActionTokens,
  uses: ActionUses,
  ownContacts: OwnContacts,
) {
  const generate = generateBody(tokens.isIssuable);
  return defineRoutes([
    {
      method: "POST",
      path: "/api/generate-action-token",
      scope: "actions:issue",
      access: "caller",
      body: generate,
      async handle({ request, nowMs }, caller) {
        const { action, payload, ttl, max_uses, audience } = await generate.read(request);
        const issue = { action, payload, ttlSeconds: ttl, maxUses: max_uses, audience };
        const { token, secret } = await tokens.issue(caller, issue, nowMs);
        return ok({ token: { ...toJson(token), token: secret } });
      },
    },
    {
      method: "POST",
      path: "/api/run-action-token",
      scope: "actions:run",
      access: "anyone",
      body: run,
      async handleMeanwhile({ request, nowMs }, caller) {
        const key = idempotencyKey(request, INVALID_KEY);
        const { token, input } = await run.read(request);
        const receipt = await tokens.run(token, input, caller, key, nowMs);
        return ok({
          status: "action_success",
          action: receipt.action,
          data: receipt.data,
          receipt: {
            id: receipt.id,
            token_id: receipt.tokenId,
            action: receipt.action,
            run_by: receipt.runBy,
            run_at: isoTime(receipt.runAtMs),
          },
        });
      },
    },
    {
      method: "GET",
      path: "/api/action-tokens",
      scope: "actions:issue",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const page = readPage(request);
        const asked = historyIn(request, tokens.isIssuable);
        const { items, next } =
          asked === null
            ? await tokens.list(caller, page, nowMs)
            : await uses.history(caller, asked.filter, asked.order, page, nowMs);
        const listed = items.map((item) =>
          "token" in item
            ? { ...toJson(item.token), state: stateOf(item.status) }
            : { ...toJson(item), state: "active" },
        );
        return ok({ data: listed, next_cursor: cursorText(next) });
      },
    },
    {
      method: "GET",
      path: "/api/action-tokens/uses",
      scope: "actions:issue",
      access: "caller",
      async handle({ request }, caller) {
        const action = queryText(request, "action");
        if (action !== undefined && !tokens.isIssuable(action)) {
          refuseField("action", SELECTED_ACTION);
        }
        return usesToJson(await uses.allRuns(caller, action, readPage(request)));
      },
    },
    {
      method: "GET",
      path: "/api/action-tokens/:id/uses",
      scope: "actions:issue",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const id = pathId(request, "id");
        return usesToJson(await uses.usesOf(caller, id, readPage(request), nowMs));
      },
    },
    {
      method: "DELETE",
      path: "/api/action-tokens/:id",
      scope: "actions:issue",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        await tokens.revoke(caller, pathId(request, "id"), nowMs);
        return NO_CONTENT;
      },
    },
    {
      method: "DELETE",
      path: "/api/user/contacts/:id",
      scope: "account:write",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        await ownContacts.remove(caller, pathId(request, "id"), nowMs);
        return NO_CONTENT;
      },
    },
    {
      method: "GET",
      path: "/api/user/get-contacts",
      scope: "account:read",
      access: "caller",
      async handle({ request }, caller) {
        const search = queryValue(request, "search") ?? "";
        if (search.length > CONTACT_SEARCH_MAX) {
          refuseField("search", `The search must be at most ${CONTACT_SEARCH_MAX} characters.`);
        }
        const page = readPage(request);
        const { items, next } = await ownContacts.list(caller.userId, page, search);
        const contacts = items.map(contactToJson);
        return ok({ data: { contacts }, next_cursor: cursorText(next) });
      },
    },
    {
      method: "GET",
      path: "/api/user/contacts/followers",
      scope: "account:read",
      access: "caller",
      async handle({ request }, caller) {
        const { items, next } = await ownContacts.followers(caller.userId, readPage(request));
        const contacts = items.map((each) => ({
          ...contactToJson(each),
          introduced_by: each.introducer,
        }));
        return ok({ data: { contacts }, next_cursor: cursorText(next) });
      },
    },
  ]);
}

/** What a list of tokens in other states, or in another order, is asked for; null for the active ones. */
function historyIn(
  request: HonoRequest,
  isAction: (name: string) => boolean,
): { readonly filter: HistoryFilter; readonly order: HistoryOrder } | null {
  const state = queryWord(request, "state", [...HISTORY_STATES, "all"]);
  const action = queryText(request, "action");
  const audience = queryText(request, "audience");
  const sort = queryWord(request, "sort", HISTORY_ORDERS);
  if ((state ?? action ?? audience ?? sort) === undefined) return null;
  if (action !== undefined && !isAction(action)) refuseField("action", SELECTED_ACTION);
  const whom =
    audience === "anyone" || audience === "person" ? audience : queryId(request, "audience");
  const by = HISTORY_SORTS.find((each) => each === sort?.replace("-", ""));
  return {
    filter: {
      ...(state !== "all" && { state: state ?? "active" }),
      ...(action !== undefined && { action }),
      ...(whom !== undefined && { audience: whom }),
    },
    order:
      by === undefined ? NEWEST_FIRST : { sort: by, isDescending: sort?.startsWith("-") === true },
  };
}

/** Fewer than its owner is told on pages. */
const stateOf = (status: TokenStatus): HistoryState =>
  HISTORY_STATES.find((each) => each === status) ?? "revoked";

const usesToJson = ({ items, next }: Page<Use & UsedToken>) =>
  ok({
    data: items.map(({ id, tokenId, action, createdAtMs, isOwn, name, contactId }) => ({
      id,
      token_id: tokenId,
      action,
      run_at: isoTime(createdAtMs),
      is_own: isOwn,
      name,
      contact_id: contactId,
    })),
    next_cursor: cursorText(next),
  });

const contactToJson = ({ id, firstName, lastName, createdAtMs }: Contact) => ({
  contact: { id, first_name: firstName, last_name: lastName },
  created_at: isoTime(createdAtMs),
});

const NO_CONTENT = { status: 204, body: null };

function toJson(token: ActionToken): Readonly<Record<string, Json>> {
  return {
    id: token.id,
    user_id: token.userId,
    action: token.action,
    payload: token.payload,
    audience: token.audience,
    max_uses: token.maxUses,
    uses: token.uses,
    expires_at: isoTime(token.expiresAtMs),
    created_at: isoTime(token.createdAtMs),
    updated_at: isoTime(token.modifiedAtMs),
  };
}

/** As in PHP, a body that is not an object has no fields. */
async function readBody(request: HonoRequest): Promise<unknown> {
  const value = await readFields(request, { ofForm: nestedFields });
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, tidy(item)]));
}

/** Laravel's TrimStrings and ConvertEmptyStringsToNull. */
function tidy(value: unknown): unknown {
  return typeof value === "string" ? value.trim() || null : value;
}

/** The same for a value's members, except passwords, which stay as they were sent. */
function tidied(value: Json, name = ""): Json {
  if (/password/i.test(name)) return value;
  if (typeof value === "string") return value.trim() || null;
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((item) => tidied(item, name));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tidied(item, key)]));
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

function tryParse(text: string): unknown {
  if (!isQuicklyParsed(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const invalid = (errors: Record<string, string[]>) => ({
  message: "The given data was invalid.",
  errors,
});

const UNAUTHENTICATED = "Unauthenticated.";
const NOT_FOUND = "Not Found";

const refuse = refusals({
  statuses: { fields_invalid: 422 },
  toBody: (message) => ({ message }),
  texts: {
    fields_invalid: ({ problems }) =>
      invalid(Object.fromEntries(problems.map(({ path, message }) => [path, [message]]))),
    action_unknown: invalid({ action: [SELECTED_ACTION] }),
    reference_unknown: ({ field }) => invalid({ [field]: [`The selected ${field} is invalid.`] }),
    payload_invalid: ({ problems, member }) =>
      invalid(
        Object.fromEntries(
          problems.map(({ path, message }) => {
            const field = path === "" ? member : `${member}.${path}`;
            return [field, [`The ${field} ${message}.`]];
          }),
        ),
      ),
    action_refused: ({ message, reason }) => ({ status: "action_token_invalid", message, reason }),
    idempotency_mismatch: "This Idempotency-Key was used with another request.",
    caller_missing: UNAUTHENTICATED,
    credentials_missing: UNAUTHENTICATED,
    caller_refused: UNAUTHENTICATED,
    otp_required: { message: `${OTP_REQUIRED}.`, ...OTP_CODE },
    token_invalid: UNAUTHENTICATED,
    scope_insufficient: "This action is unauthorized.",
    derivation_refused: ({ reason }) => `${DERIVATION_FAULTS[reason].message}.`,
    identity_conflict: "This email has an account that this identity does not open.",
    credentials_doubled: "More than one credential was sent.",
    sent_across_sites: "This request was sent by a page of another site.",
    body_malformed: ({ expected }) => `The body is not ${expected}.`,
    path_not_found: NOT_FOUND,
    not_found: NOT_FOUND,
    token_not_found: NOT_FOUND,
    method_not_allowed: ({ method, allow }) =>
      `The ${method} method is not supported for this route. Supported methods: ${allow.join(", ")}.`,
    body_late: "The body did not arrive in time.",
    client_closed: "Client closed the connection.",
    body_too_large: "The body is too large.",
    encoding_unsupported: "Unsupported Content-Encoding",
    media_type_unsupported: "Unsupported Media Type",
    throttled: "Too Many Attempts.",
    storage_full: "Insufficient Storage",
    unavailable: "Service Unavailable",
    internal: "Server Error",
  },
});
