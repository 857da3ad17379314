import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

/** As those who copy a recipe have it: strict, and no file of ours but the client. */
it.each([
  ["nodenext", "nodenext"],
  ["bundler", "esnext"],
])(
  "each recipe compiles with moduleResolution %s",
  { timeout: 120_000 },
  async (moduleResolution, module) => {
    // Beside ours, so that it finds the packages.
    const file = resolve(`tsconfig.recipes-${moduleResolution}.json`);
    onTestFinished(() => rm(file, { force: true }));
    const compilerOptions = {
      target: "es2022",
      lib: ["es2024", "dom"],
      module,
      moduleResolution,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      // The client's own files, which its package has as JavaScript.
      allowImportingTsExtensions: true,
      types: ["node"],
      paths: { "latchkey-client": ["./src/client/latchkey.ts"] },
    };
    await writeFile(file, JSON.stringify({ compilerOptions, include: ["test/clients/recipes"] }));
    const tsc = join("node_modules", "typescript", "bin", "tsc");
    const ran = promisify(execFile)(process.execPath, [tsc, "-p", file]);
    expect(
      await ran.then(
        ({ stdout }) => stdout,
        ({ stdout }) => stdout,
      ),
    ).toBe("");
  },
);
