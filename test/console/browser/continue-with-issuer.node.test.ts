import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startIssuers } from "../../identities/issuer.ts";
import { startServer, type RunningServer } from "../../clients/server.ts";
import { launch } from "./chromium.ts";
import { button, heading, newBrowserUser } from "./users.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let issuers: Awaited<ReturnType<typeof startIssuers>>;
let server: RunningServer;
let browser: Awaited<ReturnType<typeof launch>>;
let acme = "";

beforeAll(async () => {
  issuers = await startIssuers();
  acme = `${issuers.url}/acme`;
  const row = { name: "acme", issuer: acme, jwks: `${acme}/keys`, audience: ["ours"] };
  const OPENID_ISSUERS = JSON.stringify([
    { ...row, client_id: "ours", client_secret: "their-secret" },
  ]);
  [server, browser] = await Promise.all([startServer({ OPENID_ISSUERS }), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  issuers?.close();
});

/** Who is logged in at the issuer, and how it answers. */
const visitor = (more: object) =>
  fetch(acme, {
    method: "POST",
    body: JSON.stringify({ person: { claims: { sub: "ann" }, ...more } }),
  });

it.each([
  ["with JavaScript", { javaScriptEnabled: true }],
  ["without JavaScript", { javaScriptEnabled: false }],
])(
  "continues with an issuer, %s: to the page that was wanted, and not by another's answer",
  async (_, options) => {
    const site = { origin: server.origin, browser };
    const email = `${crypto.randomUUID()}@example.com`;
    const claims = { sub: email, email, email_verified: true };
    await visitor({ claims });
    const { page, context, errors } = await newBrowserUser(site, options);
    await page.goto("/console/tokens");
    await button(page, "Continue with acme").click();
    await page.waitForURL("**/console/tokens");
    await page.goto("/console/account");
    expect(await page.locator("main").textContent()).toContain(email);
    // The script's own, of the time zone, aside.
    const cookies = (await context.cookies()).filter(({ name }) => !name.endsWith("-zone"));
    expect(cookies.map(({ name, sameSite, httpOnly }) => [name, sameSite, httpOnly])).toEqual([
      ["__Host-latchkey", "Strict", true],
    ]);

    // A link with an answer that was meant for another browser.
    const started = await fetch(`${server.origin}/log-in/acme`, {
      method: "POST",
      headers: { "sec-fetch-site": "same-origin" },
    });
    const [, url = ""] = /href="([^"]*)"/.exec(await started.text()) ?? [];
    const answered = await fetch(url.replaceAll("&amp;", "&"), { redirect: "manual" });
    const stolen = answered.headers.get("location") ?? "";
    expect(stolen).toContain(`${server.origin}/log-in/acme/callback?code=`);
    const victim = await newBrowserUser(site, options);
    await victim.page.goto(stolen);
    await heading(victim.page, "Not logged in");
    const kept = await victim.context.cookies();
    expect(kept.filter(({ name }) => !name.endsWith("-zone"))).toEqual([]);

    await visitor({ claims, answer: { code: null, error: "access_denied" } });
    await victim.page.goto("/console/signup");
    await button(victim.page, "Continue with acme").click();
    await heading(victim.page, "Not logged in");
    expect([...errors, ...victim.errors]).toEqual([]);
  },
);
