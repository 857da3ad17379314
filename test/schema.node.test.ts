import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";

const schema = readFileSync("schema.sql", "utf8");

it("a new database has no account in it", () => {
  const database = new DatabaseSync(":memory:");
  database.exec(schema);
  expect(database.prepare("SELECT COUNT(*) AS accounts FROM users").get()).toEqual({ accounts: 0 });
});
