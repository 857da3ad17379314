import { parseArgs } from "node:util";
import { capacity } from "./capacity.ts";
import {
  BETTER_AUTH,
  JWTS,
  LOGINS,
  LOGINS_WITHOUT_PASSWORD,
  OPAQUE,
  PEERS,
  REFERENCES,
} from "./cases.ts";
import { outcome, type Verdict } from "./figures.ts";
import { growth } from "./growth.ts";
import { measureMemory } from "./memory.ts";
import { bundle, firstAnswer, p99, type Part } from "./parts.ts";
import { costTable, keep, recorded, verdictTable } from "./report.ts";
import { type Case, prepare, type Result, runRounds } from "./rounds.ts";
import { type Fleet, newFleet } from "./servers.ts";
import { bench as benchTrace } from "./trace.ts";

export interface Options {
  /** The names of what to measure; empty for everything. */
  readonly chosen: readonly string[] | null;
  readonly rounds: number;
  /** Requests of each case per round; null for each case's own number. */
  readonly requests: number | null;
  readonly memory: boolean;
  readonly trace: boolean;
  readonly capacity: boolean;
  /** Of `capacity`, in GB; null for the whole. */
  readonly size: number | null;
}

export const HELP = `npm run bench [-- --cases NAME,NAME --rounds N --requests N]
npm run bench -- --memory
npm run bench -- --trace
npm run capacity [-- --size GB]

Builds the production bundle, starts it in workerd with KV and D1 and no proxy, next to a bare Worker,
Hono's hello, the least work with storage, better-auth, Express with jsonwebtoken and, where Python has it,
Django with simplejwt, and measures what each request costs. Linux only.

  --cases NAMES   what to measure, with commas between (see below); all of it without
  --rounds N      how often each is measured, in turn (5)
  --requests N    how many requests each case makes in a round (a number of its own)
  --memory        two million requests with 200,000 tokens instead: does memory stay level?
  --trace         checks of a million tokens in simulated stores and time instead: who answers them at each lag,
                  and how long something revoked is accepted
  --capacity      what one database carries instead: fills one to 5 GB, visits it, and lets 1,000 rows a second expire
  --size GB       fills less; then nothing is recorded
  --help          this

Writes test/bench/results/ if nothing was left out. Ends with 1 if a bound is missed beyond the spread.`;

/** @returns null if help was requested. @throws Error with what is wrong */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: "string" },
      rounds: { type: "string", default: "5" },
      requests: { type: "string" },
      memory: { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
      capacity: { type: "boolean", default: false },
      size: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  return {
    chosen: values.cases?.split(",").filter(Boolean) ?? null,
    rounds: positive("rounds", values.rounds),
    requests: values.requests === undefined ? null : positive("requests", values.requests),
    memory: values.memory,
    trace: values.trace,
    capacity: values.capacity,
    size: values.size === undefined ? null : size(values.size),
  };
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${name} must be a whole number from 1`);
  return Number(text);
}

function size(text: string): number {
  if (!/^\d{1,2}(?:\.\d{1,3})?$/.test(text) || Number(text) === 0)
    throw new Error("--size must be a number of GB, such as 0.5");
  return Number(text);
}

export const ALL_CASES: readonly Case[] = [
  ...REFERENCES,
  ...JWTS,
  ...OPAQUE,
  ...LOGINS,
  ...LOGINS_WITHOUT_PASSWORD,
  ...BETTER_AUTH,
  ...PEERS,
];
export const PARTS: readonly Part[] = [p99, firstAnswer, bundle, growth];

/** The selected measurements and their baselines. @throws Error for an unknown name */
export function selected(chosen: readonly string[] | null) {
  if (chosen === null) return { cases: ALL_CASES, parts: PARTS };
  const known = new Set([...ALL_CASES, ...PARTS].map(({ name }) => name));
  const unknown = chosen.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(", ")}: see --help`);
  const own = ALL_CASES.filter(({ name }) => chosen.includes(name));
  const needed = new Set(own.flatMap(({ name, bound }) => [name, bound?.of ?? "hello", "hello"]));
  return {
    cases: ALL_CASES.filter(({ name }) => needed.has(name)),
    parts: PARTS.filter(({ name }) => chosen.includes(name)),
  };
}

/** One line that changes in a terminal. Elsewhere, a new line whenever the text before the colon changes. */
export function progressLine(stream: NodeJS.WriteStream) {
  const began = Date.now();
  let last = "";
  return {
    show(said: string): void {
      const seconds = Math.round((Date.now() - began) / 1000);
      const line = `${seconds} s  ${said}`;
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${line.slice(0, stream.columns - 1)}`);
        return;
      }
      const [part = ""] = said.split(":");
      if (part !== last) stream.write(`${line}\n`);
      last = part;
    },
    clear(): void {
      if (stream.isTTY) stream.write("\r\x1b[K");
    },
  };
}

/** `npm run bench`: measures what requests cost, and checks the limits. */
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // On "exit", servers are stopped and temporary files deleted.
  process.once(signal, () => process.exit(1));
}
const line = progressLine(process.stderr);

async function memory(options: Options, fleet: Fleet): Promise<number> {
  const found = await measureMemory(fleet, { ...options, progress: line.show });
  line.clear();
  for (const [requests, mib] of found.series) console.log(`${requests}\t${mib.toFixed(1)} MiB`);
  // Of fifty, every fifth.
  const kept = found.series.filter((_, index) => index % 5 === 0);
  const rows = kept.map(([requests, mib]) => [requests, Math.round(mib)]);
  if (options.requests === null) await keep({ "memory.json": `${JSON.stringify(rows)}\n` });
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
  for (const part of parts) verdicts.push(...(await part.measure(fleet, run)));
  line.clear();
  const found = recorded(results, verdicts);
  console.log(`${costTable(found.requests)}\n\n${verdictTable(verdicts)}\n`);
  if (options.chosen === null) {
    await keep({ "results.json": `${JSON.stringify(found, null, 2)}\n` });
  }
  const missed = verdicts.filter((verdict) => outcome(verdict) === "MISSED");
  console.log(`${verdicts.length - missed.length} of ${verdicts.length} bounds hold.`);
  return missed.length === 0 ? 0 : 1;
}

function verdictOf({ case: { title, bound, limitMs }, cpuMs, toBound }: Result): Verdict[] {
  if (limitMs !== undefined)
    return [{ title: `${title}, CPU on this machine`, measured: cpuMs, limit: limitMs, of: "ms" }];
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
  if (options.trace) return benchTrace(line.show);
  if (options.capacity) return capacity(options.size, line.show);
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
