import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

/** `npm run examples`: writes down what the tests have executed. It runs in Node, beside the tests. */
export default class Recorder implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const examples = tests.flatMap((test) => test.meta().example ?? []);
    writeFileSync("src/openapi/examples.json", `${JSON.stringify(examples, null, 1)}\n`);
    console.log(`src/openapi/examples.json: ${examples.length} examples of ${tests.length} tests`);
    // Some of them only look at what the others have executed.
    for (const test of tests.filter((each) => each.result().state === "failed")) {
      console.log(`${test.name}: ${test.result().errors?.[0]?.message}`);
    }
  }
}
