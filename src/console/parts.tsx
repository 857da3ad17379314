import type { Child } from "hono/jsx";

/** What several pages are made of. */

interface FieldProps {
  readonly name: string;
  /** Where another form of the page has an input of the same name. */
  readonly id?: string;
  readonly label: string;
  readonly type?: string;
  readonly value?: string | undefined;
  readonly hint?: string;
  /** What is wrong with what was sent. */
  readonly problem?: string | undefined;
  readonly required?: boolean;
  readonly autocomplete?: string;
  readonly maxlength?: number;
  readonly minlength?: number;
  readonly pattern?: string | undefined;
  readonly min?: number;
  readonly max?: number;
  readonly list?: string;
}

/** One labelled input. A password is never sent back to the browser. */
export function Field({
  id: ownId,
  label,
  hint,
  problem,
  type = "text",
  value,
  ...input
}: FieldProps) {
  const id = ownId ?? `field-${input.name}`;
  const notes = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>
        {label}
        {!input.required && <span class="optional"> optional</span>}
      </label>
      <input
        id={id}
        type={type}
        {...input}
        {...(type !== "password" && value !== undefined && { value })}
        {...(notes !== "" && { "aria-describedby": notes })}
        {...(problem && { "aria-invalid": "true" })}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problem && (
        <p class="problem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
    </div>
  );
}

interface SelectProps {
  readonly name: string;
  /** Where another form of the page has an input of the same name. */
  readonly id?: string;
  readonly label: string;
  readonly value?: string | undefined;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly hint?: string;
}

export function Select({ id: ownId, name, label, value, options, hint }: SelectProps) {
  const id = ownId ?? `field-${name}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name} {...(hint && { "aria-describedby": `${id}-hint` })}>
        {options.map(([each, text]) => (
          <option value={each} selected={each === value}>
            {text}
          </option>
        ))}
      </select>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** What went wrong with the whole of a form, or what was done. Read aloud when the page opens. */
export function Alert({ text, kind }: { text: string | undefined; kind: "problem" | "done" }) {
  if (text === undefined) return null;
  return (
    <p class={`alert ${kind}`} role={kind === "problem" ? "alert" : "status"}>
      {text}
    </p>
  );
}

/** A time in UTC; the script puts it into the reader's own zone. */
export function Time({ ms }: { readonly ms: number }) {
  const iso = new Date(ms).toISOString();
  return <time datetime={iso}>{`${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`}</time>;
}

const UNITS = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
] as const;

/** "in 3 days", "2 hours ago": by the greatest unit that fits. */
export function relative(ms: number, nowMs: number): string {
  const distance = Math.abs(ms - nowMs);
  const unit = UNITS.find(([size]) => distance >= size);
  if (unit === undefined) return ms > nowMs ? "in less than a minute" : "just now";
  const count = Math.floor(distance / unit[0]);
  const words = `${count} ${unit[1]}${count === 1 ? "" : "s"}`;
  return ms > nowMs ? `in ${words}` : `${words} ago`;
}

interface ConfirmProps {
  readonly summary: string;
  /** What of several on the page it is about, for who does not see where it stands. */
  readonly of?: string;
  readonly isHarmless?: boolean;
  readonly children: Child;
}

/** Something that is asked again before it is done, with and without JavaScript. */
export function Confirm({ summary, of, isHarmless = false, children }: ConfirmProps) {
  return (
    <details class={isHarmless ? "confirm harmless" : "confirm"}>
      <summary>
        {summary}
        {of !== undefined && <span class="unseen"> {of}</span>}
      </summary>
      <div>{children}</div>
    </details>
  );
}

/** A text to take away, with a button that copies it where there is JavaScript. */
export function Copyable({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div class="copyable">
      <output aria-label={label}>
        <code>{text}</code>
      </output>
      <button type="button" class="quiet" data-copy={text} hidden>
        Copy
      </button>
    </div>
  );
}

/** The way to the next page of a list. */
export function Next({ path, cursor }: { readonly path: string; readonly cursor: string | null }) {
  if (cursor === null) return null;
  return (
    <nav class="pages" aria-label="Pages">
      <a class="button quiet" href={`${path}?cursor=${encodeURIComponent(cursor)}`}>
        Older
      </a>
    </nav>
  );
}
