import * as v from "valibot";
import { SCOPES } from "../core/token.ts";
import type { Parameter } from "./operation.ts";

/** What many answers are made of. */

export const text = v.string();
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const uuid = v.pipe(v.string(), v.uuid());
export const time = v.pipe(v.string(), v.isoTimestamp());
export const scope = v.picklist(SCOPES);
export const anyJson = v.unknown();
export const emptyList = v.pipe(v.array(v.unknown()), v.maxLength(0));

export const describe = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description));

export const nextCursor = describe(
  v.nullable(text),
  "Send it as `cursor` for the page that follows; null at the end.",
);

export const RETRY_AFTER = { "Retry-After": "In how many seconds it may be tried again." };
export const THROTTLED = {
  ...RETRY_AFTER,
  RateLimit: "Which limit it was, and in how many seconds (`t`) it may be tried again.",
  "RateLimit-Policy": "How many requests (`q`) that limit allows in how many seconds (`w`).",
};
export const CHALLENGE = { "WWW-Authenticate": "Which ways there are to say who one is." };
export const REQUEST_ID = { "X-Request-Id": "Stands in the log beside what went wrong." };
export const ALLOW = { Allow: "The methods that the path takes." };

export const requestId = describe(text, "Stands in the log beside what went wrong.");

/** `?limit=` and `?cursor=`. */
export const PAGE: readonly Parameter[] = [
  {
    name: "limit",
    in: "query",
    description: "How many items at most; 50 if not sent.",
    schema: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)),
  },
  {
    name: "cursor",
    in: "query",
    description: "The `next_cursor` of the page before.",
    schema: text,
  },
];

/** `?take=` and `?skip=`, Opentact's own. */
export const SKIPPING: readonly Parameter[] = [
  {
    name: "take",
    in: "query",
    description: "In place of `limit`.",
    schema: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)),
  },
  {
    name: "skip",
    in: "query",
    description: "How many items to leave out first.",
    schema: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(10_000)),
  },
];

/** What every surface answers where it is our fault, in its own shape. */
export const ourFailures = (schema: v.GenericSchema) => ({
  500: { description: "Our fault.", schema, headers: REQUEST_ID },
  503: {
    description:
      "Storage did not answer, so the outcome is unknown: a change that was asked for may have happened.",
    schema,
    headers: { ...RETRY_AFTER, ...REQUEST_ID },
  },
});
