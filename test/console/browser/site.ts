import type { BrowserContext, BrowserContextOptions } from "playwright-core";
import { type RunningServer, startServer } from "../../clients/server.ts";
import { launch } from "./chromium.ts";
import type { Visitor } from "./pages.ts";
import { type Site, logIn, newBrowserUser, signUp } from "./users.ts";
import { newFixtures, type Fixtures } from "./fixtures.ts";

/** One server and one browser, for all that a file looks at. */
export interface RunningSite extends Site {
  readonly server: RunningServer;
  close(): Promise<void>;
}

export async function startSite(): Promise<RunningSite> {
  const [server, browser] = await Promise.all([
    startServer({ MAIL_OUTBOX: "on", ADMIN_SECOND_FACTOR: "off" }, "localhost"),
    launch(),
  ]);
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
export type Contexts = Readonly<Record<Visitor, BrowserContext>>;

/** Names in Hebrew, which is written from right to left: in all that a user reads of themselves and of others. */
export async function nameInHebrew({ server }: RunningSite): Promise<void> {
  for (const [table, column] of [
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
  const [ada, nobody, newcomer, stale, operator] = [
    await newBrowserUser(site, options, fixtures.email),
    await newBrowserUser(site, options),
    await newBrowserUser(site, options),
    await newBrowserUser(site, options),
    await newBrowserUser(site, options),
  ];
  await logIn(ada);
  for (const each of [newcomer, stale, operator]) await signUp(each);
  await site.server.write("UPDATE users SET role = 'Admin' WHERE email = ?1", operator.email);
  await site.server.write(
    `UPDATE tokens SET created_at = created_at - 3600000
      WHERE user_id = (SELECT id FROM users WHERE email = ?1) AND kind = 'session'`,
    stale.email,
  );
  return {
    fixtures,
    contexts: {
      ada: ada.context,
      nobody: nobody.context,
      newcomer: newcomer.context,
      stale: stale.context,
      operator: operator.context,
    },
  };
}
