import { env } from "cloudflare:workers";
import sql, { type Sql } from "sql-template-tag";
import { beforeAll, expect, it } from "vitest";
import { guardedBy, once } from "../../src/actions/once.ts";

const [value, other] = ["(it's) WHERE; --", "b"];

beforeAll(async () => {
  await env.DB.prepare(
    'CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, "on conflict" TEXT, UNIQUE (name))',
  ).run();
});

/** What a statement does to two rows. */
async function effect(statement: Sql) {
  await env.DB.batch([
    env.DB.prepare("DELETE FROM things"),
    env.DB.prepare("INSERT INTO things VALUES (1, 'a', NULL), (2, 'b', NULL)"),
    env.DB.prepare(statement.sql).bind(...statement.values),
  ]);
  return (await env.DB.prepare("SELECT * FROM things ORDER BY id").all()).results;
}

it.each<[string, Sql]>([
  ["VALUES", sql`INSERT INTO things (id, name) VALUES (3, ${value}), (4, ${"c"})`],
  ["without columns", sql`insert into things values (3, ${value}, 'x')`],
  [
    "SELECT",
    sql`INSERT INTO things (id, name) SELECT id + 10, name || 'x' FROM things WHERE id = 1 OR name = ${other}`,
  ],
  [
    "a query with an order",
    sql`INSERT INTO things (name) SELECT 'z' FROM things ORDER BY id LIMIT 1`,
  ],
  [
    "ON CONFLICT",
    sql`INSERT INTO things (id, name) VALUES (1, ${value}) ON CONFLICT (id) DO UPDATE SET name = ${other} || excluded.name`,
  ],
  [
    "DO NOTHING",
    sql`INSERT INTO things (id, name) VALUES (1, 'c'), (5, ${value}) ON CONFLICT DO NOTHING RETURNING id`,
  ],
  ["OR REPLACE", sql`INSERT OR REPLACE INTO things (id, name) VALUES (1, ${value})`],
  ["REPLACE", sql`REPLACE INTO things (id, name) VALUES (1, ${value})`],
  ["a name in quotes", sql`INSERT INTO things ("on conflict") VALUES (${value}) -- VALUES`],
  [
    "a query before it",
    sql`WITH n AS (SELECT 7 AS i) INSERT INTO things (id, name) SELECT i, ${value} FROM n`,
  ],
  ["UPDATE", sql`UPDATE things SET name = ${value} WHERE id = 1 OR id = ${3}`],
  ["UPDATE of all", sql`UPDATE things SET "on conflict" = ${value}`],
  ["UPDATE that returns", sql`UPDATE things SET "on conflict" = ${value} RETURNING id`],
  [
    "UPDATE from",
    sql`UPDATE things SET "on conflict" = o.name FROM (SELECT name FROM things WHERE id = 2) AS o WHERE id = ${1}`,
  ],
  ["DELETE", sql`DELETE FROM things WHERE name = ${other} OR id = 1 /* WHERE */`],
  ["DELETE of all", sql`DELETE FROM things`],
])("%s: the same with the claim, and nothing without it", async (_, statement) => {
  const untouched = await effect(sql`DELETE FROM things WHERE FALSE`);
  const alone = await effect(statement);
  expect(alone).not.toEqual(untouched);
  const write = once(statement);
  expect(await effect(guardedBy(write, sql`1 = ${1}`))).toEqual(alone);
  expect(await effect(guardedBy(write, sql`1 = ${2}`))).toEqual(untouched);
});

it.each<[string, Sql]>([
  ["must be an INSERT", sql`SELECT 1`],
  ["must be an INSERT", sql`CREATE TABLE x (id)`],
  ["must be an INSERT", sql`DROP TABLE x -- DELETE`],
  ["must be an INSERT", sql``],
  ["must insert VALUES", sql`INSERT INTO things DEFAULT VALUE`],
  ["must be one statement", sql`DELETE FROM things WHERE id = 1; DELETE FROM users`],
  ["has a quote", sql`DELETE FROM things WHERE name = '${value}`],
  ["has parentheses", sql`DELETE FROM things WHERE (id = 1`],
  ["has parentheses", sql`DELETE FROM things WHERE id = 1) OR (1 = 1`],
  ["cannot have ORDER BY", sql`DELETE FROM things WHERE id = 1 LIMIT 1`],
])("refuses what %s", (message, statement) => {
  expect(() => once(statement)).toThrow(message);
});
