import * as v from "valibot";
import { MAX_PROBLEMS } from "./refused.ts";
import { refuseRequest } from "./request-fault.ts";

/** What is wrong with a longer list is told of its first item alone: finding all of it costs more than parsing. */
const isLong = (value: unknown) => Array.isArray(value) && value.length > MAX_PROBLEMS;

/**
 * Checks the shape of what was sent.
 * @param required the text for a member that is missing, given its path
 * @throws RequestFaultError `fields_invalid`, one problem a field
 */
export function decode<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  required: (path: string) => string = () => "is required",
): v.InferOutput<S> {
  const isWide = isLong(value) || Object.values(Object(value)).some(isLong);
  const result = v.safeParse(schema, value, { abortEarly: isWide });
  if (result.success) return result.output;
  const problems = new Map<string, string>();
  for (const issue of result.issues) {
    const path = v.getDotPath(issue) ?? "";
    const isMissing = issue.path?.at(-1)?.origin === "key";
    // The library's own text would repeat the body, and so perhaps a password.
    const message = path === "" ? "the body must be an object" : issue.message;
    if (!problems.has(path)) problems.set(path, isMissing ? required(path) : message);
  }
  return refuseRequest({
    code: "fields_invalid",
    problems: Array.from(problems, ([path, message]) => ({ path, message })),
  });
}

/** A check that JSON Schema has words for, with those words: the API document is made with them. */
export const documented = <const A extends object, const W extends object>(check: A, words: W) =>
  Object.assign(check, { documented: words });

/** Text that survives a round trip through UTF-8 and SQLite: no lone surrogates, no NUL. */
export const storable = <const M extends string>(message: M) =>
  v.check<string, M>((text) => text.isWellFormed() && !text.includes("\0"), message);
