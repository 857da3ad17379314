import { readFile } from "node:fs/promises";
import * as v from "valibot";
import type { D1 } from "../users/d1.ts";
import { Refused } from "../users/refused.ts";
import { declared, Entry, type Plan, plan, READ_SCHEMA } from "./plan.ts";

export const SCHEMA_FILE = "schema.sql";

/**
 * Makes the database as schema.sql declares it, or changes nothing.
 * @param isNew the database is known to be empty, so that nothing has to be read first
 * @returns what was done, and what was left as it is
 * @throws Refused with all that stands against it
 */
export async function applySchema(
  database: D1,
  { isNew = false, where = "the database", advice = "" } = {},
): Promise<Plan> {
  const wanted = await readSchema();
  const present = isNew ? [] : await database.query(READ_SCHEMA, Entry);
  const found = plan(present, wanted);
  if (found.refused.length > 0) {
    throw new Refused(
      [
        `${SCHEMA_FILE} could not be applied to ${where}, and nothing was changed:`,
        ...found.refused.map((line) => `  ${line}`),
        ...(advice === "" ? [] : [advice]),
      ].join("\n"),
    );
  }
  if (found.statements.length > 0) {
    await database.query(found.statements.join(";\n"), v.unknown());
  }
  return found;
}

/** @throws Refused if there is none, or none that SQLite takes */
export async function readSchema(): Promise<Entry[]> {
  try {
    return declared(await readFile(SCHEMA_FILE, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refused(`${SCHEMA_FILE} could not be applied: ${why}`);
  }
}
