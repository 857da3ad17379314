import * as v from "valibot";
import { Shown } from "./oauth.ts";
import { type Component, MEDIA, type SurfaceDocument } from "../openapi/operation.ts";
import {
  ALLOW,
  CHALLENGE,
  ourFailures,
  THROTTLED,
  requestId,
  describe,
  text,
  uuid,
} from "../openapi/shapes.ts";

const seconds = v.pipe(v.number(), v.integer(), v.description("Seconds since 1970."));

const Active = v.strictObject({
  active: v.literal(true),
  scope: v.optional(
    describe(text, "Scopes with spaces between; missing where the token is bound to none."),
  ),
  client_id: v.literal("latchkey"),
  token_type: v.picklist(["Bearer", "N_A"]),
  token_kind: v.picklist(["session", "api", "action", "access", "refresh"]),
  exp: seconds,
  iat: seconds,
  sub: describe(uuid, "Whose it is."),
  aud: text,
  iss: text,
  jti: describe(uuid, "The token's own id."),
});
const Inactive = v.strictObject({ active: v.literal(false) });
const error = { error: text, error_description: text };
const OAuthError = v.strictObject(error);
const OAuthFailure = v.strictObject({ ...error, request_id: requestId });

const components: Readonly<Record<string, Component>> = {
  TokenQuestion: {
    schema: Shown,
    fields: {
      token: { description: "A token of any kind." },
      token_type_hint: { description: "Not read: a token says what it is." },
      client_id: { type: "string", description: "The `uuid` of the API token below." },
      client_secret: {
        type: "string",
        description: "An API token, where it is not in the header.",
      },
    },
  },
  ActiveToken: { schema: Active },
  InactiveToken: { schema: Inactive, description: "It does not stand; never why." },
  OAuthError: { schema: OAuthError },
  OAuthFailure: { schema: OAuthFailure },
};

const client = [{ client: [] }, { bearer: ["introspect"] }];

export const oauthDocument: SurfaceDocument = {
  name: "oauth",
  title: "Introspection and revocation",
  description: "RFC 7662 and RFC 7009, for every kind of token.",
  prefix: "OAuth",
  unfit: 400,
  wrongMediaType: 415,
  components,
  operations: {
    "POST /oauth/introspect": {
      id: "introspectToken",
      summary: "Ask whether a token stands, and what it is",
      description:
        "For resource servers: needs an API token with the scope `introspect`, as client id and secret or as a bearer token.",
      access: "open",
      security: [...client, {}],
      body: { schema: Shown, media: [...MEDIA.fields].reverse() },
      answers: {
        200: {
          description: "What it is, or that it does not stand.",
          schema: v.union([Active, Inactive]),
        },
      },
      refuses: [401, 403, 429],
    },
    "POST /oauth/revoke": {
      id: "revokeToken",
      summary: "End a token of any kind",
      description:
        "Whoever holds a token may end it; an unknown one is ended already. A client that says who it is must be right.",
      access: "open",
      security: [{}, ...client],
      body: { schema: Shown, media: [...MEDIA.fields].reverse() },
      answers: { 200: { description: "It is ended." } },
      refuses: [401, 429],
    },
  },
  errors: {
    400: {
      description: "The body does not parse or fit, or more than one credential was sent.",
      schema: OAuthError,
    },
    401: {
      description: "No client credential was sent, or it does not stand.",
      schema: OAuthError,
      headers: CHALLENGE,
    },
    403: {
      description: "The client's token does not have the scope; or a page of another site sent it.",
      schema: OAuthError,
    },
    404: { description: "There is nothing at this path.", schema: OAuthError },
    405: { description: "The path takes POST alone.", schema: OAuthError, headers: ALLOW },
    408: { description: "The body did not arrive in time.", schema: OAuthError },
    413: { description: "The body is larger than 64 KiB.", schema: OAuthError },
    415: {
      description: "The body is neither JSON nor a form, or it is compressed.",
      schema: OAuthError,
    },
    429: { description: "Too many tries.", schema: OAuthError, headers: THROTTLED },
    ...ourFailures(OAuthFailure),
  },
};
