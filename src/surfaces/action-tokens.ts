import type { HonoRequest } from "hono";
import * as v from "valibot";
import type { ActionTokens } from "../core/action-tokens.ts";
import type { OwnContacts } from "../core/contacts.ts";
import { DERIVATION_FAULTS, type Fault } from "../core/fault.ts";
import { ACTION_MAX_USES, type ActionToken, type Json, TOKEN_KINDS } from "../core/token.ts";
import { type HttpResult, ok } from "../http/answer.ts";
import { isQuicklyParsed, readFields } from "../http/body.ts";
import { challenges, scopeChallenge } from "../http/challenge.ts";
import { decode, pathId, storable } from "../http/fields.ts";
import { nestedFields } from "../http/nested-fields.ts";
import { cursorText, readPage } from "../http/paging.ts";
import { type RequestFault, refuseRequest } from "../http/request-fault.ts";
import type { RefusalContext, Surface } from "../http/surface.ts";

/** Deeper values are refused: a recursive reader, ours or another's, would run out of stack. */
const MAX_DEPTH = 64;

const { ttlSeconds, minTtlSeconds, maxTtlSeconds } = TOKEN_KINDS.action;

const required = (path: string) => `The ${path.replaceAll("_", " ")} field is required.`;
const words = { required, unknown: (path: string) => `The ${path} field is not supported.` };

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
      if (!isJson(value, MAX_DEPTH)) {
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

/** Strict: a bound that is not understood would be no bound. */
export const generate = (isAction: (name: string) => boolean) =>
  v.strictObject({
    action: v.pipe(text("action"), v.check(isAction, SELECTED_ACTION)),
    payload: v.optional(json("payload"), null),
    ttl: wholeNumber("ttl", minTtlSeconds, maxTtlSeconds, ttlSeconds),
    max_uses: wholeNumber("max uses", 1, ACTION_MAX_USES, 1),
    audience: v.nullish(v.pipe(text("audience"), v.toLowerCase()), null),
  });

const SELECTED_ACTION = "The selected action is invalid.";

export const Run = v.object({ token: text("token"), input: v.optional(json("input"), null) });

/** Contract `action-tokens`: the backend of a contact-tracing app, in Laravel's shapes. */
export function actionTokenRoutes(tokens: ActionTokens, contacts: OwnContacts): Surface {
  const Generate = generate(tokens.isIssuable);
  return {
    name: "action-tokens",
    owns: (path) => path.startsWith("/api/"),
    refuse: refusal,
    routes: [
      {
        method: "POST",
        path: "/api/generate-action-token",
        scope: "actions:issue",
        access: "caller",
        async handle({ request, nowMs }, caller) {
          const { action, payload, ttl, max_uses, audience } = decode(
            Generate,
            await readBody(request),
            words,
          );
          const issue = { action, payload, ttlSeconds: ttl, maxUses: max_uses, audience };
          const { token, secret } = await tokens.issue(caller, issue, nowMs);
          return ok({ token: { ...shown(token), token: secret } });
        },
      },
      {
        method: "POST",
        path: "/api/run-action-token",
        scope: "actions:run",
        access: "anyone",
        async handle({ request, nowMs }, caller) {
          const key = idempotencyKey(request);
          const { token, input } = decode(Run, await readBody(request), words);
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
              run_at: new Date(receipt.runAtMs).toISOString(),
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
          const { items, next } = await tokens.list(caller, readPage(request), nowMs);
          return ok({ data: items.map(shown), next_cursor: cursorText(next) });
        },
      },
      {
        method: "DELETE",
        path: "/api/action-tokens/:id",
        scope: "actions:issue",
        access: "caller",
        async handle({ request, nowMs }, caller) {
          await tokens.revoke(caller, pathId(request, "id"), nowMs);
          return { status: 204, body: null };
        },
      },
      {
        method: "DELETE",
        path: "/api/user/contacts/:id",
        scope: "account:write",
        access: "caller",
        async handle({ request, nowMs }, caller) {
          await contacts.remove(caller, pathId(request, "id"), nowMs);
          return { status: 204, body: null };
        },
      },
      {
        method: "GET",
        path: "/api/user/get-contacts",
        scope: "account:read",
        access: "caller",
        async handle({ request }, caller) {
          const { items, next } = await contacts.list(caller.userId, readPage(request));
          const shownContacts = items.map(({ id, firstName, lastName, createdAtMs }) => ({
            contact: { id, first_name: firstName, last_name: lastName },
            created_at: new Date(createdAtMs).toISOString(),
          }));
          return ok({ data: { contacts: shownContacts }, next_cursor: cursorText(next) });
        },
      },
    ],
  };
}

function shown(token: ActionToken): Readonly<Record<string, Json>> {
  return {
    id: token.id,
    user_id: token.userId,
    action: token.action,
    payload: token.payload,
    audience: token.audience,
    max_uses: token.maxUses,
    uses: token.uses,
    expires_at: new Date(token.expiresAtMs).toISOString(),
    created_at: new Date(token.createdAtMs).toISOString(),
    updated_at: new Date(token.modifiedAtMs).toISOString(),
  };
}

/** Fields that are not an object are no fields, as in PHP. */
async function readBody(request: HonoRequest): Promise<unknown> {
  const value = await readFields(request, { ofForm: nestedFields });
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, tidy(item)]));
}

/** Laravel's TrimStrings and ConvertEmptyStringsToNull. */
function tidy(value: unknown): unknown {
  return typeof value === "string" ? value.trim() || null : value;
}

/** The same of a value's members, but of passwords: those are as they were sent. */
function tidied(value: Json, name = ""): Json {
  if (/password/i.test(name)) return value;
  if (typeof value === "string") return value.trim() || null;
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((item) => tidied(item, name));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tidied(item, key)]));
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Whether a number in it is another one than was written: past 2^53, or past all numbers. */
function losesDigits(value: Json): boolean {
  if (typeof value === "number") {
    return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  }
  return typeof value === "object" && value !== null && Object.values(value).some(losesDigits);
}

/** RFC 9651 section 3.3.3, with the parameters that may follow and mean nothing here. */
const QUOTED =
  /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"(?: *; *[a-z*][a-z0-9_.*-]*(?:=[\x21-\x3a\x3c-\x7e]+)?)*$/;

/** IETF draft-ietf-httpapi-idempotency-key-header: a string of RFC 9651; many clients leave the quotes out. */
function idempotencyKey(request: HonoRequest): string | null {
  const header = request.header("idempotency-key");
  if (header === undefined) return null;
  const key = header.startsWith('"')
    ? QUOTED.exec(header)?.[1]?.replaceAll(/\\(.)/g, "$1")
    : header.trim();
  if (key === undefined || !/^[\x20-\x7e]{1,255}$/.test(key)) {
    const message = "The Idempotency-Key must be 1 to 255 printable characters.";
    refuseRequest({ code: "fields_invalid", problems: [{ path: "Idempotency-Key", message }] });
  }
  return key;
}

function tryParse(text: string): unknown {
  if (!isQuicklyParsed(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isJson(value: unknown, depth: number): value is Json {
  if (typeof value === "string") return value.isWellFormed();
  if (value === null || typeof value === "number" || typeof value === "boolean") return true;
  if (typeof value !== "object" || depth === 0) return false;
  return Object.entries(value).every(
    ([key, item]) => key.isWellFormed() && isJson(item, depth - 1),
  );
}

function refusal(fault: Fault | RequestFault, { request }: RefusalContext): HttpResult {
  const message = (status: number, text: string, headers?: Record<string, string>): HttpResult => ({
    status,
    body: { message: text },
    ...(headers && { headers }),
  });
  const invalid = (errors: Record<string, string[]>): HttpResult => ({
    status: 422,
    body: { message: "The given data was invalid.", errors },
  });
  const unauthenticated = (shown: "nothing" | "token" | "password") =>
    message(401, "Unauthenticated.", { "www-authenticate": challenges(request, shown) });

  switch (fault.code) {
    case "fields_invalid":
      return invalid(Object.fromEntries(fault.problems.map((each) => [each.path, [each.message]])));
    case "action_unknown":
      return invalid({ action: [SELECTED_ACTION] });
    case "reference_unknown":
      return invalid({ [fault.field]: [`The selected ${fault.field} is invalid.`] });
    case "payload_invalid":
      return invalid(
        Object.fromEntries(
          fault.problems.map(({ path, message }) => {
            const field = path === "" ? fault.member : `${fault.member}.${path}`;
            return [field, [`The ${field} ${message}.`]];
          }),
        ),
      );
    case "action_refused":
      return {
        status: 422,
        body: {
          status: "action_token_invalid",
          message: fault.message,
          reason: fault.reason,
        },
      };
    case "idempotency_mismatch":
      return message(422, "This Idempotency-Key was used with another request.");
    case "caller_missing":
    case "credentials_missing":
      return unauthenticated("nothing");
    case "caller_refused":
      return unauthenticated(fault.shown);
    case "token_invalid":
      return unauthenticated("token");
    case "scope_insufficient":
      return message(403, "This action is unauthorized.", {
        "www-authenticate": scopeChallenge(fault.scope),
      });
    case "derivation_refused": {
      const { status, message: text } = DERIVATION_FAULTS[fault.reason];
      return message(status, `${text}.`);
    }
    case "identity_conflict":
      return message(409, "This e-mail has an account that this identity does not open.");
    case "credentials_doubled":
      return message(400, "More than one credential was sent.");
    case "sent_across_sites":
      return message(403, "This request was sent by a page of another site.");
    case "body_malformed":
      return message(400, `The body is not ${fault.expected}.`);
    case "path_not_found":
    case "not_found":
    case "token_not_found":
      return message(404, "Not Found");
    case "method_not_allowed":
      return message(
        405,
        `The ${fault.method} method is not supported for this route. Supported methods: ${fault.allow.join(", ")}.`,
        { allow: fault.allow.join(", ") },
      );
    case "body_late":
      return message(408, "The body did not arrive in time.");
    case "client_closed":
      return message(499, "Client closed the connection.");
    case "body_too_large":
      return message(413, "The body is too large.");
    case "encoding_unsupported":
      return message(415, "Unsupported Content-Encoding", { "accept-encoding": "identity" });
    case "media_type_unsupported":
      return message(415, "Unsupported Media Type");
    case "throttled":
      return message(429, "Too Many Attempts.", { "retry-after": String(fault.retryAfterSeconds) });
    case "unavailable":
      return message(503, "Service Unavailable", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    case "internal":
    // No route of this surface meets these.
    case "credentials_wrong":
    case "token_wrong_type":
    case "sign_up_closed":
    case "user_exists":
    case "password_common":
    case "password_pwned":
    case "current_password_missing":
    case "last_way_in":
    case "scope_exceeded":
      return message(500, "Server Error");
  }
}
