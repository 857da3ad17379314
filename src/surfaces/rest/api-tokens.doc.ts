import * as v from "valibot";
import { TOKEN_SORTS } from "../../core/api-token-search.ts";
import { OPERATOR_SCOPES, SCOPES } from "../../core/scopes.ts";
import { INACTIVE_REASONS } from "../../core/token-verification.ts";
import type { Component, RoutesOf, OperationDoc, Parameter } from "../../openapi/description.ts";
import {
  inQuery,
  answer,
  anyJson,
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
import { Empty, FRESH_LOG_IN, page, success } from "./accounts.doc.ts";
import { type apiTokenRoutes, GithubLeakReport, LeakReport } from "./api-tokens.ts";
import { ChangeToken, createToken, RotateToken, verifyToken } from "./fields.ts";

const times = { created_on: time, modified_on: time, expired_on: time };

const countOrNull = v.nullable(count);

const members = {
  metadata: describe(v.record(v.string(), anyJson), "Your own facts about the token."),
  enabled: describe(v.boolean(), "While it is false, the token is refused everywhere."),
  remaining: describe(countOrNull, "How much may still be charged; null for no limit."),
  limit: v.nullable(v.object({ max: count, seconds: count })),
  allowed_ips: describe(
    v.nullable(v.array(text)),
    "Addresses and CIDR ranges that the token may be used from; null for all.",
  ),
};

const LimitState = v.object({
  max: count,
  seconds: count,
  remaining: describe(count, "What is left of this window."),
  reset_on: describe(timeOrNull, "When the window ends; null where none has begun."),
});

const counted = {
  remaining: describe(countOrNull, "What is left in all; null for no limit."),
  limit: v.nullable(LimitState),
};

const VerifiedToken = v.variant("active", [
  v.object({
    active: v.literal(true),
    kind: v.picklist(["api", "session", "access"]),
    uuid,
    owner: v.object({ uuid }),
    scopes: v.array(scope),
    name: describe(textOrNull, "Of an API token."),
    metadata: describe(v.record(v.string(), anyJson), "Of an API token."),
    ...counted,
    expired_on: time,
  }),
  v.object({
    active: v.literal(false),
    reason: describe(v.picklist(INACTIVE_REASONS), "The first that applies."),
    ...counted,
  }),
]);

export const ApiToken = v.object({
  uuid,
  name: text,
  ...times,
  last_used_on: describe(timeOrNull, "Rounded down to the hour."),
  token_hint: describe(text, "Its prefix and last four characters."),
  scopes: v.array(scope),
  ...members,
});
const IssuedApiToken = v.object({
  name: text,
  ttl: describe(count, "Its whole lifetime in seconds."),
  scopes: v.array(scope),
  token: describe(text, "The secret. Shown only once."),
  uuid,
  ...times,
  ...members,
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

const CreateToken = createToken([...SCOPES, ...OPERATOR_SCOPES]);
const VerifyToken = verifyToken(SCOPES);

/** The converted list of scopes, with a reference to `Scope`. */
const scopes = {
  type: ["array", "null"],
  items: { $ref: "#/components/schemas/Scope" },
  minItems: 1,
};

const memberFields = {
  metadata: { description: "Your own facts about the token." },
  enabled: { description: "false: the token is refused until it is enabled." },
  remaining: { description: "How much may be charged in all." },
  limit: { description: "How much may be charged in a window of so many seconds." },
  allowed_ips: { description: "Addresses and CIDR ranges that the token may be used from." },
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
      ...memberFields,
    },
  },
  ChangeApiToken: {
    schema: ChangeToken,
    extra: { minProperties: 1 },
    fields: { ttl: { description: "Seconds from now." }, ...memberFields },
  },
  VerifyApiToken: {
    schema: VerifyToken,
    fields: {
      token: { description: "An API token, a session token or an access JWT." },
      scopes: { ...scopes, minItems: 0, description: "The scopes that the token must have." },
      cost: { description: "What to charge; 0 only looks. 1 by default." },
      ip: { description: "The address that the token is used from." },
    },
  },
  VerifiedToken: { schema: VerifiedToken },
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
  summary: `Change an API token${more}`,
  description:
    "Its name, expiry, metadata or restrictions. No token extends its own life, or another's beyond its own. A token that was rotated with a grace period can only expire sooner or be disabled. On an account that has a second factor, more than 90 days need " +
    FRESH_LOG_IN,
  parameters: pathParameter("token", "The token's `uuid`."),
  answers: answer("The token, without its secret.", success(ApiToken)),
  refuses: [404, 507],
});

const SEARCH: readonly Parameter[] = [
  inQuery(
    "search",
    "Part of the name or of `token_hint`. Never the secret: URLs are logged.",
    v.pipe(v.string(), v.maxLength(64)),
  ),
  inQuery(
    "filter",
    "`expiring`: in less than a week. `unused`: never used.",
    v.picklist(["expiring", "unused"]),
  ),
  inQuery("scope", "Only tokens that have it.", scope),
  inQuery(
    "sort",
    'Ascending, or with "-" descending; `-created` by default.',
    v.picklist(TOKEN_SORTS.flatMap((each) => [each, `-${each}`])),
  ),
];

const signature = (name: string): Parameter => ({
  name,
  in: "header",
  description: "Sent by GitHub's secret scanning, which signs its reports.",
  schema: text,
});

export const apiTokenOperations: Readonly<Record<RoutesOf<typeof apiTokenRoutes>, OperationDoc>> = {
  "POST /rest/token": {
    id: "createApiToken",
    refuses: [507],
    summary: "Create an API token",
    description:
      "Created with an API token, or with a JWT that was obtained with one, it expires no later than that one, has none but its scopes, and is revoked with it; four levels at most. A user has at most 1,000 active API tokens. On an account that has a second factor, all scopes or more than 90 days need " +
      FRESH_LOG_IN,
    body: CreateToken,
    answers: answer("The token, with its secret.", success(IssuedApiToken)),
  },
  "POST /rest/token/verify": {
    id: "verifyApiToken",
    body: VerifyToken,
    summary: "Verify a token, and charge its use",
    description:
      "For an API that your users call with a token of this service. Asks the database, whatever the revocation lag. Only this charges `remaining` and `limit`, and only a token that is active.",
    parameters: [
      {
        name: "Idempotency-Key",
        in: "header",
        description:
          "The same request with the same key charges once in a day; another request is refused.",
        schema: v.pipe(v.string(), v.minLength(1)),
      },
    ],
    answers: {
      200: {
        description: "Whether the token is active, or why not.",
        schema: success(VerifiedToken),
      },
    },
    refuses: [422],
  },
  "GET /rest/token/list": {
    id: "listApiTokens",
    summary: "List your API tokens, newest first",
    description:
      "Those that were neither revoked nor have expired. With `search`, `filter`, `scope` or `sort`, the newest 5,000 are looked at. Go on with the same parameters and `cursor`.",
    parameters: [...PAGE, ...SKIPPING, ...SEARCH],
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
      "The new token keeps all that the old one has, and both share what is left of `remaining` and `limit`. The old secret works for the grace period, but never past its own expiry. It can then neither be rotated again nor create anything. What was derived from it expires with it. A token with all scopes, or more than 90 days to live, is rotated by an API token or by " +
      FRESH_LOG_IN,
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
