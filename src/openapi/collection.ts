import * as v from "valibot";

const Example = v.object({ value: v.unknown() });
const Media = v.looseObject({ examples: v.optional(v.record(v.string(), Example), {}) });
const Parameter = v.looseObject({
  name: v.string(),
  in: v.string(),
  description: v.optional(v.string()),
});
const Operation = v.looseObject({
  summary: v.string(),
  description: v.optional(v.string(), ""),
  tags: v.tuple([v.string()]),
  security: v.optional(v.array(v.record(v.string(), v.unknown()))),
  parameters: v.optional(v.array(v.unknown()), []),
  requestBody: v.optional(v.looseObject({ content: v.record(v.string(), Media) })),
});

/** What a collection takes of the API document. */
const Document = v.looseObject({
  info: v.looseObject({ title: v.string(), version: v.string() }),
  tags: v.array(v.looseObject({ name: v.string(), description: v.optional(v.string()) })),
  paths: v.record(v.string(), v.record(v.string(), v.unknown())),
});

const METHODS = ["get", "post", "put", "patch", "delete"];

/**
 * The API as a collection of Postman (format 2.1), which Bruno, Insomnia and Hoppscotch import too: a folder for each
 * tag, a request for each operation with its first example. `{{url}}` and `{{token}}` are its variables.
 * @throws v.ValiError for what is no API document of ours
 */
export function collectionOf(document: unknown): object {
  const { info, tags, paths } = v.parse(Document, document);
  const requests = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => {
      const operation = v.parse(Operation, item[method]);
      return { tag: operation.tags[0], request: requestOf(path, method, operation) };
    }),
  );
  return {
    info: {
      name: info.title,
      version: info.version,
      schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
    },
    variable: [
      { key: "url", value: "http://localhost:8787" },
      { key: "token", value: "", type: "secret" },
    ],
    auth: bearer,
    item: tags.map(({ name, description }) => ({
      name,
      ...(description !== undefined && { description }),
      item: requests.filter(({ tag }) => tag === name).map(({ request }) => request),
    })),
  };
}

const bearer = { type: "bearer", bearer: [{ key: "token", value: "{{token}}", type: "string" }] };

function requestOf(path: string, method: string, operation: v.InferOutput<typeof Operation>) {
  const parameters = operation.parameters.flatMap((each) => (v.is(Parameter, each) ? [each] : []));
  const named = (place: string) =>
    parameters
      .filter((each) => each.in === place)
      .map(({ name: key, description }) => ({
        key,
        value: "",
        ...(description !== undefined && { description }),
      }));
  const [query, variable] = [named("query"), named("path")];
  const [media] = Object.entries(operation.requestBody?.content ?? {});
  const isOpen = operation.security?.some((each) => "bearer" in each) === false;
  return {
    name: operation.summary,
    request: {
      method: method.toUpperCase(),
      description: operation.description,
      ...(isOpen && { auth: { type: "noauth" } }),
      ...(media !== undefined && bodyOf(...media)),
      url: {
        raw: `{{url}}${path.replaceAll(/\{(\w+)\}/g, ":$1")}`,
        host: ["{{url}}"],
        path: path
          .slice(1)
          .replaceAll(/\{(\w+)\}/g, ":$1")
          .split("/"),
        ...(variable.length > 0 && { variable }),
        // Off until someone fills it in.
        ...(query.length > 0 && { query: query.map((each) => ({ ...each, disabled: true })) }),
      },
    },
  };
}

function bodyOf(type: string, { examples }: v.InferOutput<typeof Media>) {
  const value = Object.values(examples)[0]?.value ?? {};
  const header = [{ key: "Content-Type", value: type }];
  if (type === "application/x-www-form-urlencoded") {
    const urlencoded = Object.entries(Object(value)).map(([key, text]) => ({
      key,
      value: String(text),
    }));
    return { header, body: { mode: "urlencoded", urlencoded } };
  }
  const raw = JSON.stringify(value, null, 2);
  return { header, body: { mode: "raw", raw, options: { raw: { language: "json" } } } };
}
