/** Of several rounds: the middle one, and the quartiles on both sides of it. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  };
}

/** Between two values in proportion, as R and NumPy do it. */
function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const [below = Number.NaN, above = Number.NaN] = [
    sorted[Math.floor(place)],
    sorted[Math.ceil(place)],
  ];
  return below + (above - below) * (place - Math.floor(place));
}

/** Round by round. */
export function ratios(over: readonly number[], under: readonly number[]): Figure {
  return figure(over.map((value, round) => value / (under[round] ?? Number.NaN)));
}

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
