import * as v from "valibot";
import type { RoutesOf, SurfaceDoc } from "../openapi/description.ts";
import { answer, count, describe, errorAnswers, requestId, text, uuid } from "../openapi/shapes.ts";
import { ExchangeFields, type oauthRoutes, TokenField } from "./oauth.ts";

const seconds = v.pipe(v.number(), v.integer(), v.description("Seconds since 1970."));

const ActiveToken = v.object({
  active: v.literal(true),
  scope: v.optional(
    describe(text, "Scopes, separated by spaces; missing if the token is not limited to any."),
  ),
  client_id: v.literal("latchkey"),
  token_type: v.picklist(["Bearer", "N_A"]),
  token_kind: v.picklist(["session", "api", "action", "access", "refresh"]),
  exp: seconds,
  iat: seconds,
  sub: describe(uuid, "The user that it belongs to."),
  aud: text,
  iss: text,
  jti: describe(uuid, "The ID of the token."),
});
const InactiveToken = v.object({ active: v.literal(false) });
const error = { error: text, error_description: text };
const OAuthError = v.object(error);
const OAuthFailure = v.object({ ...error, request_id: requestId });

const ExchangedToken = v.object({
  access_token: describe(text, "The JWT."),
  issued_token_type: text,
  token_type: v.literal("Bearer"),
  expires_in: describe(count, "Seconds from now."),
  scope: describe(text, "Scopes, separated by spaces."),
});

const oneTarget = (description: string) => ({
  anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
  description,
});

/** In this order: a generated client sends one token in each, and the last one wins. */
const client = [{ client: [] }, { bearer: [] }];

export const oauthDoc: SurfaceDoc<RoutesOf<typeof oauthRoutes>> = {
  title: "Introspection, revocation and exchange",
  description: "RFC 7662 and RFC 7009, for every kind of token, and RFC 8693.",
  prefix: "OAuth",
  unfit: 400,
  wrongMediaType: 415,
  components: {
    TokenRequest: {
      schema: TokenField,
      fields: {
        token: { description: "A token of any kind." },
        token_type_hint: {
          type: "string",
          description: "Ignored: a token tells its own kind.",
        },
        client_id: {
          type: "string",
          description: "The `uuid` of the API token in `client_secret`.",
        },
        client_secret: {
          type: "string",
          description: "An API token, if it is not in the header.",
        },
      },
    },
    ExchangeRequest: {
      schema: ExchangeFields,
      fields: {
        subject_token: {
          description: "An API token, a session token, or an access JWT for this service.",
        },
        audience: oneTarget(
          "Who the JWT is for: the issuer (by default), or one of the deployment's audiences.",
        ),
        resource: oneTarget("The same as `audience`, which it must not contradict."),
        scope: {
          type: "string",
          description: "Scopes, separated by spaces; by default, all of the subject token's.",
        },
        expires_in: {
          anyOf: [{ type: "integer", minimum: 1 }, { type: "string" }],
          description:
            "For how many seconds at most; 3,600 by default. Never longer than a day, or than the subject token lives.",
        },
        client_id: { type: "string", description: "Ignored without a `client_secret`." },
        client_secret: { type: "string", description: "An API token." },
      },
    },
    ExchangedToken: { schema: ExchangedToken },
    ActiveToken: { schema: ActiveToken },
    InactiveToken: { schema: InactiveToken, description: "Not active. The reason is never told." },
    OAuthError: { schema: OAuthError },
    OAuthFailure: { schema: OAuthFailure },
  },
  operations: {
    "POST /oauth/introspect": {
      id: "introspectToken",
      summary: "Introspect a token",
      description:
        "For resource servers. Needs an API token with the scope `introspect`, as client ID and secret or as a bearer token.",
      security: [...client, {}],
      answers: answer(
        "What the token is, or that it is not active.",
        v.union([ActiveToken, InactiveToken]),
      ),
      refuses: [401, 403, 429],
    },
    "POST /oauth/revoke": {
      id: "revokeToken",
      summary: "Revoke a token",
      description:
        "Whoever holds a token may revoke it; revoking an unknown one succeeds. Client authentication is optional, but must be correct if it is sent.",
      security: [{}, ...client],
      answers: { 200: { description: "The token is not active any more." } },
      refuses: [401, 429],
    },
    "POST /oauth/token": {
      id: "exchangeToken",
      summary: "Exchange a token for a narrower JWT",
      description:
        "Token exchange (RFC 8693): a JWT for one audience, with no more scopes and no longer life than the subject token. It is revoked with the subject token, and its `status` says where that shows in a status list. No client authentication is needed, but what is sent must be correct.",
      security: [{}, ...client],
      answers: answer("The JWT.", ExchangedToken),
      refuses: [401, 429],
    },
  },
  errors: errorAnswers(
    { error: OAuthError, failure: OAuthFailure },
    [400, 401, 403, 408, 413, 415, 429],
    { 401: "Client authentication is missing or failed." },
  ),
};
