import type { BrowserContext, BrowserContextOptions } from "playwright-core";
import { type RunningServer, startServer } from "../../clients/server.ts";
import { launch } from "./chromium.ts";
import { type House, logIn, somebody } from "./people.ts";
import { newWorld, type World } from "./world.ts";

/** One server and one browser, for all that a file looks at. */
export interface OpenHouse extends House {
  readonly server: RunningServer;
  close(): Promise<void>;
}

export async function openHouse(): Promise<OpenHouse> {
  const [server, browser] = await Promise.all([startServer(), launch()]);
  return {
    server,
    browser,
    origin: server.origin,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** Contexts for who has everything and for nobody, by the names that `SHOWN` uses. */
export type Visitors = Readonly<Record<"ada" | "nobody", BrowserContext>>;

export async function visitorsOf(
  house: OpenHouse,
  options: BrowserContextOptions = {},
): Promise<{ readonly world: World; readonly visitors: Visitors }> {
  const world = await newWorld(house.server);
  const ada = await somebody(house, options, world.email);
  await logIn(ada);
  return {
    world,
    visitors: { ada: ada.context, nobody: (await somebody(house, options)).context },
  };
}
