import type { Case, D1 } from "./case.ts";

/** Run before each case of D1. */
export const D1_TABLES = [
  "DROP TABLE IF EXISTS parts",
  "DROP TABLE IF EXISTS things",
  `CREATE TABLE things (
    id TEXT NOT NULL PRIMARY KEY, amount INTEGER, weight REAL, most INTEGER CHECK (amount <= most),
    detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
  ) STRICT, WITHOUT ROWID`,
  "CREATE TABLE parts (id TEXT NOT NULL PRIMARY KEY, thing TEXT NOT NULL REFERENCES things (id)) STRICT",
  "INSERT INTO things (id, amount, weight, most) VALUES ('a', 1, 0.5, 9), ('b', NULL, NULL, NULL)",
] as const;

const rows = async (db: D1, sql: string, ...values: unknown[]) =>
  (
    await db
      .prepare(sql)
      .bind(...values)
      .all()
  ).results;
const changes = async (db: D1, sql: string, ...values: unknown[]) =>
  (
    await db
      .prepare(sql)
      .bind(...values)
      .run()
  ).meta.changes;
const batch = async (db: D1, ...all: readonly string[]) => {
  const statements = all.map((sql) => db.prepare(sql));
  return (await db.batch(statements)).map(({ results }) => results);
};

const marks = (count: number) => Array.from({ length: count }, () => "?").join(", ");
const zeros = (count: number) => Array.from({ length: count }, () => 0);

export const D1_CASES: readonly Case<D1>[] = [
  {
    name: "bytes, which are answered as numbers",
    ask: (db) => rows(db, "SELECT ? AS id, unhex('00-ff', '-') AS same", new Uint8Array([0, 255])),
    gives: [{ id: [0, 255], same: [0, 255] }],
  },
  {
    name: "rows of text, whole numbers, fractions and null",
    ask: (db) => rows(db, "SELECT id, amount, weight FROM things ORDER BY id"),
    gives: [
      { id: "a", amount: 1, weight: 0.5 },
      { id: "b", amount: null, weight: null },
    ],
  },
  {
    name: "milliseconds since 1970 come back whole, also where text is made of them",
    ask: async (db) => {
      await changes(
        db,
        "UPDATE things SET most = ?, amount = ? WHERE id = 'a'",
        1_795_305_600_123,
        2,
      );
      return rows(
        db,
        "SELECT most, 'x:' || most AS text, 'x:' || (most - 1) AS less FROM things WHERE id = 'a'",
      );
    },
    gives: [{ most: 1_795_305_600_123, text: "x:1795305600123", less: "x:1795305600122" }],
  },
  {
    name: "first: a row",
    ask: (db) => db.prepare("SELECT id FROM things ORDER BY id").first(),
    gives: { id: "a" },
  },
  {
    name: "first: none",
    ask: (db) => db.prepare("SELECT id FROM things WHERE id = 'z'").first(),
    gives: null,
  },
  {
    name: "first: a column",
    ask: (db) => db.prepare("SELECT id FROM things ORDER BY id").first("id"),
    gives: "a",
  },
  {
    name: "changes of an UPDATE",
    ask: (db) => changes(db, "UPDATE things SET weight = 2"),
    gives: 2,
  },
  {
    name: "changes of an UPDATE of none",
    ask: (db) => changes(db, "UPDATE things SET weight = 2 WHERE id = 'z'"),
    gives: 0,
  },
  {
    name: "changes of an INSERT with RETURNING",
    ask: (db) => changes(db, "INSERT INTO things (id) VALUES (?) RETURNING id", "c"),
    gives: 1,
  },
  {
    name: "changes of an INSERT ... ON CONFLICT DO NOTHING",
    ask: (db) => changes(db, "INSERT INTO things (id) VALUES ('a') ON CONFLICT (id) DO NOTHING"),
    gives: 0,
  },
  {
    name: "changes of a SELECT after a write",
    ask: async (db) => {
      await changes(db, "UPDATE things SET weight = 2");
      return changes(db, "SELECT 1");
    },
    gives: 0,
  },
  {
    name: "UPDATE ... RETURNING gives the new row",
    ask: (db) =>
      rows(db, "UPDATE things SET amount = amount + 1 WHERE id = 'a' RETURNING id, amount"),
    gives: [{ id: "a", amount: 2 }],
  },
  {
    name: "a batch's statements see each other's writes, in order",
    ask: (db) =>
      batch(
        db,
        "UPDATE things SET amount = 7 WHERE id = 'a' RETURNING id",
        "SELECT amount FROM things WHERE id = 'a'",
      ),
    gives: [[{ id: "a" }], [{ amount: 7 }]],
  },
  {
    name: "a batch that fails leaves nothing",
    ask: async (db) => {
      const failed = await batch(
        db,
        "UPDATE things SET amount = 7",
        "INSERT INTO things (id) VALUES ('a')",
      ).catch(() => "failed");
      return [failed, await rows(db, "SELECT amount FROM things ORDER BY id")];
    },
    gives: ["failed", [{ amount: 1 }, { amount: null }]],
  },
  {
    name: "UNIQUE",
    ask: (db) => changes(db, "INSERT INTO things (id) VALUES ('a')"),
    gives: /UNIQUE constraint failed/,
  },
  {
    name: "CHECK",
    ask: (db) => changes(db, "UPDATE things SET amount = 10 WHERE id = 'a'"),
    gives: /CHECK constraint failed/,
  },
  {
    name: "NOT NULL",
    ask: (db) => changes(db, "INSERT INTO things (id) VALUES (?)", null),
    gives: /NOT NULL constraint failed/,
  },
  {
    name: "REFERENCES",
    ask: (db) => changes(db, "INSERT INTO parts VALUES ('p', 'z')"),
    gives: /FOREIGN KEY constraint failed/,
  },
  {
    name: "STRICT",
    ask: (db) => changes(db, "UPDATE things SET amount = 'x'"),
    gives: /cannot store TEXT value in INTEGER column/,
  },
  { name: "no such table", ask: (db) => rows(db, "SELECT * FROM missing"), gives: /no such table/ },
  { name: "a syntax error", ask: (db) => rows(db, "SELEC 1"), gives: /syntax error/ },
  {
    name: "undefined is no value",
    ask: (db) => rows(db, "SELECT ?", undefined),
    gives: /D1_TYPE_ERROR/,
  },
  { name: "NaN is null", ask: (db) => rows(db, "SELECT ? AS x", Number.NaN), gives: [{ x: null }] },
  {
    name: "booleans are numbers",
    ask: (db) => rows(db, "SELECT ? AS x, ? AS y", true, false),
    gives: [{ x: 1, y: 0 }],
  },
  { name: "a value too few", ask: (db) => rows(db, "SELECT ?, ?", 1), gives: /./ },
  { name: "a value too many", ask: (db) => rows(db, "SELECT ?", 1, 2), gives: /./ },
  {
    name: "100 values",
    ask: async (db) =>
      (await rows(db, `SELECT 1 AS x WHERE 0 IN (${marks(100)})`, ...zeros(100))).length,
    gives: 1,
  },
  {
    name: "101 values",
    ask: (db) => rows(db, `SELECT 1 AS x WHERE 0 IN (${marks(101)})`, ...zeros(101)),
    gives: /too many SQL variables/,
  },
  {
    name: "a question mark in quotes is no value",
    ask: (db) => rows(db, "SELECT '?' AS x, ? AS y", "z"),
    gives: [{ x: "?", y: "z" }],
  },
  {
    name: "json_array, json_set and json_extract",
    ask: (db) =>
      rows(
        db,
        "UPDATE things SET detail = json_set(detail, '$.name', ?) WHERE id = 'a' RETURNING detail, json_array(1 = 1, NULL, 1 > 2) AS flags, json_extract(detail, '$.name') AS name",
        "ß",
      ),
    gives: [{ detail: '{"name":"ß"}', flags: "[1,null,0]", name: "ß" }],
  },
  {
    name: "a session is asked as the database is",
    ask: async (db) => {
      const statement = "SELECT amount FROM things WHERE id = ?";
      return (await db.withSession("first-unconstrained").prepare(statement).bind("a").all())
        .results;
    },
    gives: [{ amount: 1 }],
  },
  {
    name: "the database's own clock, in milliseconds",
    ask: async (db) => {
      const [row] = await rows(db, "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS at");
      return Math.abs(Number(Reflect.get(Object(row), "at")) - Date.now()) < 60_000;
    },
    gives: true,
  },
  {
    name: "how long a statement took",
    ask: async (db) => (await db.prepare("SELECT 1").all()).meta.duration >= 0,
    gives: true,
  },
  {
    name: "of forty at once, one claims",
    ask: async (db) => {
      const claim = () =>
        rows(db, "UPDATE things SET amount = 5 WHERE id = 'b' AND amount IS NULL RETURNING id");
      const all = await Promise.all(Array.from({ length: 40 }, claim));
      return all.filter(({ length }) => length > 0).length;
    },
    gives: 1,
  },
];
