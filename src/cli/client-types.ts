import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { comment, nameIn, typeOf } from "./client-types/schema-types.ts";

/**
 * `npm run client-types`: writes the types of the client's calls, from the document in the repository.
 * `npm run client-types -- https://auth.example.com/openapi.json`, or a file: prints those of that one.
 */
const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
export const CLIENT_TYPES_FILE = "src/client/api.ts";

const Schema = v.record(v.string(), v.unknown());
const Content = v.optional(v.record(v.string(), v.object({ schema: v.optional(Schema, {}) })));
const Ref = v.object({ $ref: v.string() });
const Response = v.object({ description: v.string(), content: Content });
const Operation = v.object({
  summary: v.string(),
  parameters: v.optional(
    v.array(
      v.object({
        name: v.string(),
        in: v.picklist(["query", "header", "path", "cookie"]),
        required: v.optional(v.boolean(), false),
        schema: v.optional(Schema, {}),
      }),
    ),
    [],
  ),
  requestBody: v.optional(v.object({ required: v.optional(v.boolean(), false), content: Content })),
  responses: v.record(v.string(), v.union([Ref, Response])),
});
const Document = v.object({
  paths: v.record(v.string(), v.record(v.string(), Operation)),
  components: v.object({
    schemas: v.record(v.string(), Schema),
    responses: v.record(v.string(), Response),
  }),
});

/**
 * TypeScript in the form that openapi-fetch reads, laid out by Biome.
 * @param json an OpenAPI document
 * @throws Error where it has what these types would leave out
 */
export function clientTypes(json: string): string {
  const { paths, components } = v.parse(Document, JSON.parse(json));
  const source = [
    "// Made by src/cli/client-types.ts from the service's OpenAPI document. Not to be edited by hand.\n",
    ...Object.entries(components.schemas).map(
      ([name, schema]) =>
        `${comment(schema.description)}export type ${name} = ${typeOf(schema)};\n`,
    ),
    "interface responses {",
    ...Object.entries(components.responses).map(
      ([name, response]) => `${comment(response.description)}${name}: ${typeOfResponse(response)};`,
    ),
    "}",
    "\nexport interface paths {",
    ...Object.entries(paths).map(
      ([path, operations]) =>
        `${JSON.stringify(path)}: {\n${Object.entries(operations)
          .map(
            ([method, operation]) =>
              `${comment(operation.summary)}${method}: ${typeOfOperation(operation)};`,
          )
          .join("\n")}};`,
    ),
    "}",
  ].join("\n");
  const biome = at("node_modules/.bin/biome");
  // Those who have installed the package may lay it out as they like.
  if (!existsSync(biome)) return `${source}\n`;
  const format = spawnSync(biome, ["format", "--stdin-file-path=api.ts"], {
    input: source,
    encoding: "utf8",
    cwd: at("."),
  });
  if (format.status !== 0) throw new Error(`biome format: ${format.stderr}`);
  return format.stdout;
}

/** The document of a running service, or of a file. @throws Error where there is none */
async function documentAt(place: string): Promise<string> {
  if (!/^https?:/.test(place)) return readFileSync(place, "utf8");
  const response = await fetch(place);
  if (!response.ok) throw new Error(`${place} answered ${response.status}`);
  return response.text();
}

function typeOfOperation({ parameters, requestBody, responses }: v.InferOutput<typeof Operation>) {
  const places = (["query", "header", "path", "cookie"] as const).map((place) => {
    const here = parameters.filter((parameter) => parameter.in === place);
    const fields = here.map(
      ({ name, required, schema }) =>
        `${JSON.stringify(name)}${required ? "" : "?"}: ${typeOf(schema)};`,
    );
    if (fields.length === 0) return `${place}?: never;`;
    return `${place}${here.some(({ required }) => required) ? "" : "?"}: {${fields.join("")}};`;
  });
  const body =
    requestBody === undefined
      ? "requestBody?: never;"
      : `requestBody${requestBody.required ? "" : "?"}: { ${typeOfContent(requestBody.content)} };`;
  const answers = Object.entries(responses).map(([status, response]) => {
    if ("$ref" in response) return `${status}: responses["${nameIn(response.$ref)}"];`;
    return `${comment(response.description)}${status}: ${typeOfResponse(response)};`;
  });
  return `{ parameters: {${places.join("")}}; ${body} responses: {\n${answers.join("\n")}}; }`;
}

const typeOfResponse = ({ content }: v.InferOutput<typeof Response>) =>
  `{ ${typeOfContent(content)} }`;

function typeOfContent(content: v.InferOutput<typeof Content>): string {
  if (content === undefined) return "content?: never;";
  const media = Object.entries(content).map(
    ([type, { schema }]) => `${JSON.stringify(type)}: ${typeOf(schema)};`,
  );
  return `content: { ${media.join("")} };`;
}

if (import.meta.main) {
  const [place] = process.argv.slice(2);
  if (place !== undefined) console.log(clientTypes(await documentAt(place)));
  else {
    const json = readFileSync(at("src/console/assets/openapi.json"), "utf8");
    writeFileSync(at(CLIENT_TYPES_FILE), clientTypes(json));
  }
}
