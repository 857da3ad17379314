import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Checkout, copyCheckout } from "./checkout.ts";
import { GUARDS } from "./guards.ts";
import { type Mutant, markersIn, mutantsOf } from "./mutant.ts";

/**
 * `npm run mutations [-- --only ID ... --jobs N]`: breaks a copy of the checkout in one place after
 * the other, and fails unless the tests notice each.
 */
const root = resolve(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, jobs: { type: "string", default: "2" } },
});

const stop = new AbortController();
const checkouts: Checkout[] = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}
process.on("exit", () => {
  for (const checkout of checkouts) checkout.remove();
});

/** Each checkout takes the next of the list as soon as it is free. */
async function share<T>(all: readonly T[], work: (one: T, checkout: Checkout) => Promise<void>) {
  const waiting = [...all];
  await Promise.all(
    checkouts.map(async (checkout) => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        await work(one, checkout);
      }
    }),
  );
}

async function verdictOf({ file, text, suites }: Mutant, checkout: Checkout) {
  try {
    const failed = await checkout.withFile(file, text, () => checkout.run(suites, stop.signal));
    return failed === null ? "SURVIVED" : `killed by ${failed}`;
  } catch (error) {
    stop.signal.throwIfAborted();
    return `BROKEN ${error}`;
  }
}

async function main(): Promise<number> {
  const { only, jobs } = values;
  const markers = markersIn(root);
  const mutants = GUARDS.filter(([id]) => only?.some((part) => id.includes(part)) ?? true).flatMap(
    (guard) => mutantsOf(guard, markers),
  );
  if (mutants.length === 0) throw new Error(`no guard is called ${only}`);
  for (let job = 0; job < Math.min(Number(jobs), mutants.length); job++) {
    checkouts.push(copyCheckout(root));
  }
  const files = new Set(mutants.flatMap(({ suites }) => suites.map(({ file }) => file)));
  console.log(`Without any mutant: ${[...files].join(" ")}`);
  await share([...files], async (file, checkout) => {
    const failed = await checkout.run([{ file }], stop.signal);
    if (failed !== null) throw new Error(`fails without any mutant: ${failed}`);
  });
  const alive: string[] = [];
  let done = 0;
  await share(mutants, async (mutant, checkout) => {
    const verdict = await verdictOf(mutant, checkout);
    console.log(`[${++done}/${mutants.length}] ${mutant.name} (${mutant.breaks}): ${verdict}`);
    if (!verdict.startsWith("killed")) alive.push(`${mutant.name} in ${mutant.file}`);
  });
  console.log([`${done - alive.length} of ${done} killed.`, ...alive].join("\n"));
  return alive.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  stop.abort(error);
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
