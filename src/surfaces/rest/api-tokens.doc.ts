import * as v from "valibot";
import { SCOPES } from "../../core/scopes.ts";
import type { Component, RoutesOf, OperationDoc, Parameter } from "../../openapi/description.ts";
import {
  answer,
  count,
  describe,
  PAGE,
  pathParameter,
  SKIPPING,
  scope,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
} from "../../openapi/shapes.ts";
import { Empty, page, success } from "./accounts.doc.ts";
import { type apiTokenRoutes, GithubLeakReport, LeakReport } from "./api-tokens.ts";
import { ChangeToken, createToken, RotateToken } from "./fields.ts";

const times = { created_on: time, modified_on: time, expired_on: time };

const ApiToken = v.object({
  uuid,
  name: text,
  ...times,
  last_used_on: describe(timeOrNull, "Rounded down to the hour."),
  token_hint: describe(text, "Its prefix and last four characters."),
  scopes: v.array(scope),
});
const IssuedApiToken = v.object({
  name: text,
  ttl: describe(count, "Its whole lifetime in seconds."),
  scopes: v.array(scope),
  token: describe(text, "The secret. Shown only once."),
  uuid,
  ...times,
});
const RevokedToken = v.object({
  token: describe(text, "What was sent."),
  name: describe(textOrNull, "null for a JWT."),
  ...times,
});
const LeakVerdict = v.object({
  token_raw: text,
  token_type: text,
  label: v.picklist(["true_positive", "false_positive"]),
});
const LeakCount = v.object({
  reported: count,
  revoked: describe(count, "How many of them this report revoked."),
});

const CreateToken = createToken(SCOPES);

/** The converted list of scopes, with a reference to `Scope`. */
const scopes = {
  type: ["array", "null"],
  items: { $ref: "#/components/schemas/Scope" },
  minItems: 1,
};

export const apiTokenComponents: Readonly<Record<string, Component>> = {
  CreateApiToken: {
    schema: CreateToken,
    fields: {
      ttl: { description: "Seconds from now; 30 days by default." },
      scopes: {
        ...scopes,
        description: "What the token may do; by default, all that the caller may.",
      },
    },
  },
  ChangeApiToken: {
    schema: ChangeToken,
    extra: { minProperties: 1 },
    fields: { ttl: { description: "Seconds from now." } },
  },
  RotateApiToken: {
    schema: RotateToken,
    fields: {
      grace_seconds: { description: "How long the old secret still works; 0 by default." },
    },
  },
  ApiToken: { schema: ApiToken },
  IssuedApiToken: { schema: IssuedApiToken },
  RevokedToken: { schema: RevokedToken },
  LeakReport: { schema: LeakReport },
  GithubLeakReport: {
    schema: GithubLeakReport,
    description: "What GitHub's secret scanning found, signed by GitHub.",
  },
  LeakCount: { schema: LeakCount },
  LeakVerdict: { schema: LeakVerdict },
};

const change = (id: string, more: string): OperationDoc => ({
  id,
  summary: `Rename an API token or change its expiry${more}`,
  description:
    "No token extends its own life, or another's beyond its own. A token that was rotated with a grace period can only expire sooner.",
  parameters: pathParameter("token", "The token's `uuid`."),
  answers: answer("The token, without its secret.", success(ApiToken)),
  refuses: [404],
});

const signature = (name: string): Parameter => ({
  name,
  in: "header",
  description: "Sent by GitHub's secret scanning, which signs its reports.",
  schema: text,
});

export const apiTokenOperations: Readonly<Record<RoutesOf<typeof apiTokenRoutes>, OperationDoc>> = {
  "POST /rest/token": {
    id: "createApiToken",
    summary: "Create an API token",
    description:
      "Created with an API token, or with a JWT that was obtained with one, it expires no later than that one, has none but its scopes, and is revoked with it; four levels at most. A user has at most 1,000 active API tokens.",
    body: CreateToken,
    answers: answer("The token, with its secret.", success(IssuedApiToken)),
  },
  "GET /rest/token/list": {
    id: "listApiTokens",
    summary: "List your API tokens, newest first",
    description: "Those that are active.",
    parameters: [...PAGE, ...SKIPPING],
    answers: answer("A page of tokens, without their secrets.", page(v.array(ApiToken))),
  },
  "DELETE /rest/token/all": {
    id: "revokeAllApiTokens",
    summary: "Revoke all your API tokens",
    description: "All at once, and no other credential.",
    answers: answer("Revoked.", success(Empty)),
  },
  "POST /rest/token/:token/rotate": {
    id: "rotateApiToken",
    summary: "Rotate an API token",
    description:
      "The old secret works for the grace period, but never past its own expiry. It can then neither be rotated again nor create anything. What was derived from it expires with it.",
    parameters: pathParameter("token", "The token's `uuid`."),
    answers: answer("The token, with its new secret.", success(IssuedApiToken)),
    refuses: [404],
  },
  "PATCH /rest/token/:token": change("changeApiToken", ""),
  "PATCH /token/:token": change("changeApiTokenAtToken", " (at another path)"),
  "DELETE /rest/token/:token": {
    id: "revokeApiToken",
    summary: "Revoke an API token, or one of your JWTs",
    description: "What was derived from the token is revoked with it.",
    parameters: pathParameter("token", "Its secret, its `uuid`, or a JWT."),
    answers: answer("Revoked.", success(RevokedToken)),
    refuses: [404],
  },
  "POST /rest/leaked": {
    id: "reportLeaked",
    summary: "Report leaked tokens, which revokes them",
    description:
      "Whoever holds a token may revoke it: no authentication required. Reports of GitHub's secret scanning have their own form, and a signature.",
    security: [],
    parameters: [
      signature("Github-Public-Key-Identifier"),
      signature("Github-Public-Key-Signature"),
    ],
    answers: answer(
      "How many were revoked; to GitHub, a verdict on each.",
      v.union([success(LeakCount), v.array(LeakVerdict)]),
    ),
  },
};
