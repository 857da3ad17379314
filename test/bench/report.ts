import { mkdir, writeFile } from "node:fs/promises";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";
import { type Figure, outcome, type Verdict } from "./figures.ts";
import type { Result } from "./rounds.ts";

type Row = readonly string[];

/** The results of a run: `results/results.json`, from which docs/benchmarks.md is generated. */
export interface Recorded {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly machine: string;
  readonly requests: readonly {
    readonly title: string;
    /** CPU time as a multiple of Hono's hello. */
    readonly toHello: Figure;
    readonly cpuUs: number;
    readonly perSecond: number;
  }[];
  readonly bounds: readonly Verdict[];
  /** Why limits were missed; written by hand after the run. */
  readonly notes: readonly string[];
}

export function recorded(results: readonly Result[], bounds: readonly Verdict[]): Recorded {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpu?.model ?? "unknown"}, ${platform()} ${arch()}`,
    requests: results.map(({ case: { title }, toHello, cpuMs, perSecond }) => ({
      title,
      toHello,
      cpuUs: Math.round(cpuMs.median * 1000),
      perSecond: Math.round(perSecond.median),
    })),
    bounds,
    notes: [],
  };
}

/** What each request costs, as Markdown. */
export function costTable(requests: Recorded["requests"]): string {
  const head = ["request", "CPU, multiple of hello", "µs here", "a second here"];
  const rows = requests.map(({ title, toHello, cpuUs, perSecond }) => [
    title,
    spread(toHello),
    String(cpuUs),
    String(perSecond),
  ]);
  return markdown(head, rows);
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const head = ["what", "measured", "at most", "of", ""];
  const rows = verdicts.map((verdict) => [
    verdict.title,
    spread(verdict.measured),
    String(verdict.limit),
    verdict.of,
    outcome(verdict),
  ]);
  return markdown(head, rows);
}

/** With aligned columns, so that it is readable as text too. */
export function markdown(head: Row, rows: readonly Row[]): string {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => length(row, i))));
  const line = (row: Row) =>
    `| ${widths.map((width, i) => (row[i] ?? "").padEnd(width)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

const length = (row: Row, column: number) => row[column]?.length ?? 0;

/** The median and the quartiles. */
export function spread({ median, low, high }: Figure): string {
  return low === high ? short(median) : `${short(median)} (${short(low)}–${short(high)})`;
}

const short = (value: number) => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);

/** Into the checkout, for docs/benchmarks.md. */
export async function keep(files: Readonly<Record<string, string>>): Promise<void> {
  const directory = join(import.meta.dirname, "results");
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
}
