import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Story } from "./generated/stories/story.ts";
import { newPerson } from "./people.ts";
import { type RunningServer, startServer } from "./server.ts";

const FOLDER = join(import.meta.dirname, "generated");
const DOCUMENT = "../../../src/console/assets/openapi.json";
const limits = { timeout: 120_000 };

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
}, limits.timeout);
afterAll(() => server.close());

/** @returns what it printed, and its exit code where it failed */
async function run(script: string, ...args: readonly string[]): Promise<string> {
  const options = {
    cwd: FOLDER,
    env: {
      ...process.env,
      LATCHKEY: server.origin,
      REDOCLY_TELEMETRY: "off",
      REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
    },
  };
  return promisify(execFile)(process.execPath, [script, ...args], options).then(
    ({ stdout, stderr }) => stdout + stderr,
    ({ code, stdout, stderr }) => `exit code ${code}\n${stdout}${stderr}`,
  );
}

const tool = (name: string, ...args: readonly string[]) =>
  run(join("node_modules", ".bin", name), ...args);

describe("linters have nothing to say about the API document:", () => {
  it("Redocly's recommended rules", limits, async () => {
    const printed = await tool("redocly", "lint", DOCUMENT);
    expect(printed).toContain("Your API description is valid");
    expect(printed).not.toMatch(/warning|error|exit code/i);
  });

  it("Spectral's rules for OpenAPI", limits, async () => {
    const printed = await tool("spectral", "lint", "--fail-severity=hint", DOCUMENT);
    expect(printed).toContain("No results with a severity of 'hint' or higher found!");
  });
});

describe("a client that is generated from the API document", () => {
  beforeAll(async () => {
    const printed = [
      await tool("openapi-typescript", DOCUMENT, "-o", "dist/openapi-typescript/schema.ts"),
      await tool("openapi-ts", "-f", "hey-api.config.mjs"),
      await tool("orval", "--config", "orval.config.mjs"),
    ];
    expect(printed.join("\n")).not.toContain("exit code");
  }, limits.timeout);

  it("compiles", limits, async () => {
    expect(await run(resolve("node_modules", "typescript", "bin", "tsc"), "-p", ".")).toBe("");
  });

  it.each([
    ["openapi-typescript", "openapiTypescript"],
    ["hey-api", "heyApi"],
    ["orval", "orval"],
  ])("by %s logs in, creates tokens, and reads a refusal", limits, async (file, name) => {
    const email = `${crypto.randomUUID()}@example.com`;
    const { id } = await newPerson(server, email);
    const story: Story = (await import(join(FOLDER, "stories", `${file}.ts`)))[name];
    expect(await story(server.origin, { email, password: "correct horse battery" })).toEqual({
      id,
      refusal: "rejected",
      names: ["generated"],
      kind: "api",
    });
  });
});
