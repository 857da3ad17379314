import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** Checks as a large deployment has them, under one revocation lag. */
export interface Trace {
  readonly seed: number;
  readonly lagSeconds: number;
  readonly readReplicas: boolean;
  /** The n-th of them is checked 1/n as often as the first (Zipf). Two of three are sessions, the others JWTs of a day. */
  readonly tokens: number;
  /** In as many locations, each with its own view of KV, as `locations` says; each isolate lives that long on average. */
  readonly isolates: number;
  readonly locations: number;
  readonly isolateSeconds: number;
  readonly perSecond: number;
  /** What is counted; a lag's time of warming up comes before. */
  readonly seconds: number;
  /** Tokens that are revoked in a second, drawn as those that are checked. Its holder then has another one. */
  readonly revokedPerSecond: number;
  /** How often each is shown again: at isolates that still took it, at others at home, and anywhere. */
  readonly shownPerSecond: number;
}

/** Who answered a check: the last that was asked. */
export type Answerer = "memory" | "replica" | "KV" | "primary";

export interface Traced {
  readonly trace: Trace;
  readonly answered: Readonly<Record<Answerer, number>>;
  /** Of each revocation, from its answer until the token was last accepted; 0 where it was not. Ascending. */
  readonly acceptedForMs: readonly number[];
}

const WORKER = fileURLToPath(new URL("./trace.ts", import.meta.url).href);

/** Each in a thread of its own, in which time can be stopped; `threads` at once. @returns in the same order */
export async function runTraces(
  traces: readonly Trace[],
  threads: number,
  onDone: (traced: Traced) => void = () => undefined,
): Promise<readonly Traced[]> {
  const found: Traced[] = [];
  const waiting = [...traces.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, trace] = next;
      const traced = await inThread(trace);
      found[index] = traced;
      onDone(traced);
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return found;
}

function inThread(trace: Trace): Promise<Traced> {
  const { promise, resolve, reject } = Promise.withResolvers<Traced>();
  const worker = new Worker(WORKER, { workerData: trace });
  worker.on("message", resolve);
  worker.on("error", reject);
  worker.on("exit", () => reject(new Error("a trace ended without its figures")));
  return promise;
}

/** The value that so many of 100 do not exceed. @param sorted ascending */
export const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;

/** What a holder of a revoked token may count on: at lag 0 it is refused from the answer on. */
export const keepsBound = ({ trace: { lagSeconds }, acceptedForMs }: Traced): boolean => {
  const most = acceptedForMs.at(-1) ?? 0;
  return lagSeconds === 0 ? most === 0 : most < lagSeconds * 1000;
};

/** The part of the checks that these answered, of 1. */
export function shareOf({ answered }: Traced, ...by: readonly Answerer[]): number {
  const all = Object.values(answered).reduce((sum, count) => sum + count, 0);
  return by.reduce((sum, each) => sum + answered[each], 0) / all;
}
