import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { printable, UUID } from "../core/text.ts";
import { createDeadline } from "../storage/calls.ts";
import { createDatabase } from "../storage/d1.ts";
import { EVENT_LOG } from "../storage/event-rows.ts";
import {
  type ArchiveFilter,
  archived,
  archiveRun,
  eraseArchived,
  type WholeBucket,
} from "../storage/events-archive.ts";
import { eventTasks } from "../storage/expired-events.ts";
import { parsedArguments, runCommand, stopSignal } from "./arguments.ts";
import { withBinding } from "./changed-config.ts";
import { CliError, UsageError } from "./cli-error.ts";
import {
  type D1,
  migrateLocal,
  openDatabase,
  STATE_DIRECTORY,
  TARGET_OPTIONS,
  type Target,
  targetOf,
} from "./database.ts";
import { literal, literalId, queued } from "./users/accounts.ts";
import { ENVIRONMENT, plainReason } from "./wrangler.ts";

const HELP = `Usage: npm run events -- <command> [--remote [--env <name>] [--config <file>] | --persist-to <directory>]

Uses the local database and bucket of npm run dev unless you pass --remote. --env and --config name the deployment, as
with npm run deploy.

Events that a receiver (\`on\` of createLatchkey, or EVENTS_WEBHOOK_URL) did not accept in three days:
  dead [--limit 50]          lists these dead letters, the oldest first
  replay <event id>…         queues the events again, behind what waits of the same users, for another three days;
                             with --all every dead letter

Events that have expired, in the bucket that is bound as EVENTS_ARCHIVE:
  read [--from <date>] [--until <date>] [--user <id>] [--kind <kind>]
                             prints those that are wanted, one JSON object a line; --until is excluded
  archive                    archives now what housekeeping would archive in its next runs
  erase --user <id>          deletes a user's events from the archive, and their id from those of others

Exit codes: 0 success, 1 failure, 2 invalid arguments.`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  limit: { type: "string" },
  all: { type: "boolean" },
  from: { type: "string" },
  until: { type: "string" },
  user: { type: "string" },
  kind: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

interface CliContext {
  readonly nowMs: number;
  readonly write: (line: string) => void;
  readonly writeError: (line: string) => void;
  readonly database: (target: Target & { readonly name: () => Promise<string> }) => D1;
  /** Gives `use` what the target's Worker has. */
  readonly archive: <T>(target: Target, use: (bound: Bound) => Promise<T>) => Promise<T>;
}

interface Bound {
  readonly EVENTS_ARCHIVE: WholeBucket;
  readonly DB: D1Database;
  readonly EVENT_DAYS?: unknown;
  readonly ROUTINE_EVENT_DAYS?: unknown;
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

const DAY = /^\d{4}-\d\d-\d\d$/;

/** @throws UsageError */
function filterOf(values: {
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly user?: string | undefined;
  readonly kind?: string | undefined;
}): ArchiveFilter {
  const { from, until, user, kind } = values;
  for (const each of [from, until]) {
    if (each !== undefined && !(DAY.test(each) && !Number.isNaN(Date.parse(each)))) {
      throw new UsageError("--from and --until are dates in UTC, as 2026-11-22.");
    }
  }
  if (user !== undefined && !UUID.test(user)) throw new UsageError("--user is a user's id.");
  return { from: from ?? "", until: until ?? "9", userId: user ?? null, kind: kind ?? null };
}

/** As housekeeping, for a tenth of the database's time. @returns how many events were archived */
async function archiveNow(bound: Bound, nowMs: number): Promise<number> {
  let workedMs = 0;
  const withDeadline = createDeadline(30_000);
  const db = createDatabase(bound.DB, withDeadline, ({ duration }) => {
    workedMs += duration;
  });
  const failing = {
    bestEffort: async (_: string, work: Promise<unknown>) => void (await work),
    afterResponse: () => undefined,
  };
  const limits = {
    eventDays: Number(bound.EVENT_DAYS ?? 90),
    routineEventDays: Number(bound.ROUTINE_EVENT_DAYS ?? 14),
  };
  let deleted = 0;
  for (let before = -1; before < deleted; ) {
    before = deleted;
    const run = archiveRun(bound.EVENTS_ARCHIVE, withDeadline, failing);
    for (const task of eventTasks(db, limits, nowMs, run)) {
      for (let isDone = false; !isDone; ) {
        const step = await task.step();
        deleted += step.deleted;
        isDone = step.isDone;
        await sleep(9 * workedMs);
        workedMs = 0;
      }
    }
  }
  return deleted;
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
    const { limit, all, from, until, user, kind, ...target } = values;
    const open = () => context.database(targetOf(target));
    const filter = filterOf(values);
    const isOfDead = [from, until, user, kind].every((each) => each === undefined);
    const isOfArchive = ids.length === 0 && limit === undefined && all === undefined;
    if (isOfArchive && name === "read") {
      await context.archive(targetOf(target), async ({ EVENTS_ARCHIVE }) => {
        for await (const event of archived(EVENTS_ARCHIVE, filter)) write(JSON.stringify(event));
      });
    } else if (isOfArchive && name === "archive" && isOfDead) {
      const n = await context.archive(targetOf(target), (bound) =>
        archiveNow(bound, context.nowMs),
      );
      write(`Archived: ${n}.`);
    } else if (isOfArchive && name === "erase" && filter.userId !== null) {
      if (from !== undefined || until !== undefined || kind !== undefined) {
        throw new UsageError("erase takes --user alone: it erases all of a user's events.");
      }
      const { userId } = filter;
      const { erased, blanked } = await context.archive(targetOf(target), ({ EVENTS_ARCHIVE }) =>
        eraseArchived(EVENTS_ARCHIVE, userId),
      );
      write(`Erased: ${erased}. Events of others that no longer name them: ${blanked}.`);
    } else if (!isOfDead) {
      throw new UsageError(
        "--from, --until, --user and --kind are for read; --user also for erase.",
      );
    } else if (name === "dead" && ids.length === 0 && all === undefined) {
      if (!/^[1-9]\d{0,3}$/.test(limit ?? "50")) {
        throw new UsageError("--limit is a number up to 9999.");
      }
      for (const line of await dead(open(), Number(limit ?? 50))) write(line);
    } else if (name === "replay" && limit === undefined && ids.length > 0 !== (all === true)) {
      const which = all === true ? "TRUE" : `event_id IN (${ids.map(literalId).join(", ")})`;
      for (const line of await replay(open(), which, context.nowMs)) write(line);
    } else {
      throw new UsageError(
        "The command is dead, replay with event ids or --all, read, archive, or erase with --user.",
      );
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
    archive: (target, use) => bound(target, stop, use),
  });
}

/**
 * The target's bindings, as its Worker has them: those at Cloudflare through wrangler's remote bindings.
 * @throws CliError where there is no bucket, or it fails
 */
async function bound<T>(
  { remote, persistTo = STATE_DIRECTORY, project }: Target,
  stop: AbortSignal,
  use: (bound: Bound) => Promise<T>,
): Promise<T> {
  const place = project ?? { configFile: "wrangler.toml", environment: undefined };
  if (!remote) await migrateLocal(persistTo, stop);
  // wrangler's own lines would be among the events.
  Object.assign(process.env, ENVIRONMENT, { WRANGLER_LOG: "error" });
  const { getPlatformProxy } = await import("wrangler");
  const at = { remote };
  const changes = [
    { list: "r2_buckets", binding: "EVENTS_ARCHIVE", changes: at },
    { list: "d1_databases", binding: "DB", changes: at },
  ] as const;
  try {
    return await withBinding(place, changes, async (_, configPath) => {
      const proxy = await getPlatformProxy<Bound>({
        configPath,
        ...(place.environment !== undefined && { environment: place.environment }),
        persist: { path: join(resolve(persistTo), "v3") },
        remoteBindings: remote,
      });
      try {
        if (!("EVENTS_ARCHIVE" in proxy.env)) {
          throw new CliError(
            `${place.configFile} binds no bucket as EVENTS_ARCHIVE: see docs/operations/events.md`,
          );
        }
        return await use(proxy.env);
      } finally {
        await proxy.dispose();
      }
    });
  } catch (error) {
    if (error instanceof CliError) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(plainReason(said) ?? `The archive failed: ${said}`);
  }
}
