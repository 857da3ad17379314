import type { Reporter, TestCase, TestModule } from "vitest/node";
import type { Row } from "./expectations.ts";

const COLUMNS = ["call", "fault", "answer", "state", "retry"] as const;

/** `npm run faults`: the matrix as a table, one block a request. It runs in Node, beside the tests. */
export default class FaultTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const withRows = tests.filter((test) => rowsOf(test).length > 0);
    for (const test of withRows) print(test);

    const rows = withRows.flatMap(rowsOf);
    const failed = tests.filter((test) => test.result().state === "failed");
    const calls = new Set(rows.map((row) => `${row.lag} ${row.request} ${row.call}`));
    const routes = new Set(rows.map((row) => row.request.replace(/ \(.*/, "")));
    console.log(
      `\n${rows.length} cells: ${routes.size} routes that ask a store, ${withRows.length} requests, ${calls.size} calls.`,
      "\nA plain D1 binding asks the primary, so stale answers are KV's only; 429 too.",
      `\n${failed.length === 0 ? "All as they must be." : `${failed.length} requests are not as they must be.`}`,
    );
    for (const module of modules) {
      for (const error of module.errors()) console.error(error.message);
    }
  }
}

const rowsOf = (test: TestCase): readonly Row[] => test.meta().rows ?? [];

function print(test: TestCase): void {
  const rows = rowsOf(test);
  const [first] = rows;
  if (first === undefined) return;
  const { state, errors } = test.result();
  const mark = state === "passed" ? "ok" : "NOT AS IT MUST BE";
  console.log(`\n${first.request}, REVOCATION_LAG_SECONDS ${first.lag}: ${mark}`);
  const table = [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))];
  const widths = COLUMNS.map((_, index) =>
    Math.max(...table.map((row) => row[index]?.length ?? 0)),
  );
  for (const row of table) {
    const cells = row.map((cell, index) => cell.padEnd(widths[index] ?? 0));
    console.log(`  ${cells.join("  ").trimEnd()}`);
  }
  for (const error of errors ?? []) console.log(`  ${error.message}\n${error.diff ?? ""}`);
}
