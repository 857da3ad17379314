import * as v from "valibot";
import { printable } from "../core/text.ts";
import { EVENT_LOG } from "../storage/event-rows.ts";
import { parsedArguments, runCommand, stopSignal } from "./arguments.ts";
import { CliError, UsageError } from "./cli-error.ts";
import { type D1, openDatabase, type Target, TARGET_OPTIONS, targetOf } from "./database.ts";
import { literal, literalId, queued } from "./users/accounts.ts";

const HELP = `Usage: npm run events -- <command> [--remote [--env <name>] [--config <file>] | --persist-to <directory>]

Events that a receiver (\`on\` of createLatchkey, or EVENTS_WEBHOOK_URL) did not accept in three days. Uses the
local database of npm run dev unless you pass --remote. --env and --config name the deployment, as with npm run deploy.

  dead [--limit 50]          lists these dead letters, the oldest first
  replay <event id>…         queues the events again, behind what waits of the same users, for another three days;
                             with --all every dead letter

Exit codes: 0 success, 1 failure, 2 invalid arguments.`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  limit: { type: "string" },
  all: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

interface CliContext {
  readonly nowMs: number;
  readonly write: (line: string) => void;
  readonly writeError: (line: string) => void;
  readonly database: (target: Target & { readonly name: () => Promise<string> }) => D1;
}

const DeadRow = v.object({
  receiver: v.string(),
  user_id: v.string(),
  event_id: v.string(),
  what: v.nullable(v.string()),
  attempts: v.number(),
  reason: v.string(),
  died_at: v.number(),
});

async function dead(database: D1, limit: number): Promise<string[]> {
  const rows = await database.query(
    `SELECT receiver, d.user_id, event_id, what, attempts, reason, died_at FROM dead_letters AS d
      LEFT JOIN ${EVENT_LOG.sql} AS e ON e.user_id = d.user_id AND e.id = event_id
      ORDER BY event_id LIMIT ${literal(limit + 1)}`,
    DeadRow,
  );
  if (rows.length === 0) return ["There are no dead letters."];
  return [
    ...rows
      .slice(0, limit)
      .map(
        (row) =>
          `${row.event_id}  ${row.receiver.padEnd(7)}  ${row.what}  user ${row.user_id}  ${row.attempts} attempts until ${new Date(row.died_at).toISOString()}  ${row.reason}`,
      ),
    ...(rows.length > limit ? ["There are more: raise --limit."] : []),
  ];
}

/** Both statements can be repeated: if only the first is run, an event is delivered twice, and never not at all. */
async function replay(database: D1, which: string, nowMs: number): Promise<string[]> {
  const [{ n } = { n: 0 }] = await database.query(
    `SELECT COUNT(*) AS n FROM dead_letters WHERE ${which}`,
    v.object({ n: v.number() }),
  );
  if (n === 0) throw new CliError("There is no such dead letter. Nothing was changed.");
  await database.run([
    queued(`(SELECT * FROM dead_letters WHERE ${which})`, nowMs),
    `DELETE FROM dead_letters WHERE ${which}`,
  ]);
  return [`Queued again: ${n}. The next cron run delivers ${n === 1 ? "it" : "them"}.`];
}

/** @returns the exit code */
export function events(args: readonly string[], context: CliContext): Promise<number> {
  const write = (line: string) => context.write(printable(line));
  const writeError = (line: string) => context.writeError(printable(line));
  return runCommand("events", { args, flags: OPTIONS, writeError }, async () => {
    const { values, positionals } = parsedArguments(args, OPTIONS);
    if (values.help || args.length === 0) {
      context.write(HELP);
      return 0;
    }
    const [name, ...ids] = positionals;
    const { limit, all, ...target } = values;
    const open = () => context.database(targetOf(target));
    if (name === "dead" && ids.length === 0 && all === undefined) {
      if (!/^[1-9]\d{0,3}$/.test(limit ?? "50")) {
        throw new UsageError("--limit is a number up to 9999.");
      }
      for (const line of await dead(open(), Number(limit ?? 50))) write(line);
    } else if (name === "replay" && limit === undefined && ids.length > 0 !== (all === true)) {
      const which = all === true ? "TRUE" : `event_id IN (${ids.map(literalId).join(", ")})`;
      for (const line of await replay(open(), which, context.nowMs)) write(line);
    } else {
      throw new UsageError("The command is dead, or replay with event ids or --all.");
    }
    return 0;
  });
}

/** @returns the exit code */
export function command(args: readonly string[]): Promise<number> {
  const { signal: stop } = stopSignal();
  return events(args, {
    nowMs: Date.now(),
    write: console.log,
    writeError: console.error,
    database: (target) => openDatabase(target, stop, console.log),
  });
}
