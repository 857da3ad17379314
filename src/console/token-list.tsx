import type { Scopes } from "../core/scopes.ts";
import type { ApiToken } from "../core/token.ts";
import { EMPTY_FORM, type FormState, fieldState } from "./page-routes.tsx";
import { Confirm, Field, PostForm, Relative, Select, Time, UserText } from "./components.tsx";

/** How long the old secret stays valid after a rotation, in seconds. */
export const GRACES: readonly (readonly [value: string, text: string])[] = [
  ["0", "at once"],
  ["3600", "in an hour"],
  ["86400", "in a day"],
];

interface Props {
  readonly tokens: readonly ApiToken[];
  /** A new secret per token for the rotation form, so that submitting it twice rotates once. */
  readonly secrets: readonly string[];
  readonly nowMs: number;
  /** The submitted rename form, if it had errors. */
  readonly renaming: FormState;
  /** What each scope allows. */
  readonly descriptions: Scopes["descriptions"];
}

/** One card per token: its details, the time left, and its actions. */
export function TokenList({ tokens, secrets, ...shared }: Props) {
  if (tokens.length === 0) {
    return (
      <section class="card empty">
        <p>No tokens yet. One lets a program of yours use this service without your password.</p>
      </section>
    );
  }
  return (
    <>
      <ul class="things">
        {bySuccessor(tokens).map((token, index) => (
          <TokenCard token={token} secret={secrets[index] ?? ""} {...shared} />
        ))}
      </ul>
      <Confirm summary="End all tokens">
        <p>Every program that uses one of your API tokens is refused from then on.</p>
        <PostForm action="/console/tokens/end-all" button="End all of them" look="danger" />
      </Confirm>
    </>
  );
}

/** Sorts each replaced token right after its successor. */
function bySuccessor(tokens: readonly ApiToken[]): readonly ApiToken[] {
  const ids = new Set(tokens.map(({ id }) => id));
  const replacedBy = Map.groupBy(tokens, ({ replacedById }) => replacedById);
  const withOlder = (token: ApiToken): ApiToken[] => [
    token,
    ...(replacedBy.get(token.id) ?? []).flatMap(withOlder),
  ];
  return tokens
    .filter(({ replacedById }) => replacedById === null || !ids.has(replacedById))
    .flatMap(withOlder);
}

interface CardProps extends Omit<Props, "tokens" | "secrets"> {
  readonly token: ApiToken;
  readonly secret: string;
}

function TokenCard({ token, secret, nowMs, renaming, descriptions }: CardProps) {
  const { id, name, hint, scopes, createdAtMs, expiresAtMs, lastUsedAtMs } = token;
  // A replaced token can only be revoked: its end must not move out again.
  const isReplaced = token.replacedById !== null;
  const isRenamed = renaming.values.id === id;
  const group = `doings-${id}`;
  return (
    <li class="card">
      <div class="heading">
        <h2>
          <UserText text={name} />
        </h2>
        {isReplaced ? (
          <span class="badge waiting">
            replaced, valid until <Time ms={expiresAtMs} />
          </span>
        ) : !token.isEnabled ? (
          <span class="badge waiting">disabled</span>
        ) : (
          <ExpiryBadge token={token} nowMs={nowMs} />
        )}
      </div>
      <ExpiryBar token={token} nowMs={nowMs} />
      <dl class="traits">
        <DetailRow name="Token">
          <code>{hint}</code>
        </DetailRow>
        <DetailRow name="Made">
          <Time ms={createdAtMs} />
        </DetailRow>
        <DetailRow name="Ends">
          <Time ms={expiresAtMs} />
        </DetailRow>
        <DetailRow name="Last used">
          <LastUse ms={lastUsedAtMs} nowMs={nowMs} />
        </DetailRow>
      </dl>
      {scopes.length > 0 && (
        <p class="scopes">
          {scopes.map((scope) => (
            <code class="badge" title={descriptions[scope]}>
              {scope}
            </code>
          ))}
        </p>
      )}
      <div class="doings">
        {!isReplaced && (
          <>
            <Confirm summary="Rename" subject={name} isHarmless group={group} isOpen={isRenamed}>
              <PostForm action="/console/tokens/rename" id={id} button="Rename">
                <Field
                  {...fieldState(isRenamed ? renaming : EMPTY_FORM, "name", name)}
                  id={`name-${id}`}
                  label="New name"
                  autocomplete="off"
                  maxlength={64}
                  required
                />
              </PostForm>
            </Confirm>
            <Confirm summary="Rotate" subject={name} isHarmless group={group}>
              <p>You get a new secret with the same name, scopes and end.</p>
              <PostForm action="/console/tokens/rotate" id={id} button="Rotate">
                <input type="hidden" name="token_secret" value={secret} autocomplete="off" />
                <Select
                  name="grace"
                  id={`grace-${id}`}
                  label="The old secret ends"
                  value="3600"
                  options={GRACES}
                />
              </PostForm>
            </Confirm>
          </>
        )}
        <Confirm summary="End" subject={name} group={group}>
          <p>Whoever shows it is refused from then on. This cannot be undone.</p>
          <PostForm action="/console/tokens/end" id={id} button="End it" look="danger" />
        </Confirm>
      </div>
    </li>
  );
}

function DetailRow({ name, children }: { readonly name: string; readonly children: unknown }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const HOUR_MS = 3_600_000;

/** Uses are recorded to the hour, so nothing finer is shown. */
function LastUse({ ms, nowMs }: { readonly ms: number | null; readonly nowMs: number }) {
  if (ms === null) return <>never</>;
  return nowMs - ms < HOUR_MS ? <>less than an hour ago</> : <Relative ms={ms} nowMs={nowMs} />;
}

const DAY_MS = 24 * HOUR_MS;

interface ExpiryProps {
  readonly token: ApiToken;
  readonly nowMs: number;
}

/** Colors depend on the absolute time left, not on the share of the lifetime. */
function toneOf({ token: { expiresAtMs }, nowMs }: ExpiryProps): "good" | "waiting" | "bad" {
  const leftMs = expiresAtMs - nowMs;
  if (leftMs < DAY_MS) return "bad";
  return leftMs < 7 * DAY_MS ? "waiting" : "good";
}

function ExpiryBadge(props: ExpiryProps) {
  return (
    <span class={`badge ${toneOf(props)}`}>
      ends <Relative ms={props.token.expiresAtMs} nowMs={props.nowMs} />
    </span>
  );
}

/** The time left as a bar. An SVG, because the CSP forbids inline styles for the width. */
function ExpiryBar(props: ExpiryProps) {
  const { token, nowMs } = props;
  const whole = Math.max(1, token.expiresAtMs - token.createdAtMs);
  const left = Math.min(1, Math.max(0, (token.expiresAtMs - nowMs) / whole));
  return (
    <svg
      class={`life ${toneOf(props)}`}
      viewBox="0 0 100 1"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect class="whole" width="100" height="1" />
      <rect class="left" width={(left * 100).toFixed(1)} height="1" />
    </svg>
  );
}
