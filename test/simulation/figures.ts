/** What a simulation counts. Plain numbers, so that threads can send them and they can be added. */
export interface Figures {
  runs: number;
  operations: number;
  requests: number;
  /** Choices of the scheduler, and those of them where two or more tasks could have gone next. */
  decisions: number;
  interleavings: number;
  violations: number;
  virtualMs: number;
  /** How often each fault was met, by its name. */
  readonly faults: Record<string, number>;
  /** How often each operation was begun, by its name. */
  readonly byOperation: Record<string, number>;
  /** Answers by status. */
  readonly statuses: Record<string, number>;
}

export const noFigures = (): Figures => ({
  runs: 0,
  operations: 0,
  requests: 0,
  decisions: 0,
  interleavings: 0,
  violations: 0,
  virtualMs: 0,
  faults: {},
  byOperation: {},
  statuses: {},
});

export function count(table: Record<string, number>, name: string, times = 1): void {
  table[name] = (table[name] ?? 0) + times;
}

export function addFigures(sum: Figures, more: Figures): void {
  for (const name of [
    "runs",
    "operations",
    "requests",
    "decisions",
    "interleavings",
    "violations",
    "virtualMs",
  ] as const) {
    sum[name] += more[name];
  }
  for (const table of ["faults", "byOperation", "statuses"] as const) {
    for (const [name, times] of Object.entries(more[table])) count(sum[table], name, times);
  }
}

/** A scenario in which something happened that must never be. */
export interface Failure {
  readonly seed: number;
  /** fast-check's way from the first scenario to the shortest. */
  readonly path: string;
  readonly message: string;
  readonly scenario: readonly string[];
  readonly shrinks: number;
}
