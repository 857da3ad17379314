import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startSite, type RunningSite, type Contexts, newContexts } from "./site.ts";
import { overflowing, withLargeText } from "./layout.ts";
import { CONSOLE_PAGES } from "./pages.ts";
import type { Fixtures } from "./fixtures.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Half of them are also what 200 % zoom makes of a window twice as wide. */
const WIDTHS = Array.from({ length: 29 }, (_, index) => 320 + index * 40);
/** With text twice as large. */
const LARGE = [360, 640, 720, 1440];

let site: RunningSite;

beforeAll(async () => {
  site = await startSite();
});

afterAll(() => site?.close());

describe.each([
  ["with JavaScript", true],
  ["without JavaScript", false],
])("%s", (_, javaScriptEnabled) => {
  let fixtures: Fixtures;
  let contexts: Contexts;

  beforeAll(async () => {
    ({ fixtures, contexts } = await newContexts(site, { javaScriptEnabled }));
  });

  it.concurrent.each(CONSOLE_PAGES)(
    "$name begins at its start, and fits every window",
    async (shown) => {
      const page = await contexts[shown.as].newPage();
      await page.setViewportSize({ width: 360, height: 740 });
      await shown.open(page, fixtures);
      if (shown.isAsOpened) {
        const isMarked = await page.locator("main [autofocus]").count();
        if (isMarked === 0) await page.keyboard.press("Tab");
        await page.locator(":focus:is([aria-invalid], .alert, .skip, [autofocus])").waitFor();
        if (isMarked > 0) {
          const { y, height } = (await page.locator(":focus").boundingBox()) ?? {
            y: -1,
            height: 0,
          };
          expect(y).toBeGreaterThanOrEqual(0);
          expect(y + height).toBeLessThanOrEqual(740);
        }
      }
      // The current part of the menu is there to be seen, without scrolling.
      for (const width of [320, 360, 1440]) {
        await page.setViewportSize({ width, height: 740 });
        const outside = await page.evaluate<string[]>(
          `Array.from(document.querySelectorAll(".menu a"))
          .filter((each) => {
            const { left, right } = each.getBoundingClientRect();
            return left < 0 || right > innerWidth;
          })
          .map((each) => each.textContent)`,
        );
        expect(outside, `menu at ${width}`).toEqual([]);
      }
      const wide: string[] = [];
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 740 });
        wide.push(...(await overflowing(page)).map((each) => `${width}: ${each}`));
      }
      await withLargeText(page);
      for (const width of LARGE) {
        await page.setViewportSize({ width, height: 740 });
        wide.push(...(await overflowing(page)).map((each) => `${width}, large: ${each}`));
      }
      expect(wide).toEqual([]);
      await page.close();
    },
  );
});
