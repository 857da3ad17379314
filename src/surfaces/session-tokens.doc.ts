import * as v from "valibot";
import { Create, Extend } from "./session-tokens.ts";
import {
  type Component,
  MEDIA,
  type Parameter,
  type SurfaceDocument,
} from "../openapi/operation.ts";
import {
  ALLOW,
  CHALLENGE,
  ourFailures,
  THROTTLED,
  requestId,
  describe,
  text,
} from "../openapi/shapes.ts";

const Session = v.strictObject({
  token: describe(text, "The secret; `X-Token` logs in with it on every surface."),
  email_id: text,
  expires: describe(v.pipe(v.number(), v.integer()), "Milliseconds since 1970."),
});
const NodeError = v.strictObject({ error: text });
const NodeFailure = v.strictObject({ error: text, request_id: requestId });

const components: Readonly<Record<string, Component>> = {
  CreateSession: {
    schema: Create,
    fields: {
      email_id: { description: "An account's e-mail." },
      password: { description: "Taken exactly as sent, spaces included." },
    },
  },
  ExtendSession: {
    schema: Extend,
    fields: { token: { description: "Or in the header `X-Token`." } },
  },
  Session: { schema: Session },
  NodeError: { schema: NodeError },
  NodeFailure: { schema: NodeFailure },
};

const inHeader: Parameter = {
  name: "X-Token",
  in: "header",
  description: "The session token: better here than in a URL, which logs keep.",
  schema: text,
};
const inQuery: Parameter = {
  name: "token",
  in: "query",
  description: "The session token, where it is not in `X-Token`; two that differ are refused.",
  schema: text,
};

export const sessionTokensDocument: SurfaceDocument = {
  name: "session-tokens",
  title: "Session tokens",
  description:
    "Sessions of an hour, extended by use, for 30 days at most. `X-Token` is the token that is spoken of here.",
  prefix: "SessionTokens",
  ownSchemes: ["session"],
  unfit: 400,
  wrongMediaType: 400,
  components,
  operations: {
    "POST /tokens": {
      id: "createSession",
      summary: "Log in with e-mail and password for a session token",
      access: "anyone",
      body: { schema: Create, media: MEDIA.json },
      answers: {
        200: {
          description: "Logged in.",
          schema: v.strictObject({
            success: v.literal("token created successfully"),
            data: Session,
          }),
        },
      },
    },
    "GET /tokens": {
      id: "readSession",
      summary: "Read a session token",
      access: "anyone",
      parameters: [inHeader, inQuery],
      answers: { 200: { description: "It stands.", schema: Session } },
    },
    "PUT /tokens": {
      id: "extendSession",
      summary: "Extend a session token to an hour from now",
      access: "anyone",
      parameters: [inHeader],
      body: { schema: Extend, media: MEDIA.json },
      answers: {
        200: {
          description: "Extended.",
          schema: v.strictObject({
            success: v.literal("data updated successfully"),
            __latest_data: Session,
          }),
        },
      },
    },
    "DELETE /tokens": {
      id: "revokeSession",
      summary: "End a session token",
      access: "anyone",
      parameters: [inHeader, inQuery],
      answers: {
        200: {
          description: "Ended.",
          schema: v.strictObject({ success: v.literal("successfully deleted token") }),
        },
      },
      refuses: [403],
    },
  },
  errors: {
    400: {
      description:
        "The fields are missing or wrong, the token does not stand, or the password does not match.",
      schema: NodeError,
    },
    401: {
      description: "A credential was sent beside it, and logs nobody in.",
      schema: NodeError,
      headers: CHALLENGE,
    },
    403: { description: "A page of another site sent it.", schema: NodeError },
    404: { description: "There is nothing at this path.", schema: NodeError },
    405: { description: "The path takes other methods.", schema: NodeError, headers: ALLOW },
    409: {
      description: "This e-mail has an account that the ID token does not open.",
      schema: NodeError,
    },
    408: { description: "The body did not arrive in time.", schema: NodeError },
    413: { description: "The body is larger than 64 KiB.", schema: NodeError },
    415: { description: "The body is compressed.", schema: NodeError },
    429: { description: "Too many tries.", schema: NodeError, headers: THROTTLED },
    ...ourFailures(NodeFailure),
  },
};
