import * as v from "valibot";
import type { Action } from "../core/action.ts";
import { ACTION_MAX_USES } from "../core/token.ts";
import { cardPage, type FormState, fieldState, formError } from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { Field, PostForm, Select } from "./components.tsx";
import { MORE_CONTACTS, type UserOptions, SchemaFields } from "./schema-form.tsx";

const LIFETIMES = [
  ["600", "10 minutes"],
  ["3600", "1 hour"],
  ["86400", "1 day"],
  ["604800", "7 days"],
  ["2592000", "30 days"],
] as const;

const mustBeUses = `must be a whole number from 1 to ${ACTION_MAX_USES}`;

/** The inputs of every action token. The `token_` prefix keeps them apart from the action's own fields. */
export const Terms = v.looseObject({
  token_lifetime: v.pipe(
    v.picklist(
      LIFETIMES.map(([seconds]) => seconds),
      "is none of these",
    ),
    v.transform(Number),
  ),
  token_uses: v.pipe(
    v.string(mustBeUses),
    v.regex(/^[1-9]\d{0,3}$/, mustBeUses),
    v.transform(Number),
    v.maxValue(ACTION_MAX_USES, mustBeUses),
  ),
  token_audience: v.pipe(
    v.string("must be one person"),
    v.transform((id) => (id === "" ? null : id.toLowerCase())),
  ),
  token_secret: v.string("must be one text"),
});

const OWN_NAMES = ["token_uses", "token_lifetime", "token_audience"];

/** The form of an action: its own fields, lifetime, number of uses and audience. */
export function formPage(
  { name, page, payloadFields }: Action,
  users: UserOptions,
  hasMore: boolean,
  secret: string,
  state: FormState,
): Page {
  const fields = payloadFields ?? [];
  const names = [...OWN_NAMES, ...fields.map((field) => field.name)];
  return cardPage(
    page.title,
    <>
      <p>{page.note}</p>
      <PostForm
        action={`/console/actions/new/${name}`}
        error={formError(state, names)}
        button="Make the code"
      >
        {/* Makes a double click or a reload create one token. */}
        <input type="hidden" name="token_secret" value={secret} autocomplete="off" />
        <SchemaFields fields={fields} state={state} users={users} hasMore={hasMore} />
        <Select
          {...fieldState(state, "token_lifetime", "3600")}
          label="Can be used for"
          options={LIFETIMES}
        />
        <Field
          {...fieldState(state, "token_uses", "1")}
          label="How often it can be used"
          type="number"
          min={1}
          max={ACTION_MAX_USES}
          required
        />
        <Select
          {...fieldState(state, "token_audience")}
          label="By whom"
          {...(hasMore && { hint: MORE_CONTACTS })}
          options={[["", "Whoever has the link"], ...users.slice(1)]}
        />
      </PostForm>
    </>,
  );
}
