import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { examplesOf, newPeople, requestOf } from "../../src/cli/tour/run.ts";
import { STORY } from "../../src/cli/tour/story.ts";
import { readExamples } from "../../src/openapi/examples.ts";

it("every step matches a recorded example, and never sends a placeholder of a secret", () => {
  const examples = readExamples(readFileSync("src/openapi/examples.json", "utf8"));
  const steps = Object.values(STORY).flat();
  const requests = steps.map((step) => requestOf(step, examplesOf(step, examples)[0], newPeople()));
  expect(JSON.stringify(requests)).not.toMatch(/EXAMPLE|CLAIMS|BASE64|example\.com/);
});
