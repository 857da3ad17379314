import type { HttpResult } from "../../http/surface.ts";
import { docs as words } from "../words.ts";
import type { Content, Documented, Reader, Response, Schema } from "./document.ts";

/** The API documents as Markdown, for programs that read: each page at its address with `.md`, and their index. */

/** Not public: like every page, it may come with a renewed cookie. */
const HEADERS = { "cache-control": "no-store" };

const text = (type: string, lines: readonly string[]): HttpResult => ({
  status: 200,
  body: null,
  text: `${lines
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim()}\n`,
  headers: { ...HEADERS, "content-type": `${type}; charset=utf-8` },
});

const route = ({ method, path }: Documented) => `\`${method} ${path}\``;

/** `/llms.txt` (llmstxt.org). @param name of the deployment */
export function llmsText({ info, groups }: Reader, origin: string, name: string): HttpResult {
  return text("text/plain", [
    `# ${name}`,
    "",
    `> ${words.lead}`,
    "",
    `${words.baseUrl}: ${origin}. ${words.forPrograms}: ${origin}/openapi.json`,
    "",
    info.description,
    ...groups.flatMap(({ name, operations }) => [
      "",
      `## ${name}`,
      "",
      ...operations.map(
        (each) => `- [${each.summary}](${origin}/docs/${each.operationId}.md): ${route(each)}`,
      ),
    ]),
  ]);
}

/** `/docs/{operationId}.md` */
export function operationText(operation: Documented, api: Reader, origin: string): HttpResult {
  const { summary, description = "", parameters = [], requestBody, security } = operation;
  const ways = security.flatMap((each) => Object.keys(each));
  return text("text/markdown", [
    `# ${summary}`,
    "",
    route(operation),
    "",
    description,
    "",
    ways.length === 0
      ? words.isOpen
      : `${security.some((each) => Object.keys(each).length === 0) ? words.mayAuthenticate : words.mustAuthenticate} ${words.credentials}: ${ways.join(", ")}.`,
    ...(parameters.length === 0 ? [] : ["", `## ${words.parameters}`, ""]),
    ...parameters.map(
      ({ name, in: place, required, description: says, schema }) =>
        `- \`${name}\` (${place}${required ? "" : words.optional}, ${typeOf(schema, api)}): ${says}`,
    ),
    ...(requestBody === undefined ? [] : ["", `## ${words.body}`, ""]),
    ...bodies(requestBody?.content, api),
    "",
    `## ${words.responses}`,
    ...Object.entries(operation.responses).flatMap(([status, response]) => [
      "",
      ...answerLines(status, api.response(response), api),
    ]),
    ...(operation["x-codeSamples"] ?? []).flatMap(({ label, source }) => [
      "",
      `## ${label}`,
      "",
      ...fenced(
        label === "curl" ? "sh" : label.toLowerCase(),
        source.replaceAll("https://latchkey.example", origin),
      ),
    ]),
  ]);
}

const answerLines = (status: string, { description, content }: Response, api: Reader) => [
  `### ${status}`,
  "",
  description,
  "",
  // Refusals have one shape, which their descriptions say.
  ...(status.startsWith("2") ? bodies(content, api) : []),
];

/** The first kind of body: the others have the same members. */
function bodies(content: Content | undefined, api: Reader): readonly string[] {
  const [first] = Object.entries(content ?? {});
  if (first === undefined) return [];
  const [type, { schema, examples = {} }] = first;
  const [example] = Object.values(examples);
  return [
    `\`${type}\``,
    "",
    ...membersOf(schema, api, ""),
    ...(example === undefined
      ? []
      : ["", ...fenced("json", JSON.stringify(example.value, null, 2))]),
  ];
}

/** Deeper than this a list is no help. */
const MAX_DEPTH = 4;

function membersOf(given: Schema, api: Reader, indent: string): readonly string[] {
  const schema = api.schema(given);
  const items = schema.items === undefined ? schema : api.schema(schema.items);
  const { properties = {}, required = [] } = items;
  return Object.entries(properties).flatMap(([name, member]) => {
    const { description } = api.schema(member);
    const says = member.description ?? description;
    const line = `${indent}- \`${name}\` (${typeOf(member, api)}${required.includes(name) ? "" : words.optional})`;
    const deeper = indent.length / 2 < MAX_DEPTH - 1 ? membersOf(member, api, `${indent}  `) : [];
    return [says === undefined ? line : `${line}: ${says}`, ...deeper];
  });
}

function typeOf(given: Schema, api: Reader): string {
  const schema = api.schema(given);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((each) => typeOf(each, api)))].join(" | ");
  }
  if (schema.items !== undefined) return `${typeOf(schema.items, api)}[]`;
  return [schema.type ?? "any"].flat().join(" | ");
}

const fenced = (language: string, code: string): readonly string[] => [
  `\`\`\`${language}`,
  code,
  "```",
];
