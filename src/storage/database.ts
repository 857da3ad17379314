import { Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Deadline } from "./deadline.ts";

type RowSchema = v.GenericSchema;

/** D1 with a deadline on each call; rows are parsed, never cast. */
export interface Database {
  first<S extends RowSchema>(statement: Sql, row: S): Promise<v.InferOutput<S> | null>;
  all<S extends RowSchema>(statement: Sql, row: S): Promise<v.InferOutput<S>[]>;
  /** @returns how many rows it changed */
  run(statement: Sql): Promise<number>;
  /** All of it or none. @returns each statement's rows, unparsed */
  batch(statements: readonly Sql[]): Promise<unknown[][]>;
}

export function database(d1: D1Database, withDeadline: Deadline): Database {
  const prepare = (statement: Sql) => d1.prepare(statement.sql).bind(...statement.values);
  const rows = async (statement: Sql) => {
    const { results } = await withDeadline("D1", () => prepare(statement).all());
    return results;
  };
  return {
    async first(statement, row) {
      const [first] = await rows(statement);
      return first === undefined ? null : v.parse(row, first);
    },
    async all(statement, row) {
      return v.parse(v.array(row), await rows(statement));
    },
    async run(statement) {
      const { meta } = await withDeadline("D1", () => prepare(statement).run());
      return meta.changes;
    },
    async batch(statements) {
      const results = await withDeadline("D1", () => d1.batch(statements.map(prepare)));
      return results.map((result) => result.results);
    },
  };
}

/** Pieces of SQL that come from elsewhere (actions) as this folder's own. */
export function asSql(fragment: { strings: readonly string[]; values: readonly unknown[] }): Sql {
  return new Sql(fragment.strings, fragment.values);
}
