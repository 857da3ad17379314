import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { comparable, tableOf, withoutComments } from "./definitions.ts";

/** A row of `sqlite_schema`. */
export const Entry = v.object({ type: v.string(), name: v.string(), sql: v.string() });
export type Entry = v.InferOutput<typeof Entry>;

/** All that a schema can say; not D1's own tables, nor SQLite's. */
export const READ_SCHEMA = `SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL
  AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' AND name <> 'd1_migrations'`;

export interface Plan {
  /** What makes the database as schema.sql wants it, in this order. */
  readonly statements: readonly string[];
  /** What each of them does, for people. */
  readonly changes: readonly string[];
  /** What no statement here can do without a risk to the data. If there is any, nothing is to be run. */
  readonly refused: readonly string[];
  /** What the database has and schema.sql has not, and what does not hurt. */
  readonly left: readonly string[];
}

/** What schema.sql declares, as SQLite understands it. @throws as SQLite does if it does not */
export function declared(schema: string): Entry[] {
  const scratch = new DatabaseSync(":memory:");
  try {
    scratch.exec(schema);
    return read(scratch);
  } finally {
    scratch.close();
  }
}

/**
 * What has to be done to a database so that it is as declared. Only what two versions of the service
 * can live with side by side: new tables, new columns that may be left out, new indexes.
 */
export function plan(present: readonly Entry[], wanted: readonly Entry[]): Plan {
  const found = compare(present, wanted);
  if (found.refused.length > 0) return found;
  const failure = rehearse(present, wanted, found.statements);
  return failure === null ? found : { ...found, refused: [failure] };
}

function compare(present: readonly Entry[], wanted: readonly Entry[]): Plan {
  const statements: string[] = [];
  const changes: string[] = [];
  const refused: string[] = [];
  const left: string[] = [];
  const byName = new Map(present.map((entry) => [entry.name, entry]));
  const tables = wanted.filter(({ type }) => type === "table");
  const others = wanted.filter(({ type }) => type !== "table");
  for (const entry of [...tables, ...others]) {
    const old = byName.get(entry.name);
    if (old === undefined) {
      statements.push(withoutComments(entry.sql));
      changes.push(`${entry.type} ${entry.name}`);
    } else if (entry.type === "table" && old.type === "table") {
      const table = alterations(entry.name, old.sql, entry.sql);
      statements.push(...table.statements);
      changes.push(...table.changes);
      refused.push(...table.refused);
      left.push(...table.left);
    } else if (comparable(old.sql) !== comparable(entry.sql)) {
      refused.push(
        `${entry.type} ${entry.name} is another one in the database. Give the new one a new name in schema.sql.`,
      );
    }
  }
  const names = new Set(wanted.map(({ name }) => name));
  for (const { type, name } of present) if (!names.has(name)) left.push(`${type} ${name}`);
  return { statements, changes, refused, left };
}

function alterations(name: string, oldSql: string, newSql: string): Plan {
  const [old, wanted] = [tableOf(oldSql), tableOf(newSql)];
  const statements: string[] = [];
  const changes: string[] = [];
  const refused: string[] = [];
  const left: string[] = [];
  for (const [column, definition] of wanted.columns) {
    const was = old.columns.get(column);
    if (was === undefined) {
      const why = notAddable(definition);
      if (why === null) {
        statements.push(`ALTER TABLE ${name} ADD COLUMN ${definition}`);
        changes.push(`column ${name}.${column}`);
      } else refused.push(`column ${name}.${column} is missing and cannot be added: ${why}.`);
    } else if (comparable(was) !== comparable(definition)) {
      refused.push(
        `column ${name}.${column} is "${was}" in the database and "${definition}" in schema.sql. Add a column with a new name.`,
      );
    }
  }
  for (const [column, definition] of old.columns) {
    if (wanted.columns.has(column)) continue;
    if (canBeLeftOut(definition)) left.push(`column ${name}.${column}`);
    else {
      refused.push(
        `column ${name}.${column} is not in schema.sql, and no row can be inserted without it.`,
      );
    }
  }
  if (old.constraints.join() !== wanted.constraints.join() || old.options !== wanted.options) {
    refused.push(
      `table ${name} has other constraints or options in the database. SQLite changes neither.`,
    );
  }
  return { statements, changes, refused, left };
}

/** A version that does not know the column leaves it out of its inserts. */
function canBeLeftOut(definition: string): boolean {
  const text = ` ${comparable(definition)} `;
  return !/ not null | primary key /.test(text) || text.includes(" default ");
}

/** SQLite's rules for `ADD COLUMN` on a table with rows, of which an empty scratch table has none. */
function notAddable(definition: string): string | null {
  if (!canBeLeftOut(definition)) return "rows that are there would have no value for it";
  const text = ` ${comparable(definition)} `;
  if (/ default (?:\(|current_)/.test(text)) return "its default is not a constant";
  if (/ (?:unique|primary key) /.test(text))
    return "SQLite adds no column with an index of its own";
  return null;
}

/** Does it all on a database that is like the present one and has no rows. @returns what went wrong */
function rehearse(
  present: readonly Entry[],
  wanted: readonly Entry[],
  statements: readonly string[],
): string | null {
  const names = new Set(wanted.map(({ name }) => name));
  const scratch = new DatabaseSync(":memory:");
  try {
    for (const type of ["table", "index"]) {
      for (const each of present) {
        if (each.type === type && names.has(each.name)) scratch.exec(each.sql);
      }
    }
    for (const statement of statements) scratch.exec(statement);
    const { statements: more, refused } = compare(read(scratch), wanted);
    return more.length + refused.length === 0 ? null : "the changes do not lead to schema.sql.";
  } catch (error) {
    return `SQLite refuses a change: ${error instanceof Error ? error.message : error}.`;
  } finally {
    scratch.close();
  }
}

function read(database: DatabaseSync): Entry[] {
  return v.parse(v.array(Entry), database.prepare(READ_SCHEMA).all());
}
