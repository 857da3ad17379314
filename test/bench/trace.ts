import { availableParallelism } from "node:os";
import {
  type Answerer,
  keepsBound,
  percentile,
  runTraces,
  shareOf,
  type Trace,
  type Traced,
} from "../simulation/tracing.ts";
import { keep, markdown } from "./report.ts";

/** The checks of ten million visits a day, twelve each. */
const LARGE = {
  seed: 1,
  tokens: 1_000_000,
  isolates: 300,
  locations: 30,
  isolateSeconds: 600,
  perSecond: 1_440,
  seconds: 300,
  revokedPerSecond: 1,
  shownPerSecond: 10,
} as const;

const POLICIES: readonly Pick<Trace, "lagSeconds" | "readReplicas">[] = [
  { lagSeconds: 0, readReplicas: false },
  ...[10, 60, 300].flatMap((lagSeconds) =>
    [false, true].map((readReplicas) => ({ lagSeconds, readReplicas })),
  ),
];

/** `results/trace.json`, from which docs/benchmarks.md is generated. */
export interface RecordedTrace {
  readonly trace: Omit<Trace, "lagSeconds" | "readReplicas">;
  readonly rows: readonly {
    readonly lagSeconds: number;
    readonly readReplicas: boolean;
    /** Of all checks, in percent. */
    readonly answered: Readonly<Record<Answerer, number>>;
    readonly revocations: number;
    readonly acceptedForSeconds: { p50: number; p90: number; p99: number; max: number };
  }[];
}

function recorded(found: readonly Traced[]): RecordedTrace {
  const percent = (traced: Traced, by: Answerer) => round(100 * shareOf(traced, by));
  return {
    trace: LARGE,
    rows: found.map((traced) => {
      const { trace, acceptedForMs } = traced;
      const seconds = (at: number) => round(percentile(acceptedForMs, at) / 1000);
      return {
        lagSeconds: trace.lagSeconds,
        readReplicas: trace.readReplicas,
        answered: {
          memory: percent(traced, "memory"),
          replica: percent(traced, "replica"),
          KV: percent(traced, "KV"),
          primary: percent(traced, "primary"),
        },
        revocations: acceptedForMs.length,
        acceptedForSeconds: {
          p50: seconds(50),
          p90: seconds(90),
          p99: seconds(99),
          max: seconds(100),
        },
      };
    }),
  };
}

const round = (value: number) => Math.round(value * 10) / 10;

export const TRACE_HEAD = [
  "lag",
  "replicas",
  "memory",
  "replica",
  "KV",
  "primary",
  "p50",
  "p90",
  "p99",
  "longest",
];

/** The cells under `TRACE_HEAD`: percent of the checks, and seconds from a revocation to the last acceptance. */
export const traceRows = ({ rows }: RecordedTrace): string[][] =>
  rows.map(({ lagSeconds, readReplicas, answered, acceptedForSeconds }) => [
    String(lagSeconds),
    readReplicas ? "on" : "off",
    ...[answered.memory, answered.replica, answered.KV, answered.primary].map(
      (share) => `${share} %`,
    ),
    ...Object.values(acceptedForSeconds).map((seconds) => `${seconds} s`),
  ]);

/** `npm run bench -- --trace`. @returns 1 where something revoked was accepted past the bound */
export async function bench(progress: (said: string) => void): Promise<number> {
  const traces = POLICIES.map((policy) => ({ ...LARGE, ...policy }));
  progress(`a trace: of ${traces.length} lags, none is done`);
  let done = 0;
  const found = await runTraces(traces, availableParallelism(), () =>
    progress(`a trace: of ${traces.length} lags, ${++done} are done`),
  );
  const kept = recorded(found);
  console.log(`\n${markdown(TRACE_HEAD, traceRows(kept))}\n`);
  await keep({ "trace.json": `${JSON.stringify(kept, null, 2)}\n` });
  const late = found.filter((traced) => !keepsBound(traced));
  for (const { trace } of late) console.log(`Accepted past a lag of ${trace.lagSeconds} s.`);
  if (late.length === 0) console.log("Nothing that was revoked was accepted past its lag.");
  return late.length === 0 ? 0 : 1;
}
