import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { expect, it } from "vitest";
import type { D1 } from "../../../src/cli/database.ts";
import { untilFlushed } from "../../../src/cli/deploy/readiness.ts";

it("waits for each tombstone, also for those past the 500 of one statement", {
  timeout: 30_000,
}, async () => {
  const sqlite = new DatabaseSync(":memory:");
  sqlite.exec(readFileSync("schema.sql", "utf8"));
  const insert = sqlite.prepare(
    "INSERT INTO pending_revocations (key, expires_at) VALUES (?, 9000000000000)",
  );
  for (let n = 0; n <= 500; n++) insert.run(`revoked:${String(n).padStart(3, "0")}`);
  const database: D1 = {
    async query(sql, row) {
      const rows = sqlite.prepare(sql).all();
      // As housekeeping does, all that the first statement has seen.
      sqlite.exec("DELETE FROM pending_revocations WHERE key < 'revoked:500'");
      return v.parse(v.array(row), rows);
    },
    async run(statements) {
      sqlite.exec(statements.join(";"));
    },
  };
  const stop = new AbortController().signal;
  expect(await untilFlushed(database, stop, 5_500)).toBe(1);
  await database.run(["DELETE FROM pending_revocations"]);
  expect(await untilFlushed(database, stop, 0)).toBe(0);
});
