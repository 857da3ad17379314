import type { Child } from "hono/jsx";
import type { Reader, Schema } from "./document.ts";

/** Renders `code` in backticks. */
export function Description({ text }: { readonly text: string }) {
  return (
    <>{text.split("`").map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}</>
  );
}

export interface SchemaProps {
  readonly schema: Schema;
  /** What its references lead to. */
  readonly api: Reader;
}

const json = (value: unknown) => JSON.stringify(value);

/** The type in a few words: "text of 1 to 24 characters, or null". */
function kindOf(given: Schema, api: Reader): string {
  const { schema } = api.schema(given);
  if (schema.const !== undefined) return json(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(json).join(" or ");
  if (schema.anyOf !== undefined && schema.properties === undefined) {
    return [...new Set(schema.anyOf.map((each) => kindOf(each, api)))].join(", or ");
  }
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  if (types.length === 0) return "any JSON value";
  return types.map((type) => kindOfType(type, schema, api)).join(", or ");
}

function kindOfType(type: string, schema: Schema, api: Reader): string {
  switch (type) {
    case "string":
      return textKind(schema);
    case "integer":
    case "number":
      return (
        (type === "integer" ? "whole number" : "number") +
        bounds(schema.minimum, schema.maximum, "")
      );
    case "array":
      return schema.maxItems === 0 || schema.items === undefined
        ? "the empty list"
        : `list of ${kindOf(schema.items, api)}${bounds(schema.minItems, schema.maxItems, " items")}`;
    case "boolean":
      return "true or false";
    default:
      return type;
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: "UUID",
  "date-time": "ISO 8601 time in UTC",
  date: "date as YYYY-MM-DD",
  uri: "URL",
};

function textKind({ format, pattern, minLength, maxLength }: Schema): string {
  if (format !== undefined) return FORMATS[format] ?? format;
  if (pattern !== undefined) return `text like ${pattern}`;
  // A minimum length of 1 is not worth mentioning.
  if (maxLength === undefined && (minLength ?? 0) <= 1) return "text";
  return `text${bounds(minLength, maxLength, " characters")}`;
}

function bounds(min: number | undefined, max: number | undefined, unit: string): string {
  if (min !== undefined && max !== undefined) return ` of ${min} to ${max}${unit}`;
  if (min !== undefined) return ` of ${min}${unit} or more`;
  return max === undefined ? "" : ` of at most ${max}${unit}`;
}

/** All object schemas inside lists and alternatives. */
function objectsIn(given: Schema, api: Reader): readonly Schema[] {
  const { schema } = api.schema(given);
  if (schema.properties !== undefined) return [schema];
  if (schema.items !== undefined) return objectsIn(schema.items, api);
  return (schema.anyOf ?? []).flatMap((each) => objectsIn(each, api));
}

/** The members of a schema, recursively. */
export function Members({ schema, api }: SchemaProps): Child {
  const objects = objectsIn(schema, api).filter(
    ({ properties = {} }) => Object.keys(properties).length > 0,
  );
  if (objects.length === 0) return null;
  return (
    <>
      {objects.map((each, index) => (
        <>
          {index > 0 && <p class="or">or</p>}
          <ul class="members">
            {Object.entries(each.properties ?? {}).map(([name, member]) => (
              <Member
                api={api}
                name={name}
                schema={member}
                isRequired={each.required?.includes(name) === true}
              />
            ))}
          </ul>
        </>
      ))}
    </>
  );
}

interface MemberProps extends SchemaProps {
  readonly name: string;
  readonly isRequired: boolean;
}

export function Member({ api, name, schema, isRequired }: MemberProps) {
  const description = schema.description ?? api.schema(schema).schema.description;
  const isGiven = schema.default !== undefined && schema.default !== null;
  return (
    <li>
      <code class="name">{name}</code> <span class="kind">{kindOf(schema, api)}</span>
      {!isRequired && <span class="optional">, optional</span>}
      {isGiven && <span class="kind">, {json(schema.default)} if not sent</span>}
      {description !== undefined && (
        <p>
          <Description text={description} />
        </p>
      )}
      <Members schema={schema} api={api} />
    </li>
  );
}

/** A schema: description, type and members. */
export function SchemaView({ schema: given, api }: SchemaProps) {
  const { schema } = api.schema(given);
  const members = <Members schema={given} api={api} />;
  const isPlain = objectsIn(given, api).length === 0;
  const isList = schema.type === "array";
  return (
    <>
      {schema.description !== undefined && (
        <p>
          <Description text={schema.description} />
        </p>
      )}
      {isPlain && <p class="kind">{kindOf(given, api)}</p>}
      {isList && !isPlain && <p class="kind">A list of:</p>}
      {members}
    </>
  );
}
