import * as v from "valibot";
import type { IssuedApiToken, NewApiToken } from "../core/api-tokens.ts";
import type { Scopes } from "../core/scopes.ts";
import { type ApiToken, TTL_SECONDS } from "../core/token.ts";
import { decode } from "../http/fields.ts";
import { refuseRequest } from "../http/request-fault.ts";
import { createToken } from "../surfaces/rest/fields.ts";
import { currentZone, dayAt, startOfDay } from "./clock.ts";
import {
  Alert,
  Copyable,
  describedBy,
  Field,
  FieldNotes,
  PageHead,
  Select,
  Sentence,
  Time,
} from "./components.tsx";
import { type FormState, fieldState, formError } from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { TOKENS, tokenPath } from "./token-list.tsx";
import { apiTokens } from "./words.ts";

const { newToken: words, secret: secretWords } = apiTokens;

const text = v.optional(v.string("must be one text"), "");

/** Browsers send nothing for no checked box, a string for one, and a list for several. */
const boxes = v.pipe(
  v.optional(v.unknown(), []),
  v.transform((sent): unknown[] => (Array.isArray(sent) ? sent : [sent])),
);

/** As a browser sends the form; what it means is checked as for the JSON route. */
export const NewToken = v.object({
  /** Generated with the form, so that submitting it twice creates one token. */
  token_secret: text,
  name: text,
  lifetime: v.picklist(Object.keys(words.lifetimes), "must be one of the choices"),
  until: text,
  access: v.optional(
    v.picklist(["read", "full", "custom"], "must be one of the choices"),
    "custom",
  ),
  scopes: boxes,
  allowed_ips: text,
  remaining: text,
  "limit.max": text,
  "limit.seconds": v.optional(
    v.picklist(Object.keys(words.periods), "must be one of the choices"),
    "60",
  ),
  metadata: text,
});

/** The scopes that only read, by their names. */
const readScopes = ({ names }: Scopes) => names.filter((scope) => scope.endsWith(":read"));

/** Seconds until the end of a day of the reader's; null where that is no day from today to a year from now. */
function secondsUntil(day: string, nowMs: number): number | null {
  const nextMs = startOfDay(day, 1);
  const { min, max } = TTL_SECONDS.api;
  if (nextMs === null || day > lastDay(nowMs)) return null;
  const seconds = Math.floor((nextMs - nowMs) / 1000) - 1;
  return seconds >= min ? Math.min(seconds, max) : null;
}

const lastDay = (nowMs: number) => dayAt(nowMs + TTL_SECONDS.api.max * 1000);

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/**
 * What the form asks for, checked as the body of the JSON route.
 * @throws RequestFaultError `fields_invalid`
 */
export function requestOf(
  fields: v.InferOutput<typeof NewToken>,
  table: Scopes,
  nowMs: number,
): NewApiToken {
  const { name, lifetime, until, access, remaining, metadata } = fields;
  const max = fields["limit.max"].trim();
  const ips = fields.allowed_ips.split(/[\s,]+/).filter(Boolean);
  const ttl = until === "" ? Number(lifetime) : secondsUntil(until, nowMs);
  const scopes =
    access === "full" ? table.names : access === "read" ? readScopes(table) : fields.scopes;
  const facts = metadata.trim() === "" ? undefined : parsed(metadata);
  const problems = [
    ...(name.trim() === "" ? [{ path: "name", message: words.needsName }] : []),
    ...(ttl === null ? [{ path: "until", message: words.badDate }] : []),
    ...(scopes.length === 0 ? [{ path: "scopes", message: words.needsScope }] : []),
    ...(facts === null ? [{ path: "metadata", message: words.badJson }] : []),
  ];
  if (problems.length > 0) refuseRequest({ code: "fields_invalid", problems });
  const checked = decode(createToken(table.names), {
    name,
    ttl,
    scopes,
    ...(facts !== undefined && { metadata: facts }),
    ...(remaining.trim() !== "" && { remaining: Number(remaining) }),
    ...(max !== "" && { limit: { max: Number(max), seconds: Number(fields["limit.seconds"]) } }),
    ...(ips.length > 0 && { allowed_ips: ips }),
  });
  return {
    name: checked.name,
    ttlSeconds: checked.ttl,
    scopes: checked.scopes,
    metadata: checked.metadata ?? {},
    remaining: checked.remaining ?? null,
    limit: checked.limit ?? null,
    allowedIps: checked.allowed_ips ?? null,
  };
}

const FIELDS = [
  ...["name", "lifetime", "until", "access", "scopes", "allowed_ips"],
  ...["remaining", "limit.max", "limit.seconds", "metadata"],
];

/** What is wrong with one item of a list is wrong with its input. */
function byInput(state: FormState): FormState {
  if (state.problem === null) return state;
  const field = (path: string) => /^(?:scopes|allowed_ips|metadata)(?=\.)/.exec(path)?.[0] ?? path;
  const { others, ...first } = state.problem;
  return {
    ...state,
    problem: {
      ...first,
      field: field(first.field),
      others: others.map((each) => ({ ...each, field: field(each.field) })),
    },
  };
}

export function newTokenPage(sent: FormState, secret: string, table: Scopes, nowMs: number): Page {
  const state = byInput(sent);
  const field = (name: string, initial?: string) => fieldState(state, name, initial);
  const hasLimits = FIELDS.slice(5).some((name) => {
    const { value = "", problem } = field(name);
    return problem !== undefined || (value !== "" && name !== "limit.seconds");
  });
  return {
    title: words.title,
    body: (
      <div class="middle">
        <PageHead title={words.title} back={[TOKENS, apiTokens.title]} />
        <Alert kind="problem" text={formError(state, FIELDS)} />
        <form class="card" method="post" action={`${TOKENS}/new`}>
          <input type="hidden" name="token_secret" value={secret} autocomplete="off" />
          <Field
            {...field("name")}
            label={words.name}
            hint={words.nameHint}
            autocomplete="off"
            maxlength={64}
            required
          />
          <div class="columns">
            <Select
              {...field("lifetime", String(TTL_SECONDS.api.default))}
              label={words.lifetime}
              options={Object.entries(words.lifetimes)}
            />
            <Field
              {...field("until")}
              type="date"
              label={words.until}
              hint={words.untilHint(currentZone())}
              min={dayAt(nowMs)}
              max={lastDay(nowMs)}
            />
          </div>
          <Access state={state} table={table} />
          <details class="more" open={hasLimits}>
            <summary>{words.limits}</summary>
            <p class="hint">{words.limitsHint}</p>
            <Lines {...field("allowed_ips")} label={words.addresses} hint={words.addressesHint} />
            <div class="columns">
              <Field {...field("remaining")} label={words.remaining} inputmode="numeric" />
              <Field {...field("limit.max")} label={words.limitMax} inputmode="numeric" />
              <Select
                {...field("limit.seconds")}
                label={words.limitSeconds}
                options={Object.entries(words.periods)}
              />
            </div>
            <Lines {...field("metadata")} label={words.metadata} hint={words.metadataHint} />
          </details>
          <p class="buttons">
            <button type="submit">{words.button}</button>
            <a class="button quiet" href={TOKENS}>
              {words.cancel}
            </a>
          </p>
        </form>
      </div>
    ),
  };
}

/** Read only, everything, or what is checked. The style sheet shows the boxes where they count. */
function Access({ state, table }: { readonly state: FormState; readonly table: Scopes }) {
  const { values } = state;
  const { problem } = fieldState(state, "scopes");
  const sent: readonly unknown[] = [values.scopes].flat();
  const access = values.access ?? (values.scopes === undefined ? "read" : "custom");
  const id = "field-scopes";
  const preset = (value: string, label: string, hint: string) => (
    <label class="choice">
      <input type="radio" name="access" value={value} checked={access === value} />
      <span>
        {label} {hint !== "" && <span class="hint">{hint}</span>}
      </span>
    </label>
  );
  return (
    <fieldset
      class="access"
      {...(problem !== undefined && { "aria-describedby": `${id}-problem` })}
    >
      <legend>{words.access}</legend>
      {preset("read", words.read, readScopes(table).join(", "))}
      {preset("full", words.full, words.fullHint)}
      {preset("custom", words.custom, "")}
      <div class="scopes">
        {table.names.map((scope, index) => (
          <label class="choice">
            <input
              type="checkbox"
              name="scopes"
              value={scope}
              checked={sent.includes(scope)}
              {...(problem !== undefined && {
                "aria-invalid": "true",
                "aria-describedby": `${id}-problem`,
                autofocus: index === 0,
              })}
            />
            <span>
              {table.descriptions[scope]} <code class="hint">{scope}</code>
            </span>
          </label>
        ))}
      </div>
      <FieldNotes id={id} problem={problem} />
    </fieldset>
  );
}

interface LinesProps {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly value?: string | undefined;
  readonly problem?: string | undefined;
}

/** A field of several lines. */
function Lines({ name, label, hint, value, problem }: LinesProps) {
  const id = `field-${name}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        name={name}
        rows={3}
        dir="auto"
        autocomplete="off"
        spellcheck={false}
        {...describedBy(id, hint, problem)}
      >
        {value}
      </textarea>
      <FieldNotes id={id} hint={hint} problem={problem} />
    </div>
  );
}

/** Reads something that the token may read; null where there is nothing simple. */
function exampleOf({ scopes }: ApiToken): string | null {
  if (scopes.includes("account:read")) return "/rest/user";
  return scopes.includes("tokens:read") ? "/rest/token/list" : null;
}

interface SecretProps {
  readonly issued: IssuedApiToken;
  /** After a rotation: when the previous secret expires. */
  readonly oldEndsAtMs?: number;
  /** Of the deployment. */
  readonly origin: string;
  readonly brand: string;
}

/** The only page that shows the secret. Submitted again, the form shows it again, and creates no other. */
export function secretPage({ issued, oldEndsAtMs, origin, brand }: SecretProps): Page {
  const { token, secret, isRepeated } = issued;
  const example = exampleOf(token);
  const title = oldEndsAtMs === undefined ? secretWords.created : secretWords.rotated(token.name);
  const variable = `${
    brand
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, "_")
      .replaceAll(/^[\d_]+|_+$/g, "") || "API"
  }_TOKEN`;
  return {
    title: secretWords.created,
    body: (
      <section class="card middle">
        <h1>
          <Sentence text={title} />
        </h1>
        {isRepeated && <Alert kind="done" text={secretWords.repeated} />}
        <p>
          <strong>{secretWords.once}</strong>
        </p>
        <Copyable text={secret} label={secretWords.label} />
        <p>
          <Sentence text={secretWords.valid(token.name)} /> <Time ms={token.expiresAtMs} />.{" "}
          {oldEndsAtMs !== undefined && !isRepeated && (
            <OldSecret token={token} endsAtMs={oldEndsAtMs} />
          )}
        </p>
        <h2>{secretWords.env}</h2>
        <Copyable text={`${variable}=${secret}`} label={secretWords.env} />
        {example !== null && (
          <>
            <h2>{secretWords.curl}</h2>
            <Copyable
              text={`curl ${origin}${example} -H "Authorization: Bearer ${secret}"`}
              label={secretWords.curl}
            />
          </>
        )}
        <p class="buttons">
          <a class="button" href={TOKENS}>
            {secretWords.done}
          </a>
          <a class="button quiet" href={tokenPath(token.id)}>
            {secretWords.view}
          </a>
        </p>
      </section>
    ),
  };
}

function OldSecret({ token, endsAtMs }: { readonly token: ApiToken; readonly endsAtMs: number }) {
  if (endsAtMs <= token.createdAtMs) return <>{secretWords.oldGone}</>;
  return (
    <>
      {secretWords.oldUntil} <Time ms={endsAtMs} />.
    </>
  );
}
