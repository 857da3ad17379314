import * as v from "valibot";
import type { Action, Preset } from "../core/action.ts";
import { ACTION_MAX_USES, TTL_SECONDS } from "../core/token.ts";
import { cardPage, type FormState, fieldState, formError } from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { duration, Field, PostForm, Select } from "./components.tsx";
import { type UserOptions, SchemaFields } from "./schema-form.tsx";
import { actionTokens as words } from "./words.ts";

const { min: MIN_SECONDS, max: MAX_SECONDS } = TTL_SECONDS.action;
const LIFETIMES = [600, 3_600, 86_400, 604_800, 2_592_000];

const CUSTOM = "custom";
const mustBeUses = `must be a whole number from 1 to ${ACTION_MAX_USES}`;
const mustBeLifetime = "must be one of these";

const whole = (message: string, min: number, max: number) =>
  v.pipe(
    v.string(message),
    v.regex(/^[1-9]\d{0,6}$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  );

/**
 * The inputs of every action token. The `token_` prefix keeps them apart from the action's own fields. A preset
 * stands for uses and lifetime, whatever these inputs hold then.
 */
export const Terms = v.pipe(
  v.looseObject({ token_preset: v.optional(v.string("must be one text"), CUSTOM) }),
  v.transform(({ token_preset, ...sent }) => {
    const [, uses, seconds] = /^(\d{1,4})x(\d{1,7})$/.exec(token_preset) ?? [];
    return uses === undefined ? sent : { ...sent, token_uses: uses, token_lifetime: seconds };
  }),
  v.looseObject({
    token_lifetime: whole(mustBeLifetime, MIN_SECONDS, MAX_SECONDS),
    token_uses: whole(mustBeUses, 1, ACTION_MAX_USES),
    token_audience: v.pipe(
      v.string("must be one person"),
      v.transform((id) => (id === "" ? null : id.toLowerCase())),
    ),
    token_secret: v.string("must be one text"),
  }),
);

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
        button={words.submit}
      >
        {/* Makes a double click or a reload create one token. */}
        <input type="hidden" name="token_secret" value={secret} autocomplete="off" />
        <SchemaFields fields={fields} state={state} users={users} hasMore={hasMore} />
        <TermsFields presets={page.presets} state={state} />
        <Select
          {...fieldState(state, "token_audience")}
          label={words.whoCanUse}
          {...(hasMore && { hint: words.moreContacts })}
          options={[["", words.anyone], ...users.slice(1)]}
        />
      </PostForm>
    </>,
    "middle",
  );
}

interface TermsProps {
  readonly presets: readonly Preset[];
  readonly state: FormState;
}

/** One of the presets, or numbers of one's own, which the style sheet shows once that is chosen. */
function TermsFields({ presets, state }: TermsProps) {
  const values = presets.map(({ uses, seconds }) => `${uses}x${seconds}`);
  const chosen = fieldState(state, "token_preset", values[0] ?? CUSTOM).value;
  const uses = fieldState(state, "token_uses", "1");
  const lifetime = fieldState(state, "token_lifetime", "3600");
  const isCustom = chosen === undefined || !values.includes(chosen);
  const radio = (value: string, isChecked: boolean, text: string) => (
    <label class="choice">
      <input type="radio" name="token_preset" value={value} checked={isChecked} />
      {text}
    </label>
  );
  return (
    <fieldset class="terms">
      <legend>{words.terms}</legend>
      {presets.map((preset, index) =>
        radio(
          values[index] ?? "",
          values[index] === chosen,
          preset.title ?? words.preset(preset.uses, duration(preset.seconds * 1000)),
        ),
      )}
      {radio(CUSTOM, isCustom, words.custom)}
      <div class="columns custom">
        <Field
          {...uses}
          label={words.maxUses}
          type="number"
          min={1}
          max={ACTION_MAX_USES}
          required
        />
        <Select
          {...lifetime}
          label={words.expiresIn}
          options={LIFETIMES.map((seconds) => [`${seconds}`, duration(seconds * 1000)])}
        />
      </div>
    </fieldset>
  );
}
