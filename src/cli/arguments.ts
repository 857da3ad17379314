import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { CliError, UsageError } from "./cli-error.ts";

/** What a command takes, by name: whether a value follows. */
export type Flags = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

/**
 * Runs a command, once it is certain that npm took none of its arguments, and prints why it failed.
 * @returns its exit code: 1 for a CliError, 2 for a UsageError
 */
export async function runCommand(
  name: string,
  { args, flags, writeError }: Invocation,
  run: () => Promise<number>,
): Promise<number> {
  const taken = takenByNpm(args, flags);
  if (taken !== null) {
    writeError(taken);
    return 2;
  }
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const hint = error instanceof UsageError ? ` Try: npm run ${name} -- --help` : "";
    writeError(error.message + hint);
    return error.exitCode;
  }
}

interface Invocation {
  readonly args: readonly string[];
  readonly flags: Flags;
  readonly writeError: (line: string) => void;
}

/** @throws UsageError for what is not among the options */
export function parsedArguments<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    throw new UsageError(`${sentence.replace(/\.$/, "")}.`);
  }
}

/** Fires when the command is asked to stop. */
export function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop.abort());
  }
  return stop;
}

/**
 * npm reads a word of several letters as so many of its own short options where each is one:
 * `--lan` becomes `--all --long --no-yes`.
 */
const SHORT: Readonly<Record<string, string>> = { a: "all", g: "global", l: "long", f: "force" };
/** A short option that leaves no trace in the environment, or one that npm also sets by itself. */
const TRACELESS = "n";

/**
 * Without `--`, npm takes options for itself, and the command would run without them: on the local
 * database instead of the remote one, for example. All that is left of them is `npm_config_*`.
 * @param args what reached the command
 * @returns what to type, or null if npm took nothing
 */
export function takenByNpm(
  args: readonly string[],
  flags: Flags,
  env: NodeJS.ProcessEnv = process.env,
): string | null {
  const arrived = args.filter((arg) => arg.startsWith("--")).map((arg) => arg.split("=")[0]);
  const taken = Object.entries(flags).flatMap(([name, { type }]) => {
    if (arrived.includes(`--${name}`)) return [];
    const value = valueTaken(name, env);
    return value === undefined ? [] : [{ name, type, value }];
  });
  if (taken.length === 0) return null;
  const names = taken.map(({ name }) => `--${name}`).join(" and ");
  return `npm took ${names} for itself, so nothing was done. npm needs -- before arguments:
  npm run ${env.npm_lifecycle_event ?? "…"} -- ${asMeant(args, taken)}
(If you did not type ${names}, an .npmrc or the environment sets it for npm.)`;
}

function valueTaken(name: string, env: NodeJS.ProcessEnv): string | undefined {
  // `--persist-to`, and wrangler's other spelling `--persistTo`. npm's own `loglevel` is not wrangler's `log-level`.
  const joined = name.replaceAll("-", "");
  const value =
    env[`npm_config_${name.replaceAll("-", "_")}`] ||
    (joined === "loglevel" ? undefined : env[`npm_config_${joined}`]);
  if (value) return value;
  const letters = [...name].filter((letter) => letter !== TRACELESS);
  const isShort = letters.every((letter) => {
    const long = SHORT[letter];
    return long !== undefined && env[`npm_config_${long}`] === "true";
  });
  return isShort ? "true" : undefined;
}

/** npm leaves the value of an option that it does not know among the words, and sets "true". */
function asMeant(
  args: readonly string[],
  taken: readonly { readonly name: string; readonly type: string; readonly value: string }[],
): string {
  const words = [...args];
  const valueless = taken.filter(({ type, value }) => type === "string" && value === "true");
  // Of two values, it is unknown which belongs to which.
  const left = valueless.length === 1 ? words.pop() : undefined;
  const options = taken.map(({ name, type, value }) => {
    if (type === "boolean") return `--${name}`;
    return `--${name} ${quoted(value === "true" ? (left ?? "…") : value)}`;
  });
  return [...words.map(quoted), ...options].join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
