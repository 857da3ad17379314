import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { CannotStart } from "./cannot-start.ts";

/** How long wrangler may take to end, asked first by a signal and then by its leash. */
const GRACE_MS = 3000;

/** wrangler asks nobody, reports nothing, and looks for nothing outside this machine. */
const ENVIRONMENT = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true", // and with it the search for a newer version
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_WRITE_LOGS: "false",
};

/** What is kept is shown only after a failure. */
const ERRORS_ALONE = { WRANGLER_LOG: "error" };

/** And what a command answers with, as `d1 execute --json` does. */
const ANSWERS = { WRANGLER_LOG: "log" };

interface Run {
  /** Ends wrangler, and what it has started, when it fires. */
  readonly stop: AbortSignal;
  /**
   * "shown": wrangler has the terminal. "kept": it has none, and what it says of errors is returned.
   * "answer": the same with all that it says.
   */
  readonly output: "shown" | "kept" | "answer";
  /** Called when the service can be reached. */
  readonly onReady?: () => void;
  /** More of wrangler's own variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a wrangler command to its end. Its processes stay in this one's process group, so that what
 * ends the group ends them, and end as well when this process alone is killed.
 * @throws CannotStart if wrangler is not installed
 */
export async function runWrangler(
  args: readonly string[],
  { stop, output, onReady, env }: Run,
): Promise<{ readonly code: number; readonly said: string }> {
  const child = spawn(
    process.execPath,
    [
      "--no-warnings",
      `--import=${import.meta.resolve("./end-with-parent.ts")}`,
      program(),
      ...args,
    ],
    {
      env: {
        ...process.env,
        ...ENVIRONMENT,
        ...(output === "kept" && ERRORS_ALONE),
        ...(output === "answer" && ANSWERS),
        ...env,
      },
      stdio: [...(output === "shown" ? SHOWN : KEPT), "ipc", "pipe"],
    },
  );
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
  const end = () => endWithin(child, GRACE_MS);
  stop.addEventListener("abort", end);
  if (stop.aborted) end();
  try {
    return { code: await ended.promise, said: Buffer.concat(said).toString() };
  } finally {
    stop.removeEventListener("abort", end);
  }
}

const SHOWN = ["inherit", "inherit", "inherit"] as const;
const KEPT = ["ignore", "pipe", "pipe"] as const;
/** The place of the pipe whose end ends wrangler: see end-with-parent.ts. */
const LEASH = 4;

function endWithin(child: ChildProcess, graceMs: number): void {
  child.kill("SIGTERM");
  setTimeout(() => child.stdio[LEASH]?.destroy(), graceMs).unref();
  setTimeout(() => child.kill("SIGKILL"), 2 * graceMs).unref();
}

/** wrangler's program itself: its `bin` would be one more process that signals have to pass. */
function program(): string {
  try {
    return createRequire(import.meta.url).resolve("wrangler");
  } catch (error) {
    throw new CannotStart("wrangler is not installed. Run: npm ci", { cause: error });
  }
}
