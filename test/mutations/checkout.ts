import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mutant, Suite } from "./mutant.ts";

/** A copy of the checkout to be broken at will. */
export interface Checkout {
  readonly directory: string;
  /** Runs the suites. @returns null where all pass, else the name of a test that failed */
  run(suites: readonly Suite[], signal: AbortSignal): Promise<string | null>;
  /** Breaks the one line, calls `use`, and puts the line back. */
  withMutant<T>(mutant: Mutant, use: () => Promise<T>): Promise<T>;
  remove(): Promise<void>;
}

/** For one mutant's suites: some mutants loop for ever. */
const LIMIT_MS = 600_000;

const NOT_COPIED = new Set(["node_modules", ".git", ".wrangler", ".dev.vars", "coverage"]);

export async function copyCheckout(root: string): Promise<Checkout> {
  const directory = await mkdtemp(join(tmpdir(), "latchkey-mutations-"));
  const copied = (path: string) => !NOT_COPIED.has(path.slice(root.length + 1).split("/")[0] ?? "");
  await cp(root, directory, { recursive: true, filter: copied });
  await symlink(join(root, "node_modules"), join(directory, "node_modules"));

  return {
    directory,

    async run(suites, signal) {
      const report = join(directory, "report.json");
      await rm(report, { force: true });
      const names = suites.flatMap((suite) => (suite.test === undefined ? [] : [suite.test]));
      const output = await vitest(
        directory,
        [
          ...new Set(suites.map((suite) => suite.file)),
          "--bail=1",
          "--reporter=json",
          `--outputFile=${report}`,
          ...(names.length === suites.length ? [`--testNamePattern=${names.join("|")}`] : []),
        ],
        AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
      );
      signal.throwIfAborted();
      const text = await readFile(report, "utf8").catch(() => null);
      if (text === null) throw new Error(`vitest made no report:\n${output}`);
      return firstFailure(JSON.parse(text), output);
    },

    async withMutant({ file, find, replace }, use) {
      const path = join(directory, file);
      const original = await readFile(path, "utf8");
      await writeFile(
        path,
        original.replace(find, () => replace),
      );
      try {
        return await use();
      } finally {
        await writeFile(path, original);
      }
    },

    remove: () => rm(directory, { recursive: true, force: true }),
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

/** @throws Error where nothing was tested: a mutant that does not even load proves nothing */
function firstFailure(report: Report, output: string): string | null {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const failed = tests.find(({ status }) => status === "failed");
  if (failed !== undefined) return failed.fullName.trim();
  if (report.success && report.numPassedTests > 0) return null;
  const messages = report.testResults.map((file) => file.message).join("\n");
  throw new Error(`no test failed, and none passed:\n${messages}\n${output}`);
}
