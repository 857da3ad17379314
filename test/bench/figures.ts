/** The median and the quartiles of several rounds. */
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

/** Interpolates linearly, as R and NumPy do. */
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

/** A measurement and its limit. */
export interface Verdict {
  readonly title: string;
  readonly measured: Figure;
  readonly limit: number;
  /** What both are a multiple of, or their unit. */
  readonly of: string;
}

export type Outcome = "met" | "within the spread" | "MISSED";

/** Missed only if the better quarter of the rounds misses it too. Otherwise it may be the machine. */
export function outcome({ measured, limit }: Verdict): Outcome {
  if (measured.median <= limit) return "met";
  return measured.low <= limit ? "within the spread" : "MISSED";
}
