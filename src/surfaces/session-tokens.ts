import type { HonoRequest } from "hono";
import * as v from "valibot";
import { type Fault, refuse } from "../core/fault.ts";
import type { Session, Sessions } from "../core/sessions.ts";
import { type HttpResult, ok } from "../http/answer.ts";
import { readTypedJson } from "../http/body.ts";
import { challenges } from "../http/challenge.ts";
import { decode, refuseNarrowing } from "../http/fields.ts";
import { queryValue, queryValues } from "../http/query.ts";
import type { RequestFault } from "../http/request-fault.ts";
import type { RefusalContext, Surface } from "../http/surface.ts";

const PATH = "/tokens";

const text = v.pipe(v.string(), v.minLength(1));
/** Strict: who asks for a shorter session, say, must not be given the usual one. */
export const Create = v.strictObject({ email_id: text, password: text });
export const Extend = v.object({ token: v.optional(v.string()), extend: v.literal(true) });

const shown = ({ secret, email, expiresAtMs }: Session) => ({
  token: secret,
  email_id: email,
  expires: expiresAtMs,
});

/** Contract `session-tokens`: a small Node.js session service. */
export function sessionTokens(sessions: Sessions): Surface {
  return {
    name: "session-tokens",
    owns: (path) => path === PATH || path.startsWith(`${PATH}/`),
    // On this surface the header is the token that is spoken of, not who speaks.
    ownHeaders: ["x-token"],
    refuse: refusal,
    routes: [
      {
        method: "POST",
        path: PATH,
        access: "anyone",
        async handle({ request, nowMs }) {
          const { email_id, password } = decode(Create, await readTypedJson(request));
          const session = await sessions.create(email_id, password, nowMs);
          return ok({ success: "token created successfully", data: shown(session) });
        },
      },
      {
        method: "GET",
        path: PATH,
        access: "anyone",
        async handle({ request, nowMs }) {
          return ok(
            shown(await sessions.read(tokenOf(request, queryValue(request, "token")), nowMs)),
          );
        },
      },
      {
        method: "PUT",
        path: PATH,
        access: "anyone",
        async handle({ request, nowMs }) {
          const body = await readTypedJson(request);
          refuseNarrowing(body, Extend.entries);
          const { token } = decode(Extend, body);
          const session = await sessions.extend(tokenOf(request, token), nowMs);
          return ok({ success: "data updated successfully", __latest_data: shown(session) });
        },
      },
      {
        method: "DELETE",
        path: PATH,
        access: "anyone",
        async handle({ request, nowMs }) {
          await sessions.revoke(tokenOf(request, queryValue(request, "token")), nowMs);
          return ok({ success: "successfully deleted token" });
        },
      },
    ],
  };
}

/** The token from its parameter or from `x-token`, which keeps it out of URLs; two that differ are none. */
function tokenOf(request: HonoRequest, parameter: string | undefined): string {
  // Empty is absent, in each.
  const inQuery = queryValues(request, "token").filter(Boolean);
  const shown = [parameter, ...inQuery, request.header("x-token")].filter(Boolean);
  const [token, ...others] = new Set(shown);
  return token === undefined || others.length > 0 || inQuery.length > 1
    ? refuse({ code: "token_invalid" })
    : token;
}

function refusal(fault: Fault | RequestFault, { request }: RefusalContext): HttpResult {
  const error = (status: number, text: string, headers?: Record<string, string>): HttpResult => ({
    status,
    body: { error: text },
    ...(headers && { headers }),
  });
  const missing =
    request.method === "PUT"
      ? "missing or invalid required fields. extend must be set to true"
      : "missing or invalid required fields";
  switch (fault.code) {
    case "fields_invalid":
    case "body_malformed":
    case "media_type_unsupported":
      return error(400, missing);
    case "token_invalid":
      return error(400, missing);
    case "credentials_wrong":
      return error(400, "password does not match");
    case "caller_refused":
      return error(401, "invalid credentials", {
        "www-authenticate": challenges(request, fault.shown),
      });
    case "identity_conflict":
      return error(409, "this e-mail has an account that this identity does not open");
    case "credentials_doubled":
      return error(400, "more than one credential was sent");
    case "sent_across_sites":
      return error(403, "sent by a page of another site");
    case "encoding_unsupported":
      return error(415, "content encoding is not supported", { "accept-encoding": "identity" });
    case "path_not_found":
      return error(404, "not found");
    case "method_not_allowed":
      return error(405, "method not allowed", { allow: fault.allow.join(", ") });
    case "body_late":
      return error(408, "request body did not arrive in time");
    case "client_closed":
      return error(499, "client closed the connection");
    case "body_too_large":
      return error(413, "request body is too large");
    case "throttled":
      return error(429, "too many attempts, try again later", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    case "unavailable":
      return error(503, "storage is not available, try again later", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    case "internal":
    // No route of this surface meets these.
    case "caller_missing":
    case "credentials_missing":
    case "token_wrong_type":
    case "sign_up_closed":
    case "user_exists":
    case "password_common":
    case "password_pwned":
    case "current_password_missing":
    case "last_way_in":
    case "not_found":
    case "token_not_found":
    case "scope_exceeded":
    case "derivation_refused":
    case "scope_insufficient":
    case "action_unknown":
    case "payload_invalid":
    case "reference_unknown":
    case "action_refused":
    case "idempotency_mismatch":
      return error(500, "some internal error happened");
  }
}
