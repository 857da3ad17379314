import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import * as v from "valibot";
import { onTestFinished } from "vitest";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { users } from "../../../src/cli/users.ts";
import type { D1 } from "../../../src/cli/database.ts";
import { idsToBytes, rowToText } from "../../support/ids.ts";
import { newProject } from "../dev/project.ts";

const FILES = ["package.json", "node_modules", "wrangler.toml", "migrations", "src"];
const COMMAND = join(import.meta.dirname, "../../../src/cli/latchkey.ts");

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Called with everything written so far, and a way to stop the command. */
export type OnOut = (out: string, kill: () => void) => void;

/** A separate project, in which the command runs as for users: with a wrangler each time. */
export async function operatedProject(files: Readonly<Record<string, string>> = {}) {
  const directory = await newProject(FILES, files);
  return {
    directory,
    /** `npm run users -- …` */
    users: (args: readonly string[], stdin = "", onOut?: OnOut) =>
      spawned(directory, ["users", ...args], stdin, onOut),
    database: () => localDatabase(directory),
  };
}

/** The project's local database, without starting a wrangler for each statement. */
export async function localDatabase(directory: string) {
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "",
      resourcePersistencePath: join(directory, ".wrangler/state/v3"),
      d1Databases: { DATABASE: "DB" },
      r2Buckets: { ARCHIVE: "latchkey-events" },
    }),
  );
  let isOpen = true;
  const close = async () => {
    if (isOpen) await runtime.dispose();
    isOpen = false;
  };
  onTestFinished(close);
  const binding = await runtime.getD1Database("DATABASE");
  const batch = async (sql: string) => {
    const statements = splitSqlQuery(idsToBytes(sql)).map((each) => binding.prepare(each));
    return (await binding.batch(statements)).flatMap(({ results }) => results.map(rowToText));
  };
  const database: D1 = {
    query: async (statements, row) => (await batch(statements)).map((each) => v.parse(row, each)),
    run: async (statements) => void (await batch(`${statements.join(";\n")};\n`)),
  };
  return {
    close,
    database,
    /** What a Worker has that archives events. */
    bound: { DB: binding, EVENTS_ARCHIVE: (await runtime.getR2Bucket("ARCHIVE")) as never },
    sql: (statement: string) => batch(statement),
    /** The same command, on this database. */
    async users(args: readonly string[], stdin = ""): Promise<Ran> {
      const [out, err] = [[], []] as [string[], string[]];
      const code = await users(args, {
        nowMs: Date.now(),
        write: (line) => out.push(`${line}\n`),
        progress: (line) => out.push(`${line}\n`),
        writeError: (line) => err.push(`${line}\n`),
        stdin: async () => stdin,
        stop: new AbortController().signal,
        database: () => database,
      });
      return { code, out: out.join(""), err: err.join("") };
    },
  };
}

/** An empty database with the schema, in its own directory. */
export async function emptyDatabase() {
  const database = await localDatabase(await newProject([]));
  await database.sql(await readFile("schema.sql", "utf8"));
  return database;
}

function spawned(cwd: string, args: readonly string[], stdin = "", onOut?: OnOut): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" };
    const child = execFile(
      process.execPath,
      ["--no-warnings", COMMAND, ...args],
      { cwd, env, maxBuffer: 1e8 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
      },
    );
    let written = "";
    child.stdout?.on("data", (bytes) => {
      written += bytes;
      onOut?.(written, () => child.kill("SIGTERM"));
    });
    child.stdin?.end(stdin);
  });
}
