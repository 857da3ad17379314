import * as v from "valibot";
import type { IssuedApiToken } from "../core/api-tokens.ts";
import { isPowerful, requireFresh } from "../core/fresh-login.ts";
import type { Scopes } from "../core/scopes.ts";
import { type ApiToken, TTL_SECONDS } from "../core/token.ts";
import { readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { tokenName } from "../surfaces/rest/fields.ts";
import {
  cardPage,
  EMPTY_FORM,
  ItemId,
  itemId,
  type FormState,
  type PageRoutes,
  fieldState,
  type AuthedPageContext,
  seeOtherWithMessage,
  formError,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import {
  Alert,
  Copyable,
  Field,
  Pagination,
  FieldNotes,
  Select,
  Time,
  UserText,
} from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import { GRACES, TokenList } from "./token-list.tsx";

const HOUR = 3600;
const DAY = 24 * HOUR;

const LIFETIMES: readonly (readonly [value: string, text: string])[] = [
  [String(HOUR), "an hour"],
  [String(DAY), "a day"],
  [String(7 * DAY), "a week"],
  [String(30 * DAY), "30 days"],
  [String(90 * DAY), "90 days"],
  [String(365 * DAY), "a year"],
];

const oneOf = (choices: readonly (readonly [string, string])[]) =>
  v.pipe(
    v.picklist(
      choices.map(([value]) => value),
      "must be one of the choices",
    ),
    v.transform(Number),
  );

/** Browsers send nothing for no checked box, a string for one, and a list for several. */
const checkedScopes = ({ names }: Scopes) =>
  v.pipe(
    v.optional(v.unknown(), []),
    v.transform((sent): unknown[] => (Array.isArray(sent) ? sent : [sent])),
    v.array(v.picklist(names, "must be scopes of the list")),
    v.minLength(1, "choose at least one"),
  );

const name = v.pipe(
  v.string("enter a name"),
  v.check((text) => text.trim() !== "", "enter a name"),
  tokenName,
);

/** Generated with the form, so that submitting it twice creates one token. */
const token_secret = v.optional(v.string("must be one text"), "");

const RenameToken = v.object({ id: itemId, name });
const RotateToken = v.object({ id: itemId, token_secret, grace: oneOf(GRACES) });

/** API tokens: list, create, rename, rotate, revoke. */
export function tokenPages(
  { page, form, formOn, action }: PageRoutes,
  { apiTokens, scopes: table }: ConsoleDeps,
): readonly Route[] {
  const NewToken = v.object({
    token_secret,
    name,
    lifetime: oneOf(LIFETIMES),
    scopes: checkedScopes(table),
  });

  /** @param renaming the submitted rename form, if it had errors */
  async function list(
    { request, caller, nowMs }: AuthedPageContext,
    renaming: FormState = EMPTY_FORM,
  ): Promise<Page> {
    const { items, previous, next } = await apiTokens.list(caller, readPage(request), nowMs);
    const secrets = await Promise.all(items.map(() => apiTokens.newSecret()));
    return {
      title: "API tokens",
      body: (
        <>
          <div class="heading">
            <h1>API tokens</h1>
            <a class="button" href="/console/tokens/new">
              New token
            </a>
          </div>
          <Alert kind="problem" text={formError(renaming, ["name"])} />
          <TokenList
            tokens={items}
            secrets={secrets}
            nowMs={nowMs}
            renaming={renaming}
            descriptions={table.descriptions}
          />
          <Pagination path="/console/tokens" previous={previous} next={next} />
        </>
      ),
    };
  }

  return [
    page("/console/tokens", (context) => list(context)),
    ...form({
      path: "/console/tokens/new",
      schema: NewToken,
      show: async (_, state) => newPage(state, await apiTokens.newSecret(), table),
      async submit({ caller, nowMs }, { name, lifetime, scopes, token_secret }) {
        const request = { name, ttlSeconds: lifetime, scopes: [...new Set(scopes)] };
        // guard: page-makes-powerful-tokens-for-a-fresh-log-in
        if (isPowerful(request.scopes, lifetime * 1000)) requireFresh(caller, nowMs);
        return secretPage(
          await apiTokens.create(caller, request, nowMs, token_secret || null),
          null,
        );
      },
    }),
    formOn({
      path: "/console/tokens/rename",
      schema: RenameToken,
      show: list,
      async submit({ caller, nowMs }, { id, name }) {
        const token = await apiTokens.change(caller, id, { name }, nowMs);
        return seeOtherWithMessage("/console/tokens", "token_renamed", token.name);
      },
    }),
    action({
      path: "/console/tokens/rotate",
      schema: RotateToken,
      async submit({ caller, nowMs }, { id, grace, token_secret }) {
        const issued = await apiTokens.rotate(caller, id, grace, nowMs, token_secret || null);
        return secretPage(issued, Math.min(nowMs + grace * 1000, issued.token.expiresAtMs));
      },
    }),
    action({
      path: "/console/tokens/end",
      schema: ItemId,
      async submit({ caller, nowMs }, { id }) {
        const { name } = await apiTokens.revoke(caller, id, nowMs);
        return seeOtherWithMessage("/console/tokens", "token_revoked", name ?? "");
      },
    }),
    action({
      path: "/console/tokens/end-all",
      schema: v.object({}),
      async submit({ caller, nowMs }) {
        await apiTokens.revokeAll(caller, nowMs);
        return seeOtherWithMessage("/console/tokens", "tokens_revoked");
      },
    }),
  ];
}

function newPage(state: FormState, secret: string, { names, descriptions }: Scopes): Page {
  const { values, problem } = state;
  const checked: readonly unknown[] = Array.isArray(values.scopes)
    ? values.scopes
    : [values.scopes];
  const scopeProblem = [problem, ...(problem?.others ?? [])].find((each) =>
    each?.field.startsWith("scopes"),
  );
  const lifetime = fieldState(state, "lifetime", String(TTL_SECONDS.api.default));
  const scopeFields = [...names.keys()].map((index) => `scopes.${index}`);
  return cardPage(
    "New API token",
    <>
      <Alert
        kind="problem"
        text={formError(state, ["name", "lifetime", "scopes", ...scopeFields])}
      />
      <form method="post" action="/console/tokens/new">
        <input type="hidden" name="token_secret" value={secret} autocomplete="off" />
        <Field
          {...fieldState(state, "name")}
          label="Name"
          hint="So that you know it again: what uses it, and where."
          autocomplete="off"
          maxlength={64}
          required
        />
        <Select {...lifetime} label="Ends in" options={LIFETIMES} />
        <fieldset
          {...(scopeProblem !== undefined && { "aria-describedby": "field-scopes-problem" })}
        >
          <legend>What it may do</legend>
          {names.map((scope, index) => (
            <label class="choice">
              <input
                type="checkbox"
                name="scopes"
                value={scope}
                checked={checked.includes(scope)}
                {...(scopeProblem !== undefined && {
                  "aria-invalid": "true",
                  "aria-describedby": "field-scopes-problem",
                  autofocus: index === 0,
                })}
              />
              <span>
                {descriptions[scope]} <code class="hint">{scope}</code>
              </span>
            </label>
          ))}
          <FieldNotes id="field-scopes" problem={scopeProblem?.message} />
        </fieldset>
        <p class="buttons">
          <button type="submit">Make the token</button>
          <a class="button quiet" href="/console/tokens">
            Back
          </a>
        </p>
      </form>
    </>,
  );
}

/** The only page that shows the secret. @param oldEndsAtMs when the previous secret expires, or null */
function secretPage(
  { token, secret, isRepeated }: IssuedApiToken,
  oldEndsAtMs: number | null,
): Page {
  return cardPage(
    "Your new token",
    <>
      {isRepeated && (
        <Alert kind="done" text="This form was sent before: this is the token that it made." />
      )}
      <p>
        <strong>
          <UserText text={token.name} />
        </strong>{" "}
        stands until <Time ms={token.expiresAtMs} />.
        {oldEndsAtMs !== null && !isRepeated && <OldSecret token={token} endsAtMs={oldEndsAtMs} />}
      </p>
      <Copyable text={secret} label="The token's secret" />
      <p>
        <strong>This is the only time that it is shown.</strong> Put it where your program reads it,
        and send it as <code>Authorization: Bearer …</code>
      </p>
      <a class="button quiet" href="/console/tokens">
        I have kept it
      </a>
    </>,
    "middle",
  );
}

function OldSecret({ token, endsAtMs }: { readonly token: ApiToken; readonly endsAtMs: number }) {
  const hasExpired = endsAtMs <= token.createdAtMs;
  return hasExpired ? (
    <> The old secret has ended.</>
  ) : (
    <>
      {" "}
      The old secret ends <Time ms={endsAtMs} />.
    </>
  );
}
