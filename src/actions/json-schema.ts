import { type ConversionConfig, toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { JsonObject } from "../core/token.ts";

/** How schemas are written in the API document: JSON Schema 2020-12, as generators of clients want it. */
export const CONVERSION: ConversionConfig = {
  target: "draft-2020-12",
  typeMode: "input",
  // What JSON Schema cannot express is left to the descriptions.
  errorMode: "ignore",
  // Hints for our own forms.
  ignoreActions: ["metadata"],
  overrideSchema({ valibotSchema, jsonSchema }) {
    // Generators want the type of a constant. A name of a member is always a string.
    if (valibotSchema.type === "literal") return { ...jsonSchema, type: literalType(jsonSchema) };
    // openapi-typescript takes a member with a default for one that must be sent. Descriptions tell the defaults.
    if ("default" in jsonSchema) {
      const { default: _, ...optional } = jsonSchema;
      return optional;
    }
    if (valibotSchema.type !== "record") return null;
    const { propertyNames: _, ...record } = jsonSchema;
    return record;
  },
};

/**
 * A schema as a component of the API document, with those that it refers to itself, as a recursive one does.
 * @param name of the component; those of the others begin with it
 */
export function schemaComponents(name: string, schema: v.GenericSchema): JsonObject {
  const overrideRef = ({ referenceId }: { readonly referenceId: string }) =>
    `#/components/schemas/${name}${referenceId}`;
  const text = JSON.stringify(toJsonSchema(schema, { ...CONVERSION, overrideRef }));
  const {
    $schema: _,
    $defs = {},
    ...made
  }: Readonly<Record<string, JsonObject>> = JSON.parse(text);
  const others = Object.entries($defs).map(([id, other]) => [`${name}${id}`, other] as const);
  return Object.fromEntries([[name, made] as const, ...others]);
}

const literalType = ({ const: value }: { const?: unknown }) =>
  typeof value === "boolean" ? "boolean" : typeof value === "number" ? "number" : "string";
