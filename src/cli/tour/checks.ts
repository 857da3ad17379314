import type { Check, Shape, Tour } from "./step.ts";

/** The clocks of the tour and of the server may differ by so much. */
const CLOCK_SKEW_MS = 60_000;

/** What is wrong with `value`, one line each, which begins with the path to it. */
export function mismatches(
  shape: Shape,
  value: unknown,
  path: string,
  tour: Tour,
): readonly string[] {
  if (typeof shape === "function") return shape(value, path, tour);
  if (shape === null || typeof shape !== "object") {
    return Object.is(shape, value) ? [] : [`${path} is ${show(value)}, not ${show(shape)}`];
  }
  if (isList(shape)) return listMismatches(shape, value, path, tour);
  if (!isObject(value)) return [`${path} is ${show(value)}, not an object`];
  const extra = Object.keys(value).filter((key) => !Object.hasOwn(shape, key));
  return [
    ...Object.entries(shape).flatMap(([key, each]) =>
      Object.hasOwn(value, key)
        ? mismatches(each, value[key], `${path}.${key}`, tour)
        : [`${path}.${key} is missing`],
    ),
    ...extra.map((key) => `${path}.${key} is not documented`),
  ];
}

function listMismatches(
  shape: readonly Shape[],
  value: unknown,
  path: string,
  tour: Tour,
): readonly string[] {
  if (!Array.isArray(value)) return [`${path} is ${show(value)}, not a list`];
  if (value.length !== shape.length) {
    return [`${path} has ${value.length} items, not ${shape.length}`];
  }
  return shape.flatMap((each, index) => mismatches(each, value[index], `${path}[${index}]`, tour));
}

/** Keeps the value under `name` for later steps, where it is as it must be. */
export const keep =
  (name: string, shape: Shape): Check =>
  (value, path, tour) => {
    const wrong = mismatches(shape, value, path, tour);
    const keepable = typeof value === "string" || typeof value === "number";
    if (wrong.length === 0 && keepable) tour.kept.set(name, value);
    return wrong;
  };

/** The value fits `shape`, and `check` has nothing against it. */
export const both =
  (shape: Shape, check: Check): Check =>
  (value, path, tour) => {
    const wrong = mismatches(shape, value, path, tour);
    return wrong.length > 0 ? wrong : check(value, path, tour);
  };

/** One of two documented forms. What is wrong is told of the first. */
export const either =
  (first: Shape, second: Shape): Check =>
  (value, path, tour) => {
    const wrong = mismatches(first, value, path, tour);
    return mismatches(second, value, path, tour).length === 0 ? [] : wrong;
  };

export const orNull =
  (check: Check): Check =>
  (value, path, tour) =>
    value === null ? [] : check(value, path, tour);

const textLike =
  (pattern: RegExp, what: string): Check =>
  (value, path) =>
    typeof value === "string" && pattern.test(value)
      ? []
      : [`${path} is ${show(value)}, not ${what}`];

/** A text that no document fixes. */
export const someText = textLike(/\S/, "a text");
export const uuid = textLike(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a uuid");
export const date = textLike(
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/,
  "an ISO 8601 date in UTC with milliseconds",
);

/** `lk_ses_…`, `lk_api_…` or `lk_act_…`: 43 random characters and six that check them. */
export const secret = (prefix: string): Check =>
  textLike(new RegExp(`^${prefix}[0-9A-Za-z]{49}$`), `a token that begins with ${prefix}`);

/** Milliseconds since the epoch, so many seconds ahead. */
export const secondsAhead =
  (seconds: number): Check =>
  (value, path) => {
    if (typeof value !== "number" || !Number.isInteger(value)) {
      return [`${path} is ${show(value)}, not whole milliseconds since the epoch`];
    }
    const offMs = Math.abs(value - Date.now() - seconds * 1000);
    return offMs <= CLOCK_SKEW_MS
      ? []
      : [`${path} is not ${seconds} s ahead of this machine's clock, but ${offMs} ms off`];
  };

/** Two dates in one object are exactly so many seconds apart. */
export const apart =
  (from: string, to: string, seconds: number): Check =>
  (value, path) => {
    if (!isObject(value)) return [`${path} is ${show(value)}, not an object`];
    const ms = Date.parse(String(value[to])) - Date.parse(String(value[from]));
    return ms === seconds * 1000
      ? []
      : [`${path}.${to} is ${ms} ms after ${path}.${from}, not ${seconds} s`];
  };

interface JwtWanted {
  readonly type: "access" | "refresh";
  readonly userId: string;
  readonly seconds: number;
  readonly claims?: Readonly<Record<string, Shape>>;
}

/** A JWT whose claims say whose it is and how long it lives. Its signature is the server's to check. */
export const jwt =
  ({ type, userId, seconds, claims = {} }: JwtWanted): Check =>
  (value, path, tour) => {
    const found = claimsOf(value);
    if (found === null) return [`${path} is ${show(value)}, not a JWT`];
    const wanted: Record<string, Shape> = {
      token_type: type,
      user_id: userId,
      sub: userId,
      jti: someText,
      iss: someText,
      aud: someText,
      client_id: someText,
      ...claims,
    };
    const lifetime = Number(found.exp) - Number(found.iat);
    return [
      ...Object.entries(wanted).flatMap(([name, shape]) =>
        mismatches(shape, found[name], `${path}, claim ${name},`, tour),
      ),
      ...(lifetime === seconds ? [] : [`${path} lives ${lifetime} s, not ${seconds} s`]),
    ];
  };

function claimsOf(value: unknown): Record<string, unknown> | null {
  const parts = typeof value === "string" ? value.split(".") : [];
  if (parts.length !== 3) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString());
    return isObject(claims) ? claims : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `Array.isArray` alone does not tell a readonly list apart. */
function isList(shape: Shape): shape is readonly Shape[] {
  return Array.isArray(shape);
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
