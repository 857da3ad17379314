import * as v from "valibot";
import { ChangeToken, CreateToken, RotateToken } from "./fields.ts";
import { GithubReport, Report } from "./leaks.ts";
import {
  type Component,
  MEDIA,
  type Operation,
  type SurfaceDocument,
} from "../../openapi/operation.ts";
import { accountComponents, accountOperations } from "./accounts.doc.ts";
import { ApiToken, Empty, RevokedToken, IssuedApiToken, page, success } from "./shapes.doc.ts";
import {
  ALLOW,
  CHALLENGE,
  count,
  ourFailures,
  PAGE,
  THROTTLED,
  requestId,
  SKIPPING,
  describe,
  text,
} from "../../openapi/shapes.ts";

const error = { success: v.literal(false), message: text };
const status = describe(count, "The HTTP status.");
const OpentactError = v.strictObject({ ...error, status });
const OpentactFailure = v.strictObject({ ...error, status, request_id: requestId });

const LeakVerdict = v.strictObject({
  token_raw: text,
  token_type: text,
  label: v.picklist(["true_positive", "false_positive"]),
});

const LeakCount = v.strictObject({
  reported: count,
  revoked: describe(count, "How many of them this report revoked."),
});

const TTL = { description: "Seconds from now; 30 days if not sent." };

const components: Readonly<Record<string, Component>> = {
  ...accountComponents,
  CreateApiToken: {
    schema: CreateToken,
    fields: {
      ttl: TTL,
      scopes: { description: "What it may do; all that its maker may if not sent." },
    },
  },
  ChangeApiToken: {
    schema: ChangeToken,
    extra: { minProperties: 1 },
    fields: { ttl: { description: "Seconds from now." } },
  },
  RotateApiToken: {
    schema: RotateToken,
    fields: { grace_seconds: { description: "How long the old secret still works." } },
  },
  ApiToken: { schema: ApiToken },
  IssuedApiToken: { schema: IssuedApiToken },
  RevokedToken: { schema: RevokedToken },
  LeakReport: { schema: Report },
  GithubLeakReport: {
    schema: GithubReport,
    description: "What GitHub's secret scanning found, signed by GitHub.",
  },
  LeakVerdict: { schema: LeakVerdict },
  OpentactError: { schema: OpentactError },
  OpentactFailure: { schema: OpentactFailure },
};

const write = { access: "caller", scope: "tokens:write" } as const;

const pathToken = (description: string) =>
  [{ name: "token", in: "path", description, schema: text }] as const;

const change = (id: string, more: string): Operation => ({
  id,
  summary: `Rename an API token, or set when it ends${more}`,
  description:
    "No token prolongs itself, or another beyond its own end. One that was rotated with a grace can only end sooner.",
  ...write,
  parameters: pathToken("The token's `uuid`."),
  body: { schema: ChangeToken, media: MEDIA.json },
  answers: {
    200: { description: "The token, without its secret.", schema: success(ApiToken) },
  },
  refuses: [404],
});

const signature = (name: string) =>
  ({
    name,
    in: "header",
    description: "Sent by GitHub's secret scanning, whose reports are signed.",
    schema: text,
  }) as const;

export const restDocument: SurfaceDocument = {
  name: "rest-tokens",
  title: "Accounts and API tokens",
  description: "The accounts of all surfaces, and named tokens for programs, in Opentact's form.",
  prefix: "Rest",
  unfit: 400,
  wrongMediaType: 415,
  components,
  operations: {
    ...accountOperations,
    "POST /rest/token": {
      id: "createApiToken",
      summary: "Make an API token",
      description:
        "Created with an API token, or with a JWT that was obtained with one, it expires no later than that one, has no scope that it has not, and is revoked with it; four levels at most. A user has at most 1,000 active API tokens.",
      ...write,
      body: { schema: CreateToken, media: MEDIA.json },
      answers: {
        200: { description: "The token, with its secret.", schema: success(IssuedApiToken) },
      },
    },
    "GET /rest/token/list": {
      id: "listApiTokens",
      summary: "List one's API tokens, newest first",
      access: "caller",
      scope: "tokens:read",
      parameters: [...PAGE, ...SKIPPING],
      answers: {
        200: {
          description: "A page of them, without their secrets.",
          schema: page(v.array(ApiToken)),
        },
      },
    },
    "DELETE /rest/token/all": {
      id: "endAllApiTokens",
      summary: "End all one's API tokens at once, and nothing else",
      ...write,
      answers: { 200: { description: "Ended.", schema: success(Empty) } },
    },
    "POST /rest/token/:token/rotate": {
      id: "rotateApiToken",
      summary: "Give an API token a new secret",
      description:
        "The old secret works on for the grace, and never past its own end; it can then neither be rotated again nor create anything. What was derived from it ends with it.",
      ...write,
      parameters: pathToken("The token's `uuid`."),
      body: { schema: RotateToken, media: MEDIA.json, isOptional: true },
      answers: {
        200: { description: "The token, with its new secret.", schema: success(IssuedApiToken) },
      },
      refuses: [404],
    },
    "PATCH /rest/token/:token": change("changeApiToken", ""),
    "PATCH /token/:token": change("changeApiTokenAtToken", " (the same at another path)"),
    "DELETE /rest/token/:token": {
      id: "endToken",
      summary: "End an API token, or one of one's own JWTs",
      ...write,
      parameters: pathToken("Its secret, its `uuid`, or a JWT."),
      answers: { 200: { description: "Ended.", schema: success(RevokedToken) } },
      refuses: [404],
    },
    "POST /rest/leaked": {
      id: "reportLeaked",
      summary: "End tokens that were found where they should not be",
      description:
        "Whoever holds a token may end it: nobody has to say who they are. Reports of GitHub's secret scanning have its own form, and its signature.",
      access: "anyone",
      security: [],
      parameters: [
        signature("Github-Public-Key-Identifier"),
        signature("Github-Public-Key-Signature"),
      ],
      body: { schema: v.union([Report, GithubReport]), media: MEDIA.json },
      answers: {
        200: {
          description: "How many were ended; to GitHub, a verdict on each.",
          schema: v.union([success(LeakCount), v.array(LeakVerdict)]),
        },
      },
    },
  },
  errors: {
    400: {
      description:
        "The body does not parse, a field does not fit, or more than one credential was sent.",
      schema: OpentactError,
    },
    401: {
      description: "Nobody is logged in, or what was sent logs nobody in.",
      schema: OpentactError,
      headers: CHALLENGE,
    },
    403: {
      description:
        "The credential does not have the scope, or would give more than it has; or sign-up is closed; or a page of another site sent it.",
      schema: OpentactError,
    },
    404: { description: "No such thing among the caller's own.", schema: OpentactError },
    405: { description: "The path takes other methods.", schema: OpentactError, headers: ALLOW },
    409: {
      description:
        "This e-mail has an account, which what was sent does not open; or the token was replaced by its rotation; or nothing else opens the account.",
      schema: OpentactError,
    },
    408: { description: "The body did not arrive in time.", schema: OpentactError },
    413: { description: "The body is larger than 64 KiB.", schema: OpentactError },
    415: {
      description: "The body is not JSON by its type, or it is compressed.",
      schema: OpentactError,
    },
    429: { description: "Too many tries.", schema: OpentactError, headers: THROTTLED },
    ...ourFailures(OpentactFailure),
  },
};
