import * as v from "valibot";
import type { ApiTokens, IssuedApiToken } from "../core/api-tokens.ts";
import { type ApiToken, type Scope, SCOPES, TOKEN_KINDS } from "../core/token.ts";
import { cursorText, readPage } from "../http/paging.ts";
import type { Route } from "../http/surface.ts";
import { CreateToken } from "../surfaces/rest/fields.ts";
import {
  EMPTY,
  type Filled,
  type Frame,
  filledIn,
  type OwnVisit,
  seeDone,
  wholeProblem,
} from "./frame.tsx";
import type { Page } from "./page.tsx";
import { Alert, Copyable, Field, Next, Notes, Select, Time, UserText } from "./parts.tsx";
import { GRACES, TokenCards } from "./token-cards.tsx";

interface Deps {
  readonly apiTokens: ApiTokens;
}

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

/** What a scope lets a program do. */
const MEANINGS: Readonly<Record<Scope, string>> = {
  "tokens:read": "See your API tokens, never their secrets",
  "tokens:write": "Make, rename, rotate and end API tokens",
  "account:read": "Read your profile, activity and data",
  "account:write": "Change your profile",
  "actions:issue": "Issue action tokens in your name, and end them",
  "actions:run": "Run action tokens as you",
  introspect: "Ask about tokens of anybody: for resource servers",
};

const oneOf = (choices: readonly (readonly [string, string])[]) =>
  v.pipe(
    v.picklist(
      choices.map(([value]) => value),
      "must be one of the choices",
    ),
    v.transform(Number),
  );

/** No box ticked is no name, one is a text, several are a list. */
const ticked = v.pipe(
  v.optional(v.unknown(), []),
  v.transform((sent): unknown[] => (Array.isArray(sent) ? sent : [sent])),
  v.array(v.picklist(SCOPES, "must be scopes of the list")),
);

const name = v.pipe(
  v.string("enter a name"),
  v.check((text) => text.trim() !== "", "enter a name"),
  CreateToken.entries.name,
);

/** Made for the form, so that sending it twice makes one token. */
const token_secret = v.optional(v.string("must be one text"), "");

const New = v.object({
  token_secret,
  name,
  lifetime: oneOf(LIFETIMES),
  scopes: v.pipe(ticked, v.minLength(1, "choose at least one")),
});

/** By its id, never by its secret. */
const id = v.pipe(v.string("is required"), v.uuid("must be the id of a token"), v.toLowerCase());

const Renamed = v.object({ id, name });
const Rotated = v.object({ id, token_secret, grace: oneOf(GRACES) });

/** Named tokens for programs: make, watch, rename, rotate, end. */
export function tokenRoutes(
  { page, form, formOn, act }: Frame,
  { apiTokens }: Deps,
): readonly Route[] {
  /** @param renaming what was sent to rename one of them, where it comes back */
  async function list(
    { request, caller, nowMs }: OwnVisit,
    renaming: Filled = EMPTY,
  ): Promise<Page> {
    const { items, next } = await apiTokens.list(caller, readPage(request), nowMs);
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
          <Alert kind="problem" text={wholeProblem(renaming, ["name"])} />
          <TokenCards tokens={items} secrets={secrets} nowMs={nowMs} renaming={renaming} />
          <Next path="/console/tokens" cursor={cursorText(next)} />
        </>
      ),
    };
  }

  return [
    page("/console/tokens", (visit) => list(visit)),
    ...form({
      path: "/console/tokens/new",
      schema: New,
      show: async (_, filled) => newPage(filled, await apiTokens.newSecret()),
      async submit({ caller, nowMs }, { name, lifetime, scopes, token_secret }) {
        const wanted = { name, ttlSeconds: lifetime, scopes: [...new Set(scopes)] };
        return secretPage(
          await apiTokens.create(caller, wanted, nowMs, token_secret || null),
          null,
        );
      },
    }),
    formOn({
      path: "/console/tokens/rename",
      schema: Renamed,
      show: list,
      async submit({ caller, nowMs }, { id, name }) {
        const token = await apiTokens.change(caller, id, { name }, nowMs);
        return seeDone("/console/tokens", "token_renamed", token.name);
      },
    }),
    act({
      path: "/console/tokens/rotate",
      schema: Rotated,
      async submit({ caller, nowMs }, { id, grace, token_secret }) {
        const issued = await apiTokens.rotate(caller, id, grace, nowMs, token_secret || null);
        return secretPage(issued, Math.min(nowMs + grace * 1000, issued.token.expiresAtMs));
      },
    }),
    act({
      path: "/console/tokens/end",
      schema: v.object({ id }),
      async submit({ caller, nowMs }, { id }) {
        const { name } = await apiTokens.revoke(caller, id, nowMs);
        return seeDone("/console/tokens", "token_revoked", name ?? "");
      },
    }),
    act({
      path: "/console/tokens/end-all",
      schema: v.object({}),
      async submit({ caller, nowMs }) {
        await apiTokens.revokeAll(caller, nowMs);
        return seeDone("/console/tokens", "tokens_revoked");
      },
    }),
  ];
}

function newPage(filled: Filled, secret: string): Page {
  const { sent, problem } = filled;
  const chosen: readonly unknown[] = Array.isArray(sent.scopes) ? sent.scopes : [sent.scopes];
  const ofScopes = [problem, ...(problem?.others ?? [])].find((each) =>
    each?.field.startsWith("scopes"),
  );
  const { value: lifetime = String(TOKEN_KINDS.api.ttlSeconds), ...lifetimeInput } = filledIn(
    filled,
    "lifetime",
  );
  const scopeFields = [...Array(SCOPES.length).keys()].map((index) => `scopes.${index}`);
  return {
    title: "New API token",
    body: (
      <section class="card narrow">
        <h1>New API token</h1>
        <Alert
          kind="problem"
          text={wholeProblem(filled, ["name", "lifetime", "scopes", ...scopeFields])}
        />
        <form method="post" action="/console/tokens/new">
          <input type="hidden" name="token_secret" value={secret} autocomplete="off" />
          <Field
            {...filledIn(filled, "name")}
            label="Name"
            hint="So that you know it again: what uses it, and where."
            autocomplete="off"
            maxlength={64}
            required
          />
          <Select {...lifetimeInput} label="Ends in" value={lifetime} options={LIFETIMES} />
          <fieldset {...(ofScopes !== undefined && { "aria-describedby": "field-scopes-problem" })}>
            <legend>What it may do</legend>
            {SCOPES.map((scope, index) => (
              <label class="choice">
                <input
                  type="checkbox"
                  name="scopes"
                  value={scope}
                  checked={chosen.includes(scope)}
                  {...(ofScopes !== undefined && {
                    "aria-invalid": "true",
                    "aria-describedby": "field-scopes-problem",
                    autofocus: index === 0,
                  })}
                />
                <span>
                  {MEANINGS[scope]} <code class="hint">{scope}</code>
                </span>
              </label>
            ))}
            <Notes id="field-scopes" problem={ofScopes?.message} />
          </fieldset>
          <p class="buttons">
            <button type="submit">Make the token</button>
            <a class="button quiet" href="/console/tokens">
              Back
            </a>
          </p>
        </form>
      </section>
    ),
  };
}

/** The one page that has the secret. @param oldEndsAtMs when the secret before it ends, or null */
function secretPage(
  { token, secret, isRepeated }: IssuedApiToken,
  oldEndsAtMs: number | null,
): Page {
  return {
    title: "Your new token",
    body: (
      <section class="card middle">
        <h1>Your new token</h1>
        {isRepeated && (
          <Alert kind="done" text="This form was sent before: this is the token that it made." />
        )}
        <p>
          <strong>
            <UserText text={token.name} />
          </strong>{" "}
          stands until <Time ms={token.expiresAtMs} />.
          {oldEndsAtMs !== null && !isRepeated && (
            <OldSecret token={token} endsAtMs={oldEndsAtMs} />
          )}
        </p>
        <Copyable text={secret} label="The token's secret" />
        <p>
          <strong>This is the only time that it is shown.</strong> Put it where your program reads
          it, and send it as <code>Authorization: Bearer …</code>
        </p>
        <a class="button quiet" href="/console/tokens">
          I have kept it
        </a>
      </section>
    ),
  };
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
