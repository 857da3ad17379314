import { OPERATOR_SCOPES, SCOPES, type Scopes } from "../../core/scopes.ts";
import { KEYS_MAX_AGE_SECONDS } from "../../core/token.ts";
import { fixedText } from "../../http/conditional.ts";
import type { Route } from "../../http/surface.ts";
import text from "../assets/openapi.json";

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
  readonly "x-codeSamples"?: readonly { readonly source: string }[];
}

interface SecurityScheme {
  readonly type: string;
  readonly scheme?: string;
  readonly name?: string;
  readonly description: string;
}

interface ApiDocument {
  readonly "x-other-credentials": Readonly<Record<string, SecurityScheme>>;
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

export interface Group {
  readonly name: string;
  readonly description: string;
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

function readerOf(document: ApiDocument) {
  const { info, tags, paths, components } = document;
  const operations: Documented[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
  const groups: readonly Group[] = tags.map((tag) => ({
    ...tag,
    operations: operations.filter((each) => each.tags[0] === tag.name),
  }));
  /** Alternatives by one name, and one list of members where a schema extends another. */
  const flat = ({ oneOf, allOf, ...schema }: Schema): Schema => {
    const anyOf = schema.anyOf ?? oneOf;
    if (allOf === undefined) return { ...schema, ...(anyOf !== undefined && { anyOf }) };
    const parts = allOf.map((part) => {
      const name = part.$ref?.split("/").at(-1);
      return flat((name === undefined ? undefined : components.schemas[name]) ?? part);
    });
    return {
      ...schema,
      type: "object",
      properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
      required: parts.flatMap(({ required = [] }) => required),
    };
  };
  return {
    info,
    groups,
    securitySchemes: { ...components.securitySchemes, ...document["x-other-credentials"] },
    find: (id: string) => operations.find(({ operationId }) => operationId === id),
    /** Resolves a `$ref`; `name` is null if there is none. */
    schema(schema: Schema): { readonly name: string | null; readonly schema: Schema } {
      const name = schema.$ref?.split("/").at(-1);
      const found = name === undefined ? undefined : components.schemas[name];
      if (name === undefined || found === undefined) return { name: null, schema: flat(schema) };
      return { name, schema: flat(found) };
    },
    response(response: Response): Response {
      const name = response.$ref?.split("/").at(-1);
      return (name === undefined ? undefined : components.responses[name]) ?? response;
    },
  };
}
