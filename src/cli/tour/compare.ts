import type { Example } from "../../openapi/examples.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** A text if it is not JSON, null if there is none. */
  readonly body: unknown;
}

/** How an answer differs from the recorded one, one line each: in status, headers, members and their types. */
export function mismatches({ status, answer }: Example, reply: Reply): string[] {
  if (reply.status !== status) return [`the status is ${reply.status}, not ${status}`];
  const headers = ["cache-control", "content-type"].flatMap((name) => {
    const value = reply.headers.get(name);
    const recorded = answer.headers[name] ?? null;
    return value === recorded ? [] : [`the header ${name} is ${value}, not ${recorded}`];
  });
  // What a refusal says is fixed; of an answer that succeeds only the form is.
  const typeOf = status >= 400 ? JSON.stringify : formOf;
  const recorded = new Map(typesIn(answer.body, "body", typeOf));
  const found = new Map(typesIn(reply.body, "body", typeOf));
  /** An empty list does not say what its items look like. */
  const isUnknown = (path: string, types: typeof found) =>
    path.includes("[]") && !types.has(path.slice(0, path.lastIndexOf("[]") + 2));
  return [
    ...headers,
    ...[...recorded].flatMap(([path, type]) => {
      const value = found.get(path);
      if (value === undefined) return isUnknown(path, found) ? [] : [`${path} is missing`];
      // What may be null is text otherwise, and either may have been recorded.
      const isNullable = [type, value].includes("null") && ![type, value].includes("a number");
      return value === type || isNullable ? [] : [`${path} is ${value}, not ${type}`];
    }),
    ...[...found.keys()]
      .filter((path) => !recorded.has(path) && !isUnknown(path, recorded))
      .map((path) => `${path} is not documented`),
  ];
}

function* typesIn(
  value: unknown,
  path: string,
  typeOf: (scalar: unknown) => string,
): Generator<readonly [path: string, type: string]> {
  if (typeof value !== "object" || value === null) return yield [path, typeOf(value)];
  yield [path, Array.isArray(value) ? "a list" : "an object"];
  for (const [name, each] of Object.entries(value)) {
    yield* typesIn(each, Array.isArray(value) ? `${path}[]` : `${path}.${name}`, typeOf);
  }
}

/** For secrets, the form of the placeholder that was recorded too. */
const FORMS: Readonly<Record<string, RegExp>> = {
  "a session token": /^[a-z0-9]+_ses_\w+$/,
  "an API token": /^[a-z0-9]+_api_\w+$/,
  "an action token": /^[a-z0-9]+_act_\w+$/,
  "a JWT": /^(eyJ[\w-]+\.[\w-]+\.[\w-]+|HEADER\.CLAIMS\.SIGNATURE)$/,
  "a UUID": /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  "a date": /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/,
};

function formOf(value: unknown): string {
  if (typeof value === "number") return "a number";
  if (typeof value !== "string") return JSON.stringify(value);
  return Object.entries(FORMS).find(([, form]) => form.test(value))?.[0] ?? "a text";
}
