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
  /** Shows the first level only. */
  readonly isFolded?: boolean;
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

const membersOf = ({ properties = {} }: Schema) => Object.entries(properties);

/** How many members a schema has on all levels. */
export const memberCount = (schema: Schema, api: Reader): number =>
  objectsIn(schema, api)
    .flatMap(membersOf)
    .reduce((sum, [, member]) => sum + 1 + memberCount(member, api), 0);

/** The members of a schema, recursively. What alternatives share is described in the first one. */
export function Members({ schema, api, isFolded }: SchemaProps): Child {
  const [first, ...others] = objectsIn(schema, api).filter((each) => membersOf(each).length > 0);
  if (first === undefined) return null;
  const list = ({ required = [], ...each }: Schema, before: Schema = {}) => (
    <ul class="members">
      {membersOf(each).map(([name, member]) => (
        <Member
          api={api}
          name={name}
          schema={member}
          isRequired={required.includes(name)}
          isFolded={isFolded === true}
          isRepeated={json(before.properties?.[name]) === json(member)}
        />
      ))}
    </ul>
  );
  return (
    <>
      {list(first)}
      {others.map((each) => (
        <>
          <p class="or">{words.or}</p>
          {list(each, first)}
        </>
      ))}
    </>
  );
}

interface MemberProps extends SchemaProps {
  readonly name: string;
  readonly isRequired: boolean;
  readonly isRepeated?: boolean;
}

export function Member({ api, name, schema, isRequired, isFolded, isRepeated }: MemberProps) {
  const description = schema.description ?? api.schema(schema).description;
  const isGiven = schema.default !== undefined && schema.default !== null;
  return (
    <li>
      <code>{name}</code>{" "}
      <i>
        {kindOf(schema, api)}
        {!isRequired && words.optional}
        {isGiven && words.byDefault(json(schema.default))}
      </i>
      {description !== undefined && isRepeated !== true && (
        <p>
          <Description text={description} />
        </p>
      )}
      {isFolded !== true && isRepeated !== true && <Members schema={schema} api={api} />}
    </li>
  );
}

/** A schema: description, type and members. */
export function SchemaView({ schema: given, api, isFolded = false }: SchemaProps) {
  const schema = api.schema(given);
  const members = <Members schema={given} api={api} isFolded={isFolded} />;
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
