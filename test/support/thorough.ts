import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Whether the long suites run, which leave nothing out. */
    thorough: boolean;
  }
}

export const isThorough = inject("thorough");

/** As many rounds, requests or people as the long suites take, or a fifth of them. */
export const share = (count: number): number => (isThorough ? count : Math.ceil(count / 5));

/** All in the long suites; else every third (or `step`), beginning elsewhere at each turn. */
export const some = <T>(items: readonly T[], turn: number, step = 3): readonly T[] =>
  isThorough ? items : items.filter((_, index) => (index + turn) % step === 0);

/** Every row with every column in the long suites; else every row with one column, in turn. */
export function cross<R, C>(rows: readonly R[], columns: readonly C[]): (readonly [R, C])[] {
  return rows.flatMap((row, index) =>
    columns
      .filter((_, at) => isThorough || at === index % columns.length)
      .map((column) => [row, column] as const),
  );
}
