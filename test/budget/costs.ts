import { BUDGET } from "./budget.ts";

/** Cloudflare's prices in dollars per million (Workers Paid, November 2026, beyond what is included). */
export const PRICES = {
  request: 0.3,
  cpuMs: 0.02,
  kvRead: 0.5,
  kvWrite: 5,
  rowRead: 0.001,
  rowWritten: 1,
} as const;

/** What one request asks of the stores. */
export interface Work {
  readonly kvReads: number;
  readonly kvWrites: number;
  readonly queries: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

export type Column = "0" | "60" | "300" | "10 warm" | "300 warm";

/** A million requests, in dollars. */
export function dollars(work: Work, cpuMs: number): number {
  return (
    PRICES.request +
    PRICES.cpuMs * cpuMs +
    PRICES.kvRead * work.kvReads +
    PRICES.kvWrite * work.kvWrites +
    PRICES.rowRead * work.rowsRead +
    PRICES.rowWritten * work.rowsWritten
  );
}

/** Each request of the budget, and its cell under a revocation lag. */
export function budgetRows(table = BUDGET): readonly {
  readonly request: string;
  cell(column: Column): string;
}[] {
  const [head = "", ...lines] = table.trim().split("\n");
  const cells = (text: string) => text.split("|").map((cell) => cell.trim());
  // The head begins with the bar that follows the request in the other lines.
  const columns = cells(head);
  return lines.map((line) => {
    const row = cells(line);
    return { request: row[0] ?? "", cell: (column) => row[columns.indexOf(column)] ?? "" };
  });
}

/** @param cell as in the budget: `1g 2p · 3q 6r 2w · 1h` */
export function workOf(cell: string): Work {
  const count = (unit: string) => Number(new RegExp(`(\\d+)${unit}\\b`).exec(cell)?.[1] ?? 0);
  return {
    kvReads: count("g"),
    kvWrites: count("p") + count("d"),
    queries: count("q"),
    rowsRead: count("r"),
    rowsWritten: count("w"),
  };
}
