import * as v from "valibot";
import type { Action, ActionPage, ActionRun, Condition, Parsed, Planned } from "../core/action.ts";
import type { Json } from "../core/token.ts";
import { formFields } from "./form-fields.ts";

type JsonSchema = v.GenericSchema<Json, Json>;

interface Definition<Payload extends JsonSchema, Input extends JsonSchema> {
  readonly name: string;
  readonly needsCaller: boolean;
  readonly isInternal?: boolean;
  readonly isExpensive?: boolean;
  readonly payload: Payload;
  /** Without one, input sent with the token is ignored. */
  readonly input?: Input;
  conditions(payload: v.InferOutput<Payload>, issuerId: string): readonly Condition[];
  plan(run: ActionRun<v.InferOutput<Payload>, v.InferOutput<Input>>): Planned | Promise<Planned>;
  readonly page: ActionPage<v.InferOutput<Payload>>;
}

/** Binds an action to its schemas, so that `conditions` and `plan` get parsed values only. */
export function defineAction<const Payload extends JsonSchema, const Input extends JsonSchema>(
  definition: Definition<Payload, Input>,
): Action {
  const {
    name,
    needsCaller,
    isInternal = false,
    isExpensive = false,
    payload,
    input,
    page,
  } = definition;
  const inputSchema =
    input ??
    v.pipe(
      v.unknown(),
      v.transform((): Json => null),
    );
  return {
    name,
    needsCaller,
    isInternal,
    isExpensive,
    parse: (value) => parseWith(payload, value),
    parseInput: (value) => parseWith(inputSchema, value),
    conditions: (value, issuerId) => definition.conditions(v.parse(payload, value), issuerId),
    plan: (run) =>
      definition.plan({
        ...run,
        payload: v.parse(payload, run.payload),
        input: v.parse(inputSchema, run.input),
      }),
    page: {
      ...page,
      referencedUserIds: (value, issuerId) =>
        page.referencedUserIds(v.parse(payload, value), issuerId),
      describe: (what) => page.describe({ ...what, payload: v.parse(payload, what.payload) }),
      offered: (value, issuerId, runnerId) =>
        page.offered?.(v.parse(payload, value), issuerId, runnerId) ?? [],
    },
    payloadFields: formFields(payload),
    inputFields: input === undefined ? [] : formFields(input),
  };
}

function parseWith(schema: v.GenericSchema<unknown, Json>, value: Json): Parsed<Json> {
  const result = v.safeParse(schema, value);
  if (result.success) return { ok: true, value: result.output };
  const problems = result.issues.map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: issue.path?.at(-1)?.origin === "key" ? "field is required" : issue.message,
  }));
  return { ok: false, problems };
}
