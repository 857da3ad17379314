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

export async function setView(page: Page, { width, height, colorScheme }: View): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.setViewportSize({ width, height });
}

/**
 * What reaches beyond the window, or beyond a card or table that would cut it off; of a cell also what
 * touches its border. What scrolls by itself may be as wide as it likes.
 */
export function overflowing(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const found = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push("the page by " + (scrollWidth - clientWidth));
    for (const each of document.querySelectorAll("main *")) {
      if (each.closest(".unseen, thead, .sample section, svg, select, input, [hidden], noscript")) continue;
      if (!each.checkVisibility()) continue;
      const { display, overflowX } = getComputedStyle(each);
      if (display === "inline" || overflowX === "auto") continue;
      if (each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0) {
        found.push(each.tagName + "." + each.className + " by " + (each.scrollWidth - each.clientWidth));
      }
    }
    for (const table of document.querySelectorAll("main table")) {
      const edge = table.getBoundingClientRect().right - 4;
      for (const each of table.querySelectorAll("th, td, th *, td *")) {
        if (!each.checkVisibility() || each.closest(".unseen, thead")) continue;
        for (const node of each.childNodes) {
          if (node.nodeType !== 3 || node.data.trim() === "") continue;
          const range = document.createRange();
          range.selectNodeContents(node);
          if (range.getBoundingClientRect().right > edge) found.push("touches: " + node.data);
        }
      }
    }
    return found;
  })()`);
}

/** As a reader has it who has set text to be twice as large. */
export async function withLargeText(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setFontSizes", { fontSizes: { standard: 32, fixed: 26 } });
}

/** What of this can be seen, as HTML. */
export function visible(page: Page, selector: string): Promise<string[]> {
  return page.evaluate<string[]>(
    `Array.from(document.querySelectorAll(${JSON.stringify(selector)}))
      .filter((each) => each.checkVisibility() && each.getClientRects().length > 0)
      .map((each) => each.outerHTML.slice(0, 200))`,
  );
}

/** Elements with nothing in them: they would leave air. */
export function emptyElements(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(
    `Array.from(document.querySelectorAll("main :is(ul, ol, p, dl, table, tbody, section, div, form)"))
      .filter((each) => each.childElementCount === 0 && each.textContent.trim() === "")
      .map((each) => each.outerHTML)`,
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
