import * as v from "valibot";

/** Keywords that narrow values without changing their TypeScript type. */
const SILENT = [
  "title",
  "description",
  "default",
  "example",
  "examples",
  "format",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "propertyNames",
  "contentEncoding",
];

const SPOKEN = {
  $ref: v.optional(v.string()),
  type: v.optional(v.union([v.string(), v.array(v.string())])),
  const: v.optional(v.unknown()),
  enum: v.optional(v.array(v.unknown())),
  anyOf: v.optional(v.array(v.unknown())),
  oneOf: v.optional(v.array(v.unknown())),
  allOf: v.optional(v.array(v.unknown())),
  properties: v.optional(v.record(v.string(), v.unknown()), {}),
  required: v.optional(v.array(v.string()), []),
  additionalProperties: v.optional(v.unknown()),
  items: v.optional(v.unknown()),
};

const Schema = v.strictObject({
  ...Object.fromEntries(SILENT.map((keyword) => [keyword, v.optional(v.unknown())])),
  ...SPOKEN,
});

type Schema = v.InferOutput<v.ObjectSchema<typeof SPOKEN, undefined>>;

/**
 * The TypeScript type of a JSON Schema (2020-12), as far as OpenAPI documents of ours go.
 * @throws ValiError where it has a keyword that this does not know
 */
export function typeOf(schema: unknown): string {
  if (typeof schema === "boolean") return schema ? "unknown" : "never";
  const shape: Schema = v.parse(Schema, schema);
  if (shape.$ref !== undefined) return nameIn(shape.$ref);
  if ("const" in shape) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return union(shape.enum.map((value) => JSON.stringify(value)));
  const parts = [
    ...(shape.type === undefined ? [] : [union([shape.type].flat().map(typeNamed(shape)))]),
    ...(shape.type === undefined && shape.required.length > 0 ? [objectType(shape)] : []),
    ...[shape.anyOf, shape.oneOf].flatMap((each) => (each ? [union(each.map(typeOf))] : [])),
    ...(shape.allOf ?? []).map(typeOf),
  ];
  if (parts.length === 0) return "unknown";
  return parts.length === 1 ? parts.join() : parts.map((part) => `(${part})`).join(" & ");
}

/** The component that `#/components/…/` refers to. */
export function nameIn(ref: string): string {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

/** A JSDoc comment of what a document says in words. */
export function comment(text: unknown): string {
  return typeof text === "string" ? `/** ${text.replaceAll("*/", "*\\/")} */\n` : "";
}

const typeNamed = (shape: Schema) => (name: string) => {
  switch (name) {
    case "string":
    case "boolean":
    case "null":
      return name;
    case "number":
    case "integer":
      return "number";
    case "array":
      return `(${typeOf(shape.items ?? true)})[]`;
    case "object":
      return objectType(shape);
    default:
      throw new Error(`no JSON Schema type: ${name}`);
  }
};

function objectType({ properties, required, additionalProperties }: Schema): string {
  const fields = Object.entries(properties).map(
    ([name, schema]) =>
      `${comment(Object(schema).description)}${JSON.stringify(name)}${required.includes(name) ? "" : "?"}: ${fieldType(schema)};`,
  );
  // Demanded here, described elsewhere: one branch of an `anyOf` may only say which fields it takes.
  const others = required.filter((name) => !Object.hasOwn(properties, name));
  fields.push(...others.map((name) => `${JSON.stringify(name)}: unknown;`));
  const rest =
    typeof additionalProperties === "object" && additionalProperties !== null
      ? `Record<string, ${typeOf(additionalProperties)}>`
      : null;
  if (fields.length === 0) return rest ?? "Record<string, unknown>";
  const known = `{\n${fields.join("\n")} }`;
  return rest === null ? known : `${known} & ${rest}`;
}

/** openapi-fetch takes a field that is only ever null for one that no answer has. */
function fieldType(schema: unknown): string {
  const type = typeOf(schema);
  return type === "null" ? "unknown" : type;
}

const union = (types: readonly string[]) =>
  types.length === 1 ? types.join() : types.map((type) => `(${type})`).join(" | ");
