import text from "../assets/openapi.json";

/** What the pages read of a JSON Schema. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
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

export type Reader = ReturnType<typeof parse>;

let reader: Reader | undefined;

/** The document, parsed when the first page of it is opened: no other request pays for it. */
export function openApi(): Reader {
  reader ??= parse();
  return reader;
}

function parse() {
  const { info, tags, paths, components }: ApiDocument = JSON.parse(text);
  const operations: Documented[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
  // The same route without its last slash has a page, and no line of its own in a list.
  const isAlias = ({ path }: Documented) => `${path}/` in paths;
  const groups: readonly Group[] = tags.map((tag) => ({
    ...tag,
    operations: operations.filter((each) => each.tags[0] === tag.name && !isAlias(each)),
  }));
  return {
    info,
    groups,
    securitySchemes: components.securitySchemes,
    find: (id: string) => operations.find(({ operationId }) => operationId === id),
    /** The name of what it refers to, or null; and that itself. */
    schema(schema: Schema): { readonly name: string | null; readonly schema: Schema } {
      const name = schema.$ref?.split("/").at(-1);
      const found = name === undefined ? undefined : components.schemas[name];
      if (name === undefined || found === undefined) return { name: null, schema };
      return { name, schema: found };
    },
    response(response: Response): Response {
      const name = response.$ref?.split("/").at(-1);
      return (name === undefined ? undefined : components.responses[name]) ?? response;
    },
  };
}
