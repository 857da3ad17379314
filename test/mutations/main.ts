import { existsSync, readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Checkout, copyCheckout } from "./checkout.ts";
import { faultsOf, type Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

/**
 * `npm run mutations [-- --only NAME ... --jobs N]`: breaks a copy of the checkout in one place
 * after the other, and fails unless the tests notice each.
 */
const root = resolve(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, jobs: { type: "string", default: "2" } },
});

interface Verdict {
  readonly mutant: Mutant;
  readonly outcome: "killed" | "SURVIVED" | "BROKEN";
  /** The test that failed, or why nothing could be tested. */
  readonly by: string;
  readonly seconds: number;
}

const stop = new AbortController();
const checkouts: Checkout[] = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}
process.on("exit", () => {
  for (const { directory } of checkouts) rmSync(directory, { recursive: true, force: true });
});

function chosen(): readonly Mutant[] {
  const { only } = values;
  const mutants = MUTANTS.filter(({ name }) => only?.some((part) => name.includes(part)) ?? true);
  if (mutants.length === 0) throw new Error(`no mutant is called ${only}`);
  const read = (file: string) => {
    const path = resolve(root, file);
    return existsSync(path) ? readFileSync(path, "utf8") : null;
  };
  const faults = faultsOf(mutants, read);
  if (faults.length > 0) throw new Error(`the table is stale:\n  ${faults.join("\n  ")}`);
  return mutants;
}

async function passUnmutated(mutants: readonly Mutant[]): Promise<void> {
  const files = new Set(mutants.flatMap(({ suites }) => suites.map(({ file }) => file)));
  console.log(`Without any mutant: ${[...files].join(" ")}`);
  const suites = Array.from(files, (file) => ({ file }));
  const parts = checkouts.map((_, job) => suites.filter((_, i) => i % checkouts.length === job));
  const pass = async (checkout: Checkout, job: number) => {
    const part = parts[job] ?? [];
    const failed = part.length === 0 ? null : await checkout.run(part, stop.signal);
    if (failed !== null) throw new Error(`fails without any mutant: ${failed}`);
  };
  await Promise.all(checkouts.map(pass));
}

async function judge(checkout: Checkout, mutant: Mutant): Promise<Verdict> {
  const began = Date.now();
  const verdict = (outcome: Verdict["outcome"], by: string): Verdict => ({
    mutant,
    outcome,
    by,
    seconds: Math.round((Date.now() - began) / 1000),
  });
  try {
    const failed = await checkout.withMutant(mutant, () =>
      checkout.run(mutant.suites, stop.signal),
    );
    return failed === null ? verdict("SURVIVED", "") : verdict("killed", failed);
  } catch (error) {
    stop.signal.throwIfAborted();
    return verdict("BROKEN", String(error));
  }
}

async function judgeAll(mutants: readonly Mutant[]): Promise<Verdict[]> {
  const waiting = [...mutants];
  const verdicts: Verdict[] = [];
  const work = async (checkout: Checkout) => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await judge(checkout, mutant);
      verdicts.push(verdict);
      const { outcome, by, seconds } = verdict;
      const said = outcome === "killed" ? `killed by ${by}` : `${outcome} ${by}`.trim();
      console.log(`[${verdicts.length}/${mutants.length}] ${mutant.name}: ${said} (${seconds} s)`);
    }
  };
  await Promise.all(checkouts.map(work));
  return verdicts;
}

async function main(): Promise<number> {
  const mutants = chosen();
  const jobs = Math.min(Math.max(1, Number(values.jobs) || 1), mutants.length);
  for (let job = 0; job < jobs; job++) checkouts.push(await copyCheckout(root));
  await passUnmutated(mutants);
  const verdicts = await judgeAll(mutants);
  const alive = verdicts.filter(({ outcome }) => outcome !== "killed");
  console.log(`${verdicts.length - alive.length} of ${mutants.length} killed.`);
  for (const { mutant, outcome } of alive)
    console.log(`${outcome}: ${mutant.name} (${mutant.file})`);
  return alive.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (stop.signal.aborted) console.error("A part of the rest: npm run mutations -- --only NAME");
  stop.abort(error);
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
