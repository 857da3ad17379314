import type { HonoRequest } from "hono";
import * as v from "valibot";
import { refuse as refuseToken } from "../core/fault.ts";
import type { Session, Sessions } from "../core/sessions.ts";
import { jsonBody } from "../http/fields.ts";
import { queryValue, queryValues } from "../http/query.ts";
import { refusals } from "../http/refusals.ts";
import { defineRoutes, ok, type Surface } from "../http/surface.ts";

const PATH = "/tokens";

const text = v.pipe(v.string(), v.minLength(1));
/** Strict: a client that asks for a shorter session must not be given the usual one. */
export const create = jsonBody(v.strictObject({ email_id: text, password: text }));
export const extend = jsonBody(
  v.object({ token: v.optional(v.string()), extend: v.literal(true) }),
  {
    refusesNarrowing: true,
  },
);

const toJson = ({ secret, email, expiresAtMs }: Session) => ({
  token: secret,
  email_id: email,
  expires: expiresAtMs,
});

/** Contract `session-tokens`: a small Node.js session service. */
export const sessionTokens = (sessions: Sessions): Surface => ({
  name: "session-tokens",
  owns: (path) => path === PATH || path.startsWith(`${PATH}/`),
  // Here the header is the token that the request is about, not the caller's credential.
  ownHeaders: ["x-token"],
  refuse,
  routes: sessionTokenRoutes(sessions),
});

export const sessionTokenRoutes = (sessions: Sessions) =>
  defineRoutes([
    {
      method: "POST",
      path: PATH,
      access: "anyone",
      body: create,
      async handle({ request, nowMs }) {
        const { email_id, password } = await create.read(request);
        const session = await sessions.create(email_id, password, nowMs);
        return ok({ success: "token created successfully", data: toJson(session) });
      },
    },
    {
      method: "GET",
      path: PATH,
      access: "anyone",
      async handle({ request, nowMs }) {
        const token = tokenOf(request, queryValue(request, "token"));
        return ok(toJson(await sessions.read(token, nowMs)));
      },
    },
    {
      method: "PUT",
      path: PATH,
      access: "anyone",
      body: extend,
      async handle({ request, nowMs }) {
        const { token } = await extend.read(request);
        const session = await sessions.extend(tokenOf(request, token), nowMs);
        return ok({ success: "data updated successfully", __latest_data: toJson(session) });
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
  ]);

/** The token from its parameter or from `x-token`, which keeps it out of URLs. Two that differ are refused. */
function tokenOf(request: HonoRequest, parameter: string | undefined): string {
  // Empty is absent, in each.
  const inQuery = queryValues(request, "token").filter(Boolean);
  const sent = [parameter, ...inQuery, request.header("x-token")].filter(Boolean);
  const [token, ...others] = new Set(sent);
  return token === undefined || others.length > 0 || inQuery.length > 1
    ? refuseToken({ code: "token_invalid" })
    : token;
}

const refuse = refusals({
  statuses: { token_invalid: 400, media_type_unsupported: 400, credentials_wrong: 400 },
  toBody: (error) => ({ error }),
  describe(fault, { method }) {
    switch (fault.code) {
      case "fields_invalid":
      case "body_malformed":
      case "media_type_unsupported":
      case "token_invalid":
        return method === "PUT"
          ? "missing or invalid required fields. extend must be set to true"
          : "missing or invalid required fields";
      case "credentials_wrong":
        return "password does not match";
      case "caller_refused":
        return "invalid credentials";
      case "identity_conflict":
        return "this e-mail has an account that this identity does not open";
      case "credentials_doubled":
        return "more than one credential was sent";
      case "sent_across_sites":
        return "sent by a page of another site";
      case "encoding_unsupported":
        return "content encoding is not supported";
      case "path_not_found":
        return "not found";
      case "method_not_allowed":
        return "method not allowed";
      case "body_late":
        return "request body did not arrive in time";
      case "client_closed":
        return "client closed the connection";
      case "body_too_large":
        return "request body is too large";
      case "throttled":
        return "too many attempts, try again later";
      case "unavailable":
        return "storage is not available, try again later";
      case "internal":
        return "some internal error happened";
      default:
        return null;
    }
  },
});
