import { readFileSync } from "node:fs";
import { readD1Migrations } from "@cloudflare/vitest-plugin";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, describe, expect, it } from "vitest";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";

type Row = Readonly<Record<string, unknown>>;

const names = Array.from({ length: 24 }, (_, index) => `DB${index}`);
const runtime = new Miniflare(
  convertV4MiniflareOptions({ modules: true, script: "", d1Databases: names }),
);
afterAll(() => runtime.dispose());

/** A D1 database of its own on which these statements were run. */
async function database(statements: readonly string[]) {
  const d1 = await runtime.getD1Database(names.pop() ?? "");
  await d1.batch(statements.map((each) => d1.prepare(each)));
  return async (sql: string) => (await d1.prepare(sql).all<Row>()).results;
}

/** The parts of a `CREATE` statement. `ALTER TABLE` puts a column behind the constraints, so order does not count. */
function parts(sql: string): string[] {
  const bare = sql.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, "").replaceAll(/\s+/g, " ");
  let depth = 0;
  let text = "";
  for (const character of bare) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    text += character === "," && depth === 1 ? "\n" : character;
  }
  const [head = "", ...rest] = text.split("\n");
  return [...head.split(/\((.*)/), ...rest]
    .map((part) => part.trim().replace(/ ?([()]) ?/g, "$1"))
    .sort();
}

async function schemaOf(query: Awaited<ReturnType<typeof database>>) {
  const entries = await query(`SELECT type, name, tbl_name, sql FROM sqlite_master
    WHERE name NOT GLOB '_cf_*' ORDER BY type, name`);
  return Promise.all(
    entries.map(async ({ sql, ...entry }) => ({
      ...entry,
      parts: sql === null ? null : parts(String(sql)),
      details: await query(
        `PRAGMA ${entry.type === "index" ? "index_xinfo" : "table_xinfo"}(${entry.name})`,
      ),
      foreignKeys: await query(`PRAGMA foreign_key_list(${entry.name})`),
    })),
  );
}

const schema = () => database(splitSqlQuery(readFileSync("schema.sql", "utf8")));

it("all migrations together give schema.sql", async () => {
  const migrations = await readD1Migrations("migrations");
  const migrated = await schemaOf(await database(migrations.flatMap(({ queries }) => queries)));
  expect(migrated.length).toBeGreaterThan(20);
  expect(migrated).toEqual(await schemaOf(await schema()));
});

describe("the comparison", () => {
  const SQL = `CREATE TABLE t (a TEXT NOT NULL, b INTEGER DEFAULT 1 CHECK (b < 9), PRIMARY KEY (a)) STRICT, WITHOUT ROWID;
    CREATE INDEX i ON t (b) WHERE b > 1`;
  const compared = async (sql: string) => schemaOf(await database(splitSqlQuery(sql)));

  it.each([
    ["a check", "b < 9", "b < 8"],
    ["a column", "a TEXT NOT NULL,", "a TEXT NOT NULL, c TEXT,"],
    ["a type", "b INTEGER", "b TEXT"],
    ["a default", "DEFAULT 1", "DEFAULT 2"],
    ["the condition of an index", "WHERE b > 1", "WHERE b > 2"],
    ["an option of a table", "STRICT, ", ""],
  ])("sees a difference in %s", async (_, from, to) => {
    expect(await compared(SQL.replace(from, to))).not.toEqual(await compared(SQL));
  });

  it("sees none in layout, nor where a migration adds a column behind the constraints", async () => {
    const added = `${SQL}; ALTER TABLE t ADD COLUMN c TEXT`;
    const whole = SQL.replace("CHECK (b < 9),", "CHECK (b < 9),\n  c TEXT, -- new\n ");
    expect(await compared(whole)).toEqual(await compared(added));
  });
});

it("a new database has no account in it", async () => {
  const query = await schema();
  expect(await query("SELECT COUNT(*) AS accounts FROM users")).toEqual([{ accounts: 0 }]);
});
