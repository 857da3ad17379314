import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch } from "../console/browser/chromium.ts";
import { type RunningServer, startServer } from "./server.ts";
import { present } from "./tools.ts";

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

const LONGEST = ["/docs", "/docs/errors", "/docs/changeUser", "/docs/runActionToken"];

const CHAPTERS = ["/docs", "/docs/basics", "/docs/errors"];

/** The pages of all groups, and of all their operations. */
async function docsLinks(page: Page): Promise<{ groups: string[]; operations: string[] }> {
  const linksOn = async (path: string, links: string) => {
    await page.goto(server.origin + path);
    const all = await page.locator(links).all();
    const paths = await Promise.all(all.map((link) => link.getAttribute("href")));
    return paths.filter((path) => path !== null);
  };
  const groups = await linksOn("/docs", ".groups a");
  const operations: string[] = [];
  for (const group of groups) operations.push(...(await linksOn(group, ".operations a")));
  return { groups, operations };
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
    expect((await docsLinks(page)).operations.sort()).toEqual(ids.sort());
  });

  it("shows what an operation takes and answers, and how to call it", async () => {
    const { page } = await open({ width: 1440, colorScheme: "light" });
    await page.goto(`${server.origin}/docs/createApiToken`);
    const text = await page.locator(".doc").innerText();
    for (const part of [
      "Create an API token",
      `curl -X POST "${server.origin}/rest/token"`,
      "tokens:write",
      "string, 1–64 characters",
      "integer, 60–31536000, or null",
    ]) {
      expect(text).toContain(part);
    }
    expect(await page.locator("#responses .badge").allInnerTexts()).toEqual(["200"]);
    const statuses = ["400", "401", "403", "408", "409", "413", "415", "429", "500", "503", "507"];
    expect(await page.locator("#errors b").allInnerTexts()).toEqual(statuses);
    // What errors look like is said once for each API. It is folded up, and opens by the keyboard.
    await page.getByRole("link", { name: "What errors look like" }).click();
    const body = page.locator(":target details");
    expect(await body.locator("i").first().isVisible()).toBe(false);
    await body.locator("summary").focus();
    await page.keyboard.press("Enter");
    expect(await body.innerText()).toContain("The HTTP status.");
    expect(await page.locator("#every b").allInnerTexts()).toEqual([
      "408",
      "413",
      "429",
      "500",
      "503",
    ]);
  });

  it.each([
    ["curl", "bash", ["-c"]],
    ["JavaScript", "node", ["--input-type=module", "-e"]],
    ["Python", "python3", ["-c"]],
  ] as const)(
    "its quick start leads to a first call in %s, without a script in the page",
    async (language, command, args) => {
      const { page } = await open({ width: 1440, colorScheme: "light" });
      await page.goto(`${server.origin}/docs`);
      await page.getByRole("radio", { name: language, exact: true }).check();
      const steps = await page.locator(".steps code:visible").allInnerTexts();
      const samples = steps.filter((each) => each.includes(server.origin));
      expect(samples).toHaveLength(3);
      const email = `${language.toLowerCase()}@example.com`;
      const run = (tool: string, source = "") =>
        execFileSync(tool, [...args, source.replace("you@example.com", email)], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
      const found = language === "Python" ? ["-c", "import requests"] : ["--version"];
      for (const tool of present([command, `/usr/bin/${command}`], ...found)) {
        const [signUp, logIn, call = ""] = samples;
        expect(run(tool, signUp)).toContain(email);
        const [, access = ""] = /['"]?access['"]?: ?['"]([\w.-]+)/.exec(run(tool, logIn)) ?? [];
        expect(run(tool, call.replace("ACCESS_TOKEN", access))).toContain(email);
      }
    },
  );

  it("finds operations by name, path, description and field, with and without a script", async () => {
    const found = async (javaScriptEnabled: boolean, path: string, query: string) => {
      const { page } = await open({ width: 360, colorScheme: "light", javaScriptEnabled });
      await page.goto(server.origin + path);
      await page.getByRole("searchbox").pressSequentially(query);
      if (!javaScriptEnabled) await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "found" }).waitFor();
      const links = await page.locator(".operations a").all();
      return Promise.all(links.map((link) => link.getAttribute("href")));
    };
    for (const isScripted of [false, true]) {
      expect(await found(isScripted, "/docs", "ROTATE token")).toContain("/docs/rotateApiToken");
      expect(await found(isScripted, "/docs/signUp", "/oauth/intro")).toEqual([
        "/docs/introspectToken",
      ]);
      expect(await found(isScripted, "/docs", "subject_token")).toEqual(["/docs/exchangeToken"]);
      expect(await found(isScripted, "/docs", "nothing-of-the-kind")).toEqual([]);
    }
  });

  it("remembers the language, copies a sample, and marks the section in view", async () => {
    const { page } = await open({ width: 1440, colorScheme: "light", javaScriptEnabled: true });
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(`${server.origin}/docs`);
    await page.getByRole("radio", { name: "Python" }).check();
    await page.goto(`${server.origin}/docs/createApiToken`);
    const sample = page.locator(".in-python");
    await sample.getByRole("button", { name: "Copy: Request: Python" }).click();
    await sample.getByRole("status").filter({ hasText: "Copied" }).waitFor({ state: "attached" });
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      await sample.locator("code").textContent(),
    );
    await page.locator("#errors a").scrollIntoViewIfNeeded();
    await page.locator('.contents [aria-current="true"]', { hasText: "Errors" }).waitFor();
    // What was searched for takes the page's place until the field is empty.
    await page.getByRole("searchbox").fill("passkey");
    await page.getByRole("heading", { name: "operations found" }).waitFor();
    await page.getByRole("searchbox").fill("");
    await page.getByRole("heading", { name: "Create an API token" }).waitFor();
  });

  it.each<Look>([
    { width: 1440, colorScheme: "light" },
    { width: 360, colorScheme: "dark" },
  ])(
    "no page of it has a flaw: $width pixels, $colorScheme",
    async (look) => {
      const { page, said } = await open({ ...look, javaScriptEnabled: true });
      const { groups, operations } = await docsLinks(page);
      const paths = [...CHAPTERS, ...groups, ...operations];
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
