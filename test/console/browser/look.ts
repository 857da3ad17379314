import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

/** How a page is looked at: on a phone and on a desk, by day and by night. */
export const VIEWS = [
  { width: 1440, height: 900, colorScheme: "light" },
  { width: 360, height: 740, colorScheme: "dark" },
  { width: 1440, height: 900, colorScheme: "dark" },
  { width: 360, height: 740, colorScheme: "light" },
] as const satisfies readonly View[];

export interface View {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
}

export async function turnTo(page: Page, { width, height, colorScheme }: View): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.setViewportSize({ width, height });
}

/** How far the page reaches beyond the window's right edge, in pixels. */
export function tooWide(page: Page): Promise<number> {
  return page.evaluate<number>(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds, a line each: all its rules, the best practices too. */
export async function axe(page: Page): Promise<string[]> {
  // Through the debugger, since the pages' policy lets no script of ours in.
  if (await page.evaluate<boolean>("!('axe' in globalThis)")) await page.evaluate(AXE);
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(" "))))`,
  );
}
