import type { ApiToken } from "../core/token.ts";
import { Confirm, Field, relative, Select, Time } from "./parts.tsx";

/** How long an old secret may live on beside the new one, in seconds. */
export const GRACES: readonly (readonly [value: string, text: string])[] = [
  ["0", "at once"],
  ["3600", "in an hour"],
  ["86400", "in a day"],
];

interface Props {
  readonly tokens: readonly ApiToken[];
  readonly nowMs: number;
}

/** A card a token: what it is, how long it has left, and what can be done with it. */
export function TokenCards({ tokens, nowMs }: Props) {
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
        {tokens.map((token) => (
          <TokenCard token={token} nowMs={nowMs} />
        ))}
      </ul>
      <Confirm summary="End all tokens">
        <p>Every program that uses one of your API tokens is refused from then on.</p>
        <form method="post" action="/console/tokens/end-all">
          <button class="danger" type="submit">
            End all of them
          </button>
        </form>
      </Confirm>
    </>
  );
}

function TokenCard({ token, nowMs }: { readonly token: ApiToken; readonly nowMs: number }) {
  const { id, name, hint, scopes, createdAtMs, expiresAtMs, lastUsedAtMs } = token;
  return (
    <li class="card">
      <div class="heading">
        <h2>{name}</h2>
        <End token={token} nowMs={nowMs} />
      </div>
      <LifeBar {...lifeOf(token, nowMs)} />
      <dl class="traits">
        <Fact name="Token">
          <code>{hint}</code>
        </Fact>
        <Fact name="Made">
          <Time ms={createdAtMs} />
        </Fact>
        <Fact name="Ends">
          <Time ms={expiresAtMs} />
        </Fact>
        <Fact name="Last used">{lastUse(lastUsedAtMs, nowMs)}</Fact>
      </dl>
      <p class="scopes">
        {scopes.map((scope) => (
          <code class="badge">{scope}</code>
        ))}
      </p>
      <div class="doings">
        <Confirm summary="Rename" of={name} isHarmless>
          <form method="post" action="/console/tokens/rename">
            <input type="hidden" name="id" value={id} />
            <Field
              name="name"
              id={`name-${id}`}
              label="New name"
              value={name}
              autocomplete="off"
              maxlength={64}
              required
            />
            <button type="submit">Rename</button>
          </form>
        </Confirm>
        <Confirm summary="Rotate" of={name} isHarmless>
          <p>You get a new secret with the same name, scopes and end.</p>
          <form method="post" action="/console/tokens/rotate">
            <input type="hidden" name="id" value={id} />
            <Select
              name="grace"
              id={`grace-${id}`}
              label="The old secret ends"
              value="3600"
              options={GRACES}
            />
            <button type="submit">Rotate</button>
          </form>
        </Confirm>
        <Confirm summary="End" of={name}>
          <p>Whoever shows it is refused from then on. This cannot be undone.</p>
          <form method="post" action="/console/tokens/end">
            <input type="hidden" name="id" value={id} />
            <button class="danger" type="submit">
              End it
            </button>
          </form>
        </Confirm>
      </div>
    </li>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: unknown }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const HOUR_MS = 3_600_000;

/** Uses are noted to the hour, so nothing finer is said of them. */
function lastUse(ms: number | null, nowMs: number): string {
  if (ms === null) return "never";
  return nowMs - ms < HOUR_MS ? "less than an hour ago" : relative(ms, nowMs);
}

const WEEK_MS = 7 * 86_400_000;

interface Life {
  /** Of the whole, from 0 to 1. */
  readonly left: number;
  readonly isSoon: boolean;
}

/** Soon is the last fifth of a life, and never more than a week. */
function lifeOf({ createdAtMs, expiresAtMs }: ApiToken, nowMs: number): Life {
  const whole = Math.max(1, expiresAtMs - createdAtMs);
  const left = Math.min(1, Math.max(0, (expiresAtMs - nowMs) / whole));
  return { left, isSoon: expiresAtMs - nowMs < Math.min(WEEK_MS, whole / 5) };
}

function End({ token, nowMs }: { readonly token: ApiToken; readonly nowMs: number }) {
  const { isSoon } = lifeOf(token, nowMs);
  const text = relative(token.expiresAtMs, nowMs);
  return (
    <span class={`badge ${isSoon ? "waiting" : "good"}`}>
      {isSoon ? `ends soon, ${text}` : `ends ${text}`}
    </span>
  );
}

/** The same for the eye; a width of an SVG is no inline style. */
function LifeBar({ left, isSoon }: Life) {
  return (
    <svg
      class={isSoon ? "life soon" : "life"}
      viewBox="0 0 100 1"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect class="whole" width="100" height="1" />
      <rect class="left" width={(left * 100).toFixed(1)} height="1" />
    </svg>
  );
}
