import * as v from "valibot";
import type { FormField } from "../core/form.ts";

/**
 * Derives form fields from a schema, so that a form and its validation cannot differ. `v.title` is the
 * label, `v.description` the hint, and `v.metadata({ form })` marks a string as a `password` or as the
 * id of a `user`, and a list as `passkeys`, which only the service's own actions show.
 * @returns null if a form cannot express the schema
 */
export function formFields(schema: v.GenericSchema): readonly FormField[] | null {
  const entries: unknown = schema.type.endsWith("object") && Reflect.get(schema, "entries");
  if (typeof entries !== "object" || entries === null) return null;
  const fields = Object.entries(entries).map(([name, entry]) =>
    isSchema(entry) ? fieldOf(name, entry) : null,
  );
  const known = fields.filter((field) => field !== null);
  return known.length === fields.length ? known : null;
}

const MAY_BE_MISSING = ["optional", "exact_optional", "nullish", "undefinedable"];
const WRAPPERS = [...MAY_BE_MISSING, "nullable", "non_nullish"];

function fieldOf(name: string, schema: v.GenericSchema): FormField | null {
  let inner = schema;
  let isRequired = true;
  while (WRAPPERS.includes(inner.type)) {
    if (MAY_BE_MISSING.includes(inner.type)) isRequired = false;
    const wrapped: unknown = Reflect.get(inner, "wrapped");
    if (!isSchema(wrapped)) return null;
    inner = wrapped;
  }
  const kind = kindOf(inner);
  if (kind === null) return null;
  return {
    name,
    label: v.getTitle(schema) ?? v.getTitle(inner) ?? name.replaceAll("_", " "),
    hint: v.getDescription(schema) ?? v.getDescription(inner) ?? null,
    kind,
    isRequired: isRequired && kind !== "checkbox",
    min: numberOf(inner, kind === "number" ? "min_value" : "min_length"),
    max: numberOf(inner, kind === "number" ? "max_value" : "max_length"),
    pattern: kind === "text" ? patternOf(requirement(inner, "regex")) : null,
    options: kind === "select" ? textsOf(Reflect.get(inner, "options")) : [],
  };
}

function kindOf(schema: v.GenericSchema): FormField["kind"] | null {
  switch (schema.type) {
    case "string": {
      const { form } = v.getMetadata(schema);
      if (form === "password" || form === "user") return form;
      return hasStep(schema, "email") ? "email" : "text";
    }
    case "number":
      return "number";
    case "boolean":
      return "checkbox";
    case "array":
      return v.getMetadata(schema).form === "passkeys" ? "passkeys" : null;
    case "picklist":
      return textsOf(Reflect.get(schema, "options")).length > 0 ? "select" : null;
    default:
      return null;
  }
}

/** The steps of a pipe; the first is the schema itself. */
function stepsOf(schema: v.GenericSchema): readonly object[] {
  const pipe: unknown = Reflect.get(schema, "pipe");
  return Array.isArray(pipe) ? pipe.filter((step) => typeof step === "object") : [];
}

const hasStep = (schema: v.GenericSchema, type: string): boolean =>
  stepsOf(schema).some((step) => Reflect.get(step, "type") === type);

function requirement(schema: v.GenericSchema, type: string): unknown {
  const step = stepsOf(schema).find((each) => Reflect.get(each, "type") === type);
  return step === undefined ? undefined : Reflect.get(step, "requirement");
}

function numberOf(schema: v.GenericSchema, type: string): number | null {
  const value = requirement(schema, type);
  return typeof value === "number" ? value : null;
}

/** The HTML `pattern` attribute always uses the flag `v` and must match the whole value. */
function patternOf(value: unknown): string | null {
  if (!(value instanceof RegExp) || value.flags !== "") return null;
  const { source } = value;
  if (!source.startsWith("^") || !source.endsWith("$") || source.includes("|")) return null;
  try {
    return new RegExp(source, "v").source;
  } catch {
    return null;
  }
}

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) && value.every((each) => typeof each === "string") ? value : [];

export const isSchema = (value: unknown): value is v.GenericSchema =>
  typeof value === "object" && value !== null && Reflect.get(value, "kind") === "schema";
