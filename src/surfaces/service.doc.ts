import * as v from "valibot";
import type { RoutesOf, SurfaceDoc } from "../openapi/description.ts";
import {
  answer,
  count,
  describe,
  emptyList,
  errorAnswers,
  pathParameter,
  requestId,
  scope,
  text,
} from "../openapi/shapes.ts";
import type { serviceRoutes } from "./service.ts";

const url = v.pipe(v.string(), v.url());

const PublicKey = v.object({
  kty: v.picklist(["EC", "RSA", "OKP"]),
  kid: text,
  alg: text,
  use: v.literal("sig"),
  crv: v.optional(text),
  x: v.optional(text),
  y: v.optional(text),
  n: v.optional(text),
  e: v.optional(text),
});
const KeySet = v.object({ keys: v.array(PublicKey) });
const clientMethods = v.array(v.picklist(["none", "client_secret_basic", "client_secret_post"]));
const ServerMetadata = v.object({
  issuer: url,
  jwks_uri: url,
  introspection_endpoint: url,
  introspection_endpoint_auth_methods_supported: clientMethods,
  revocation_endpoint: url,
  revocation_endpoint_auth_methods_supported: clientMethods,
  scopes_supported: v.array(scope),
  response_types_supported: emptyList,
  token_endpoint: url,
  token_endpoint_auth_methods_supported: clientMethods,
  grant_types_supported: v.array(text),
});
const ResourceMetadata = v.object({
  resource: url,
  authorization_servers: v.array(url),
  jwks_uri: url,
  scopes_supported: v.array(scope),
  bearer_methods_supported: v.array(v.literal("header")),
  resource_documentation: url,
});
const Health = v.object({
  status: v.literal("ok"),
  version: v.optional(describe(text, "The release, as in package.json.")),
  version_id: v.optional(
    describe(text, "Cloudflare's ID of the upload that runs, as `npm run deploy` printed it."),
  ),
});
const problem = {
  type: v.literal("about:blank"),
  title: text,
  status: describe(count, "The HTTP status."),
};
const Problem = v.object(problem);
const ProblemFailure = v.object({ ...problem, request_id: requestId });

const CACHED = {
  "Cache-Control": "How long it may be kept.",
  ETag: "Send it as `If-None-Match` to ask whether it has changed.",
};
const cached = (description: string, schema: v.GenericSchema, mediaType = "application/json") => ({
  200: { description, schema, mediaType, headers: CACHED },
  304: { description: "Not modified: `If-None-Match` names the current version.", headers: CACHED },
});

export const serviceDoc: SurfaceDoc<RoutesOf<typeof serviceRoutes> | "GET /openapi.json"> = {
  title: "Service",
  description: "Routes that belong to no contract. Errors are RFC 9457 problems.",
  prefix: "Service",
  unfit: 400,
  wrongMediaType: 415,
  components: {
    Health: { schema: Health },
    KeySet: { schema: KeySet, description: "RFC 7517." },
    ServerMetadata: { schema: ServerMetadata, description: "RFC 8414." },
    ResourceMetadata: { schema: ResourceMetadata, description: "RFC 9728." },
    Problem: { schema: Problem, description: "RFC 9457." },
    ProblemFailure: { schema: ProblemFailure },
  },
  operations: {
    "GET /health": {
      id: "health",
      summary: "Health check",
      description: "Says that the Worker runs. It uses no storage.",
      answers: answer("The Worker runs.", Health),
      asksNoStore: true,
    },
    "GET /.well-known/jwks.json": {
      id: "readKeys",
      summary: "Get the public keys of our JWTs",
      description:
        "Keys appear here before they sign, and stay until everything they signed has expired.",
      answers: cached("A JWK set.", KeySet),
      asksNoStore: true,
    },
    "GET /.well-known/oauth-authorization-server": {
      id: "readMetadata",
      summary: "Get the OAuth server metadata",
      description:
        "What an OAuth client library needs to find introspection, revocation, token exchange and the keys.",
      answers: cached("The metadata.", ServerMetadata),
      asksNoStore: true,
    },
    "GET /.well-known/oauth-protected-resource": {
      id: "readResourceMetadata",
      summary: "Get the metadata of this API as a protected resource",
      description: "Where a client gets what this API takes as a bearer token.",
      answers: cached("The metadata.", ResourceMetadata),
      asksNoStore: true,
    },
    "GET /openapi.json": {
      id: "readOpenApi",
      summary: "Get this document",
      description: "For generators and other programs. People read it at `/docs`.",
      answers: cached(
        "OpenAPI 3.1.",
        v.objectWithRest({ openapi: v.literal("3.1.1") }, v.unknown()),
      ),
      asksNoStore: true,
    },
    "GET /status-lists/:list": {
      id: "readStatusList",
      summary: "Get a token status list",
      description:
        "One bit per login, for verifiers that don't call this service for each request. An access JWT says in which list and at which index its login is.",
      parameters: pathParameter("list", "The list's number."),
      answers: cached("A signed JWT with the compressed list.", text, "application/statuslist+jwt"),
      refuses: [404, 429],
    },
  },
  errors: errorAnswers(
    { error: Problem, failure: ProblemFailure, mediaType: "application/problem+json" },
    [404, 429],
    { 404: "There is no such list.", 429: "Too many requests from one network." },
  ),
};
