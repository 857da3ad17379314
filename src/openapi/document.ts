import { actionTokensDocument } from "../surfaces/action-tokens.doc.ts";
import { converter } from "./components.ts";
import { codeSample, type Example, type Examples } from "./examples.ts";
import { jwtPairDocument } from "../surfaces/jwt-pair.doc.ts";
import { oauthDocument } from "../surfaces/oauth.doc.ts";
import type { ResponseDoc, Body, JsonObject, Operation, SurfaceDocument } from "./operation.ts";
import { refusalsOf, STATUS_NAMES } from "./refusals.ts";
import { restDocument } from "../surfaces/rest/api-tokens.doc.ts";
import { SECURITY_SCHEMES, securityOf } from "./security.ts";
import { serviceDocument } from "../surfaces/service.doc.ts";
import { sessionTokensDocument } from "../surfaces/session-tokens.doc.ts";

/** In the order in which a reader meets them. */
export const SURFACES: readonly SurfaceDocument[] = [
  restDocument,
  sessionTokensDocument,
  jwtPairDocument,
  actionTokensDocument,
  oauthDocument,
  serviceDocument,
];

const DESCRIPTION = `Sessions, JWT pairs, API tokens and action tokens: four HTTP contracts on one core. An account works on
all of them, and so does an API token or a JWT. Each surface keeps its own shape for whatever goes wrong, also for
unknown paths (404) and wrong methods (405, with \`Allow\`). \`GET\` routes answer \`HEAD\` too, every path answers
\`OPTIONS\`, and plain HTTP is sent to HTTPS with 301. Bodies are 64 KiB at most. Two credentials in one request are 400.`;

/** The OpenAPI 3.1 document, of the schemas that check requests and of what was really answered. */
export function makeDocument(version: string, examples: Examples): JsonObject {
  const components = Object.assign({}, ...SURFACES.map((each) => each.components));
  const { convert, named } = converter(components);

  const answerObject = (
    { description, schema, mediaType = "application/json", headers = {} }: ResponseDoc,
    found: readonly Example[],
  ): JsonObject => ({
    description,
    ...(Object.keys(headers).length > 0 && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, description]) => [
          name,
          { description: description, schema: { type: "string" } },
        ]),
      ),
    }),
    ...(schema !== undefined && {
      content: {
        [mediaType]: {
          schema: convert(schema),
          ...(found.length > 0 && {
            examples: Object.fromEntries(
              found.map(({ as, answer }) => [as, { value: answer.body }]),
            ),
          }),
        },
      },
    }),
  });

  const bodyObject = (body: Body, found: readonly Example[]): JsonObject => ({
    required: body.isOptional !== true,
    content: Object.fromEntries(
      body.media.map((media) => {
        const sent = found.filter(
          ({ request }) => request.body !== null && request.mediaType === media,
        );
        return [
          media,
          {
            schema: convert(body.schema),
            ...(sent.length > 0 && {
              examples: Object.fromEntries(
                sent.map(({ as, request }) => [as, { value: request.body }]),
              ),
            }),
          },
        ];
      }),
    ),
  });

  const operationObject = (
    surface: SurfaceDocument,
    routeKey: string,
    operation: Operation,
  ): JsonObject => {
    const { id, summary, description, parameters = [], body, answers } = operation;
    const found = examples.filter((each) => each.operation === routeKey);
    const good = found.filter(({ status }) => status < 300);
    const [first] = good;
    const refs = refusalsOf(surface, operation)
      .filter((status) => !(status in answers))
      .map((status) => [status, { $ref: `#/components/responses/${nameOf(surface, status)}` }]);
    const own = Object.entries(answers).map(([status, answer]) => [
      status,
      answerObject(
        answer,
        found.filter((each) => each.status === Number(status)),
      ),
    ]);
    return {
      operationId: id,
      summary,
      ...(description !== undefined && { description }),
      tags: [surface.title],
      security: securityOf(surface, operation),
      ...(parameters.length > 0 && {
        parameters: parameters.map(({ schema, ...rest }) => ({
          ...rest,
          ...(rest.in === "path" && { required: true }),
          schema: convert(schema),
        })),
      }),
      ...(body !== undefined && { requestBody: bodyObject(body, good) }),
      responses: Object.fromEntries([...own, ...refs]),
      ...(first !== undefined && {
        "x-codeSamples": [{ lang: "Shell", label: "curl", source: codeSample(first) }],
      }),
    };
  };

  const errors = SURFACES.flatMap((surface) =>
    Object.entries(surface.errors).map(([status, answer]) => {
      const found = examples.filter(
        (each) =>
          each.status === Number(status) &&
          each.surface === surface.name &&
          !(Number(status) in (surface.operations[each.operation]?.answers ?? {})),
      );
      return [nameOf(surface, Number(status)), answerObject(answer, found)];
    }),
  );

  const paths: Record<string, JsonObject> = {};
  for (const surface of SURFACES) {
    for (const [routeKey, operation] of Object.entries(surface.operations)) {
      const [method = "", path = ""] = routeKey.split(" ");
      const template = templateOf(path);
      const made = operationObject(surface, routeKey, operation);
      paths[template] = { ...paths[template], [method.toLowerCase()]: made };
    }
  }

  return {
    openapi: "3.1.1",
    info: {
      title: "Latchkey",
      version,
      description: DESCRIPTION.replaceAll("\n", " "),
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: SURFACES.map(({ title, description }) => ({ name: title, description })),
    paths,
    components: {
      schemas: named(),
      responses: Object.fromEntries(errors),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

/** `/rest/token/:token` as OpenAPI writes it. */
export const templateOf = (path: string) => path.replaceAll(/:(\w+)/g, "{$1}");

function nameOf({ prefix, errors }: SurfaceDocument, status: number): string {
  if (!(status in errors)) throw new Error(`${prefix} has no shape for ${status}`);
  return `${prefix}${STATUS_NAMES[status] ?? status}`;
}
