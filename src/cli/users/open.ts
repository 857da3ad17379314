import { updateLocalSchema } from "../schema/local.ts";
import { type D1, d1, type Target } from "./d1.ts";

const LOCAL_DIRECTORY = ".wrangler/state";

/** The database. A local one is made, or brought to schema.sql, before the first call, as npm run dev does. */
export function openDatabase(target: Target, stop: AbortSignal): D1 {
  const database = d1(target, stop);
  if (target.remote) return database;
  let ready: Promise<unknown> | undefined;
  const update = () => {
    ready ??= updateLocalSchema(target.persistTo ?? LOCAL_DIRECTORY, stop);
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
