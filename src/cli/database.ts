import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { idsToText } from "../core/uuid.ts";
import { argumentsFor, type ConfigPlace, withBinding } from "./changed-config.ts";
import { CliError, NoDatabaseError, UsageError } from "./cli-error.ts";
import { readProject } from "./deploy/project.ts";
import { DatabaseRefusal, errorText, openLocalD1, plainReason, runWrangler } from "./wrangler.ts";

/** The database, through `wrangler d1`. */
export interface D1 {
  /** @returns the rows of the statements */
  query<S extends v.GenericSchema>(statements: string, row: S): Promise<v.InferOutput<S>[]>;
  /** Runs any number of statements that return no rows. */
  run(statements: readonly string[]): Promise<void>;
}

export interface Target {
  readonly remote: boolean;
  /** Where the local database is, if not where wrangler keeps it. */
  readonly persistTo?: string | undefined;
  /** Whose database it is. Default: wrangler.toml's, without an environment. */
  readonly project?: ConfigPlace;
}

/** What tells a command which database it works on. */
export const TARGET_OPTIONS = {
  remote: { type: "boolean", default: false },
  "persist-to": { type: "string" },
  env: { type: "string" },
  config: { type: "string" },
} as const;

interface TargetFlags {
  readonly remote: boolean;
  readonly "persist-to"?: string | undefined;
  readonly env?: string | undefined;
  readonly config?: string | undefined;
}

/** @throws UsageError */
export function targetOf({ remote, "persist-to": persistTo, env, config: given }: TargetFlags) {
  const config = given ?? PROJECT_FILE;
  if (remote && persistTo !== undefined) {
    throw new UsageError("--persist-to is for the local database.");
  }
  if (!remote && (env ?? given) !== undefined) {
    throw new UsageError("--env and --config name a deployment, so they need --remote.");
  }
  return {
    remote,
    persistTo,
    project: { configFile: config, environment: env },
    name: async () => (await readProject(config, env)).database,
  };
}

const PROJECT_FILE = "wrangler.toml";

/** Where wrangler keeps local data. */
export const STATE_DIRECTORY = ".wrangler/state";

const whereOf = ({ remote, persistTo }: Target) =>
  remote ? ["--remote"] : ["--local", ...(persistTo ? [`--persist-to=${persistTo}`] : [])];

const projectOf = ({ project = { configFile: PROJECT_FILE, environment: undefined } }: Target) =>
  project;

/** Runs statements on the local database. @returns their rows in JSON, as `wrangler d1 execute` prints them */
function localD1(target: Target, stop: AbortSignal): (statements: string) => Promise<string> {
  const path = join(target.persistTo ?? STATE_DIRECTORY, "v3");
  const ask = openLocalD1(projectOf(target).configFile, resolve(path), stop);
  return async (statements) => {
    try {
      return JSON.stringify([{ results: await ask(statements) }]);
    } catch (error) {
      if (stop.aborted) throw new CliError("Stopped.");
      throw error instanceof DatabaseRefusal ? errorOf(error.message, target) : error;
    }
  };
}

/** @throws CliError with wrangler's message, from each method */
export function d1(target: Target, stop: AbortSignal): D1 {
  const local = target.remote ? null : localD1(target, stop);
  const execute = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const command = ["d1", "execute", "DB", "--yes", "--json", "--remote"];
    const { code, said } = await runWrangler(
      [...command, ...argumentsFor(projectOf(target)), ...args],
      {
        stop,
        output: "answer",
        env,
      },
    );
    if (stop.aborted) throw new CliError("Stopped.");
    if (code !== 0) throw errorOf(said, target);
    return said;
  };

  return {
    async query(statements, row) {
      // With --file a remote database returns no rows, and --command would show in the process's arguments.
      const remote = (LATCHKEY_COMMAND_FILE: string) => execute([], { LATCHKEY_COMMAND_FILE });
      const said = await (local?.(statements) ?? inFile(statements, remote));
      const answer = v.safeParse(
        v.pipe(
          v.string(),
          v.parseJson(),
          v.array(v.object({ results: v.array(v.pipe(v.unknown(), v.transform(withIds), row)) })),
        ),
        said.slice(said.search(/^\[/m)),
      );
      if (!answer.success) throw new CliError(`Unexpected answer from wrangler:\n${excerpt(said)}`);
      return answer.output.flatMap(({ results }) => results);
    },

    async run(statements) {
      const text = `${statements.join(";\n")};\n`;
      await (local?.(text) ?? inFile(text, (file) => execute([`--file=${file}`])));
    },
  };
}

const withIds = (row: unknown) =>
  Object.fromEntries(Object.entries(Object(row)).map(([name, value]) => [name, idsToText(value)]));

function errorOf(said: string, { remote }: Target): CliError {
  if (/Couldn't find a D1 DB/.test(said)) {
    return new NoDatabaseError(
      `There is no database yet. Create it: npm run deploy\n${excerpt(said)}`,
    );
  }
  const reason = remote ? plainReason(said) : null;
  if (reason !== null) return new CliError(reason);
  const advice = /no such (?:table|column)|has no column named/.test(said)
    ? `\nIt lacks tables or columns of this version. Apply the migrations: npm run ${remote ? "deploy" : "dev"}`
    : "";
  return new CliError(`The database refused:\n${excerpt(said)}${advice}`);
}

/** Without the values that a statement held. */
function excerpt(said: string): string {
  return errorText(said).replace(/X'[0-9A-F]*'?/g, "X'…'");
}

/** Puts the text into a file that only its owner can read, and deletes it afterwards. */
async function inFile<T>(content: string, use: (file: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "latchkey-users-"));
  try {
    const file = join(directory, "statements.sql");
    await writeFile(file, content, { mode: 0o600 });
    return await use(file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The package's own migrations, and the name of the table that says which of them a database has. */
const BUILT_IN = fileURLToPath(new URL("../../migrations", import.meta.url).href);
const BUILT_IN_TABLE = "latchkey_migrations";
/** A project's, which may name the tables of the package's. */
const OWN = "migrations";

/** The folders in the order in which they are applied, with what their files are called before their names. */
async function migrationFolders(configFile: string) {
  const own = join(dirname(configFile), OWN);
  const ownFiles = await sqlFiles(own);
  const builtIn = { folder: BUILT_IN, isBuiltIn: true, files: await sqlFiles(BUILT_IN) };
  // This repository is both.
  if (ownFiles.length === 0 || (await realpath(own)) === (await realpath(BUILT_IN)))
    return [builtIn];
  return [builtIn, { folder: own, isBuiltIn: false, files: ownFiles }];
}

async function sqlFiles(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  return files.filter((name) => name.endsWith(".sql")).sort();
}

const nameOf = (isBuiltIn: boolean, file: string) => (isBuiltIn ? `latchkey/${file}` : file);

/**
 * Applies the migrations that the database lacks: first the package's, then the project's own. Each set has a table
 * of its own, so that a release never comes before or between those of a project. wrangler runs each in a transaction.
 * @param isMissing false for those that the database is known to have
 * @returns the names of the files that were applied
 * @throws CliError if one fails, which leaves the earlier ones applied; NoDatabaseError
 */
export async function migrate(
  target: Target,
  stop: AbortSignal,
  isMissing = (_name: string) => true,
): Promise<string[]> {
  const place = projectOf(target);
  const applied: string[] = [];
  for (const { folder, isBuiltIn, files } of await migrationFolders(place.configFile)) {
    if (!files.some((file) => isMissing(nameOf(isBuiltIn, file)))) continue;
    const migrations_dir = relative(dirname(resolve(place.configFile)), folder);
    const changes = isBuiltIn
      ? { migrations_dir, migrations_table: BUILT_IN_TABLE }
      : { migrations_dir };
    const { code, said } = await withBinding(
      place,
      { list: "d1_databases", binding: "DB", changes },
      (args) =>
        runWrangler(["d1", "migrations", "apply", "DB", ...whereOf(target), ...args], {
          stop,
          output: "answer",
          env: { NO_COLOR: "1", FORCE_COLOR: "0" },
        }),
    );
    if (stop.aborted) throw new CliError("Stopped.");
    if (code !== 0) throw errorOf(said, target);
    const names = new Set(Array.from(said.matchAll(/\b\d{4}_\w+\.sql\b/g), ([name]) => name));
    applied.push(...[...names].map((name) => nameOf(isBuiltIn, name)));
  }
  return applied;
}

/** @throws CliError in a folder without a project, in which a database would be made that no one serves */
export function requireProject(configFile = PROJECT_FILE): void {
  if (existsSync(configFile)) return;
  throw new CliError(`No ${configFile} found. Run this from the project directory.`);
}

const Digests = v.record(v.string(), v.string());

/**
 * Applies the migrations to the local database. A note beside it holds their digests: asking the database
 * takes a wrangler and more than a second, and would not tell of a migration that was edited since.
 * @returns what was applied to a database that was there before
 * @throws CliError that says what to do with a database of another version; nothing in it was changed
 */
export async function migrateLocal(directory: string, stop: AbortSignal): Promise<string[]> {
  requireProject();
  const databases = join(directory, "v3/d1");
  const note = join(databases, "applied-migrations.json");
  const wanted = await digests();
  const text = await readFile(note, "utf8").catch(() => "{}");
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Digests), text);
  const applied = parsed.success ? parsed.output : {};
  const names = Object.keys(wanted);
  const edited = names.find((name) => name in applied && applied[name] !== wanted[name]);
  const isNew = !hasDatabase(databases);
  if (!isNew && edited !== undefined) throw otherVersion(directory, `${edited} was edited since`);
  if (!isNew && names.every((name) => name in applied)) return [];
  let done: string[];
  try {
    const isMissing = (name: string) => isNew || !(name in applied);
    done = await migrate({ remote: false, persistTo: directory }, stop, isMissing);
  } catch (error) {
    if (!(error instanceof CliError) || !/already exists/.test(error.message)) throw error;
    throw otherVersion(directory, "its tables are older than the migrations");
  }
  await writeFile(note, JSON.stringify({ ...(isNew ? {} : applied), ...wanted }));
  return isNew ? [] : done;
}

async function digests(): Promise<Record<string, string>> {
  const folders = await migrationFolders(PROJECT_FILE);
  const entries = folders.flatMap(({ folder, isBuiltIn, files }) =>
    files.map(async (file) => {
      const content = await readFile(join(folder, file));
      const digest = createHash("sha256").update(content).digest("hex");
      return [nameOf(isBuiltIn, file), digest] as const;
    }),
  );
  return Object.fromEntries(await Promise.all(entries));
}

function hasDatabase(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return files.some((name) => name.endsWith(".sqlite"));
}

function otherVersion(directory: string, why: string): CliError {
  return new CliError(`The local database in ${directory} was created by another version of this project: ${why}.
Nothing in it was changed. If you don't need it, delete it and try again: rm -r ${directory}
Otherwise put the new one elsewhere: --persist-to <directory>`);
}

/**
 * The database that a command works on. Before the first statement it says which one that is, and applies
 * the migrations to a local one, as npm run dev does.
 * @param name the database's name at Cloudflare, for a remote one
 */
export function openDatabase(
  target: Target & { readonly name: () => Promise<string> },
  stop: AbortSignal,
  write: (line: string) => void,
): D1 {
  const database = d1(target, stop);
  const open = async () => {
    const { remote, persistTo = STATE_DIRECTORY } = target;
    write(
      `Database: ${remote ? `${await target.name()} at Cloudflare` : `local, in ${resolve(persistTo)}`}`,
    );
    if (!remote) await migrateLocal(persistTo, stop);
  };
  let opened: Promise<void> | undefined;
  const ready = () => {
    opened ??= open();
    return opened;
  };
  return {
    query: async (statements, row) => {
      await ready();
      return database.query(statements, row);
    },
    run: async (statements) => {
      await ready();
      return database.run(statements);
    },
  };
}
