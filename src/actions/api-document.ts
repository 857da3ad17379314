import type { Action } from "../core/action.ts";
import type { Json, JsonObject } from "../core/token.ts";
import { isSchema } from "./form-fields.ts";
import { schemaComponents } from "./json-schema.ts";

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

/** The OpenAPI document with these actions, their events and the tables that an export has. */
export function withActions(document: JsonObject, actions: readonly Action[]): JsonObject {
  const issuable = actions.filter(({ isInternal }) => !isInternal);
  const names = issuable.map(({ name }) => name);
  const made = actions.map((action) => ({ action, ...componentsOf(action) }));
  const payloads = made.filter(({ action }) => !action.isInternal).map(({ payload }) => payload);
  const inputs = made.flatMap(({ input }) => (input === null ? [] : [input]));
  const events = actions.flatMap((action) => Object.keys(action.events));
  const tables = actions.flatMap((action) => action.tables.map(({ name }) => name));
  const all = Object.assign({}, ...payloads, ...inputs);

  const payload = (value: Json) => alternatives(value, payloads.map(firstRef));
  const action = (value: Json) => appended(value, "enum", names);
  const done = made.map(({ action: { name }, answer }) => ({
    type: "object",
    properties: {
      status: { type: "string", const: "action_success" },
      action: { type: "string", const: name },
      data: answer,
      receipt: ref("Receipt"),
    },
    required: ["status", "action", "data", "receipt"],
  }));
  const changes: Readonly<Record<string, (value: Json) => Json>> = {
    "GenerateActionToken.properties.action": action,
    "GenerateActionToken.properties.payload": payload,
    "ActionToken.properties.action": action,
    "ActionToken.properties.payload": payload,
    "IssuedActionToken.properties.action": action,
    "IssuedActionToken.properties.payload": payload,
    "RunActionToken.properties.input": (value) => appended(value, "anyOf", inputs.map(firstRef)),
    ActionDone: (value) => appended(value, "oneOf", done),
    AuditEventKind: (value) => appended(value, "enum", events),
    "PersonalData.properties": (value) => ({
      ...objectOf(value),
      ...Object.fromEntries(tables.map((name) => [name, TABLE_ROWS])),
    }),
  };
  const schemas = Object.entries(changes).reduce<Json>(
    (value, [path, change]) => changed(value, path.split("."), change),
    { ...objectOf(objectOf(document.components ?? null).schemas ?? null), ...all },
  );
  return { ...document, components: { ...objectOf(document.components ?? null), schemas } };
}

/** Payload and input are components, the first of them the one to refer to. */
function componentsOf({ name, schemas: { payload, input, answer } }: Action) {
  const component = (what: string, of: unknown): JsonObject => {
    const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}${what}`;
    const { [title]: made, ...others } = isSchema(of) ? schemaComponents(title, of) : {};
    const description = `The ${what.toLowerCase()} of the action \`${name}\`.`;
    return { [title]: { description, ...Object(made) }, ...others };
  };
  return {
    payload: component("Payload", payload),
    input: input === null ? null : component("Input", input),
    answer: isSchema(answer) ? Object(schemaComponents("", answer)[""]) : {},
  };
}

const TABLE_ROWS: JsonObject = {
  type: "array",
  items: { type: "object", additionalProperties: true },
  description: "The user's rows of a table of the deployment's own.",
};

const firstRef = (components: JsonObject) => ref(Object.keys(components)[0] ?? "");

/** More members of a list, each once. */
function appended(value: Json, list: string, more: readonly Json[]): Json {
  const object = objectOf(value);
  const before = object[list];
  return { ...object, [list]: [...new Set([...(Array.isArray(before) ? before : []), ...more])] };
}

/** A single alternative stands for itself, as linters want it. */
function alternatives(value: Json, more: readonly Json[]): Json {
  const { $ref, ...rest } = objectOf(value);
  const all = objectOf(appended($ref === undefined ? rest : { anyOf: [{ $ref }] }, "anyOf", more));
  const [only, other] = Array.isArray(all.anyOf) ? all.anyOf : [];
  return other === undefined && only !== undefined ? only : all;
}

function changed(
  value: Json,
  [first, ...rest]: readonly string[],
  change: (value: Json) => Json,
): Json {
  if (first === undefined) return change(value);
  const object = objectOf(value);
  return { ...object, [first]: changed(object[first] ?? null, rest, change) };
}

function objectOf(value: Json): JsonObject {
  if (isObject(value)) return value;
  throw new Error("the API document has another form");
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
