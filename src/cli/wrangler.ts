import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { CliError } from "./cli-error.ts";

/** How long wrangler may take to end, asked first by a signal and then by its leash. */
const GRACE_MS = 3000;

/** wrangler asks no questions, reports nothing, and looks for nothing outside this machine. */
export const ENVIRONMENT = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true", // and with it the search for a newer version
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_WRITE_LOGS: "false",
};

interface Run {
  /** Ends wrangler, and what it has started, when it fires. */
  readonly stop: AbortSignal;
  /** "shown": wrangler has the terminal. "answer": it has none, and what it prints is returned. */
  readonly output: "shown" | "answer";
  /** Called when the service can be reached. */
  readonly onReady?: () => void;
  /** More of wrangler's own variables. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/**
 * Runs a wrangler command to its end. Its processes stay in this one's process group, so that what
 * ends the group ends them too, and they end when this process alone is killed.
 * @throws CliError if wrangler is not installed
 */
export async function runWrangler(
  args: readonly string[],
  { stop, output, onReady, env }: Run,
): Promise<{ readonly code: number; readonly said: string }> {
  const child = startWrangler([program(), ...args], { stop, output, env });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (bytes) => said.push(bytes));
  child.on("message", (message) => {
    if (String(message).includes("DEV_SERVER_READY")) onReady?.();
  });
  const ended = Promise.withResolvers<number>();
  child.once("error", ended.reject);
  // A process that was ended by a signal has no code.
  child.once("close", (code) => ended.resolve(code ?? 1));
  return { code: await ended.promise, said: Buffer.concat(said).toString() };
}

/** @param args a program that is wrangler, or uses it, and its arguments */
function startWrangler(args: readonly string[], { stop, output, env }: Run): ChildProcess {
  const child = spawn(
    process.execPath,
    [
      "--no-warnings",
      `--import=${import.meta.resolve(`./wrangler-preload${extname(import.meta.url)}`)}`,
      ...args,
    ],
    {
      env: {
        ...process.env,
        ...ENVIRONMENT,
        ...(output === "answer" && { WRANGLER_LOG: "log" }),
        ...env,
      },
      stdio: [...(output === "shown" ? SHOWN : HIDDEN), "ipc", "pipe"],
    },
  );
  const end = () => endWithin(child, GRACE_MS);
  stop.addEventListener("abort", end);
  child.once("close", () => stop.removeEventListener("abort", end));
  if (stop.aborted) end();
  return child;
}

const Reply = v.union([v.object({ rows: v.array(v.unknown()) }), v.object({ failed: v.string() })]);

/**
 * The local database of a project, which one process holds open: see local-d1-process.ts.
 * @param path as wrangler's `--persist-to`, with its `v3`
 * @returns runs statements, one text at a time as one transaction, and returns their rows
 * @throws CliError if wrangler is not installed, DatabaseRefusal
 */
export function openLocalD1(config: string, path: string, stop: AbortSignal) {
  let child: ChildProcess | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const said: Buffer[] = [];
  const start = () => {
    // Says so if wrangler is not installed.
    program();
    const file = fileURLToPath(
      import.meta.resolve(`./local-d1-process${extname(import.meta.url)}`),
    );
    const started = startWrangler([file, config, path], { stop, output: "answer" });
    for (const stream of [started.stdout, started.stderr])
      stream?.on("data", (bytes) => said.push(bytes));
    // Nothing is left to do but this.
    process.once("beforeExit", () => {
      keepAlive(started, true);
      if (started.connected) started.disconnect();
    });
    return started;
  };
  const ask = async (sql: string): Promise<unknown[]> => {
    child ??= start();
    const running = child;
    keepAlive(running, true);
    const replied = Promise.withResolvers<unknown>();
    const failed = () => replied.resolve({ failed: Buffer.concat(said).toString() });
    running.once("message", replied.resolve).once("close", failed);
    running.send(sql, (error) => error && failed());
    const reply = v.parse(Reply, await replied.promise);
    running.off("message", replied.resolve).off("close", failed);
    keepAlive(running, false);
    if ("failed" in reply) throw new DatabaseRefusal(reply.failed);
    return reply.rows;
  };
  return (sql: string): Promise<unknown[]> => {
    const mine = turn.then(() => ask(sql));
    turn = mine.catch(() => {});
    return mine;
  };
}

export class DatabaseRefusal extends Error {}

/** Whether this process waits for it. */
function keepAlive(child: ChildProcess, isBusy: boolean): void {
  const does = isBusy ? "ref" : "unref";
  child[does]();
  child.channel?.[does]();
  for (const stream of [child.stdout, child.stderr, child.stdio[LEASH]]) {
    if (stream instanceof Socket) stream[does]();
  }
}

const SHOWN = ["inherit", "inherit", "inherit"] as const;
const HIDDEN = ["ignore", "pipe", "pipe"] as const;
/** The file descriptor of the pipe that ends wrangler when it closes: see wrangler-preload.ts. */
const LEASH = 4;

function endWithin(child: ChildProcess, graceMs: number): void {
  child.kill("SIGTERM");
  setTimeout(() => child.stdio[LEASH]?.destroy(), graceMs).unref();
  setTimeout(() => child.kill("SIGKILL"), 2 * graceMs).unref();
}

/** wrangler's program itself: its `bin` would be one more process for signals to pass through. */
function program(): string {
  try {
    return createRequire(import.meta.url).resolve("wrangler");
  } catch (error) {
    throw new CliError("wrangler is not installed. Run: npm install", { cause: error });
  }
}

export const LOG_IN = `You are not logged in to Cloudflare. Either
  npx wrangler login                        opens a browser, or
  export CLOUDFLARE_API_TOKEN=…             a token from the template "Edit Cloudflare Workers", with D1: Edit added
                                            (dash.cloudflare.com/profile/api-tokens)`;

const MAX_LENGTH = 2_000;

/** Failures of network, log-in or Cloudflare itself, and what to tell people. The first match counts. */
const KNOWN: readonly (readonly [sign: RegExp, text: (found: string) => string])[] = [
  [
    /non-interactive environment|not logged in|You must be logged in|Not authenticated/i,
    () => LOG_IN,
  ],
  [
    /more than one account/i,
    () => "There is more than one account. Name one: export CLOUDFLARE_ACCOUNT_ID=…",
  ],
  [
    /(?:Authentication error|Invalid access token|Unable to authenticate|Invalid request headers|Invalid format for Authorization)[^\n"]*|\[code: (?:10000|9109|9106|6003|10001)\]/i,
    (found) =>
      `Cloudflare rejects the token or log-in (${found}). Either CLOUDFLARE_API_TOKEN is wrong, has expired or may not edit Workers, KV and D1, or it has no access to the account CLOUDFLARE_ACCOUNT_ID.`,
  ],
  [
    /fetch failed|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|UND_ERR\w*/,
    (found) => `Cannot reach Cloudflare's API (${found}). Check your network.`,
  ],
  [
    /\b5\d\d [A-Z][\w ]*|malformed response from the API/,
    (found) => `Cloudflare's API is not working (${found.trim()}). Try again later.`,
  ],
];

/** Why wrangler failed, if it is because of network, log-in or Cloudflare; else null. */
export function plainReason(said: string): string | null {
  for (const [sign, text] of KNOWN) {
    const [found] = sign.exec(said) ?? [];
    if (found !== undefined) return text(found);
  }
  return null;
}

/** wrangler's error message, without the JSON around it and its other output. */
export function errorText(said: string): string {
  const json = said.slice(said.search(/^\{/m));
  try {
    const { error } = JSON.parse(json);
    const notes = Array.isArray(error.notes) ? error.notes : [];
    return [error, ...notes]
      .map(({ text }) => String(text))
      .join("\n")
      .slice(0, MAX_LENGTH);
  } catch {
    const at = said.indexOf("[ERROR]");
    return (at === -1 ? said : said.slice(at + "[ERROR]".length)).trim().slice(0, MAX_LENGTH);
  }
}
