import { mkdir } from "node:fs/promises";
import { type RunningServer, startServer } from "../../clients/server.ts";
import { launch } from "./chromium.ts";
import { setView, VIEWS } from "./layout.ts";
import { CONSOLE_PAGES } from "./pages.ts";
import { logIn, newBrowserUser } from "./users.ts";
import { newFixtures } from "./fixtures.ts";

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
    const site = { origin: server.origin, browser };
    const fixtures = await newFixtures(server);
    const people = {
      ada: await newBrowserUser(site, {}, fixtures.email),
      nobody: await newBrowserUser(site),
    };
    await logIn(people.ada);
    for (const [index, { name, as, open }] of CONSOLE_PAGES.entries()) {
      const { page } = people[as];
      await setView(page, VIEWS[0]);
      await open(page, fixtures);
      for (const view of VIEWS) {
        await setView(page, view);
        const path = `${FOLDER}/${name}-${view.width}-${view.colorScheme}.png`;
        await page.screenshot({ path, fullPage: true });
      }
      if (IN_README.includes(name)) {
        await setView(page, { width: 1000, height: 660, colorScheme: "light" });
        await page.screenshot({ path: `${README}/${name}.png`, fullPage: true });
      }
      console.log(`${index + 1} of ${CONSOLE_PAGES.length}: ${name}`);
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
