import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startSite, type RunningSite, type Contexts, newContexts } from "./site.ts";
import { CONSOLE_PAGES } from "./pages.ts";
import { openConfirm, newBrowserUser } from "./users.ts";
import type { Fixtures } from "./fixtures.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let site: RunningSite;

beforeAll(async () => {
  site = await startSite();
});

afterAll(() => site?.close());

const REFUSED = CONSOLE_PAGES.filter(({ name }) => /-wrong$|-problem$/.test(name));

describe.each([
  ["with JavaScript", true],
  ["without JavaScript", false],
])("%s", (_, javaScriptEnabled) => {
  let fixtures: Fixtures;
  let contexts: Contexts;

  beforeAll(async () => {
    ({ fixtures, contexts } = await newContexts(site, { javaScriptEnabled }));
  });

  it.concurrent.each(REFUSED)(
    "$name: what was refused looks so, has the focus and is in view",
    async ({ as, open }) => {
      const page = await contexts[as].newPage();
      await page.setViewportSize({ width: 1440, height: 900 });
      await open(page, fixtures);
      const looks = await page.evaluate<[string, string][]>(
        `(() => {
          const probe = document.createElement("span");
          probe.className = "problem";
          document.querySelector("main").append(probe);
          const red = getComputedStyle(probe).color;
          probe.remove();
          return Array.from(document.querySelectorAll("[aria-invalid]"), (each) => {
            const { borderTopColor, outlineColor } = getComputedStyle(each);
            return [each.type === "checkbox" ? outlineColor : borderTopColor, red];
          });
        })()`,
      );
      expect(looks.length).toBeGreaterThan(0);
      const hasFocus = page.locator(":focus");
      expect(await hasFocus.getAttribute("aria-invalid")).toBe("true");
      const ofFocused = await hasFocus.getAttribute("type");
      for (const [color, red] of looks) if (ofFocused !== "checkbox") expect(color).toBe(red);
      const box = await hasFocus.boundingBox();
      expect(box?.y).toBeGreaterThanOrEqual(0);
      expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(900);
      await page.close();
    },
  );
});

describe("small things that are pressed", () => {
  let fixtures: Fixtures;
  let contexts: Contexts;

  beforeAll(async () => {
    ({ fixtures, contexts } = await newContexts(site));
  });

  it("what is copied is said, and its button stays as wide", async () => {
    const { context, page } = await newBrowserUser(
      site,
      {
        permissions: ["clipboard-read", "clipboard-write"],
        storageState: await contexts.ada.storageState(),
      },
      fixtures.email,
    );
    await CONSOLE_PAGES.find(({ name }) => name === "action-code")?.open(page, fixtures);
    const copy = page.locator("[data-copy]");
    const before = await copy.boundingBox();
    await copy.click();
    await page
      .locator('main [role="status"]', { hasText: "Copied" })
      .waitFor({ state: "attached" });
    expect((await copy.innerText()).trim()).toBe("Copied");
    expect((await copy.boundingBox())?.width).toBe(before?.width);
    await context.close();
  });

  it("Escape closes what asks again, and the focus is where it was", async () => {
    const page = await contexts.ada.newPage();
    await page.goto("/console/tokens");
    await openConfirm(page, "Revoke all");
    expect(await page.locator("details.confirm[open]").count()).toBe(1);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    expect(await page.locator("details.confirm[open]").count()).toBe(0);
    expect(await page.evaluate<string>("document.activeElement.tagName")).toBe("SUMMARY");
    await page.close();
  });

  it.each(["light", "dark"] as const)(
    "a button stays to be seen under the pointer, %s",
    async (colorScheme) => {
      const page = await contexts.ada.newPage();
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const path of ["/console/tokens", "/console/account", "/console/tokens/new"]) {
        await page.goto(path);
        for (const button of await page
          .locator("button:visible, .button:visible, summary:visible")
          .all()) {
          await button.hover();
          const [filter, border, ground] = await page.evaluate<[string, string, string]>(
            `(() => {
            const all = document.querySelectorAll(":is(button, .button, summary):hover");
            const { filter, borderTopColor, backgroundColor } = getComputedStyle(all[all.length - 1]);
            return [filter, borderTopColor, backgroundColor];
          })()`,
          );
          const isQuiet = !/ 0\)$/.test(border);
          if (isQuiet) {
            expect(filter).toBe("none");
            expect(border).not.toBe(ground);
          }
        }
      }
      await page.close();
    },
  );

  it("the documents show where one is, on a desk and on a phone", async () => {
    const page = await contexts.nobody.newPage();
    const linksOn = async (path: string, links: string) => {
      await page.goto(path);
      return page
        .locator(links)
        .evaluateAll((all) => all.map((each) => each.getAttribute("href") ?? ""));
    };
    const operations: string[] = [];
    for (const group of await linksOn("/docs", ".groups a")) {
      operations.push(...(await linksOn(group, ".operations a")));
    }
    expect(new Set(operations).size).toBe(operations.length);
    for (const path of operations) {
      await page.goto(path);
      await page.setViewportSize({ width: 1440, height: 900 });
      const here = page.locator('.contents li [aria-current="page"]');
      const { y = -1 } = (await here.boundingBox()) ?? {};
      expect(y, path).toBeGreaterThan(0);
      expect(y, path).toBeLessThan(880);
    }
    await page.setViewportSize({ width: 768, height: 900 });
    await page.locator(".contents summary").first().click();
    expect(await page.locator('.contents li [aria-current="page"]').isVisible()).toBe(true);
    const { text } = { text: await page.content() };
    expect(text).not.toContain("without the last slash");
    await page.close();
  });
});
