import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { renderSVG } from "uqr";
import type { Cursor } from "../core/page.ts";
import { PASSWORD_LENGTH } from "../core/passwords.ts";
import { cursorText } from "../http/query.ts";
import { currentClock } from "./clock.ts";
import { auth, frame as words, pagination, time } from "./words.ts";

/**
 * Text that a user wrote. `bdi` isolates it: characters that change the writing direction (U+202E,
 * Hebrew letters) must not reorder the text around it.
 */
export function UserText({ text }: { readonly text: string }) {
  return <bdi>{text}</bdi>;
}

/** A sentence that contains `isolated` names. */
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
  /** What is wrong with the submitted value. */
  readonly problem?: string | undefined;
  readonly required?: boolean;
  readonly autocomplete?: string;
  readonly inputmode?: "numeric";
  readonly maxlength?: number;
  readonly minlength?: number;
  readonly pattern?: string | undefined;
  readonly placeholder?: string;
  readonly min?: number | string;
  readonly max?: number | string;
  readonly list?: string;
  /** The id of an error message that several inputs share. */
  readonly errorId?: string;
  readonly autofocus?: boolean;
}

/** A labeled input. A password is never sent back to the browser. */
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
        {!input.required && <span class="optional"> {words.optional}</span>}
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
      {type === "password" && (
        <button type="button" class="reveal" data-hide={words.hide} hidden>
          {words.show}
        </button>
      )}
      <FieldNotes id={id} hint={hint} problem={problem} />
    </div>
  );
}

export const EMAIL_INPUT = {
  label: words.email,
  type: "email",
  autocomplete: "username",
  required: true,
} as const;

export const PASSWORD_INPUT = {
  label: words.password,
  type: "password",
  autocomplete: "current-password",
  required: true,
} as const;

export const NEW_PASSWORD_INPUT = {
  ...PASSWORD_INPUT,
  autocomplete: "new-password",
  minlength: PASSWORD_LENGTH.min,
} as const;

export const CODE_INPUT = {
  label: auth.secondStep.code,
  autocomplete: "one-time-code",
  required: true,
  maxlength: 40,
} as const;

interface PostFormProps {
  readonly action: string;
  /** The id of the item that it is about. */
  readonly id?: string;
  /** The errors that belong to no input. */
  readonly error?: string | undefined;
  readonly button: string;
  /** The looks of the button: `danger`, `quiet`, `small`. */
  readonly look?: string;
  readonly children?: Child;
}

/** A form with one button, at its end. */
export function PostForm({ action, id, error, button, look, children }: PostFormProps) {
  return (
    <>
      <Alert kind="problem" text={error} />
      <form method="post" action={action}>
        {id !== undefined && <input type="hidden" name="id" value={id} />}
        {children}
        <button {...(look !== undefined && { class: look })} type="submit">
          {button}
        </button>
      </form>
    </>
  );
}

/** Its heading, what a row has in it, and what a phone calls it if the heading is too long for that. */
type Column<T> = readonly [heading: string, cell: (row: T) => Child, label?: string];

interface TableProps<T> {
  readonly rows: readonly T[];
  /** The first one names the row. */
  readonly columns: readonly [Column<T>, ...(readonly Column<T>[])];
  /** Buttons; their heading is for screen readers. */
  readonly act?: Column<T>;
  readonly caption?: string;
  readonly class?: string;
}

export function Table<T>({
  rows,
  columns: [name, ...others],
  act,
  caption,
  ...rest
}: TableProps<T>) {
  return (
    <table {...rest}>
      {caption !== undefined && <caption>{caption}</caption>}
      <thead>
        <tr>
          {[name, ...others].map(([heading]) => (
            <th scope="col">{heading}</th>
          ))}
          {act !== undefined && (
            <th scope="col">
              <span class="unseen">{act[0]}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            <th scope="row">{name[1](row)}</th>
            {others.map(([heading, cell, label = heading]) => (
              <td data-label={label}>{cell(row)}</td>
            ))}
            {act !== undefined && <td class="act">{act[1](row)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/**
 * Links an input to its hint and error. `autofocus` moves focus to an invalid input and scrolls to it
 * when the page opens, without JavaScript.
 */
export const describedBy = (id: string, hint?: string, problem?: string) => ({
  ...((hint || problem) && {
    "aria-describedby": [
      hint && !isSaidBy(hint, problem) && `${id}-hint`,
      problem && `${id}-problem`,
    ]
      .filter(Boolean)
      .join(" "),
  }),
  ...(problem && { "aria-invalid": "true", autofocus: true }),
});

/** What is wrong can be what the hint says: then it stands there once. */
const isSaidBy = (hint: string, problem?: string) => problem === `${hint}.`;

interface FieldNotesProps {
  readonly id: string;
  readonly hint?: string | undefined;
  readonly problem?: string | undefined;
}

export function FieldNotes({ id, hint, problem }: FieldNotesProps) {
  return (
    <>
      {hint && !isSaidBy(hint, problem) && (
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
      {/* Options can be user text; `dir` is the only way to isolate them. */}
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
  /** Moves focus here, for errors that belong to no input. */
  readonly isFocused?: boolean;
}

/** What went wrong with a form, or what it did. Screen readers announce it when the page opens. */
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

/** A time in the reader's zone, to the second as its tooltip. */
export function Time({ ms }: { readonly ms: number }) {
  const clock = currentClock();
  return (
    <time datetime={new Date(ms).toISOString()} title={clock.exact(ms)}>
      {clock.short(ms)}
    </time>
  );
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Size, name, and how many make up the next unit. */
const UNITS = [
  [MINUTE_MS, "minutes", 60],
  [HOUR_MS, "hours", 24],
  [DAY_MS, "days", 365],
  [365.25 * DAY_MS, "years", Number.POSITIVE_INFINITY],
] as const;

/** "10 minutes", "3 days": rounded to the largest unit. */
export function duration(ms: number): string {
  const [size, name] = UNITS.find(([each, , next]) => Math.round(ms / each) < next) ?? UNITS[3];
  return time[name](Math.round(ms / size));
}

/** "in 3 days", "2 hours ago". Rounded, not floored, so that a new token of 30 days reads "in 30 days". */
export function relative(ms: number, nowMs: number): string {
  const distance = Math.abs(ms - nowMs);
  if (distance < MINUTE_MS) return ms > nowMs ? time.soon : time.justNow;
  const text = duration(distance);
  return ms > nowMs ? time.future(text) : time.past(text);
}

interface RelativeProps {
  readonly ms: number;
  readonly nowMs: number;
}

/** A relative time, with the absolute time as its tooltip. */
export function Relative({ ms, nowMs }: RelativeProps) {
  return (
    <time datetime={new Date(ms).toISOString()} title={currentClock().exact(ms)} data-relative>
      {relative(ms, nowMs)}
    </time>
  );
}

interface ConfirmProps {
  readonly summary: string;
  /** The item it is about, for screen readers, when a page has several. */
  readonly subject?: string;
  readonly isHarmless?: boolean;
  /** Only one of a group is open at a time. */
  readonly group?: string;
  /** Open because the form inside has errors. */
  readonly isOpen?: boolean;
  readonly children: Child;
}

/** Asks for confirmation before an action, with and without JavaScript. */
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

/** A text with a copy button, which the script shows. */
export function Copyable({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div class="copyable">
      <output aria-label={label}>
        <code>{text}</code>
      </output>
      <button
        type="button"
        class="quiet"
        data-copy={text}
        data-copied={words.copied}
        data-selected={words.selected}
        hidden
      >
        {words.copy}
      </button>
    </div>
  );
}

interface PaginationProps {
  readonly path: string;
  /** What else the pages have in common, such as a filter; empty values are left out. */
  readonly query?: Readonly<Record<string, string>>;
  readonly previous: Cursor | null;
  readonly next: Cursor | null;
}

/** Links to the pages before and after this one. */
export function Pagination({ path, query = {}, previous, next }: PaginationProps) {
  if (previous === null && next === null) return null;
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const link = (cursor: string | null, text: string, rel: string) =>
    cursor !== null && (
      <a
        class="button quiet"
        rel={rel}
        href={`${path}?${new URLSearchParams([...given, ["cursor", cursor]])}`}
      >
        {text}
      </a>
    );
  return (
    <nav class="pages" aria-label={pagination.label}>
      {link(cursorText(previous, "<"), pagination.previous, "prev")}
      {link(cursorText(next), pagination.next, "next")}
    </nav>
  );
}

/** White modules around the code; scanners need four (ISO/IEC 18004 section 6.3.8). */
const QUIET_ZONE = 4;

/** Black on white in dark mode too: many scanners read nothing else. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const svg = renderSVG(text, { ecc: "M", border: QUIET_ZONE, pixelSize: 1 });
  return (
    <div class="qr" role="img" aria-label={label}>
      {raw(svg)}
    </div>
  );
}

interface PageHeadProps {
  readonly title: Child;
  /** One line that says what the page is for. */
  readonly lead?: Child;
  /** Up to the page that this one belongs to. */
  readonly back?: readonly [href: string, text: Child];
  /** The primary action, and what else stands at the right. */
  readonly children?: Child;
}

/** How a page begins. */
export function PageHead({ title, lead, back, children }: PageHeadProps) {
  return (
    <header class="page-head">
      <div>
        {back !== undefined && (
          <a class="up" href={back[0]}>
            {back[1]}
          </a>
        )}
        <h1>{title}</h1>
        {lead !== undefined && <p>{lead}</p>}
      </div>
      {children !== undefined && <div class="buttons">{children}</div>}
    </header>
  );
}

interface PillProps {
  readonly tone: "good" | "warn" | "bad" | "plain";
  readonly children: Child;
}

/** A status. Its text says all that its color does. */
export function Pill({ tone, children }: PillProps) {
  return <span class={`pill ${tone}`}>{children}</span>;
}

interface TabsProps {
  readonly label: string;
  readonly items: readonly (readonly [href: string, text: Child])[];
  /** The path of one of them. */
  readonly current: string;
}

/** Links between pages that belong together. */
export function Tabs({ label, items, current }: TabsProps) {
  return (
    <nav class="tabs" aria-label={label}>
      <ul>
        {items.map(([href, text]) => (
          <li>
            <a href={href} {...(href === current && { "aria-current": "page" })}>
              {text}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

interface FiltersProps {
  readonly action: string;
  /** `post` where what is searched may be a secret: that leads to the address without it. */
  readonly method?: "get" | "post";
  /** `Field`, `Select`, hidden inputs. */
  readonly children: Child;
}

/** A search and choices in one row; what is found has an address of its own. */
export function Filters({ action, method = "get", children }: FiltersProps) {
  return (
    <search>
      <form class="filters" method={method} action={action}>
        {children}
        <button class="quiet" type="submit">
          {words.filter}
        </button>
      </form>
    </search>
  );
}

interface EmptyProps {
  readonly title: Child;
  readonly text?: Child;
  /** The next step. */
  readonly children?: Child;
}

/** What a list without items says. */
export function Empty({ title, text, children }: EmptyProps) {
  return (
    <div class="card empty">
      <p class="empty-title">{title}</p>
      {text !== undefined && <p>{text}</p>}
      {children}
    </div>
  );
}

/** Names and what they have; a row without a value is left out. */
export function Facts({ rows }: { readonly rows: readonly (readonly [Child, Child])[] }) {
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== null && value !== undefined && value !== false)
        .map(([term, value]) => (
          <>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </>
        ))}
    </dl>
  );
}

interface PanelProps {
  readonly title: Child;
  readonly id?: string;
  /** What cannot be undone: it stands last on its page. */
  readonly danger?: boolean;
  readonly children: Child;
}

/** A part of a page, with a heading. */
export function Panel({ title, id, danger = false, children }: PanelProps) {
  return (
    <section class={danger ? "card risky" : "card"} {...(id !== undefined && { id })}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
