import { withActions } from "../actions/api-document.ts";
import { builtInActions } from "../actions/registry.ts";
import type { Passwords } from "../core/passwords.ts";
import { CREDENTIAL_HEADERS_DOC } from "../http/credentials.ts";
import type { BodyRule } from "../http/surface.ts";
import type { DocumentedSurface, JsonObject, Operation, ResponseDoc } from "./description.ts";
import { codeSamples, QUICK_START } from "./code-samples.ts";
import type { Example, Examples } from "./examples.ts";
import { converter } from "./schemas.ts";
import { documentedKey, SURFACES } from "./surfaces.ts";
import { eventWebhookDoc } from "./webhook.ts";

export { SURFACES };

const DESCRIPTION = `Sessions, JWT pairs, API tokens and action tokens: four HTTP contracts on one core. An account works on all of
them, and so does an API token or a JWT.

Send the credential as \`Authorization: Bearer …\`. Other ways to authenticate work wherever a credential is taken:
Basic with email and password, \`X-Token\` with a session token, \`X-Auth-Token\`, and, if the deployment has set
them up, ID tokens of OpenID issuers and HA1B tokens (\`x-other-credentials\`). Send only one: two credentials in one
request are 400.

Each surface has its own shape for errors, also for unknown paths (404) and wrong methods (405, with \`Allow\`).
\`GET\` routes also answer \`HEAD\`, every path answers \`OPTIONS\`, plain HTTP redirects to HTTPS with 301, and a path
works with and without a trailing slash. Bodies are limited to 64 KiB. Answers may get further members at any time:
ignore those that you don't know.`;

/** The OpenAPI 3.1 document, from the routes, the schemas that check requests, and recorded answers. */
export function makeDocument(version: string, examples: Examples): JsonObject {
  const { convert, named } = converter(
    Object.assign({}, ...SURFACES.map((each) => each.components)),
  );
  const of = (routeKey: string) => {
    const found = examples.filter(({ operation }) => documentedKey(operation) === routeKey);
    // The same route with a last slash has the same examples.
    return [...new Map(found.map((each) => [each.as, each])).values()];
  };

  const answerObject = (
    { description, schema, mediaType = "application/json", headers = {} }: ResponseDoc,
    found: readonly Example[],
  ): JsonObject => ({
    description,
    ...(Object.keys(headers).length > 0 && {
      headers: mapped(headers, (description) => ({ description, schema: { type: "string" } })),
    }),
    ...(schema !== undefined && {
      content: {
        [mediaType]: {
          schema: convert(schema),
          ...examplesOf(found, ({ answer }) => answer.body),
        },
      },
    }),
  });

  const bodyObject = (
    { schema, media, isOptional }: BodyRule,
    found: readonly Example[],
  ): JsonObject => ({
    required: isOptional !== true,
    content: Object.fromEntries(
      media.map((type) => {
        const sent = found.filter(
          ({ request }) => request.body !== null && request.mediaType === type,
        );
        return [
          type,
          { schema: convert(schema), ...examplesOf(sent, ({ request }) => request.body) },
        ];
      }),
    ),
  });

  const operationObject = (
    surface: DocumentedSurface,
    routeKey: string,
    operation: Operation,
  ): JsonObject => {
    const { id, summary, description, scope, parameters = [], body, answers } = operation;
    const found = of(routeKey);
    const granted = found.filter(({ status }) => status < 300);
    const [first] = granted;
    const own = Object.entries(answers).map(([status, answer]) => [
      status,
      answerObject(
        answer,
        found.filter((each) => each.status === Number(status)),
      ),
    ]);
    const shared = refusalsOf(surface, operation)
      .filter((status) => !(status in answers))
      .map((status) => [status, { $ref: `#/components/responses/${nameOf(surface, status)}` }]);
    return {
      operationId: id,
      summary,
      description: scope === undefined ? description : `${description} Scope: \`${scope}\`.`,
      tags: [surface.title],
      security: securityOf(operation),
      ...(parameters.length > 0 && {
        parameters: parameters.map(({ schema, ...rest }) => ({
          ...rest,
          ...(rest.in === "path" && { required: true }),
          schema: convert(schema),
        })),
      }),
      ...(body !== undefined && { requestBody: bodyObject(body, granted) }),
      responses: Object.fromEntries([...own, ...shared]),
      // This document is in no example: it would contain itself.
      "x-codeSamples": codeSamples(first ?? { ...NO_EXAMPLE, operation: routeKey }),
    };
  };

  const paths: Record<string, JsonObject> = {};
  const responses: Record<string, JsonObject> = {};
  for (const surface of SURFACES) {
    for (const [status, answer] of Object.entries(surface.errors)) {
      const isOwn = ({ operation }: Example) =>
        Number(status) in (surface.operations[documentedKey(operation)]?.answers ?? {});
      const found = examples.filter(
        (each) => each.surface === surface.name && `${each.status}` === status && !isOwn(each),
      );
      responses[nameOf(surface, Number(status))] = answerObject(answer, found);
    }
    for (const [routeKey, operation] of Object.entries(surface.operations)) {
      const [method = "", path = ""] = routeKey.split(" ");
      const template = templateOf(path);
      const made = operationObject(surface, routeKey, operation);
      paths[template] = { ...paths[template], [method.toLowerCase()]: made };
    }
  }

  const withoutActions = {
    openapi: "3.1.1",
    info: {
      title: "Latchkey",
      version,
      description: DESCRIPTION.replaceAll(/(?<!\n)\n(?!\n)/g, " "),
      contact: { name: "The operator of this service" },
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: SURFACES.map(({ title, description }) => ({ name: title, description })),
    paths,
    webhooks: eventWebhookDoc(convert),
    components: { schemas: named(), responses, securitySchemes: SECURITY_SCHEMES },
    "x-other-credentials": OTHER_CREDENTIALS,
    "x-quick-start": QUICK_START,
  };
  // As the service adds those of its own.
  return withActions(
    withoutActions,
    builtInActions(NO_PASSWORDS, async () => false),
  );
}

const NO_EXAMPLE = {
  request: { path: "/openapi.json", headers: {}, mediaType: null, body: null },
  answer: { headers: { "content-type": "application/json" }, body: null },
} as const;

/** Documentation hashes nothing. */
const NO_PASSWORDS: Passwords = {
  hash: async () => "",
  verify: async () => "mismatch",
  isCommon: () => false,
};

/** `/rest/token/:token` as OpenAPI writes it. */
export const templateOf = (path: string) => path.replaceAll(/:(\w+)/g, "{$1}");

const mapped = <From, To>(from: Readonly<Record<string, From>>, to: (value: From) => To) =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, to(value)]));

const examplesOf = (found: readonly Example[], value: (example: Example) => JsonObject[string]) =>
  found.length > 0 && {
    examples: Object.fromEntries(found.map((each) => [each.as, { value: value(each) }])),
  };

/** The schemes that operations name. `http/credentials.ts` has the rows that read them. */
const SECURITY_SCHEMES: Readonly<Record<string, JsonObject>> = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description:
      "An API token, an access JWT, or the JWT of `GET /rest/auth`. In the query as `bearer`, if the deployment allows it.",
  },
  client: {
    type: "http",
    scheme: "basic",
    description:
      "An OAuth client: the `uuid` of an API token and its secret, each form-encoded. Or as `client_id` and `client_secret` in the body.",
  },
};

/**
 * The other ways to authenticate, which work in place of `bearer`. No operation names them: a generated client sends
 * its token in every scheme that is listed, and two credentials are 400.
 */
const OTHER_CREDENTIALS: Readonly<Record<string, JsonObject>> = {
  basic: { type: "http", scheme: "basic", description: "Email and password, in UTF-8." },
  ...mapped(CREDENTIAL_HEADERS_DOC, ([name, description]) => ({
    type: "apiKey",
    in: "header",
    name,
    description,
  })),
};

/** An empty requirement means that no credential is needed. */
function securityOf({ security, access }: Operation): readonly JsonObject[] {
  if (security !== undefined) return security;
  if (access === "open") return [];
  return access === "caller" ? [{ bearer: [] }] : [{}, { bearer: [] }];
}

/** The name of a status in the names of error answers. */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  408: "RequestTimeout",
  409: "Conflict",
  413: "ContentTooLarge",
  415: "UnsupportedMediaType",
  422: "UnprocessableContent",
  429: "TooManyRequests",
  500: "InternalServerError",
  503: "ServiceUnavailable",
  507: "InsufficientStorage",
};

function nameOf({ prefix, errors }: DocumentedSurface, status: number): string {
  if (!(status in errors)) throw new Error(`${prefix} has no shape for ${status}`);
  return `${prefix}${STATUS_NAMES[status] ?? status}`;
}

/** The statuses that follow from who may call a route and what it takes. */
export function refusalsOf(
  { unfit, wrongMediaType }: DocumentedSurface,
  { access, scope, body, parameters = [], refuses = [], asksNoStore = false }: Operation,
): readonly number[] {
  const authenticates = access !== "open";
  const takesFields = body !== undefined || parameters.some((each) => each.in !== "path");
  return [
    ...(authenticates ? [400, 401, 409, 429] : []),
    // A write is refused that a page of another site sent.
    ...(scope === undefined && body === undefined ? [] : [403]),
    ...(takesFields ? [unfit] : []),
    ...(body === undefined ? [] : [400, 408, 413, 415, wrongMediaType]),
    ...refuses,
    500,
    ...(asksNoStore ? [] : [503]),
  ].sort((a, b) => a - b);
}
