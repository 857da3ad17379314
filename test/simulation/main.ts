import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { Failure, Figures } from "./figures.ts";
import { tellStories } from "./pool.ts";

const USAGE = `npm run simulate -- [--ops N] [--seed S] [--threads T]

Tells random stories to the real Worker on simulated KV, D1 and time, beside a model of what must
hold. Each scenario has a seed: S, S+1, S+2 and so on, until N operations are done (20000 unless told).`;

const SHRINK_MS = 60_000;
const PLAIN_LINE_EVERY_MS = 5_000;
const TTY_LINE_EVERY_MS = 200;

const { values } = parseArgs({
  options: {
    ops: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: String(availableParallelism()) },
    help: { type: "boolean", default: false },
  },
});

const numbers = [values.ops, values.seed, values.threads].map(Number);
const [ops = 0, seed = 0, threads = 0] = numbers;
if (values.help || !numbers.every(Number.isSafeInteger) || ops < 1 || threads < 1) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const startedMs = Date.now();
const seconds = () => (Date.now() - startedMs) / 1000;
const grouped = (number: number) => Math.round(number).toLocaleString("en");

function progress({ operations, runs, interleavings, violations }: Figures): string {
  const rate = grouped(operations / Math.max(seconds(), 0.001));
  return `${grouped(operations)} of ${grouped(ops)} operations, ${rate}/s, ${grouped(runs)} stories, ${grouped(interleavings)} interleavings, ${violations} violations`;
}

let printedMs = 0;

function showProgress(figures: Figures): void {
  const { isTTY } = process.stdout;
  if (Date.now() - printedMs < (isTTY ? TTY_LINE_EVERY_MS : PLAIN_LINE_EVERY_MS)) return;
  printedMs = Date.now();
  process.stdout.write(isTTY ? `\r\x1b[2K${progress(figures)}` : `${progress(figures)}\n`);
}

const table = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, count]) => `${name} ${grouped(count)}`)
    .join(", ");

function summary(figures: Figures): string {
  const rows: [string, string][] = [
    ["operations", grouped(figures.operations)],
    ["requests", grouped(figures.requests)],
    ["stories", `${grouped(figures.runs)}, seeds from ${seed} on`],
    ["choices", `${grouped(figures.decisions)} by the scheduler`],
    ["interleavings", `${grouped(figures.interleavings)} choices between two or more`],
    ["virtual time", `${grouped(figures.virtualMs / 86_400_000)} days`],
    ["real time", `${grouped(seconds())} s, ${threads} threads`],
    ["faults", table(figures.faults)],
    ["answers", table(figures.statuses)],
    ["by operation", table(figures.byOperation)],
    ["violations", String(figures.violations)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(14)}${value}`).join("\n");
}

function tell({ seed, path, message, scenario, shrinks }: Failure): string {
  return [
    `VIOLATION: ${message}`,
    `seed ${seed}, path ${path}, ${shrinks} times made shorter. The scenario:`,
    ...scenario.map((line) => `  ${line}`),
    `Again: npm run simulate -- --ops 1 --threads 1 --seed ${seed}`,
  ].join("\n");
}

const stories = tellStories({
  seed,
  threads,
  shrinkMs: SHRINK_MS,
  isEnough: ({ operations }) => operations >= ops,
  onReport: (_, figures) => showProgress(figures),
});
process.once("SIGINT", () => {
  process.stdout.write("\nStopping after the stories that are being told.\n");
  stories.stop();
});

const { figures, failures } = await stories.done;
if (process.stdout.isTTY) process.stdout.write("\r\x1b[2K");
console.log(summary(figures));
for (const failure of failures) console.log(`\n${tell(failure)}`);
process.exitCode = failures.length > 0 ? 1 : 0;
