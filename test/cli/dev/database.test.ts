import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import * as v from "valibot";
import { d1, migrateLocal } from "../../../src/cli/database.ts";
import { localDatabase } from "../users/operator.ts";
import { newProject } from "./project.ts";

const STATE = ".wrangler/state";
const { signal: stop } = new AbortController();
/** With it, everything that needs wrangler fails. */
const stopped = AbortSignal.abort();

let directory: string;
beforeEach(async () => {
  directory = await newProject(["package.json", "node_modules", "wrangler.toml"]);
  const before = process.cwd();
  await mkdir(join(directory, "migrations"));
  process.chdir(directory);
  onTestFinished(() => process.chdir(before));
});

const sqlOf = async (statement: string) => {
  const { sql, close } = await localDatabase(directory);
  const rows = await sql(statement);
  await close();
  return rows;
};

it("migrates a new folder, then what is new, and asks wrangler only if there is something", {
  timeout: 60_000,
}, async () => {
  await expect(migrateLocal(STATE, stopped)).rejects.toThrow("Stopped.");
  expect(await migrateLocal(STATE, stop)).toEqual([]);
  expect(await migrateLocal(STATE, stopped)).toEqual([]);
  await sqlOf("INSERT INTO heartbeat VALUES (1, 5)");
  // A project's own, which has the name of one of ours, and names our tables.
  await writeFile(
    "migrations/0001_initial.sql",
    "CREATE TABLE own (a TEXT REFERENCES users (id));",
  );
  expect(await migrateLocal(STATE, stop)).toEqual(["0001_initial.sql"]);
  expect(await migrateLocal(STATE, stopped)).toEqual([]);
  expect(await sqlOf("SELECT at FROM heartbeat")).toEqual([{ at: 5 }]);
  await writeFile("migrations/0002_bad.sql", "CREATE TABLE half (a TEXT); CREATE TABLEX bad;");
  await expect(migrateLocal(STATE, stop)).rejects.toThrow('near "TABLEX": syntax error');
  expect(await sqlOf("SELECT name FROM sqlite_master WHERE name = 'half'")).toEqual([]);
});

it.each([
  ["whose tables are older than the migrations", "its tables are older than the migrations"],
  ["that a migration made, which was edited since", "0001_own.sql was edited since"],
])(
  "refuses a database %s, says what to do, and leaves it alone",
  { timeout: 60_000 },
  async (_, why) => {
    if (why.includes("edited")) {
      await writeFile("migrations/0001_own.sql", "CREATE TABLE own (a TEXT) STRICT;");
      await migrateLocal(STATE, stop);
      await writeFile("migrations/0001_own.sql", "CREATE TABLE own (b TEXT) STRICT;");
    } else await sqlOf("CREATE TABLE users (id TEXT)");
    await sqlOf("CREATE TABLE kept (a TEXT)");
    const refused = expect(migrateLocal(STATE, stop)).rejects;
    await refused.toThrow(why);
    await expect(migrateLocal(STATE, stop)).rejects.toThrow(`rm -r ${STATE}`);
    expect(await sqlOf("SELECT name FROM sqlite_master WHERE name = 'kept'")).toHaveLength(1);
  },
);

it("distinguishes a database without tables from a wrong statement", {
  timeout: 60_000,
}, async () => {
  const database = d1({ remote: false, persistTo: STATE }, stop);
  const failure = await database.query("SELECT id FROM users", v.unknown()).catch(String);
  expect(failure).toContain("no such table: users");
  expect(failure).toContain("Apply the migrations: npm run dev");
  const half = database.run(["CREATE TABLE half (a TEXT)", "INSERT INTO missing VALUES ('Ada')"]);
  await expect(half).rejects.toThrow(/^The database refused:\n[^\n]*no such table: missing/);
  expect(await sqlOf("SELECT name FROM sqlite_master WHERE name = 'half'")).toEqual([]);
});
