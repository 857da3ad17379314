import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { addFigures, type Failure, type Figures, noFigures } from "./figures.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url).href);

/** What a thread is told. */
export interface Order {
  readonly seed: number;
  readonly stride: number;
  readonly shrinkMs: number;
  /** One number, that is not 0 any more when the thread is to stop. */
  readonly stop: SharedArrayBuffer;
}

/** What a thread tells after each scenario. */
export interface Report {
  readonly seed: number;
  readonly figures: Figures;
  readonly failure: Failure | null;
  /** Of all that happened in it, in its order. */
  readonly digest: string;
}

export interface Plan {
  readonly seed: number;
  readonly threads: number;
  readonly shrinkMs: number;
  /** Asked after each scenario. */
  isEnough(figures: Figures): boolean;
  onReport?(report: Report, sum: Figures): void;
}

export interface Outcome {
  readonly figures: Figures;
  readonly failures: readonly Failure[];
}

/** Tells stories from a seed on, one seed each, until there are enough of them or one fails. */
export function tellStories(plan: Plan): { readonly done: Promise<Outcome>; stop(): void } {
  const stop = new SharedArrayBuffer(4);
  const stopped = new Int32Array(stop);
  const figures = noFigures();
  const failures: Failure[] = [];
  const stopAll = () => void Atomics.store(stopped, 0, 1);

  const threads = Array.from({ length: plan.threads }, (_, index) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const order: Order = {
      seed: plan.seed + index,
      stride: plan.threads,
      shrinkMs: plan.shrinkMs,
      stop,
    };
    const worker = new Worker(WORKER, { workerData: order });
    worker.on("message", (report: Report) => {
      addFigures(figures, report.figures);
      if (report.failure !== null) failures.push(report.failure);
      plan.onReport?.(report, figures);
      if (report.failure !== null || plan.isEnough(figures)) stopAll();
    });
    worker.on("error", (error) => {
      stopAll();
      reject(error);
    });
    worker.on("exit", () => resolve());
    return promise;
  });
  return { done: Promise.all(threads).then(() => ({ figures, failures })), stop: stopAll };
}
