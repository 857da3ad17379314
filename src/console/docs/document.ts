import { OPERATOR_SCOPES, SCOPES, type Scopes } from "../../core/scopes.ts";
import { KEYS_MAX_AGE_SECONDS } from "../../core/token.ts";
import { fixedText } from "../../http/conditional.ts";
import type { Route } from "../../http/surface.ts";
import text from "../assets/openapi.json";
import { docs as words } from "../words.ts";

/** The parts of JSON Schema that the pages use. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export type Content = Readonly<
  Record<
    string,
    {
      readonly schema: Schema;
      readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
    }
  >
>;

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description: string;
  readonly schema: Schema;
}

export interface Response {
  readonly $ref?: string;
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string }>>;
  readonly content?: Content;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly [string];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
  readonly "x-codeSamples"?: readonly CodeSample[];
}

/** A request as one would write it in a language. */
export interface CodeSample {
  readonly label: string;
  /** Sent to `https://latchkey.example`. */
  readonly source: string;
}

interface QuickStartStep {
  readonly operationId: string;
  readonly "x-codeSamples": readonly CodeSample[];
}

interface SecurityScheme {
  readonly type: string;
  readonly scheme?: string;
  readonly name?: string;
  readonly description: string;
}

interface ApiDocument {
  readonly "x-other-credentials": Readonly<Record<string, SecurityScheme>>;
  readonly "x-quick-start": readonly QuickStartStep[];
  readonly info: { readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Response>>;
    readonly securitySchemes: Readonly<Record<string, SecurityScheme>>;
  };
}

export interface Documented extends Operation {
  readonly method: string;
  readonly path: string;
}

/** Operations under one heading. */
export interface Group {
  readonly name: string;
  /** What links to it call it. */
  readonly id: string;
  readonly description: string | null;
  readonly operations: readonly Documented[];
}

export type Reader = ReturnType<typeof readerOf>;

/** The document of one deployment: with its own scopes and actions beside the built-in ones. */
export function apiDocument(
  { names, descriptions }: Scopes,
  withOwnActions: (document: string) => string,
) {
  const isOwn = names.length > SCOPES.length;
  const parse = (): ApiDocument => {
    const document: ApiDocument = JSON.parse(withOwnActions(text));
    if (!isOwn) return document;
    const { Scope, ...schemas } = document.components.schemas;
    const meanings = names.map((name) => `\`${name}\`: ${descriptions[name]}`);
    const description = `${Scope?.description} ${meanings.join("; ")}.`;
    const described = {
      ...schemas,
      Scope: { ...Scope, enum: [...names, ...OPERATOR_SCOPES], description },
    };
    return { ...document, components: { ...document.components, schemas: described } };
  };
  let reader: Reader | undefined;
  let file: ReturnType<typeof fixedText> | undefined;
  return {
    /** Parsed when the first docs page is opened, so that no other request pays for it. */
    reader(): Reader {
      reader ??= readerOf(parse());
      return reader;
    },
    route: {
      method: "GET",
      path: "/openapi.json",
      access: "open",
      async handle() {
        // Served as it is in the repository, without parsing, where nothing is to be added.
        const made = () => (isOwn ? JSON.stringify(parse()) : withOwnActions(text));
        file ??= fixedText(made(), "application/json");
        return file.answer(`public, max-age=${KEYS_MAX_AGE_SECONDS}`);
      },
    } satisfies Route,
  };
}

/** What an address calls it. */
const idOf = (name: string): string => name.toLowerCase().replaceAll(/\W+/g, "-");

/** More would not fit a window. */
const GROUP_MAX = 20;

function groupsOf(
  { name, description }: ApiDocument["tags"][number],
  operations: readonly Documented[],
): readonly Group[] {
  const group = (name: string, some: readonly Documented[], description: string | null): Group => ({
    name,
    id: idOf(name),
    description,
    operations: some,
  });
  if (operations.length <= GROUP_MAX) return [group(name, operations, description)];
  const partOf = ({ path }: Documented) => words.parts.find(([start]) => path.startsWith(start));
  const names = new Set([...words.parts.map(([, part]) => part), name]);
  const parts = Map.groupBy(operations, (each) => partOf(each)?.[1] ?? name);
  return [...names].flatMap((part) => {
    const some = parts.get(part);
    return some === undefined ? [] : [group(part, some, null)];
  });
}

function readerOf(document: ApiDocument) {
  const { info, tags, paths, components } = document;
  const operations: Documented[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
  const groups = tags.flatMap((tag) =>
    groupsOf(
      tag,
      operations.filter((each) => each.tags[0] === tag.name),
    ),
  );
  /** Alternatives by one name, and one list of members where a schema extends another. */
  const flat = ({ oneOf, allOf, ...schema }: Schema): Schema => {
    const anyOf = schema.anyOf ?? oneOf;
    if (allOf === undefined) return { ...schema, ...(anyOf !== undefined && { anyOf }) };
    const parts = allOf.map(resolved);
    return {
      ...schema,
      type: "object",
      properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
      required: parts.flatMap(({ required = [] }) => required),
    };
  };
  function resolved(schema: Schema): Schema {
    const name = schema.$ref?.split("/").at(-1);
    return flat((name === undefined ? undefined : components.schemas[name]) ?? schema);
  }

  /** What is searched: first what names an operation, then what is said of it. */
  const haystacks = operations.map((operation) => {
    const { method, path, operationId, summary, description = "", parameters = [] } = operation;
    const [body] = Object.values(operation.requestBody?.content ?? {});
    const fields = Object.keys(body === undefined ? {} : (resolved(body.schema).properties ?? {}));
    const name = `${summary} ${method} ${path} ${operationId}`.toLowerCase();
    const rest = [
      description,
      operation.tags[0],
      ...parameters.map((each) => each.name),
      ...fields,
    ];
    return { operation, name, all: `${name} ${rest.join(" ")}`.toLowerCase() };
  });

  return {
    info,
    groups,
    operations,
    quickStart: document["x-quick-start"],
    securitySchemes: { ...components.securitySchemes, ...document["x-other-credentials"] },
    /** The operations that contain every word of the query; first those that have all in their name or path. */
    search(query: string): readonly Documented[] {
      const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
      const hasAll = (text: string) => wanted.every((word) => text.includes(word));
      const found = haystacks.filter(({ all }) => hasAll(all));
      const [named, others] = [true, false].map((isNamed) =>
        found.filter(({ name }) => hasAll(name) === isNamed).map(({ operation }) => operation),
      );
      return [...(named ?? []), ...(others ?? [])];
    },
    idOf,
    errors: () => errorsOf(tags, operations, components.responses),
    find: (id: string) => operations.find(({ operationId }) => operationId === id),
    /** What a `$ref` leads to. */
    schema: resolved,
    response(response: Response): Response {
      const name = response.$ref?.split("/").at(-1);
      return (name === undefined ? undefined : components.responses[name]) ?? response;
    },
  };
}

/**
 * The errors that operations refer to: those that most APIs describe alike, and what each API has of its own.
 * `shapes` are the bodies of all of an API's errors, each with an example.
 */
function errorsOf(
  tags: ApiDocument["tags"],
  operations: readonly Documented[],
  components: ApiDocument["components"]["responses"],
) {
  const contracts = tags.map(({ name }) => {
    const some = operations.filter((each) => each.tags[0] === name);
    const referred = some.flatMap(({ responses }) =>
      Object.entries(responses).flatMap(([status, { $ref }]) => {
        const response = components[$ref?.split("/").at(-1) ?? ""];
        return response === undefined ? [] : [[status, response] as const];
      }),
    );
    const errors = [...new Map(referred)].toSorted(([one], [other]) => Number(one) - Number(other));
    return { name, errors };
  });
  const key = ([status, { description }]: readonly [string, Response]) => status + description;
  const all = contracts.flatMap(({ errors }) => errors);
  const isCommon = (each: readonly [string, Response]) =>
    all.filter((other) => key(other) === key(each)).length > contracts.length / 2;
  return {
    common: [...new Map(all.filter(isCommon).map((each) => [key(each), each])).values()].toSorted(
      ([one], [other]) => Number(one) - Number(other),
    ),
    contracts: contracts.map(({ name, errors }) => ({
      id: idOf(name),
      name,
      own: errors.filter((each) => !isCommon(each)),
      shapes: [
        ...Map.groupBy(errors, ([, { content = {} }]) =>
          JSON.stringify(Object.values(content)[0]?.schema),
        ).values(),
      ].flatMap((some) => {
        const [content] = Object.values(some[0]?.[1].content ?? {});
        if (content === undefined) return [];
        const { schema, examples = {} } = content;
        const example = Object.values(examples)[0]?.value;
        return [{ statuses: some.map(([status]) => status), schema, example }];
      }),
    })),
  };
}
