import * as v from "valibot";
import type { RoutesOf, Parameter, SurfaceDoc } from "../openapi/description.ts";
import {
  answer,
  describe,
  errorAnswers,
  OTP,
  otpCode,
  requestId,
  text,
} from "../openapi/shapes.ts";
import { create, extend, type sessionTokenRoutes } from "./session-tokens.ts";

const Session = v.object({
  token: describe(text, "The secret. `X-Token` authenticates with it on every other surface."),
  email_id: text,
  expires: describe(v.pipe(v.number(), v.integer()), "Milliseconds since 1970."),
});
const SessionError = v.object({ error: text, code: otpCode });
const SessionFailure = v.object({ error: text, request_id: requestId });

const inHeader: Parameter = {
  name: "X-Token",
  in: "header",
  description: "The session token. Prefer this to the URL, which logs keep.",
  schema: text,
};
const inQuery: Parameter = {
  name: "token",
  in: "query",
  description: "The session token, if it is not in `X-Token`. Two that differ are refused.",
  schema: text,
};

export const sessionTokensDoc: SurfaceDoc<RoutesOf<typeof sessionTokenRoutes>> = {
  title: "Session tokens",
  description:
    "Sessions of an hour, which can be extended for up to 30 days, by default. Here `X-Token` is the session that the request is about.",
  prefix: "SessionTokens",
  unfit: 400,
  wrongMediaType: 400,
  components: {
    CreateSession: {
      schema: create.schema,
      fields: {
        email_id: { description: "The account's email." },
        password: { description: "Taken exactly as sent, spaces included." },
        otp: { description: OTP },
      },
    },
    ExtendSession: {
      schema: extend.schema,
      fields: {
        token: { description: "The session token, if it is not in the header `X-Token`." },
      },
    },
    Session: { schema: Session },
    SessionError: { schema: SessionError },
    SessionFailure: { schema: SessionFailure },
  },
  operations: {
    "POST /tokens": {
      id: "createSession",
      summary: "Log in with email and password for a session token",
      description: "The token is valid for an hour by default; every extension adds up to as much.",
      answers: answer(
        "Logged in.",
        v.object({ success: v.literal("token created successfully"), data: Session }),
      ),
    },
    "GET /tokens": {
      id: "readSession",
      summary: "Get a session",
      description: "Tells until when the session is valid. It does not extend it.",
      parameters: [inHeader, inQuery],
      answers: answer("The session is valid.", Session),
    },
    "PUT /tokens": {
      id: "extendSession",
      summary: "Extend a session",
      description:
        "To an hour from now, and 30 days after its creation at most, however often it is extended: both by default.",
      parameters: [inHeader],
      answers: answer(
        "Extended.",
        v.object({
          success: v.literal("data updated successfully"),
          __latest_data: Session,
        }),
      ),
    },
    "DELETE /tokens": {
      id: "revokeSession",
      summary: "Log out of a session",
      description: "JWTs that were obtained with the session are revoked with it.",
      parameters: [inHeader, inQuery],
      answers: answer(
        "Logged out.",
        v.object({ success: v.literal("successfully deleted token") }),
      ),
      refuses: [403],
    },
  },
  errors: errorAnswers(
    { error: SessionError, failure: SessionFailure },
    [400, 401, 403, 408, 409, 413, 415, 429],
    {
      400: "Fields are missing or wrong, the token is not valid, or the password does not match.",
      401: "A credential was sent as well, and it is not valid.",
      403: "A page of another site sent the request.",
      415: "The body is compressed.",
    },
  ),
};
