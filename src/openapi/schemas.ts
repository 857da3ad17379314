import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { CONVERSION } from "../actions/json-schema.ts";
import type { Component, JsonObject } from "./description.ts";

/** Schemas as JSON Schema 2020-12. A schema that has a name becomes a reference to it. */
export function converter(components: Readonly<Record<string, Component>>) {
  const definitions = Object.fromEntries(
    Object.entries(components).map(([name, { schema }]) => [name, schema]),
  );
  const config = {
    ...CONVERSION,
    definitions,
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
    overrideAction: ({ valibotAction, jsonSchema }) =>
      "documented" in valibotAction && isObject(valibotAction.documented)
        ? Object.assign(jsonSchema, valibotAction.documented)
        : null,
  } satisfies ConversionConfig;

  return {
    convert(schema: v.GenericSchema): JsonObject {
      const { $schema: _, $defs: __, ...made } = plain(toJsonSchema(schema, config));
      return made;
    },

    /** All schemas that have a name, by name. */
    named(): JsonObject {
      const made = plain(toJsonSchemaDefs(definitions, config));
      return Object.fromEntries(
        Object.entries(components).map(([name, component]) => [
          name,
          withDescriptions(objectAt(made, name), component),
        ]),
      );
    },
  };
}

function withDescriptions(
  made: JsonObject,
  { description, extra, fields = {} }: Component,
): JsonObject {
  const own = "properties" in made ? objectAt(made, "properties") : {};
  const laidOver = Object.entries(fields).map(([name, description]) => {
    const replaces = "type" in description || "anyOf" in description || "$ref" in description;
    const before = replaces || !(name in own) ? {} : objectAt(own, name);
    return [name, { ...before, ...description }] as const;
  });
  const properties = { ...own, ...Object.fromEntries(laidOver) };
  return {
    ...(description !== undefined && { description }),
    ...made,
    ...extra,
    ...(Object.keys(properties).length > 0 && { properties }),
  };
}

function objectAt(of: JsonObject, name: string): JsonObject {
  const value = of[name];
  if (!isObject(value)) throw new Error(`${name} is no object`);
  return value;
}

/** As a reader of the file gets it. */
function plain(value: object): JsonObject {
  const read: unknown = JSON.parse(JSON.stringify(value));
  if (!isObject(read)) throw new Error("a schema that is no object");
  return read;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
