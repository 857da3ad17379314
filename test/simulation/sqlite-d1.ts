import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { D1, D1Answer, D1Statement } from "./bindings/case.ts";
import { tablesOf } from "./replicas.ts";

/** When a call takes hold and when its answer arrives: the simulator's doing. */
export type Through = <T>(what: string, work: () => T) => Promise<T>;

const MAX_PARAMETERS = 100;

type Value = string | number | null | Uint8Array;

interface Prepared {
  readonly sql: string;
  readonly values: readonly Value[];
}

interface Compiled {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
  readonly writes: boolean;
}

/** A database as `node:sqlite` has it, and D1's way to run statements on it. */
export interface SqliteD1 {
  readonly sqlite: DatabaseSync;
  /**
   * D1's interface on it, each call by way of `through`.
   * @param nearest what a session reads, where it begins wherever it may
   */
  binding(through: Through, nearest?: () => DatabaseSync): D1;
  /** Whose time `unixepoch` tells. */
  setClock(now: () => number): void;
  /** Empties every table. */
  clear(): void;
}

/** D1's interface and rules over Node's own SQLite; `bindings/` holds it to the real one. */
export function sqliteD1(schema: string): SqliteD1 {
  const sqlite = new DatabaseSync(":memory:", { enableForeignKeyConstraints: true });
  sqlite.exec(schema);
  const compiled = new WeakMap<DatabaseSync, Map<string, Compiled>>();
  const tables = tablesOf(sqlite);
  let now = Date.now;
  sqlite.function("unixepoch", { varargs: true }, () => now() / 1000);

  function prepared(sql: string, on: DatabaseSync) {
    const statements = compiled.get(on) ?? new Map<string, Compiled>();
    compiled.set(on, statements);
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = on.prepare(sql);
    const made = {
      statement,
      returnsRows: statement.columns().length > 0,
      writes: !/^\s*SELECT\b/i.test(sql),
    };
    statements.set(sql, made);
    return made;
  }

  function execute({ sql, values }: Prepared, on = sqlite): D1Answer {
    if (countParameters(sql) !== values.length) {
      throw new Error("D1_ERROR: Wrong number of parameter bindings for SQL query.");
    }
    const { statement, returnsRows, writes } = prepared(sql, on);
    if (!returnsRows) {
      return {
        results: [],
        meta: { changes: Number(statement.run(...values).changes), duration: 1 },
      };
    }
    const before = writes ? totalChanges() : 0;
    const results = statement.all(...values).map(withNumbers);
    return { results, meta: { changes: writes ? totalChanges() - before : 0, duration: 1 } };
  }

  const changes = sqlite.prepare("SELECT total_changes() AS changes");
  const totalChanges = () => Number(changes.get()?.changes);

  function failing<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(text.startsWith("D1_") ? text : `D1_ERROR: ${text}: SQLITE_ERROR`);
    }
  }

  function transaction(all: readonly Prepared[]): D1Answer[] {
    sqlite.exec("BEGIN IMMEDIATE");
    try {
      const results = all.map((each) => execute(each));
      sqlite.exec("COMMIT");
      return results;
    } catch (error) {
      sqlite.exec("ROLLBACK");
      throw error;
    }
  }

  return {
    sqlite,
    clear() {
      sqlite.exec("PRAGMA foreign_keys = OFF");
      // The one row of `decoys` comes with the schema.
      for (const table of tables) if (table !== "decoys") sqlite.exec(`DELETE FROM ${table}`);
      sqlite.exec("PRAGMA foreign_keys = ON");
    },
    setClock(by) {
      now = by;
    },
    binding(through, nearest = () => sqlite) {
      const known = new WeakMap<object, Prepared>();
      const make = (one: Prepared, on = () => sqlite): D1Statement => {
        const all = () => through(verb(one.sql), () => failing(() => execute(one, on())));
        const statement: D1Statement = {
          bind: (...values) => make({ sql: one.sql, values: values.map(toValue) }, on),
          all,
          run: all,
          async first(column) {
            const [row = null] = (await all()).results;
            return column === undefined ? row : Reflect.get(Object(row), column);
          },
        };
        known.set(statement, one);
        return statement;
      };
      return {
        prepare: (sql) => make({ sql, values: [] }),
        withSession: (constraint) => {
          const on = constraint === "first-unconstrained" ? nearest : () => sqlite;
          return { prepare: (sql) => make({ sql, values: [] }, on) };
        },
        async batch(list) {
          const all = list.map((each) => {
            const one = known.get(each);
            if (one === undefined) throw new TypeError("a statement of another database");
            return one;
          });
          return through(all.map(({ sql }) => verb(sql)).join("+"), () =>
            failing(() => transaction(all)),
          );
        },
      };
    },
  };
}

/** D1 answers bytes as numbers. */
const withNumbers = (row: object) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? [...value] : value,
    ]),
  );

const verb = (sql: string): string => {
  const [, word = "", table = ""] =
    /^\s*(\w+)\b.*?(?:\b(?:FROM|INTO|UPDATE)\s+(\w+))?/is.exec(sql) ?? [];
  return table === "" ? word : `${word} ${table}`;
};

const parameterCounts = new Map<string, number>();

/** Question marks outside of quotes; the Worker's own statements number none of them. */
function countParameters(sql: string): number {
  const known = parameterCounts.get(sql);
  if (known !== undefined) return known;
  const found = sql.replace(/'[^']*'/g, "").match(/\?/g)?.length ?? 0;
  parameterCounts.set(sql, found);
  if (found > MAX_PARAMETERS) throw new Error("D1_ERROR: too many SQL variables: SQLITE_ERROR");
  return found;
}

function toValue(value: unknown): Value {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return Number.isNaN(value) ? null : value;
    case "boolean":
      return value ? 1 : 0;
    default:
      if (value === null) return null;
      if (value instanceof ArrayBuffer) return new Uint8Array(value);
      if (value instanceof Uint8Array) return value;
      throw new Error(`D1_TYPE_ERROR: Type '${typeof value}' not supported for value '${value}'`);
  }
}
