import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { noFigures } from "./figures.ts";
import type { Order, Report } from "./pool.ts";
import { run } from "./scenario.ts";

/** A thread that tells every n-th scenario. It has globals of its own, so that time can be stopped in it. */
const { seed, stride, shrinkMs, stop }: Order = workerData;

const stopped = new Int32Array(stop);

for (let next = seed; Atomics.load(stopped, 0) === 0; next += stride) {
  const figures = noFigures();
  const digest = createHash("sha256");
  const failure = await run(next, figures, shrinkMs, ({ trace, scenario }) => {
    digest.update(trace.join("\n")).update(scenario.join("\n"));
  });
  const report: Report = { seed: next, figures, failure, digest: digest.digest("hex") };
  parentPort?.postMessage(report);
}
