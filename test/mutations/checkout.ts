import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Suite } from "./mutant.ts";

/** A copy of the checkout to be broken at will. */
export interface Checkout {
  /**
   * Runs the suites. @returns null where all pass, else the name of a test that failed
   * @throws Error where nothing was tested: a mutant that does not even load proves nothing
   */
  run(suites: readonly Suite[], signal: AbortSignal): Promise<string | null>;
  /** Writes the file, calls `use`, and puts the file back. */
  withFile<T>(file: string, text: string, use: () => Promise<T>): Promise<T>;
  remove(): void;
}

/** For one mutant's suites: some mutants loop for ever. */
const LIMIT_MS = 600_000;

const NOT_COPIED = new Set(["node_modules", ".git", ".wrangler", ".dev.vars", "coverage"]);

export function copyCheckout(root: string): Checkout {
  const directory = mkdtempSync(join(tmpdir(), "latchkey-mutations-"));
  const copied = (path: string) => !NOT_COPIED.has(path.slice(root.length + 1).split("/")[0] ?? "");
  cpSync(root, directory, { recursive: true, filter: copied });
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  const report = join(directory, "report.json");

  return {
    async run(suites, signal) {
      rmSync(report, { force: true });
      const names = suites.flatMap(({ test }) => (test === undefined ? [] : [test]));
      const args = [
        ...new Set(suites.map(({ file }) => file)),
        "--bail=1",
        "--reporter=json",
        `--outputFile=${report}`,
        ...(names.length === suites.length ? [`--testNamePattern=${names.join("|")}`] : []),
      ];
      const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
      const output = await vitest(directory, args, limit);
      signal.throwIfAborted();
      return firstFailure(report, output);
    },

    async withFile(file, text, use) {
      const path = join(directory, file);
      const original = readFileSync(path);
      writeFileSync(path, text);
      try {
        return await use();
      } finally {
        writeFileSync(path, original);
      }
    },

    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** @returns what it said, whether or not its tests passed */
function vitest(cwd: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const script = join(cwd, "node_modules/vitest/vitest.mjs");
  // In a group of its own, so that workerd ends with it, even in the middle of a loop.
  const child = spawn(process.execPath, [script, "run", ...args], { cwd, detached: true });
  const said: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  const stop = () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  signal.addEventListener("abort", stop, { once: true });
  child.on("error", reject);
  child.on("close", () => {
    signal.removeEventListener("abort", stop);
    resolve(Buffer.concat(said).toString());
  });
  return promise;
}

interface Report {
  readonly numPassedTests: number;
  readonly success: boolean;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function firstFailure(file: string, output: string): string | null {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new Error(`vitest made no report:\n${output}`);
  }
  const tests = report.testResults.flatMap((each) => each.assertionResults);
  const failed = tests.find(({ status }) => status === "failed");
  if (failed !== undefined) return failed.fullName.trim();
  if (report.success && report.numPassedTests > 0) return null;
  const messages = report.testResults.map(({ message }) => message).join("\n");
  throw new Error(`no test failed, and none passed:\n${messages}\n${output}`);
}
