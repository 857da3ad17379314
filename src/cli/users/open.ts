import { resolve } from "node:path";
import { readProject } from "../deploy/project.ts";
import { updateLocalSchema } from "../schema/local.ts";
import { type D1, d1, type Target } from "./d1.ts";

const LOCAL_DIRECTORY = ".wrangler/state";

/**
 * The database. Before the first call it is told which one it is, and a local one is made, or brought
 * to schema.sql, as npm run dev does.
 */
export function openDatabase(target: Target, stop: AbortSignal, tell: (line: string) => void): D1 {
  const database = d1(target, stop);
  let ready: Promise<unknown> | undefined;
  const update = () => {
    ready ??= opened(target, stop, tell);
    return ready;
  };
  return {
    query: async (statements, row) => {
      await update();
      return database.query(statements, row);
    },
    run: async (statements) => {
      await update();
      return database.run(statements);
    },
  };
}

async function opened(
  { remote, persistTo = LOCAL_DIRECTORY, configFile, environment }: Target,
  stop: AbortSignal,
  tell: (line: string) => void,
): Promise<void> {
  if (remote) {
    const { database } = await readProject(configFile ?? "wrangler.toml", environment);
    tell(`Database: ${database} at Cloudflare`);
    return;
  }
  tell(`Database: the local one in ${resolve(persistTo)}`);
  await updateLocalSchema(persistTo, stop);
}
