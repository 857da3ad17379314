import { mkdir } from "node:fs/promises";
import { setView, VIEWS } from "./layout.ts";
import { CONSOLE_PAGES } from "./pages.ts";
import { newContexts, startSite } from "./site.ts";

/**
 * Pictures of every page, or of those whose names begin with an argument, on a phone and on a desk, by day and by
 * night: into `screenshots/`; and the two that the README shows, into `docs/images/`.
 */

const FOLDER = "screenshots";
const README = "docs/images";
const wanted = process.argv.slice(2);
const PAGES = CONSOLE_PAGES.filter(
  ({ name }) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)),
);
const IN_README = ["tokens", "action-code"];

await mkdir(FOLDER, { recursive: true });
await mkdir(README, { recursive: true });
const site = await startSite();
try {
  const { fixtures, contexts } = await newContexts(site);
  for (const [index, { name, as, open }] of PAGES.entries()) {
    const page = await contexts[as].newPage();
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
    await page.close();
    console.log(`${index + 1} of ${PAGES.length}: ${name}`);
  }
} finally {
  await site.close();
}
