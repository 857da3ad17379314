import type { Child } from "hono/jsx";
import { docs as words } from "../words.ts";
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

/** The type in a few words: "string, 1–24 characters, or null". */
function kindOf(given: Schema, api: Reader): string {
  const schema = api.schema(given);
  if (schema.const !== undefined) return json(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(json).join(` ${words.or} `);
  if (schema.anyOf !== undefined && schema.properties === undefined) {
    return [...new Set(schema.anyOf.map((each) => kindOf(each, api)))].join(`, ${words.or} `);
  }
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  if (types.length === 0) return words.anyJson;
  return types.map((type) => kindOfType(type, schema, api)).join(`, ${words.or} `);
}

function kindOfType(type: string, schema: Schema, api: Reader): string {
  switch (type) {
    case "string":
      return stringKind(schema);
    case "integer":
    case "number":
      return type + bounds(schema.minimum, schema.maximum);
    case "array":
      return schema.maxItems === 0 || schema.items === undefined
        ? words.emptyList
        : words.listOf(kindOf(schema.items, api)) +
            (schema.minItems === 1 && schema.maxItems === undefined
              ? words.notEmpty
              : bounds(schema.minItems, schema.maxItems, words.items));
    default:
      return type;
  }
}

function stringKind({ format, pattern, minLength, maxLength }: Schema): string {
  if (format !== undefined) return words.formats[format] ?? format;
  if (pattern !== undefined) return words.like(pattern);
  // A minimum length of 1 is not worth mentioning.
  if (maxLength === undefined && (minLength ?? 0) <= 1) return "string";
  return `string${bounds(minLength, maxLength, words.characters)}`;
}

function bounds(min: number | undefined, max: number | undefined, unit = ""): string {
  if (min === undefined && max === undefined) return "";
  return `, ${words.range(min, max)}${unit && ` ${unit}`}`;
}

/** All object schemas inside lists and alternatives. */
function objectsIn(given: Schema, api: Reader): readonly Schema[] {
  const schema = api.schema(given);
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
          {index > 0 && <p class="or">{words.or}</p>}
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
  const description = schema.description ?? api.schema(schema).description;
  const isGiven = schema.default !== undefined && schema.default !== null;
  return (
    <li>
      <code class="name">{name}</code> <span class="kind">{kindOf(schema, api)}</span>
      {!isRequired && <span class="optional">{words.optional}</span>}
      {isGiven && <span class="kind">{words.byDefault(json(schema.default))}</span>}
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
  const schema = api.schema(given);
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
      {isList && !isPlain && <p class="kind">{words.aListOf}</p>}
      {members}
    </>
  );
}
