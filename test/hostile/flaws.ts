import * as v from "valibot";
import type { Surface } from "../../src/http/surface.ts";
import type { Answered } from "../support/client.ts";

const text = v.pipe(v.string(), v.nonEmpty());
const byField = v.pipe(
  v.record(text, v.pipe(v.array(text), v.nonEmpty())),
  v.check((fields) => Object.keys(fields).length > 0),
);

interface ErrorShape {
  /** What the surface's document lets go wrong, but for 5xx, which no request may cause. */
  readonly statuses: readonly number[];
  readonly mediaType: string;
  readonly body: (status: number) => v.GenericSchema;
}

/** One row a surface: the shape that all of its refusals have. */
const SHAPES = new Map<string, ErrorShape>([
  [
    "jwt-pair",
    {
      statuses: [400, 401, 404, 405, 413, 415],
      mediaType: "application/json",
      body: () =>
        v.union([
          v.strictObject({ detail: text }),
          v.strictObject({ detail: text, code: v.literal("token_not_valid") }),
          byField,
        ]),
    },
  ],
  [
    "action-tokens",
    {
      statuses: [400, 401, 403, 404, 405, 413, 415, 422],
      mediaType: "application/json",
      body: () =>
        v.union([
          v.strictObject({ message: text }),
          v.strictObject({ message: text, errors: byField }),
          v.strictObject({
            status: v.literal("action_token_invalid"),
            message: text,
            reason: v.picklist(["unknown", "expired", "used", "revoked", "audience", "rejected"]),
          }),
        ]),
    },
  ],
  [
    "session-tokens",
    {
      statuses: [400, 401, 404, 405, 413],
      mediaType: "application/json",
      body: () => v.strictObject({ error: text }),
    },
  ],
  [
    "rest-tokens",
    {
      statuses: [400, 401, 403, 404, 405, 409, 413, 415],
      mediaType: "application/json",
      body: (status) =>
        v.strictObject({ success: v.literal(false), message: text, status: v.literal(status) }),
    },
  ],
  [
    "oauth",
    {
      statuses: [400, 401, 403, 404, 405, 413, 415],
      mediaType: "application/json",
      body: () =>
        v.strictObject({
          error: v.picklist([
            "invalid_request",
            "invalid_client",
            "insufficient_scope",
            "unsupported_grant_type",
            "invalid_scope",
            "invalid_target",
          ]),
          error_description: text,
        }),
    },
  ],
  [
    "service",
    {
      statuses: [404, 405],
      mediaType: "application/problem+json",
      body: (status) =>
        v.strictObject({ type: v.literal("about:blank"), title: text, status: v.literal(status) }),
    },
  ],
]);

const GOOD = [200, 201, 204];

/** Takes a secret's place in hostile input: no refusal repeats it. */
export const SENTINEL = "s3ntinel";

/** What only our own code, a library or a store would say. */
const INTERNAL =
  /SQLITE|D1_|\bSQL\b|\b\w*Error\b:|\n\s*at |[\w/]\.[jt]s\b|node_modules|Unexpected|but received|Invalid (?:type|length|key)|\[object|undefined|NaN/;

/** A text without what is random in it (IDs, digests, tokens), where any three letters may follow each other by chance. */
export const withoutRandom = (text: string): string =>
  text.replace(/[\w-]{22,}(?:\.[\w-]{22,})*/g, (run) => (/\d/.test(run) ? "" : run));

/** All that is wrong with an answer, whatever was asked: empty for a good one. */
export function flaws(surface: Surface, method: string, answer: Answered): string[] {
  const { status, headers, text: body } = answer;
  const shape = SHAPES.get(surface.name);
  if (shape === undefined) return [`surface ${surface.name} has no error shape in this suite`];
  const found: string[] = [];
  const expectThat = (holds: boolean, what: string) => {
    if (!holds) found.push(`${what} (${status} ${body.slice(0, 200)})`);
  };
  const refused = status >= 400;
  // RFC 7009 section 2.2: a client that revokes looks at the status alone.
  const isRevocation = surface.name === "oauth" && status === 200 && body === "";
  const bodiless = method === "HEAD" || status === 204 || isRevocation;
  // Public keys and metadata may be kept, and nothing else.
  const cacheable = surface.name === "service" && status === 200;
  const cacheControl = headers.get("cache-control") ?? "";
  expectThat((refused ? shape.statuses : GOOD).includes(status), "not a documented status");
  expectThat(
    cacheControl === "no-store" || (cacheable && cacheControl === "public, max-age=300"),
    "may be stored",
  );
  expectThat(headers.get("x-content-type-options") === "nosniff", "may be sniffed");
  expectThat(headers.has("strict-transport-security"), "no HSTS");
  expectThat((status === 401) === headers.has("www-authenticate"), "challenge");
  expectThat(status !== 405 || headers.has("allow"), "no Allow");
  expectThat(bodiless === (body === ""), "body");
  if (refused) {
    expectThat(headers.get("content-type") === shape.mediaType, "media type");
    expectThat(bodiless || v.is(shape.body(status), answer.json), "not the surface's shape");
    expectThat(!body.includes(SENTINEL), "repeats what was sent");
    expectThat(!INTERNAL.test(withoutRandom(body)), "internal text");
  } else {
    expectThat(bodiless || headers.get("content-type") === "application/json", "media type");
  }
  return found;
}
