import { ALL_CASES, PARTS, selected } from "./selection.ts";
import { millionRows } from "./million.ts";
import { measureMemory } from "./memory.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { progressLine } from "./progress.ts";
import { prepare, type Result, runRounds } from "./rounds.ts";
import { type Fleet, newFleet } from "./servers.ts";
import { costChart, costTable, keep, millionTable, recorded, verdictTable } from "./report.ts";
import { outcome, type Verdict } from "./verdict.ts";

/** `npm run bench`: what a request costs, and whether the bounds hold. */
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // What was started, and what was written meanwhile, goes with "exit".
  process.once(signal, () => process.exit(1));
}
const line = progressLine(process.stderr);

async function memory(options: Options, fleet: Fleet): Promise<number> {
  const found = await measureMemory(fleet, { ...options, progress: line.show });
  line.clear();
  for (const [requests, mib] of found.series) console.log(`${requests}\t${mib.toFixed(1)} MiB`);
  if (options.requests === null) await keep({ "memory.svg": found.chart });
  console.log(
    `The last quarter by the third: ${found.growth.toFixed(2)}. ${found.isLevel ? "Level." : "It GROWS."}`,
  );
  return found.isLevel ? 0 : 1;
}

async function bench(options: Options, fleet: Fleet): Promise<number> {
  const { cases, parts } = selected(options.chosen);
  const run = { ...options, progress: line.show };
  const results = await runRounds(await prepare(cases, fleet, run), run);
  const verdicts = results.flatMap(verdictOf);
  const charts: Record<string, string> = {};
  for (const part of parts) {
    const found = await part.measure(fleet, run);
    verdicts.push(...found.verdicts);
    Object.assign(charts, found.charts);
  }
  line.clear();
  const million = options.chosen === null ? await millionRows(fleet, results) : [];
  const found = recorded(results, verdicts, million);
  const tables = [costTable(found.requests), verdictTable(verdicts)];
  if (million.length > 0) tables.push(millionTable(million));
  console.log(`${tables.join("\n\n")}\n`);
  if (options.chosen === null) {
    const json = `${JSON.stringify(found, null, 2)}\n`;
    await keep({ ...charts, "cpu.svg": costChart(results), "results.json": json });
  }
  const missed = verdicts.filter((verdict) => outcome(verdict) === "MISSED");
  console.log(`${verdicts.length - missed.length} of ${verdicts.length} bounds hold.`);
  return missed.length === 0 ? 0 : 1;
}

function verdictOf({ case: { title, bound }, toBound }: Result): Verdict[] {
  if (bound === undefined || toBound === null) return [];
  const of = ALL_CASES.find(({ name }) => name === bound.of)?.title ?? bound.of;
  return [{ title, measured: toBound, limit: bound.times, of }];
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    const named = [...ALL_CASES, ...PARTS].map(
      ({ name, title }) => `  ${name.padEnd(15)} ${title}`,
    );
    console.log(`${HELP}\n\nWhat can be measured:\n${named.join("\n")}`);
    return 0;
  }
  const fleet = await newFleet();
  try {
    return await (options.memory ? memory : bench)(options, fleet);
  } finally {
    line.clear();
    await fleet.stop();
  }
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
