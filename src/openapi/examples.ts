import * as v from "valibot";
import type { Json } from "../core/token.ts";

const anyJson = v.custom<Json>((value) => value !== undefined);

/** A request that was really sent, and what was really answered. */
const Example = v.strictObject({
  /** The surface that answered, and the route's method and path. */
  surface: v.string(),
  operation: v.string(),
  /** A name among those of the same operation. */
  as: v.string(),
  status: v.number(),
  request: v.strictObject({
    path: v.string(),
    headers: v.record(v.string(), v.string()),
    mediaType: v.nullable(v.string()),
    body: anyJson,
  }),
  answer: v.strictObject({
    headers: v.record(v.string(), v.string()),
    body: anyJson,
  }),
});

export type Example = v.InferOutput<typeof Example>;
export type Examples = readonly Example[];

/** @throws where it is not of this form */
export const toExample = (value: unknown): Example => v.parse(Example, value);

/** @throws where the file is not of this form */
export const readExamples = (text: string): Examples => v.parse(v.array(Example), JSON.parse(text));
