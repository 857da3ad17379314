import * as v from "valibot";
import type { Action, ActionPlan, ActionRun, Condition } from "../core/action.ts";
import type { Json } from "../core/token.ts";

interface Definition<Schema extends v.GenericSchema<Json, Json>> {
  readonly name: string;
  readonly needsCaller: boolean;
  readonly payload: Schema;
  conditions(payload: v.InferOutput<Schema>): readonly Condition[];
  plan(run: ActionRun<v.InferOutput<Schema>>): ActionPlan | { readonly rejected: string };
}

/** Ties an action to its payload schema, so that `conditions` and `plan` see only payloads that fit. */
export function defineAction<const Schema extends v.GenericSchema<Json, Json>>(
  definition: Definition<Schema>,
): Action {
  const checked = (payload: Json) => v.parse(definition.payload, payload);
  return {
    name: definition.name,
    needsCaller: definition.needsCaller,
    parse(payload) {
      const result = v.safeParse(definition.payload, payload);
      if (result.success) return { ok: true, value: result.output };
      const problems = result.issues.map((issue) => ({
        path: v.getDotPath(issue) ?? "",
        message: issue.path?.at(-1)?.origin === "key" ? "field is required" : issue.message,
      }));
      return { ok: false, problems };
    },
    conditions: (payload) => definition.conditions(checked(payload)),
    plan: (run) => definition.plan({ ...run, payload: checked(run.payload) }),
  };
}
