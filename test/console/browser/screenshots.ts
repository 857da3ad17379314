import { mkdir } from "node:fs/promises";
import { type RunningServer, startServer } from "../../clients/server.ts";
import { launch } from "./chromium.ts";
import { turnTo, VIEWS } from "./look.ts";
import { SHOWN } from "./pages.ts";
import { logIn, somebody } from "./people.ts";
import { newWorld } from "./world.ts";

/**
 * Pictures of every page, on a phone and on a desk, by day and by night: into `screenshots/`; and
 * the two that the papers show, into `readme/` beside this file.
 */

const FOLDER = "screenshots";
const README = "test/console/browser/readme";
const IN_README = ["tokens", "action-code"];

async function take(server: RunningServer): Promise<void> {
  const browser = await launch();
  try {
    const house = { origin: server.origin, browser };
    const world = await newWorld(server);
    const people = { ada: await somebody(house, {}, world.email), nobody: await somebody(house) };
    await logIn(people.ada);
    for (const [index, { name, as, open }] of SHOWN.entries()) {
      const { page } = people[as];
      await turnTo(page, VIEWS[0]);
      await open(page, world);
      for (const view of VIEWS) {
        await turnTo(page, view);
        const path = `${FOLDER}/${name}-${view.width}-${view.colorScheme}.png`;
        await page.screenshot({ path, fullPage: true });
      }
      if (IN_README.includes(name)) {
        await turnTo(page, { width: 1000, height: 660, colorScheme: "light" });
        await page.screenshot({ path: `${README}/${name}.png`, fullPage: true });
      }
      console.log(`${index + 1} of ${SHOWN.length}: ${name}`);
    }
  } finally {
    await browser.close();
  }
}

await mkdir(FOLDER, { recursive: true });
await mkdir(README, { recursive: true });
const server = await startServer();
try {
  await take(server);
} finally {
  await server.close();
}
