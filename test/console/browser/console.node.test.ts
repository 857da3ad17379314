import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type RunningServer, startServer } from "../../clients/server.ts";
import { launch } from "./chromium.ts";
import { axe, tooWide, turnTo, VIEWS } from "./look.ts";
import { SHOWN } from "./pages.ts";
import { type House, logIn, somebody } from "./people.ts";
import { aTokensLife, byKeyboard, inOutAndEverywhere, twoPeopleMeet } from "./stories.ts";
import { newWorld, type World } from "./world.ts";

/** Stories wait for each other where processors are few. */
vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let server: RunningServer;
let browser: Browser;
let house: House;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launch()]);
  house = { origin: server.origin, browser };
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

describe.concurrent.each([
  ["with JavaScript", { javaScriptEnabled: true }],
  ["without JavaScript", { javaScriptEnabled: false }],
])("%s", (_, telling) => {
  it("two people meet over a code, from sign-up to contact", () => twoPeopleMeet(house, telling));
  it("a token's whole life", () => aTokensLife(house, telling));
  it("log in, out and everywhere", () => inOutAndEverywhere(house, telling));
});

it("everything is done by keyboard, and shows where it is", () => byKeyboard(house));

describe("each page is whole on a phone and on a desk, and axe finds nothing in it", () => {
  let world: World;
  let contexts: Record<"ada" | "nobody", BrowserContext>;

  beforeAll(async () => {
    world = await newWorld(server);
    const ada = await somebody(house, {}, world.email);
    await logIn(ada);
    contexts = { ada: ada.context, nobody: (await somebody(house)).context };
  });

  it.concurrent.each(SHOWN)("$name", async ({ name, as, open }) => {
    const page = await contexts[as].newPage();
    await open(page, world);
    // Both widths and both schemes, if not each with each.
    for (const view of VIEWS.slice(0, 2)) {
      await turnTo(page, view);
      expect(await tooWide(page), `pixels too wide at ${view.width}`).toBe(0);
      const path = `screenshots/${name}-${view.width}-${view.colorScheme}.png`;
      await page.screenshot({ path, fullPage: true });
      expect(await axe(page), `${view.width} ${view.colorScheme}`).toEqual([]);
    }
    await page.close();
  });
});
