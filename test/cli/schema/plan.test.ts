import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { declared, type Entry, plan, READ_SCHEMA } from "../../../src/cli/schema/plan.ts";

const NOW = readFileSync("schema.sql", "utf8");
const OLDER = readFileSync("test/cli/schema/older.sql", "utf8");
const between = (older: string, newer: string) => plan(declared(older), declared(newer));

it("a new database gets all of schema.sql, and then nothing more", () => {
  const { statements, refused } = plan([], declared(NOW));
  const database = new DatabaseSync(":memory:");
  for (const statement of statements) database.exec(statement);
  const present = database.prepare(READ_SCHEMA).all() as Entry[];
  expect(present.length).toBeGreaterThan(15);
  expect(plan(present, declared(NOW))).toEqual({ statements: [], changes: [], refused, left: [] });
});

it("a database of an older version keeps its rows and gets what is new", () => {
  const database = new DatabaseSync(":memory:");
  database.exec(OLDER);
  database.exec(
    "INSERT INTO users (id, email, password, created_on, modified_on) VALUES ('a', 'a@b.c', '', 1, 1)",
  );
  const { statements, changes, refused } = between(OLDER, NOW);
  expect(refused).toEqual([]);
  expect(changes).toEqual(
    expect.arrayContaining(["column users.disabled_on", "table audit", "index users_ha1b"]),
  );
  for (const statement of statements) database.exec(statement);
  const [user] = database.prepare("SELECT email, disabled_on, ha1b FROM users").all();
  expect(user).toEqual({ email: "a@b.c", disabled_on: null, ha1b: null });
  const present = database.prepare(READ_SCHEMA).all() as Entry[];
  expect(plan(present, declared(NOW))).toMatchObject({ statements: [], refused: [], left: [] });
});

it("a version that is rolled back leaves what the newer one added", () => {
  const { statements, refused, left } = between(NOW, OLDER);
  expect({ statements, refused }).toEqual({ statements: [], refused: [] });
  expect(left).toEqual(
    expect.arrayContaining(["column users.disabled_on", "table audit", "index users_ha1b"]),
  );
});

const T = "CREATE TABLE t (a TEXT NOT NULL, b INTEGER) STRICT;";
const I = "CREATE INDEX i ON t (a);";

it.each([
  [
    "comments, spaces, capitals",
    "create table t(a text not null /* a */,\n b integer -- b's\n) strict;",
  ],
  ["the order of columns", "CREATE TABLE t (b INTEGER, a TEXT NOT NULL) STRICT;"],
])("%s are no difference", (_, newer) => {
  expect(between(T, newer)).toMatchObject({ statements: [], refused: [] });
});

it.each([
  [
    "a nullable column",
    `CREATE TABLE t (a TEXT NOT NULL, b INTEGER, c TEXT) STRICT;`,
    ["ALTER TABLE t ADD COLUMN c TEXT"],
  ],
  [
    "a column with a default, in the middle",
    "CREATE TABLE t (a TEXT NOT NULL, c TEXT NOT NULL DEFAULT 'x, (y)' CHECK (c <> ''), b INTEGER) STRICT;",
    ["ALTER TABLE t ADD COLUMN c TEXT NOT NULL DEFAULT 'x, (y)' CHECK (c <> '')"],
  ],
  [
    "an index on a new column",
    `CREATE TABLE t (a TEXT NOT NULL, b INTEGER, c TEXT) STRICT; CREATE INDEX i ON t (c);`,
    ["ALTER TABLE t ADD COLUMN c TEXT", "CREATE INDEX i ON t (c)"],
  ],
])("adds %s", (_, newer, statements) => {
  expect(between(T, newer)).toMatchObject({ statements, refused: [] });
});

it.each([
  [
    "another type",
    T,
    "CREATE TABLE t (a TEXT NOT NULL, b TEXT) STRICT;",
    /t\.b is "b INTEGER" .* "b TEXT"/,
  ],
  [
    "another constraint",
    T,
    "CREATE TABLE t (a TEXT NOT NULL, b INTEGER CHECK (b > 0)) STRICT;",
    /t\.b is/,
  ],
  [
    "a column that no row has a value for",
    T,
    "CREATE TABLE t (a TEXT NOT NULL, b INTEGER, c TEXT NOT NULL) STRICT;",
    /t\.c .*no value/,
  ],
  [
    "a unique column",
    T,
    "CREATE TABLE t (a TEXT NOT NULL, b INTEGER, c TEXT UNIQUE) STRICT;",
    /t\.c .*index of its own/,
  ],
  [
    "a default that is computed",
    T,
    "CREATE TABLE t (a TEXT NOT NULL, b INTEGER, c TEXT DEFAULT (1)) STRICT;",
    /t\.c .*not a constant/,
  ],
  [
    "a column that inserts cannot leave out",
    T,
    "CREATE TABLE t (b INTEGER) STRICT;",
    /t\.a is not in schema\.sql/,
  ],
  [
    "a new primary key",
    T,
    "CREATE TABLE t (a TEXT NOT NULL, b INTEGER, PRIMARY KEY (a)) STRICT;",
    /table t has other constraints/,
  ],
  [
    "other options",
    T,
    "CREATE TABLE t (a TEXT NOT NULL, b INTEGER);",
    /table t has other constraints or options/,
  ],
  [
    "another index of the same name",
    T + I,
    `${T}CREATE INDEX i ON t (a, b);`,
    /index i is another one/,
  ],
])("refuses %s", (_, older, newer, message) => {
  expect(between(older, newer).refused).toEqual([expect.stringMatching(message)]);
});
