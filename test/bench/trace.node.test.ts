import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { keepsBound, percentile, runTraces, shareOf, type Trace } from "../simulation/tracing.ts";

const SMALL = {
  seed: 1,
  tokens: 2_000,
  isolates: 12,
  locations: 3,
  isolateSeconds: 100,
  perSecond: 40,
  seconds: 40,
  revokedPerSecond: 0.5,
  shownPerSecond: 10,
} as const;

const policy = (lagSeconds: number, readReplicas: boolean): Trace => ({
  ...SMALL,
  lagSeconds,
  readReplicas,
});

it("holds the bound on a trace, on which caches and replicas spare the primary", {
  timeout: 120_000,
}, async () => {
  const traces = [policy(10, false), policy(10, true), policy(60, false), policy(60, true)];
  const found = await runTraces(traces, availableParallelism());
  expect(found.filter((traced) => !keepsBound(traced))).toEqual([]);
  const [at10, at10Near, at60, at60Near] = found;
  if (!at10 || !at10Near || !at60 || !at60Near) throw new Error("a trace is missing");
  expect(shareOf(at10, "memory")).toBeGreaterThan(0.3);
  expect(shareOf(at10Near, "primary")).toBeLessThan(0.1);
  expect(shareOf(at60, "KV")).toBeGreaterThan(0.95);
  expect(shareOf(at60Near, "memory")).toBeGreaterThan(0.4);
  expect(shareOf(at60Near, "memory", "replica")).toBeGreaterThan(0.95);
  // A trace in which hardly anything is accepted that was revoked would not show that all of it ends.
  for (const traced of [at10, at10Near, at60, at60Near]) {
    expect(traced.acceptedForMs.length).toBeGreaterThan(8);
    expect(percentile(traced.acceptedForMs, 100)).toBeGreaterThan(600 * traced.trace.lagSeconds);
  }
});
