import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { d1 } from "../users/d1.ts";
import { applySchema, SCHEMA_FILE } from "./apply.ts";

/**
 * Brings the local database in `directory` to schema.sql. A copy of it beside the database says
 * that this was done: to ask the database itself takes a wrangler, and more than a second.
 * @returns what was changed in a database that was there
 * @throws Refused as applySchema does
 */
export async function updateLocalSchema(
  directory: string,
  stop: AbortSignal,
): Promise<readonly string[]> {
  const databases = join(directory, "v3/d1");
  const copy = join(databases, "applied-schema.sql");
  const schema = await contents(SCHEMA_FILE);
  if (schema !== null && schema === (await contents(copy))) return [];
  const isNew = !existsSync(databases);
  const { changes } = await applySchema(d1({ remote: false, persistTo: directory }, stop), {
    isNew,
    where: "the local D1",
    advice: `Where nothing in it is worth keeping: rm -r ${directory}`,
  });
  if (schema !== null && existsSync(databases)) await writeFile(copy, schema);
  return isNew ? [] : changes;
}

function contents(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch(() => null);
}
