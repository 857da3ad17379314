import { dereference, initialBaseURI, type Schema, validate } from "@cfworker/json-schema";
import ownText from "../../src/console/assets/openapi.json";

interface Content {
  readonly [mediaType: string]: { readonly schema: Schema };
}

interface Documented {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Content;
}

interface Operation {
  readonly tags: readonly [string];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Documented>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly responses: Readonly<Record<string, Documented>>;
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

/** What was sent; `body` is its value where that is known, else undefined. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly mediaType: string | null;
  readonly body?: unknown;
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

/**
 * The surface of a path: the first row that fits. Its error schemas have this name, with `Error` or `Failure` behind
 * it. Pages for people have none.
 */
const OWNERS: readonly (readonly [paths: RegExp, name: string | null])[] = [
  [/^\/(?:$|(?:docs|console|log-in)(?:\/|$)|a\/|llms\.txt$)/, null],
  [/^\/api\/token(?:\/|$)/, "Jwt"],
  [/^\/api\//, "ActionToken"],
  [/^\/tokens(?:\/|$)/, "Session"],
  [/^\/rest(?:\/|$)|^\/token\//, "Rest"],
  [/^\/oauth\//, "OAuth"],
  [/^/, "Problem"],
];

/** What is answered beyond the documented operations: an unknown path, a wrong method, and a fault while finding out. */
function beyondOperations(owner: string, status: number, known: 404 | 405): Documented | undefined {
  if (status !== known && status !== 500) return undefined;
  const isProblem = owner === "Problem";
  const error = isProblem ? owner : `${owner}Error`;
  const schema = { $ref: `#/components/schemas/${status === 500 ? `${owner}Failure` : error}` };
  return {
    ...(status === 405 && { headers: { Allow: {} } }),
    ...(status === 500 && { headers: { "X-Request-Id": {} } }),
    content: { [`application/${isProblem ? "problem+" : ""}json`]: { schema } },
  };
}

type Compiled = ReturnType<typeof compile>;

const known = new Map<string, Compiled>();

/** Made when a file of tests first asks; each schema when it is first met. */
function compiled(text: string): Compiled {
  const found = known.get(text) ?? compile(JSON.parse(text));
  known.set(text, found);
  return found;
}

function compile(document: Document) {
  const paths = Object.entries(document.paths).map(([template, operations]) => ({
    template,
    operations,
    form: new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  }));
  // A path without parameters goes before one that has them.
  paths.sort((a, b) => Number(a.template.includes("{")) - Number(b.template.includes("{")));
  const { schemas } = document.components;
  const closedSchemas = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, closed(schema, true)]),
  );
  return {
    document,
    paths,
    requests: schemaSet(schemas),
    answers: schemaSet(closedSchemas),
  };
}

/**
 * What of an answer the API document does not have: the status, the media type, a header or a
 * member. Of a request that was granted, the body too.
 * @param text of the document, where a deployment adds to it
 */
export function undocumented(asked: Asked, answer: Answered, text = ownText): string[] {
  const url = new URL(asked.url);
  const document = compiled(text);
  const { paths } = document;
  // Ahead of every route: to HTTPS, and what only npm run dev answers.
  if ([301, 307, 421].includes(answer.status) && url.protocol === "http:") return [];
  const owner = OWNERS.find(([form]) => form.test(url.pathname))?.[1] ?? null;
  if (owner === null) return [];

  const path = decoded(url.pathname);
  // A last slash more is the same path.
  const found =
    paths.find(({ form }) => form.test(path)) ??
    paths.find(({ form }) => form.test(path.replace(/([^/])\/$/, "$1")));
  if (found === undefined) {
    // Files for other programs, where a setting asks for them.
    if (answer.status < 400 && path.startsWith("/.well-known/")) return [];
    const response = beyondOperations(owner, answer.status, 404);
    return response === undefined ? ["no such path"] : flawsOf(response, asked, answer, document);
  }
  if (asked.method === "OPTIONS") return answer.status === 204 ? [] : ["OPTIONS is 204"];
  const method = asked.method === "HEAD" ? "get" : asked.method.toLowerCase();
  const operation = found.operations[method];
  if (operation === undefined) {
    const response = beyondOperations(owner, answer.status, 405);
    return response === undefined ? ["no such method"] : flawsOf(response, asked, answer, document);
  }
  const flaws = flawsOf(operation.responses[answer.status], asked, answer, document);
  return answer.status < 300 ? [...flaws, ...flawsOfRequest(operation, asked, document)] : flaws;
}

function flawsOf(
  response: Documented | undefined,
  asked: Asked,
  answer: Answered,
  compiled: Compiled,
): string[] {
  if (response === undefined) return ["the status"];
  if (response.$ref !== undefined) {
    const name = response.$ref.split("/").at(-1) ?? "";
    return flawsOf(compiled.document.components.responses[name], asked, answer, compiled);
  }
  const flaws = Object.keys(response.headers ?? {})
    .filter((name) => !answer.headers.has(name))
    .map((name) => `no header ${name}`);
  if (asked.method === "HEAD") return flaws;
  if (response.content === undefined) return answer.text === "" ? flaws : [...flaws, "a body"];
  const mediaType = essence(answer.headers.get("content-type"));
  const media = response.content[mediaType];
  if (media === undefined) return [...flaws, `the media type ${mediaType}`];
  const value = /json$/.test(mediaType) ? answer.json : answer.text;
  return [
    ...flaws,
    ...misfits(value, closedAt(media), compiled.answers).map((flaw) => `the body: ${flaw}`),
  ];
}

/**
 * Ignored, whatever they are, while clients are told a type: that of RFC 7009, and that of the one action with an
 * input. What the password in that input must be is the action's own check.
 */
const IGNORED = new Set(["token_type_hint", "input"]);

function asRead(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !IGNORED.has(name)));
}

function flawsOfRequest(
  { requestBody }: Operation,
  { mediaType, body }: Asked,
  compiled: Compiled,
): string[] {
  if (body === undefined) return [];
  const type = essence(mediaType);
  // A type that is derived from JSON's (RFC 6839) is as good as it.
  const media = requestBody?.content[/\+json$/.test(type) ? "application/json" : type];
  if (media === undefined) return requestBody === undefined ? [] : [`a request of ${type}`];
  return misfits(asRead(body), media.schema, compiled.requests).map(
    (flaw) => `the request: ${flaw}`,
  );
}

/**
 * The document leaves answers open for additions; our own answers must have no member that it does not list. So
 * every schema of an object is closed where it is used, but not where another one extends it (`allOf`).
 */
function closed(schema: Schema, isPart = false): Schema {
  const { properties, items, anyOf, oneOf, allOf } = schema;
  const isOpen = schema.additionalProperties !== undefined;
  const isObject =
    !isOpen && (properties !== undefined || schema.$ref !== undefined || allOf !== undefined);
  const each = (all: readonly Schema[], part: boolean) => all.map((one) => closed(one, part));
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, member]) => [name, closed(Object(member))]),
      ),
    }),
    ...(typeof items === "object" && !Array.isArray(items) && { items: closed(items) }),
    ...(anyOf && { anyOf: each(anyOf, isPart) }),
    ...(oneOf && { oneOf: each(oneOf, isPart) }),
    ...(allOf && { allOf: each(allOf, true) }),
    ...(isObject && !isPart && { unevaluatedProperties: false }),
  };
}

const closedBy = new WeakMap<object, Schema>();

/** Always the same object for the same place, because a schema is compiled once. */
function closedAt(media: { readonly schema: Schema }): Schema {
  const known = closedBy.get(media.schema) ?? closed(media.schema);
  closedBy.set(media.schema, known);
  return known;
}

type SchemaSet = ReturnType<typeof schemaSet>;

const schemaSet = (schemas: Readonly<Record<string, Schema>>) => ({
  lookup: dereference({ components: { schemas } }),
  known: new Set<Schema>(),
});

function misfits(value: unknown, schema: Schema, { lookup, known }: SchemaSet): string[] {
  if (value === undefined) return ["no JSON"];
  if (!known.has(schema)) {
    known.add(schema);
    // Where it is does not matter, if nothing else is there.
    dereference(schema, lookup, initialBaseURI, `/${known.size}`);
  }
  const { valid, errors } = validate(value, schema, "2020-12", lookup);
  if (valid) return [];
  // The last is the innermost.
  const [last] = errors.slice(-1);
  return [`${last?.instanceLocation} ${last?.error}`];
}

const essence = (type: string | null) => (type ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

/** As the router reads it. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
