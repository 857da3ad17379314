import { stripVTControlCharacters, styleText } from "node:util";

/** A request as the service logs it: with its route instead of its path, and with its outcome. */
interface Logged {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly outcome: string;
  readonly duration_ms: number;
  readonly error?: string;
}

/** A request as wrangler prints it. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

const SEEN = /^\[wrangler:info\] ([A-Z]+) (\S+) (\d{3})\b.*\((\d+)ms\)$/;

/** A line of the service's log, as wrangler prints it. */
const ENTRY = /^(?:✘ \[ERROR\] |▲ \[WARNING\] )?(\{"level":.*\})$/;

/** How long a line of one waits for the other's. */
const PAIR_MS = 300;

/** wrangler's table of bindings: no one who works on their own project needs it at each start. */
const [TABLE_START, TABLE_END] = [/^Your Worker has access to the following bindings:/, /^$/];

/**
 * What the terminal of `npm run dev` shows instead of what the service and wrangler print: a line a request, out of
 * the service's log line and wrangler's; other log lines in words.
 * @param print writes lines that had to wait
 * @returns what to print for a line, or null for nothing
 */
export function devTerminal(print: (line: string) => void): (line: string) => string | null {
  const logged: Logged[] = [];
  const seen: Seen[] = [];
  let isTable = false;
  let isAfterEntry = false;

  /** Prints now if the other's line is there, and else when it comes, or alone after a while. */
  function pair<Mine, Other>(
    mine: Mine,
    [waiting, others]: readonly [Mine[], Other[]],
    fits: (other: Other) => boolean,
    text: (other: Other | null) => string,
  ): string | null {
    const at = others.findIndex(fits);
    const [other] = at === -1 ? [] : others.splice(at, 1);
    if (other !== undefined) return text(other);
    waiting.push(mine);
    setTimeout(() => {
      const left = waiting.indexOf(mine);
      if (left === -1) return;
      waiting.splice(left, 1);
      print(text(null));
    }, PAIR_MS).unref();
    return null;
  }

  return (raw) => {
    const line = stripVTControlCharacters(raw);
    if (isTable || TABLE_START.test(line)) {
      isTable = !TABLE_END.test(line);
      return null;
    }
    const [, method, path, status, ms] = SEEN.exec(line) ?? [];
    if (method !== undefined && path !== undefined) {
      const mine = { method, path, status: Number(status), ms: Number(ms) };
      return pair(
        mine,
        [seen, logged],
        (other) => isSame(other, mine),
        (other) => requestText(other, mine),
      );
    }
    // wrangler follows what it prints of errors by blank lines.
    if (isAfterEntry && line === "") return null;
    const entry = jsonOf(line);
    isAfterEntry = entry !== null && !line.startsWith("{");
    if (entry === null) return raw;
    if (isRequest(entry)) {
      return pair(
        entry,
        [logged, seen],
        (other) => isSame(entry, other),
        (other) => requestText(entry, other),
      );
    }
    return entryText(entry);
  };
}

/** @returns null for a line that is none of the service's log */
function jsonOf(line: string): Readonly<Record<string, unknown>> | null {
  const [, json] = ENTRY.exec(line) ?? [];
  if (json === undefined) return null;
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

const isRequest = (entry: object): entry is Logged => "route" in entry && "duration_ms" in entry;

function isSame({ method, route, status }: Logged, seen: Seen): boolean {
  if (method !== seen.method || status !== seen.status) return false;
  if (route === "*") return true;
  const parts = route.replaceAll(/[.+?^$|()[\]{}\\]/g, "\\$&").replaceAll(/:\w+/g, "[^/]+");
  return new RegExp(`^${parts}/?$`).test(seen.path.replace(/\?.*/s, ""));
}

/** Without the query, and without what could be a token. */
const safePath = (path: string) =>
  path.replace(/\?.*/s, "?…").replaceAll(/lk_[^/?]+|(?<=\/)[^/?]{40,}/g, "…");

/** Marks a failure where there is no color. */
const MARK = { failed: "✗ ", other: "  " };

function requestText(logged: Logged | null, seen: Seen | null): string {
  const { method, status } = logged ?? seen ?? { method: "", status: 0 };
  const path = seen === null ? (logged?.route ?? "") : safePath(seen.path);
  const ms = logged?.duration_ms ?? seen?.ms;
  const outcome =
    logged === null || status < 400 || logged.outcome === "ok" ? "" : `  ${logged.outcome}`;
  const text = `${method.padEnd(6)} ${path}  ${status}  ${ms} ms${outcome}`;
  if (status >= 500) {
    const cause = logged?.error === undefined ? "" : `\n${indented(logged.error)}`;
    return failure(text) + cause;
  }
  return MARK.other + (status >= 400 ? refused(text) : text);
}

/** Any other line of the service's log: "housekeeping events=3". */
function entryText({ level, request_id: _, ...entry }: Readonly<Record<string, unknown>>): string {
  const { task, failed, error, cause, ...rest } = entry;
  const facts = Object.entries(rest).filter(([, value]) => value !== 0 && value !== null);
  const text = [
    typeof failed === "string" ? `failed to ${failed}:` : (task ?? level),
    cause,
    ...facts.map(([name, value]) => `${name}=${JSON.stringify(value)}`),
  ];
  const line = plain(text.filter((each) => each !== undefined).join(" "));
  if (level === "info") return MARK.other + line;
  return failure(line) + (typeof error === "string" ? `\n${indented(error)}` : "");
}

/** Escaped characters of a log line come back as themselves, and must not steer the terminal. */
const plain = (text: string) => text.replaceAll(/(?!\n)\p{C}/gu, "\ufffd");

const indented = (text: string) => plain(text).replaceAll(/^/gm, "    ");

// Legible on white and on black. styleText adds color only for a terminal, and not with NO_COLOR.
const refused = (text: string) => styleText("magenta", text);
const failure = (text: string) => styleText(["red", "bold"], MARK.failed + text);

/** Passes what a stream prints through `devTerminal`, a line at a time; wrangler's colors only to who wants them. */
export function formatStream(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream);
  const line = devTerminal((text) => write(`${text}\n`));
  const hasColor = stream.isTTY && !process.env.NO_COLOR;
  stream.write = (chunk: string | Uint8Array, ...rest: never[]) => {
    if (typeof chunk !== "string") return write(chunk, ...rest);
    const isWhole = chunk.endsWith("\n");
    const lines = (isWhole ? chunk.slice(0, -1) : chunk).split("\n");
    const kept = lines.map(line).filter((each) => each !== null);
    const text = kept.length === 0 ? "" : kept.join("\n") + (isWhole ? "\n" : "");
    return write(hasColor ? text : stripVTControlCharacters(text), ...rest);
  };
}
