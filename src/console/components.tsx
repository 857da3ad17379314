import type { Child } from "hono/jsx";

/** What several pages are made of. */

/**
 * A text that a user wrote. Isolated: characters that turn the direction of writing (U+202E, Hebrew)
 * must not reach what stands beside it.
 */
export function UserText({ text }: { readonly text: string }) {
  return <bdi>{text}</bdi>;
}

/** A name for the middle of a sentence: between Unicode's own marks, which `Sentence` makes elements. */
export const isolated = (name: string): string =>
  `\u2068${name.replaceAll(/[\u2066-\u2069]/g, "")}\u2069`;

/** A sentence with names that are `isolated`. */
export function Sentence({ text }: { readonly text: string }) {
  return (
    <>
      {text
        .split(/\u2068([^\u2069]*)\u2069/)
        .map((piece, index) => (index % 2 === 1 ? <UserText text={piece} /> : piece))}
    </>
  );
}

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
  /** The note that says what is wrong with this input among others. */
  readonly errorId?: string;
  readonly autofocus?: boolean;
}

/** One labelled input. A password is never sent back to the browser. */
export function Field({
  id: ownId,
  label,
  hint,
  problem,
  type = "text",
  value,
  errorId,
  ...input
}: FieldProps) {
  const id = ownId ?? `field-${input.name}`;
  const isWritten = type === "text" || type === "email" || type === "tel";
  return (
    <div class="field">
      <label for={id}>
        {label}
        {!input.required && <span class="optional"> (optional)</span>}
      </label>
      <input
        id={id}
        type={type}
        {...input}
        {...(isWritten && { dir: "auto" })}
        {...(type !== "password" && value !== undefined && { value })}
        {...describedBy(id, hint, problem)}
        {...(errorId && { "aria-invalid": "true", "aria-describedby": errorId })}
      />
      <FieldNotes id={id} hint={hint} problem={problem} />
    </div>
  );
}

/**
 * What ties an input to the notes below it. An invalid one gets the focus as the page opens, without
 * JavaScript: that scrolls to it as well.
 */
export const describedBy = (id: string, hint?: string, problem?: string) => ({
  ...((hint || problem) && {
    "aria-describedby": [hint && `${id}-hint`, problem && `${id}-problem`]
      .filter(Boolean)
      .join(" "),
  }),
  ...(problem && { "aria-invalid": "true", autofocus: true }),
});

interface FieldNotesProps {
  readonly id: string;
  readonly hint?: string | undefined;
  readonly problem?: string | undefined;
}

export function FieldNotes({ id, hint, problem }: FieldNotesProps) {
  return (
    <>
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
    </>
  );
}

interface SelectProps {
  readonly name: string;
  /** Where another form of the page has an input of the same name. */
  readonly id?: string;
  readonly label: string;
  readonly value?: string | undefined;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly hint?: string | undefined;
  readonly problem?: string | undefined;
}

export function Select({ id: ownId, name, label, value, options, hint, problem }: SelectProps) {
  const id = ownId ?? `field-${name}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {/* Options can be texts of users; this is the one way to isolate them. */}
      <select id={id} name={name} dir="auto" {...describedBy(id, hint, problem)}>
        {options.map(([each, text]) => (
          <option value={each} selected={each === value}>
            {text}
          </option>
        ))}
      </select>
      <FieldNotes id={id} hint={hint} problem={problem} />
    </div>
  );
}

interface AlertProps {
  readonly text: Child;
  readonly kind: "problem" | "done" | "note";
  readonly id?: string;
  /** Where no input is to blame: the focus goes here then. */
  readonly isFocused?: boolean;
}

/** What went wrong with the whole of a form, or what was done. Read aloud when the page opens. */
export function Alert({ text, kind, id, isFocused = kind === "problem" }: AlertProps) {
  if (text === undefined || text === null) return null;
  return (
    <p
      class={`alert ${kind}`}
      role={kind === "problem" ? "alert" : "status"}
      {...(id !== undefined && { id })}
      {...(isFocused && { tabindex: -1, autofocus: true })}
    >
      {text}
    </p>
  );
}

const inUtc = (iso: string) => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

/** A time in UTC; the script puts it into the reader's own zone. */
export function Time({ ms }: { readonly ms: number }) {
  const iso = new Date(ms).toISOString();
  return <time datetime={iso}>{inUtc(iso)}</time>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Each with how many of it are the next one; the last has no next. */
const UNITS = [
  [MINUTE_MS, "minute", 60],
  [HOUR_MS, "hour", 24],
  [DAY_MS, "day", 365],
  [365.25 * DAY_MS, "year", Number.POSITIVE_INFINITY],
] as const;

/** "in 3 days", "2 hours ago": rounded, so that a token of 30 days begins with 30. */
export function relative(ms: number, nowMs: number): string {
  const distance = Math.abs(ms - nowMs);
  if (distance < MINUTE_MS) return ms > nowMs ? "in less than a minute" : "just now";
  const [size, name] =
    UNITS.find(([each, , next]) => Math.round(distance / each) < next) ?? UNITS[3];
  const count = Math.round(distance / size);
  const text = `${count} ${name}${count === 1 ? "" : "s"}`;
  return ms > nowMs ? `in ${text}` : `${text} ago`;
}

interface RelativeProps {
  readonly ms: number;
  readonly nowMs: number;
}

/** The same as an element, with the time itself for who points at it. */
export function Relative({ ms, nowMs }: RelativeProps) {
  const iso = new Date(ms).toISOString();
  return (
    <time datetime={iso} title={inUtc(iso)} data-relative>
      {relative(ms, nowMs)}
    </time>
  );
}

interface ConfirmProps {
  readonly summary: string;
  /** What of several on the page it is about, for who does not see where it stands. */
  readonly subject?: string;
  readonly isHarmless?: boolean;
  /** Of several with one group, one is open at a time. */
  readonly group?: string;
  /** What it holds came back with something wrong. */
  readonly isOpen?: boolean;
  readonly children: Child;
}

/** Something that is asked again before it is done, with and without JavaScript. */
export function Confirm({
  summary,
  subject,
  isHarmless = false,
  group,
  isOpen = false,
  children,
}: ConfirmProps) {
  return (
    <details
      class={isHarmless ? "confirm harmless" : "confirm"}
      open={isOpen}
      {...(group !== undefined && { name: group })}
    >
      <summary>
        {summary}
        {subject !== undefined && (
          <span class="unseen">
            {" "}
            <UserText text={subject} />
          </span>
        )}
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
export function Pagination({
  path,
  cursor,
}: {
  readonly path: string;
  readonly cursor: string | null;
}) {
  if (cursor === null) return null;
  return (
    <nav class="pages" aria-label="Pages">
      <a class="button quiet" href={`${path}?cursor=${encodeURIComponent(cursor)}`}>
        Older
      </a>
    </nav>
  );
}
