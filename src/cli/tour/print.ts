import type { Reply } from "./compare.ts";

/** Values that steps send and save, by name. */
export type Saved = Map<string, string>;

export interface TourRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** null if there is none */
  readonly body: unknown;
}

const COLUMNS = 100;
const INDENT = "      ";

/** Shortens what is a credential or looks like one, as a faulty server may answer with any; ids and dates too. */
export function shorten(text: string, saved: Saved): string {
  return [...saved]
    .filter(([name]) => name.endsWith("password"))
    .reduce((left, [, password]) => left.replaceAll(password, "…"), text)
    .replace(/\b([a-z][a-z0-9]*_(?:ses|api|act)_\w{4})\w+/g, "$1…")
    .replace(/\beyJ[\w-]+\.[\w-]*\.[\w-]*?([\w-]{0,4})(?![\w-])/g, "eyJ…$1")
    .replace(/\b(Basic )[\w+/=]+/g, "$1…")
    .replace(/\b(\w{4})\w{20,}/g, "$1…")
    .replace(/\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "$1…")
    .replace(/\b(\d{4}-\d{2}-\d{2})T[\d:.]+Z/g, "$1…");
}

export function requestText({ method, path, headers, body }: TourRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => `[${name}: ${value}]`);
  return [method, path, ...lines, ...(body === null ? [] : [JSON.stringify(body)])].join(" ");
}

/** Without members that are null. */
export function replyText({ status, body }: Reply): string {
  if (body === null) return String(status);
  const text = JSON.stringify(body, (_, value: unknown) =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null)),
  );
  return `${status} ${text}`;
}

/** Two lines of the screen's width; what does not fit is left out. */
export function wrapped(mark: string, text: string): string[] {
  const width = COLUMNS - INDENT.length - mark.length - 1;
  const rest = text.replaceAll(/\s+/g, " ").trimEnd();
  if (rest.length <= width) return [`${INDENT}${mark} ${rest}`];
  // After a comma or a space, if there is one in the second half of the line.
  const at = Math.max(rest.lastIndexOf(",", width - 1), rest.lastIndexOf(" ", width - 1)) + 1;
  const end = at > width / 2 ? at : width;
  const second = rest.slice(end);
  return [
    `${INDENT}${mark} ${rest.slice(0, end).trimEnd()}`,
    `${INDENT}${" ".repeat(mark.length)} ${second.length > width ? `${second.slice(0, width - 1)}…` : second}`,
  ];
}
