import { afterAll, beforeAll, it, vi } from "vitest";
import { type Contexts, nameInHebrew, newContexts, type RunningSite, startSite } from "./site.ts";
import {
  AXE_VIEWS,
  axe,
  emptyElements,
  keyboardFlaws,
  nameFlaws,
  notIsolated,
  setView,
  visible,
} from "./layout.ts";
import { CONSOLE_PAGES } from "./pages.ts";
import type { Fixtures } from "./fixtures.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const DESK = { width: 768, height: 1024, colorScheme: "light" } as const;
const MODES = ["with JavaScript", "without JavaScript"] as const;

let site: RunningSite;
const visitors = new Map<string, { readonly fixtures: Fixtures; readonly contexts: Contexts }>();

beforeAll(async () => {
  site = await startSite();
  for (const mode of MODES) {
    const visitor = await newContexts(site);
    // Not by `javaScriptEnabled`, with which axe does not run either.
    if (mode === "without JavaScript") {
      for (const context of Object.values(visitor.contexts)) {
        await context.route(/\.js(?:\?|$)/, (route) =>
          route.fulfill({ contentType: "text/javascript", body: "" }),
        );
      }
    }
    visitors.set(mode, visitor);
  }
  await nameInHebrew(site);
});

afterAll(() => site?.close());

/** Each is loaded once. Then only what the browser emulates is changed. */
const ALL = MODES.flatMap((mode) => CONSOLE_PAGES.map((shown) => ({ ...shown, mode })));

it.concurrent.for(ALL)(
  "$name, $mode: by keyboard, by ear, by axe in each view, in colors of the reader's own, and on paper",
  async ({ name, as, open, mode }, { expect }) => {
    const visitor = visitors.get(mode);
    if (visitor === undefined) throw new Error(`nobody visits ${mode}`);
    const { fixtures, contexts } = visitor;
    const page = await contexts[as].newPage();
    await setView(page, DESK);
    await open(page, fixtures);
    // The field with an error is focused at the next frame, and would take the focus from what Tab has reached.
    await page.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
    );
    const flaws = {
      empty: await emptyElements(page),
      keyboard: await keyboardFlaws(page),
      names: await nameFlaws(page),
      isolation: await notIsolated(page),
    };
    expect.soft(flaws).toEqual({ empty: [], keyboard: [], names: [], isolation: [] });
    if (["contacts", "tokens", "passkeys"].includes(name)) {
      expect(await page.locator("main").innerText()).toContain("שלום");
    }
    for (const view of AXE_VIEWS) {
      await setView(page, view);
      expect.soft(await axe(page), `${view.width} ${view.colorScheme}`).toEqual([]);
    }

    // What is drawn by a background alone keeps it, and the menu shows where one is.
    await page.emulateMedia({ forcedColors: "active", colorScheme: "dark" });
    const menu = await page.evaluate<[boolean, boolean][]>(
      `Array.from(document.querySelectorAll(".menu a"), (each) =>
        [each.hasAttribute("aria-current"), parseFloat(getComputedStyle(each).borderBottomWidth) > 0])`,
    );
    for (const [isCurrent, isUnderlined] of menu) expect.soft(isUnderlined).toBe(isCurrent);
    const drawn = await page.evaluate<[string, string, string][]>(
      `Array.from(document.querySelectorAll(".key, .swatch"), (each) => {
        const { backgroundColor, backgroundImage } = getComputedStyle(each);
        return [each.className, backgroundColor, backgroundImage];
      })`,
    );
    expect.soft(drawn.length).toBeGreaterThan(0);
    const ground = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    for (const [name, color] of drawn) expect.soft(color, name).not.toBe(ground);

    await page.emulateMedia({ media: "print", forcedColors: null });
    expect
      .soft(await visible(page, ".top, .menu, .skip, button, .button, input, .confirm"))
      .toEqual([]);
    if (name === "action-code") {
      const text = await page.locator("body").innerText();
      expect(text.replaceAll(/\s+/g, " ").trim()).toMatch(
        /^Add contact http\S+\/a\/lk_act_\w+ Expires [^.]*\.$/,
      );
      expect(await page.locator(".qr svg").isVisible()).toBe(true);
    }
    await page.close();
  },
);
