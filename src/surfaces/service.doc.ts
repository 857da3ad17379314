import * as v from "valibot";
import type { Component, SurfaceDocument } from "../openapi/operation.ts";
import {
  ALLOW,
  count,
  emptyList,
  REQUEST_ID,
  RETRY_AFTER,
  THROTTLED,
  requestId,
  describe,
  scope,
  text,
} from "../openapi/shapes.ts";

const url = v.pipe(v.string(), v.url());

const PublicKey = v.strictObject({
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
const KeySet = v.strictObject({ keys: v.array(PublicKey) });
const clientMethods = v.array(v.picklist(["none", "client_secret_basic", "client_secret_post"]));
const Metadata = v.strictObject({
  issuer: url,
  jwks_uri: url,
  introspection_endpoint: url,
  introspection_endpoint_auth_methods_supported: clientMethods,
  revocation_endpoint: url,
  revocation_endpoint_auth_methods_supported: clientMethods,
  scopes_supported: v.array(scope),
  response_types_supported: emptyList,
  grant_types_supported: emptyList,
});
const problem = {
  type: v.literal("about:blank"),
  title: text,
  status: describe(count, "The HTTP status."),
};
const Problem = v.strictObject(problem);
const ProblemFailure = v.strictObject({ ...problem, request_id: requestId });

const components: Readonly<Record<string, Component>> = {
  KeySet: { schema: KeySet, description: "RFC 7517." },
  ServerMetadata: { schema: Metadata, description: "RFC 8414." },
  Problem: { schema: Problem, description: "RFC 9457." },
  ProblemFailure: { schema: ProblemFailure },
};

const CACHED = {
  "Cache-Control": "How long it may be kept.",
  ETag: "Send it as `If-None-Match` to ask whether it has changed.",
};
const UNCHANGED = {
  304: { description: "`If-None-Match` names what would be answered.", headers: CACHED },
};
const PROBLEM = "application/problem+json";

export const serviceDocument: SurfaceDocument = {
  name: "service",
  title: "The service itself",
  description: "What belongs to no contract, and every path that nobody else owns.",
  prefix: "Service",
  unfit: 400,
  wrongMediaType: 415,
  components,
  operations: {
    "GET /health": {
      id: "health",
      summary: "Whether the Worker runs",
      access: "open",
      answers: {
        200: {
          description: "It runs.",
          schema: v.strictObject({
            status: v.literal("ok"),
            version: v.optional(describe(text, "The release, as in package.json.")),
            version_id: v.optional(
              describe(
                text,
                "Cloudflare's id of the upload that runs, as `npm run deploy` told it.",
              ),
            ),
          }),
        },
      },
      asksNoStore: true,
    },
    "GET /.well-known/jwks.json": {
      id: "readKeys",
      summary: "The public keys of our JWTs",
      access: "open",
      answers: {
        200: { description: "A JWK set.", schema: KeySet, headers: CACHED },
        ...UNCHANGED,
      },
      asksNoStore: true,
    },
    "GET /.well-known/oauth-authorization-server": {
      id: "readMetadata",
      summary: "What an OAuth client needs to know",
      access: "open",
      answers: {
        200: { description: "Metadata.", schema: Metadata, headers: CACHED },
        ...UNCHANGED,
      },
      asksNoStore: true,
    },
    "GET /openapi.json": {
      id: "readOpenApi",
      summary: "This document, for programs",
      access: "open",
      answers: {
        200: {
          description: "OpenAPI 3.1.",
          schema: v.looseObject({ openapi: v.literal("3.1.1") }),
          headers: CACHED,
        },
        ...UNCHANGED,
      },
      asksNoStore: true,
    },
    "GET /status-lists/:list": {
      id: "readStatusList",
      summary: "One bit a login, for verifiers far away",
      description:
        "A Token Status List; an access JWT says at which place of which list it stands.",
      access: "open",
      parameters: [{ name: "list", in: "path", description: "The list's number.", schema: text }],
      answers: {
        200: {
          description: "A signed JWT with the compressed list.",
          schema: text,
          mediaType: "application/statuslist+jwt",
          headers: CACHED,
        },
        ...UNCHANGED,
      },
      refuses: [404, 429],
    },
  },
  errors: {
    404: { description: "There is nothing at this path.", schema: Problem, mediaType: PROBLEM },
    405: {
      description: "The path takes other methods.",
      schema: Problem,
      mediaType: PROBLEM,
      headers: ALLOW,
    },
    429: {
      description: "Too many requests from one network.",
      schema: Problem,
      mediaType: PROBLEM,
      headers: THROTTLED,
    },
    500: {
      description: "Our fault.",
      schema: ProblemFailure,
      mediaType: PROBLEM,
      headers: REQUEST_ID,
    },
    503: {
      description:
        "Storage did not answer, so the outcome is unknown: a change that was asked for may have happened.",
      schema: ProblemFailure,
      mediaType: PROBLEM,
      headers: { ...RETRY_AFTER, ...REQUEST_ID },
    },
  },
};
