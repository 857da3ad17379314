import type { HonoRequest } from "hono";
import * as v from "valibot";
import { MAX_PROBLEMS } from "./refused.ts";
import { refuseRequest } from "./request-fault.ts";

/** What is wrong with a longer list is told of its first item alone: finding all of it costs more than parsing. */
const isLong = (value: unknown) => Array.isArray(value) && value.length > MAX_PROBLEMS;

/** A member's name is shown as it was sent, but no longer than this. */
const MAX_NAME = 64;

/** Some names are no keys that a client could read in the answer. */
const nameOf = (sent: string): string =>
  ["__proto__", "constructor", "prototype"].includes(sent)
    ? "body"
    : sent.slice(0, MAX_NAME).toWellFormed();

/** What is said of a member that is missing, or that the schema does not know, given its path. */
export interface Words {
  readonly required?: (path: string) => string;
  readonly unknown?: (path: string) => string;
}

/**
 * Checks the shape of what was sent.
 * @throws RequestFaultError `fields_invalid`, one problem a field
 */
export function decode<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  { required = () => "is required", unknown = () => "is not known here" }: Words = {},
): v.InferOutput<S> {
  const isWide = isLong(value) || Object.values(Object(value)).some(isLong);
  const result = v.safeParse(schema, value, { abortEarly: isWide });
  if (result.success) return result.output;
  const problems = new Map<string, string>();
  for (const issue of result.issues) {
    const isUnknown = issue.expected === "never";
    const dotPath = v.getDotPath(issue) ?? "";
    const path = isUnknown ? nameOf(dotPath) : dotPath;
    const isMissing = !isUnknown && issue.path?.at(-1)?.origin === "key";
    // The library's own text would repeat the body, and so perhaps a password.
    const message = path === "" ? "the body must be an object" : issue.message;
    const said = isUnknown ? unknown(path) : isMissing ? required(path) : message;
    if (!problems.has(path)) problems.set(path, said);
  }
  return refuseRequest({
    code: "fields_invalid",
    problems: Array.from(problems, ([path, message]) => ({ path, message })),
  });
}

/** How clients call what would give them less than the default. */
const NARROWING = [
  ...["scope", "scopes", "permissions", "abilities", "roles", "read_only", "readonly"],
  ...["ttl", "lifetime", "expires", "expires_in", "expires_at", "expiry", "exp", "not_after"],
  ...["audience", "aud", "resource", "max_uses", "uses", "allowed_ips", "ips", "ip_whitelist"],
];

/**
 * Refuses members that ask for less than the default and are not taken: whoever asks for less must not
 * be given more. For bodies in which other members that are not known do no harm.
 * @throws RequestFaultError `fields_invalid`
 */
export function refuseNarrowing(
  sent: unknown,
  taken: v.ObjectEntries,
  { unknown = () => "is not known here" }: Words = {},
): void {
  const isAsked = (name: string) => {
    const value: unknown = Object.hasOwn(Object(sent), name)
      ? Reflect.get(Object(sent), name)
      : null;
    return !(name in taken) && value !== null && value !== "";
  };
  const problems = NARROWING.filter(isAsked).map((path) => ({ path, message: unknown(path) }));
  if (problems.length > 0) refuseRequest({ code: "fields_invalid", problems });
}

/** A check that JSON Schema has words for, with those words: the API document is made with them. */
export const documented = <const A extends object, const W extends object>(check: A, words: W) =>
  Object.assign(check, { documented: words });

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A UUID in the case in which it is stored: it is read in either (RFC 9562 section 4). All else as it is. */
export const lowerUuid = (text: string): string => (UUID.test(text) ? text.toLowerCase() : text);

/** The UUID that a path's parameter is; or what else stands there, which then names nothing. */
export const pathId = (request: HonoRequest, name: string): string =>
  lowerUuid(request.param(name) ?? "");

/** Text that survives a round trip through UTF-8 and SQLite: no lone surrogates, no NUL. */
export const storable = <const M extends string>(message: M) =>
  v.check<string, M>((text) => text.isWellFormed() && !text.includes("\0"), message);
