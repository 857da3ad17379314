import * as v from "valibot";
import { OPERATOR_SCOPES, SCOPES } from "../core/scopes.ts";
import type { Parameter } from "./description.ts";

/** What many answers are made of. */

export const text = v.string();
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const uuid = v.pipe(v.string(), v.uuid());
export const time = v.pipe(v.string(), v.isoTimestamp());
export const textOrNull = v.nullable(text);
export const uuidOrNull = v.nullable(uuid);
export const timeOrNull = v.nullable(time);
export const anyJson = v.unknown();
export const emptyList = v.pipe(v.array(v.unknown()), v.maxLength(0));
/** A component of its own: `Scope`. */
export const scope = v.picklist([...SCOPES, ...OPERATOR_SCOPES]);

/** Of a log-in by password. */
export const OTP =
  "A code of the account's second factor, or a recovery code. Without it such an account answers `otp_required`.";

export const describe = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description));

/** In an error whose shape has no code of its own. */
export const otpCode = v.optional(
  describe(v.literal("otp_required"), "The account has a second factor, and no code was sent."),
);

/** The answers of an operation that has one. */
export const answer = (description: string, schema: v.GenericSchema) => ({
  200: { description, schema },
});

export const nextCursor = describe(
  textOrNull,
  "Send it as `cursor` to get the next page; null at the end.",
);

const REQUEST_ID_MEANING = "Matches the entry in the service log.";
export const requestId = describe(text, REQUEST_ID_MEANING);

export const REQUEST_ID = { "X-Request-Id": REQUEST_ID_MEANING };
export const RETRY_AFTER = { "Retry-After": "Seconds to wait before the next attempt." };
export const THROTTLED = {
  ...RETRY_AFTER,
  RateLimit: "Which limit was reached, and in how many seconds (`t`) it resets.",
  "RateLimit-Policy": "How many requests (`q`) the limit allows in how many seconds (`w`).",
};
export const CHALLENGE = { "WWW-Authenticate": "The ways to authenticate here." };

export const pathParameter = (name: string, description: string): readonly Parameter[] => [
  { name, in: "path", description, schema: text },
];

const whole = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

export const CURSOR: Parameter = {
  name: "cursor",
  in: "query",
  description: "The `next_cursor` of the previous page.",
  schema: text,
};

/** `?limit=` and `?cursor=`. */
export const inQuery = (name: string, description: string, schema: v.GenericSchema): Parameter => ({
  name,
  in: "query",
  description,
  schema,
});

export const PAGE: readonly Parameter[] = [
  {
    name: "limit",
    in: "query",
    description: "The number of items at most; 50 by default.",
    schema: whole(1, 100),
  },
  CURSOR,
];

/** `?take=` and `?skip=`, Opentact's own. */
export const SKIPPING: readonly Parameter[] = [
  { name: "take", in: "query", description: "Another name of `limit`.", schema: whole(1, 100) },
  { name: "skip", in: "query", description: "How many items to skip.", schema: whole(0, 10_000) },
];

const PLAIN_ERRORS = {
  400: "The body is malformed, a field doesn't fit, or more than one credential was sent.",
  401: "Authentication is required, or the credential is not valid.",
  403: "The credential lacks the scope that `WWW-Authenticate` names, or a page of another site sent the request.",
  404: "The caller has no such thing.",
  408: "The body did not arrive in time.",
  409: "The email of the ID token belongs to an account that this identity does not open.",
  413: "The body is larger than 64 KiB.",
  415: "The body is neither JSON nor a form, or it is compressed.",
  422: "The Idempotency-Key was used with another request.",
  429: "Too many attempts.",
  507: "The database is nearly full. Nothing was stored.",
} as const;

/**
 * A surface's error answers: these statuses in its `error` shape, and 5xx in its `failure` shape, which
 * has the request's ID. `texts` replace the usual descriptions.
 */
export function errorAnswers(
  { error, failure, mediaType = "application/json" }: ErrorShapes,
  statuses: readonly (keyof typeof PLAIN_ERRORS)[],
  texts: Readonly<Partial<Record<keyof typeof PLAIN_ERRORS, string>>> = {},
) {
  const HEADERS: Readonly<Record<number, object>> = {
    401: { headers: CHALLENGE },
    429: { headers: THROTTLED },
    507: { headers: REQUEST_ID },
  };
  const plain = statuses.map((status) => [
    status,
    {
      description: texts[status] ?? PLAIN_ERRORS[status],
      schema: status === 507 ? failure : error,
      mediaType,
      ...(status in HEADERS && HEADERS[status]),
    },
  ]);
  return {
    ...Object.fromEntries(plain),
    500: { description: "Internal server error.", schema: failure, mediaType, headers: REQUEST_ID },
    503: {
      description:
        "Storage did not answer, so the outcome is unknown: the requested change may have happened.",
      schema: failure,
      mediaType,
      headers: { ...RETRY_AFTER, ...REQUEST_ID },
    },
  };
}

interface ErrorShapes {
  readonly error: v.GenericSchema;
  readonly failure: v.GenericSchema;
  readonly mediaType?: string;
}
