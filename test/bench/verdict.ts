import type { Figure } from "./statistics.ts";

/** What was measured, and what it was to reach. */
export interface Verdict {
  readonly title: string;
  readonly measured: Figure;
  readonly limit: number;
  /** Of what the two are a multiple, or their unit. */
  readonly of: string;
}

export type Outcome = "met" | "within the spread" | "MISSED";

/** Missed only where the better quarter of the rounds misses it too: else it may be the machine. */
export function outcome({ measured, limit }: Verdict): Outcome {
  if (measured.median <= limit) return "met";
  return measured.low <= limit ? "within the spread" : "MISSED";
}
