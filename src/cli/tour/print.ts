import { styleText } from "node:util";
import type { Reply } from "./send.ts";
import type { Ask, Tour } from "./step.ts";

const COLUMNS = 100;
const INDENT = "      ";
/** A request or an answer takes at most so many lines. */
const MAX_LINES = 2;

type Color = "bold" | "dim" | "green" | "red" | "yellow";
export type Paint = (color: Color, text: string) => string;

/** Colour only where a person looks, and never where NO_COLOR is set. */
export function painter(isTty: boolean, noColor: string | undefined): Paint {
  const plain = !isTty || (noColor !== undefined && noColor !== "");
  return plain
    ? (_, text) => text
    : (color, text) => styleText(color, text, { validateStream: false });
}

/**
 * Shortens everything in the text that could be a credential. What merely looks like one is
 * shortened too: a server that misbehaves may answer with a token of any form. So are ids and dates.
 */
export function shortener({ ann, ben }: Tour): (text: string) => string {
  const passwords = [ann, ben]
    .flatMap(({ password, newPassword }) => [password, newPassword])
    .flatMap((each) => [
      each,
      encodeURIComponent(each),
      new URLSearchParams({ a: each }).toString().slice(2),
    ]);
  return (text) =>
    passwords
      .reduce((left, password) => left.replaceAll(password, "…"), text)
      .replace(/\b(lk_[a-z]+_\w{4})\w+/g, "$1…")
      .replace(/\beyJ[\w-]+\.[\w-]*\.[\w-]*?([\w-]{0,4})(?![\w-])/g, "eyJ…$1")
      .replace(/\b(Basic )[\w+/=]+/g, "$1…")
      .replace(/\b(\w{4})\w{20,}/g, "$1…")
      .replace(/("\w*password":)"[^"]+"/g, '$1"…"')
      .replace(/\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "$1…")
      .replace(/\b(\d{4}-\d{2}-\d{2})T[\d:.]+Z/g, "$1…");
}

export function requestText({ method, path, headers = {}, json, form }: Ask): string {
  const shown = Object.entries(headers).map(([name, value]) => `[${name}: ${value}]`);
  const body =
    json !== undefined
      ? JSON.stringify(json)
      : form !== undefined
        ? new URLSearchParams(form).toString()
        : "";
  return [method, path, ...shown, body].filter((part) => part !== "").join(" ");
}

/** Members that are null are left out, and marked by three dots at the end. */
export function replyText({ status, text, body }: Reply): string {
  return `${status} ${body === undefined ? text : brief(body)}`.trimEnd();
}

function brief(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(brief).join(",")}]`;
  const entries = Object.entries(value);
  const told = entries.filter(([, each]) => each !== null);
  const shown = told.map(([key, each]) => `${JSON.stringify(key)}:${brief(each)}`);
  return `{${[...shown, ...(told.length < entries.length ? ["…"] : [])].join(",")}}`;
}

/** Cuts a text into lines of the screen's width, and leaves out what does not fit. */
export function wrapped(mark: string, text: string): string[] {
  const width = COLUMNS - INDENT.length - mark.length - 1;
  const lines: string[] = [];
  let rest = text.replaceAll(/\s*\n\s*/g, " ");
  while (rest.length > width && lines.length < MAX_LINES - 1) {
    // After a comma or a space, where there is one in the second half of the line.
    const at = Math.max(rest.lastIndexOf(",", width - 1), rest.lastIndexOf(" ", width - 1)) + 1;
    const end = at > width / 2 ? at : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  lines.push(rest.length > width ? `${rest.slice(0, width - 1)}…` : rest);
  return lines.map(
    (line, index) => `${INDENT}${index === 0 ? mark : " ".repeat(mark.length)} ${line.trimEnd()}`,
  );
}
