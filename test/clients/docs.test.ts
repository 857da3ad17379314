import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch } from "../console/browser/chromium.ts";
import { type RunningServer, startServer } from "./server.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let server: RunningServer;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launch()]);
});
afterAll(async () => {
  await Promise.all([browser?.close(), server?.close()]);
});

/** axe needs scripts, and the pages do not. */
interface Look {
  readonly javaScriptEnabled?: boolean;
  readonly width: number;
  readonly colorScheme: "light" | "dark";
}

async function open({ width, colorScheme, javaScriptEnabled = false }: Look) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    javaScriptEnabled,
  });
  const page = await context.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("response", (response) => {
    if (!response.url().startsWith(server.origin)) said.push(`loads ${response.url()}`);
    if (response.status() >= 400) said.push(`${response.status()} ${response.url()}`);
  });
  return { page, said };
}

/** What a screen reader, a keyboard or a small screen would stumble over, with all unfolded. */
async function flawsOf(page: Page): Promise<string[]> {
  const found: string[] = await page.evaluate(`(async () => {
    ${AXE};
    for (const folded of document.querySelectorAll("details")) folded.open = true;
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 200));
  })()`);
  return found.map((flaw) => `${page.url()}: ${flaw}`);
}

async function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate(
    "document.documentElement.scrollWidth > document.documentElement.clientWidth",
  );
}

const LONGEST = ["/docs", "/docs/exportUser", "/docs/runActionToken"];

async function operationLinks(page: Page): Promise<string[]> {
  await page.goto(`${server.origin}/docs`);
  const links = await page.locator(".operations a").all();
  const paths = await Promise.all(links.map((link) => link.getAttribute("href")));
  return paths.filter((path) => path !== null);
}

describe("/docs", () => {
  it("leads to every operation of the document", async () => {
    const { page } = await open({ width: 1440, colorScheme: "light" });
    const document = await (await fetch(`${server.origin}/openapi.json`)).json();
    const paths: Record<string, Record<string, { operationId: string }>> = document.paths;
    // What is served without its last slash too is one operation.
    const ids = Object.entries(paths)
      .filter(([path]) => !(`${path}/` in paths))
      .flatMap(([, methods]) => Object.values(methods))
      .map(({ operationId }) => `/docs/${operationId}`);
    expect((await operationLinks(page)).sort()).toEqual(ids.sort());
  });

  it("shows what an operation takes and answers, and how to call it", async () => {
    const { page } = await open({ width: 1440, colorScheme: "light" });
    await page.goto(`${server.origin}/docs/createApiToken`);
    const text = await page.locator(".doc").innerText();
    for (const part of [
      "Create an API token",
      `curl -X POST "${server.origin}/rest/token"`,
      "tokens:write",
      "text of 1 to 64 characters",
      "whole number of 60 to 31536000, or null",
    ]) {
      expect(text).toContain(part);
    }
    const statuses = await page.locator(".answer .badge").allInnerTexts();
    expect(statuses).toEqual([
      "200",
      "400",
      "401",
      "403",
      "408",
      "409",
      "413",
      "415",
      "429",
      "500",
      "503",
    ]);
    // A refusal is folded up, and opens by the keyboard.
    const refusal = page.locator(".answer", { hasText: "The body is larger" });
    expect(await refusal.locator(".kind").first().isVisible()).toBe(false);
    await refusal.locator("summary").focus();
    await page.keyboard.press("Enter");
    expect(await refusal.innerText()).toContain("The HTTP status.");
  });

  it.each<Look>([
    { width: 1440, colorScheme: "light" },
    { width: 360, colorScheme: "dark" },
  ])(
    "no page of it has a flaw: $width pixels, $colorScheme",
    async (look) => {
      const { page, said } = await open({ ...look, javaScriptEnabled: true });
      const paths = ["/docs", ...(await operationLinks(page))];
      const flaws: string[] = [];
      for (const path of paths) {
        await page.goto(server.origin + path);
        if (await isTooWide(page)) flaws.push(`${path} is too wide`);
        // They are made of the same parts: on a phone the longest will do.
        if (look.width > 400 || LONGEST.includes(path)) flaws.push(...(await flawsOf(page)));
      }
      expect(paths.length).toBeGreaterThan(30);
      expect([...flaws, ...said]).toEqual([]);
    },
    240_000,
  );

  it("says of an operation that there is not that there is none", async () => {
    const response = await fetch(`${server.origin}/docs/nothing`);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      404,
      "text/html; charset=utf-8",
    ]);
  });
});
