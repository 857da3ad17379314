import { resolve } from "node:path";
import { parsedArguments, runCommand, stopSignal } from "./arguments.ts";
import { UsageError } from "./cli-error.ts";
import {
  migrate,
  migrateLocal,
  requireProject,
  STATE_DIRECTORY,
  TARGET_OPTIONS,
  targetOf,
} from "./database.ts";

const HELP = `Usage: npm run migrate -- [--remote [--env <name>] [--config <file>] | --persist-to <directory>]

Applies the migrations that a database lacks: Latchkey's, then those in migrations/. Without --remote this is the
local database of npm run dev, which does the same when it starts; npm run deploy does it for a deployment.

Exit codes: 0 success, 1 failure, 2 invalid arguments.`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  help: { type: "boolean", short: "h" },
} as const;

/** @returns the exit code */
export function command(args: readonly string[]): Promise<number> {
  const { signal: stop } = stopSignal();
  const writeError = (line: string) => console.error(line);
  return runCommand("migrate", { args, flags: OPTIONS, writeError }, async () => {
    const { values, positionals } = parsedArguments(args, OPTIONS);
    const [word] = positionals;
    if (word !== undefined) throw new UsageError(`Unexpected argument: ${word}.`);
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    const target = targetOf(values);
    requireProject(target.project.configFile);
    const { persistTo = STATE_DIRECTORY } = target;
    console.log(
      `Database: ${target.remote ? `${await target.name()} at Cloudflare` : `local, in ${resolve(persistTo)}`}`,
    );
    const applied = target.remote
      ? await migrate(target, stop)
      : await migrateLocal(persistTo, stop);
    console.log(applied.length > 0 ? `Applied: ${applied.join(", ")}.` : "It has all migrations.");
    return 0;
  });
}
