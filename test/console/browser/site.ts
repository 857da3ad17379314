import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { type RunningServer, startServer } from "../../clients/server.ts";
import { launch } from "./chromium.ts";
import type { Visitor } from "./pages.ts";
import { codeOf } from "../../second-factor/code.ts";
import { button, type Site, logIn, newBrowserUser, signUp } from "./users.ts";
import { newFixtures, type Fixtures } from "./fixtures.ts";

/** One server and one browser, for all that a file looks at. */
export interface RunningSite extends Site {
  readonly server: RunningServer;
  /** The link of an email: of the latest of its type to this address, as soon as it is there. */
  mailed(type: string, to: string): Promise<string>;
  close(): Promise<void>;
}

/** Takes the emails that the service sends. */
async function startMailbox() {
  const links = new Map<string, string>();
  const server = createServer(async (request, answer) => {
    const { type, data } = Object(await json(request));
    links.set(`${type} ${data.to}`, data.link);
    answer.end();
    server.emit("mail");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${Object(server.address()).port}/`,
    async mailed(type: string, to: string): Promise<string> {
      for (;;) {
        const link = links.get(`${type} ${to}`);
        if (link !== undefined) return link;
        await once(server, "mail");
      }
    },
    close: () => server.close(),
  };
}

export async function startSite(): Promise<RunningSite> {
  const mailbox = await startMailbox();
  const settings = {
    MAIL_WEBHOOK_URL: mailbox.url,
    MAIL_WEBHOOK_SECRET: `whsec_${btoa("x".repeat(32))}`,
    ADMIN_SECOND_FACTOR: "off",
  };
  const [server, browser] = await Promise.all([startServer(settings, "localhost"), launch()]);
  return {
    server,
    mailed: mailbox.mailed,
    browser,
    origin: server.origin,
    async close() {
      await browser.close();
      await server.close();
      mailbox.close();
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
  const fixtures = await newFixtures(site);
  const ada = await newBrowserUser(site, options, fixtures.email);
  const guarded = await newBrowserUser(site, options, fixtures.guardedEmail);
  const [nobody, newcomer, beginner, stale, operator] = [
    await newBrowserUser(site, options),
    await newBrowserUser(site, options),
    await newBrowserUser(site, options),
    await newBrowserUser(site, options),
    await newBrowserUser(site, options),
  ];
  await logIn(ada);
  for (const each of [guarded, newcomer, beginner, stale, operator]) await signUp(each);
  await turnOnSecondFactor(guarded.page);
  await site.server.write("UPDATE users SET role = 'Admin' WHERE email = ?1", operator.email);
  for (const { email } of [stale, guarded]) {
    await site.server.write(
      `UPDATE tokens SET created_at = created_at - 3600000, authenticated_at = authenticated_at - 3600000
        WHERE user_id = (SELECT id FROM users WHERE email = ?1) AND kind = 'session'`,
      email,
    );
  }
  return {
    fixtures,
    contexts: {
      ada: ada.context,
      nobody: nobody.context,
      newcomer: newcomer.context,
      beginner: beginner.context,
      guarded: guarded.context,
      stale: stale.context,
      operator: operator.context,
    },
  };
}

/** With an app that shows its codes: then the page has the recovery codes. */
export async function turnOnSecondFactor(page: Page): Promise<void> {
  await page.goto("/console/account/security/second-factor");
  await button(page, "Set up authenticator app").click();
  const code = page.getByLabel("Code from the app");
  await code.waitFor();
  const secret = await page.locator("input[name=secret]").inputValue();
  await code.fill(await codeOf(secret, Date.now()));
  await button(page, "Turn on").click();
  await page.locator(".codes").waitFor();
}
