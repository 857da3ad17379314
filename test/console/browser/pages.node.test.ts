import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startSite, type RunningSite, type Contexts, newContexts } from "./site.ts";
import { axe, emptyElements, visible, setView, VIEWS } from "./layout.ts";
import { CONSOLE_PAGES } from "./pages.ts";
import type { Fixtures } from "./fixtures.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let site: RunningSite;
let fixtures: Fixtures;
let contexts: Contexts;

beforeAll(async () => {
  site = await startSite();
  ({ fixtures, contexts } = await newContexts(site));
});

afterAll(() => site?.close());

describe("axe finds nothing in a page, on a phone and on a desk, by day and by night", () => {
  it.concurrent.each(CONSOLE_PAGES)("$name", async ({ name, as, open }) => {
    const page = await contexts[as].newPage();
    await open(page, fixtures);
    expect(await emptyElements(page)).toEqual([]);
    // Both widths and both schemes, if not each with each.
    for (const view of VIEWS.slice(0, 2)) {
      await setView(page, view);
      const path = `screenshots/${name}-${view.width}-${view.colorScheme}.png`;
      await page.screenshot({ path, fullPage: true });
      expect(await axe(page), `${view.width} ${view.colorScheme}`).toEqual([]);
    }
    await page.close();
  });
});

describe("with colors of the reader's own", () => {
  it.concurrent.each(CONSOLE_PAGES)(
    "$name shows where one is, and whose it is",
    async ({ as, open }) => {
      const page = await contexts[as].newPage();
      await page.emulateMedia({ forcedColors: "active", colorScheme: "dark" });
      await open(page, fixtures);
      const menu = await page.evaluate<[boolean, boolean][]>(
        `Array.from(document.querySelectorAll(".menu a"), (each) =>
        [each.hasAttribute("aria-current"), parseFloat(getComputedStyle(each).borderBottomWidth) > 0])`,
      );
      for (const [isCurrent, isUnderlined] of menu) expect(isUnderlined).toBe(isCurrent);
      // What is drawn by a background alone keeps it.
      const drawn = await page.evaluate<[string, string, string][]>(
        `Array.from(document.querySelectorAll(".key, .swatch"), (each) => {
        const { backgroundColor, backgroundImage } = getComputedStyle(each);
        return [each.className, backgroundColor, backgroundImage];
      })`,
      );
      expect(drawn.length).toBeGreaterThan(0);
      const ground = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      for (const [name, color] of drawn) expect(color, name).not.toBe(ground);
      await page.close();
    },
  );
});

describe("on paper", () => {
  it.concurrent.each(CONSOLE_PAGES)("$name has nothing to press", async ({ name, as, open }) => {
    const page = await contexts[as].newPage();
    await open(page, fixtures);
    await page.emulateMedia({ media: "print" });
    expect(await visible(page, ".top, .menu, .skip, button, .button, input, .confirm")).toEqual([]);
    if (name === "action-code") {
      const text = await page.locator("body").innerText();
      expect(text.replaceAll(/\s+/g, " ").trim()).toMatch(
        /^Add contact http\S+\/a\/lk_act_\w+ Expires [^.]*\.$/,
      );
      expect(await page.locator(".qr svg").isVisible()).toBe(true);
    }
    await page.close();
  });
});
