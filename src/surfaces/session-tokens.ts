import type { HonoRequest } from "hono";
import * as v from "valibot";
import { refuse as refuseToken } from "../core/fault.ts";
import type { Session, Sessions } from "../core/sessions.ts";
import { jsonBody } from "../http/fields.ts";
import { queryValue, queryValues } from "../http/query.ts";
import { OTP_CODE, refusals } from "../http/refusals.ts";
import { defineRoutes, ok, type Surface } from "../http/surface.ts";

const PATH = "/tokens";

const text = v.pipe(v.string(), v.minLength(1));
/** Strict: a client that asks for a shorter session must not be given the usual one. */
export const create = jsonBody(
  v.strictObject({ email_id: text, password: text, otp: v.nullish(v.string(), null) }),
);
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
  ownHeaders: ["X-Token"],
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
        const { email_id, password, otp } = await create.read(request);
        const session = await sessions.create(email_id, password, otp || null, nowMs);
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

const fieldsMissing = (_: unknown, { method }: HonoRequest) =>
  `missing or invalid required fields${method === "PUT" ? ". extend must be set to true" : ""}`;

const WRONG = "password does not match";

const refuse = refusals({
  statuses: {
    token_invalid: 400,
    media_type_unsupported: 400,
    credentials_wrong: 400,
    otp_required: 400,
  },
  toBody: (error) => ({ error }),
  texts: {
    fields_invalid: fieldsMissing,
    body_malformed: fieldsMissing,
    media_type_unsupported: fieldsMissing,
    token_invalid: fieldsMissing,
    credentials_wrong: WRONG,
    otp_required: { error: WRONG, ...OTP_CODE },
    caller_refused: "invalid credentials",
    identity_conflict: "this email has an account that this identity does not open",
    credentials_doubled: "more than one credential was sent",
    sent_across_sites: "sent by a page of another site",
    encoding_unsupported: "content encoding is not supported",
    path_not_found: "not found",
    method_not_allowed: "method not allowed",
    body_late: "request body did not arrive in time",
    client_closed: "client closed the connection",
    body_too_large: "request body is too large",
    throttled: "too many attempts, try again later",
    unavailable: "storage is not available, try again later",
    internal: "some internal error happened",
  },
});
