import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  getPlatformProxy,
  unstable_readConfig as readConfig,
  unstable_splitSqlQuery as splitSqlQuery,
} from "wrangler";

// Holds the local database open and runs what its parent sends, each text as one transaction: a wrangler for each
// takes as long to start as some thousand rows to write. It ends with its parent.

interface Database {
  prepare(statement: string): object;
  batch(statements: readonly object[]): Promise<{ readonly results: unknown[] }[]>;
}

async function openDatabase(config: string, path: string): Promise<Database> {
  const { d1_databases } = readConfig({ config, env: "" });
  const database = d1_databases.find((each: { binding: string }) => each.binding === "DB");
  // As wrangler says it.
  if (database === undefined) throw new Error(`Couldn't find a D1 DB named DB in ${config}`);
  const folder = await mkdtemp(join(tmpdir(), "latchkey-d1-"));
  try {
    // Alone: other bindings may need a network, or what is not there.
    const configPath = join(folder, "wrangler.json");
    await writeFile(configPath, JSON.stringify({ name: "database", d1_databases: [database] }));
    const options = { configPath, persist: { path }, remoteBindings: false };
    const { env, dispose } = await getPlatformProxy<{ DB: Database }>(options);
    process.once("disconnect", () => void dispose().finally(() => process.exit()));
    return env.DB;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [config = "", path = ""] = process.argv.slice(2);
const database = openDatabase(config, path);
// Said to the first who asks.
database.catch(() => {});

process.on("message", async (sql: string) => {
  try {
    const db = await database;
    const done = await db.batch(splitSqlQuery(sql).map((each) => db.prepare(each)));
    process.send?.({ rows: done.flatMap(({ results }) => results) });
  } catch (error) {
    process.send?.({ failed: error instanceof Error ? error.message : String(error) });
  }
});
