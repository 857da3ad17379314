import type { BrowserContext, BrowserContextOptions } from "playwright-core";
import { type RunningServer, startServer } from "../../clients/server.ts";
import { launch } from "./chromium.ts";
import { type Site, logIn, newBrowserUser } from "./users.ts";
import { newFixtures, type Fixtures } from "./fixtures.ts";

/** One server and one browser, for all that a file looks at. */
export interface RunningSite extends Site {
  readonly server: RunningServer;
  close(): Promise<void>;
}

export async function startSite(): Promise<RunningSite> {
  const [server, browser] = await Promise.all([startServer({}, "localhost"), launch()]);
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
export type Contexts = Readonly<Record<"ada" | "nobody", BrowserContext>>;

/** Names in Hebrew, which is written from right to left: in all that a user reads of themselves and of others. */
export async function nameInHebrew({ server }: RunningSite): Promise<void> {
  for (const [table, column] of [
    ["users", "first_name"],
    ["users", "last_name"],
    ["passkeys", "name"],
  ] as const) {
    await server.write(`UPDATE ${table} SET ${column} = ${column} || ' שלום'`);
  }
  await server.write(
    "UPDATE tokens SET detail = json_set(detail, '$.name', detail ->> '$.name' || ' שלום') WHERE detail ->> '$.name' IS NOT NULL",
  );
}

export async function newContexts(
  site: RunningSite,
  options: BrowserContextOptions = {},
): Promise<{ readonly fixtures: Fixtures; readonly contexts: Contexts }> {
  const fixtures = await newFixtures(site.server);
  const ada = await newBrowserUser(site, options, fixtures.email);
  await logIn(ada);
  return {
    fixtures,
    contexts: { ada: ada.context, nobody: (await newBrowserUser(site, options)).context },
  };
}
