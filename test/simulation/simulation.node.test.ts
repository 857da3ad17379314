import { expect, it } from "vitest";
import { isThorough } from "../support/thorough.ts";
import { type Report, tellStories } from "./pool.ts";

const OPERATIONS = isThorough ? 20_000 : 2_500;
const SEEDS = OPERATIONS / 100;
const THREADS = 2;

/** Other stories than those of `npm run simulate`, but the same at each run of the tests. */
const FIRST_SEED = 1_000_000;

it(`holds over ${OPERATIONS} operations and ${SEEDS} seeds`, { timeout: 300_000 }, async () => {
  const { figures, failures } = await tellStories({
    seed: FIRST_SEED,
    threads: THREADS,
    shrinkMs: 30_000,
    isEnough: ({ operations, runs }) => operations >= OPERATIONS && runs >= SEEDS,
  }).done;
  expect(failures).toEqual([]);
  expect(figures.operations).toBeGreaterThanOrEqual(OPERATIONS);
  expect(figures.runs).toBeGreaterThanOrEqual(SEEDS);
  // Stories in which little happens at once, or nothing fails, would show little.
  expect(figures.interleavings).toBeGreaterThan(OPERATIONS / 4);
  expect(Object.keys(figures.faults).length).toBeGreaterThanOrEqual(isThorough ? 19 : 17);
});

const SEEDS_AGAIN = [7, 8, 9, 10];

it("does the same at every run of a seed", { timeout: 60_000 }, async () => {
  const digests = async (threads: number) => {
    const reports: Report[] = [];
    await tellStories({
      seed: SEEDS_AGAIN[0] ?? 0,
      threads,
      shrinkMs: 1_000,
      isEnough: () => SEEDS_AGAIN.every((each) => reports.some(({ seed }) => seed === each)),
      onReport: (report) => reports.push(report),
    }).done;
    const bySeed = new Map(reports.map(({ seed, digest }) => [seed, digest]));
    return SEEDS_AGAIN.map((seed) => bySeed.get(seed));
  };
  const first = await digests(1);
  expect(new Set(first).size).toBe(4);
  // Alone in a thread or beside another, as the first scenario of a thread or a later one.
  expect(await digests(2)).toEqual(first);
});
