import type { HonoRequest } from "hono";
import * as v from "valibot";
import type { Json } from "../core/token.ts";
import { readTypedJson } from "./body.ts";
import { MAX_PROBLEMS, refuseRequest } from "./request-fault.ts";
import type { BodyRule } from "./surface.ts";
import { UUID } from "../core/text.ts";

/** Of a longer list only the first problem is reported: finding all of them costs more than parsing. */
const isLong = (value: unknown) => Array.isArray(value) && value.length > MAX_PROBLEMS;

/** A member's name is shown as it was sent, but no longer than this. */
const MAX_NAME = 64;

/** Names that a client could not read as keys of the answer. */
const nameOf = (sent: string): string =>
  ["__proto__", "constructor", "prototype"].includes(sent)
    ? "body"
    : sent.slice(0, MAX_NAME).toWellFormed();

/** The message for a member that is missing, or that the schema does not know, given its path. */
export interface Messages {
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
  { required = () => "is required", unknown = () => "is not known here" }: Messages = {},
): v.InferOutput<S> {
  const isWide = isLong(value) || Object.values(Object(value)).some(isLong);
  // The library takes a list for an object where no member is required.
  const given = Array.isArray(value) && "entries" in schema ? null : value;
  const result = v.safeParse(schema, given, { abortEarly: isWide });
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

/** A body's rule, and how a handler gets its checked fields. */
export interface Body<Fields> extends BodyRule {
  read(request: HonoRequest): Promise<Fields>;
}

export const JSON_ONLY = ["application/json"];
/** What Django REST framework and Laravel take. */
export const JSON_OR_FORM = [
  "application/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
];

/** A JSON body of this schema. @throws RequestFaultError as `readTypedJson` and `decode`, from `read` */
export const jsonBody = <const S extends v.GenericSchema>(
  schema: S,
  rule: { readonly isOptional?: boolean; readonly refusesNarrowing?: boolean } = {},
): Body<v.InferOutput<S>> => ({
  schema,
  media: JSON_ONLY,
  isOptional: rule.isOptional === true,
  async read(request) {
    const sent = await readTypedJson(request);
    if (rule.refusesNarrowing) refuseNarrowing(sent, schema);
    return decode(schema, sent);
  },
});

/** For a route that takes no fields: what is sent must be bounded JSON, as everywhere. */
export const NO_FIELDS: Body<unknown> = {
  schema: v.unknown(),
  media: JSON_ONLY,
  isOptional: true,
  read: readTypedJson,
};

/** How clients call what would give them less than the default. */
const NARROWING = [
  ...["scope", "scopes", "permissions", "abilities", "roles", "read_only", "readonly"],
  ...["ttl", "lifetime", "expires", "expires_in", "expires_at", "expiry", "exp", "not_after"],
  ...["audience", "aud", "resource", "max_uses", "uses", "allowed_ips", "ips", "ip_whitelist"],
  ...["remaining", "limit", "rate_limit", "enabled", "disabled"],
];

/**
 * Refuses unknown members that ask for less than the default: a client that asks for less must not be
 * given more. For bodies in which other unknown members do no harm.
 * @throws RequestFaultError `fields_invalid`
 */
export function refuseNarrowing(
  sent: unknown,
  schema: v.GenericSchema,
  { unknown = () => "is not known here" }: Messages = {},
): void {
  const taken = Object(Reflect.get(schema, "entries"));
  const isAsked = (name: string) => {
    const value: unknown = Object.hasOwn(Object(sent), name)
      ? Reflect.get(Object(sent), name)
      : null;
    return !(name in taken) && value !== null && value !== "";
  };
  const problems = NARROWING.filter(isAsked).map((path) => ({ path, message: unknown(path) }));
  if (problems.length > 0) refuseRequest({ code: "fields_invalid", problems });
}

/** A check of our own with the JSON Schema keywords that say the same in the API document. */
export const documented = <const A extends object, const K extends object>(check: A, keywords: K) =>
  Object.assign(check, { documented: keywords });

/** A UUID in lowercase, as it is stored: it is read in either case (RFC 9562 section 4). Other text stays as it is. */
export const lowerUuid = (text: string): string =>
  UUID.test(text.toLowerCase()) ? text.toLowerCase() : text;

/** A path parameter, in lowercase if it is a UUID. Any other text names nothing. */
export const pathId = (request: HonoRequest, name: string): string =>
  lowerUuid(request.param(name) ?? "");

/** Text that survives a round trip through UTF-8 and SQLite: no lone surrogates, no NUL. */
export const storable = <const M extends string>(message: M) =>
  v.check<string, M>((text) => text.isWellFormed() && !text.includes("\0"), message);

/** Whether a number in it differs from what was written: past 2^53, or too large for any number. */
export function losesDigits(value: Json): boolean {
  if (typeof value === "number") {
    return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  }
  return typeof value === "object" && value !== null && Object.values(value).some(losesDigits);
}

/** RFC 9651 section 3.3.3, with the parameters that may follow and mean nothing here. */
const QUOTED =
  /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"(?: *; *[a-z*][a-z0-9_.*-]*(?:=[\x21-\x3a\x3c-\x7e]+)?)*$/;

/** IETF draft-ietf-httpapi-idempotency-key-header: a string of RFC 9651; many clients leave the quotes out. */
export function idempotencyKey(
  request: HonoRequest,
  message = "must be 1 to 255 printable characters",
): string | null {
  const header = request.header("idempotency-key");
  if (header === undefined) return null;
  const key = header.startsWith('"')
    ? QUOTED.exec(header)?.[1]?.replaceAll(/\\(.)/g, "$1")
    : header.trim();
  if (key === undefined || !/^[\x20-\x7e]{1,255}$/.test(key)) {
    refuseRequest({ code: "fields_invalid", problems: [{ path: "Idempotency-Key", message }] });
  }
  return key;
}

/** Deeper values are refused: they would overflow the stack of a recursive reader, here or at a client. */
const MAX_DEPTH = 64;

/** JSON that survives a round trip through UTF-8 and SQLite, and through a recursive reader. */
export function isStorableJson(value: unknown, depth = MAX_DEPTH): value is Json {
  if (typeof value === "string") return value.isWellFormed();
  if (value === null || typeof value === "number" || typeof value === "boolean") return true;
  if (typeof value !== "object" || depth === 0) return false;
  return Object.entries(value).every(
    ([key, item]) => key.isWellFormed() && isStorableJson(item, depth - 1),
  );
}
