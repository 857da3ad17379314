import { expect, it } from "vitest";
import { measureCapacity } from "./capacity.ts";

it("measures what a database carries", { timeout: 240_000 }, async () => {
  const plan = { bytes: 6e6, visits: 40, expiredPerSecond: 40, minutes: 2 };
  const { bytes, visits, kept, swept } = await measureCapacity(plan, () => undefined);
  expect(bytes).toBeGreaterThan(0.75 * plan.bytes);
  expect(bytes).toBeLessThan(1.3 * plan.bytes);
  const [at0, at60] = visits.map(({ visit }) => visit);
  // A log-in, twelve checks and a refresh ask the primary at least once each; replicas answer the checks.
  expect(at0?.queries).toBeGreaterThanOrEqual(14);
  expect(at0?.near).toBe(0);
  expect(at60?.queries).toBeLessThan(5);
  expect(at60?.near).toBeGreaterThan(4);
  expect(Math.max(at0?.rowsWritten ?? 99, at60?.rowsWritten ?? 99)).toBeLessThanOrEqual(9);
  expect(at0?.rowsRead).toBeLessThan(1.1 * kept.rowsRead);
  // All that a visit leaves is deleted in the end.
  expect(kept.visitBytes.at(0)?.bytes).toBeGreaterThan(200);
  expect(kept.visitBytes.at(-1)?.bytes).toBeLessThan(200);
  expect(swept.deletedPerSecond).toBeCloseTo(plan.expiredPerSecond);
  expect(swept.lagSeconds).toBe(0);
  expect(swept.busyMsPerMinute.max).toBeGreaterThan(0);
});
