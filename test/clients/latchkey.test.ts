import { createServer, type Server } from "node:http";
import { gzipSync } from "node:zlib";
import sparticuz from "@sparticuz/chromium";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { latchkey, memoryStore } from "../../src/client/latchkey.ts";
import { installedPackage } from "./package/installed.ts";
import { expired, newPerson } from "./people.ts";
import { type RunningServer, startServer } from "./server.ts";

/** Meant for functions in a cloud: without the same-origin policy, and in one process that a closed context ends. */
const AS_NO_BROWSER_IS =
  /web-security|insecure-content|single-process|no-zygote|site-isolation|site-per-process/;

let server: RunningServer;
let recipe: typeof import("./recipes/latchkey.ts");
let installed: ReturnType<typeof installedPackage>;
beforeAll(async () => {
  installed = installedPackage();
  server = await startServer({ ROTATE_REFRESH_TOKENS: "on" });
  process.env.ISSUER = server.origin;
  recipe = await import("./recipes/latchkey.ts");
}, 120_000);
afterAll(async () => {
  installed.remove();
  await server.close();
});

/** The paths that were asked for since the test began. */
let past: string[] = [];
beforeEach(() => {
  past = [];
});
const counted = (request: Request) => {
  past.push(new URL(request.url).pathname);
  return fetch(request);
};
const refreshes = () => past.filter((path) => path === "/api/token/refresh").length;

const LOGIN = { email: "ann@example.com", password: "correct horse battery" };

describe("the client's recipe", () => {
  it("two people meet", async () => {
    const { auth, invitation, accept } = recipe;
    const ben = { ...LOGIN, email: "ben@example.com" };
    for (const person of [LOGIN, ben]) {
      expect((await auth.signUp(person)).response.status).toBe(201);
    }
    const invited = await invitation(LOGIN.email, LOGIN.password);
    const { token = "" } = "token" in invited ? invited : {};
    expect(await auth.logOut()).toBe(true);
    expect((await auth.logIn(ben)).error).toBeUndefined();
    expect(await accept(token)).toMatchObject({ contact: { mutual: true } });
    expect(await accept(token)).toEqual({ problem: "This action token has been used up." });
    const { data } = await auth.GET("/api/user/get-contacts");
    expect(data?.data.contacts).toHaveLength(1);
    expect(await invitation(LOGIN.email, "wrong")).toEqual({
      problem: { detail: "No active account found with the given credentials" },
    });
  });
});

describe("over HTTP, with rotation", () => {
  it("an expired access token, thirty requests at once, one refresh", async () => {
    const { id, access, refresh } = await newPerson(server);
    const store = memoryStore();
    await store.save({ access: await expired(server, access), refresh, receivedAtMs: Date.now() });
    const auth = latchkey({ baseUrl: server.origin, store, fetch: counted });
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => auth.PATCH("/rest/user", { body: { first_name: "Ann" } })),
    );
    expect(new Set(answers.map(({ data }) => data?.payload.uuid))).toEqual(new Set([id]));
    expect([refreshes(), past.length]).toEqual([1, 61]);
    expect((await store.load())?.refresh).not.toBe(refresh);
  });

  it("a connection that breaks is no log-out", async () => {
    const { access, refresh } = await newPerson(server);
    const store = memoryStore();
    await store.save({ access, refresh, receivedAtMs: Date.now() - 600_000 });
    const nobodyThere = latchkey({ baseUrl: "http://localhost:9", store, fetch: counted });
    await expect(nobodyThere.GET("/rest/user")).rejects.toThrow();
    expect(refreshes()).toBe(3);
    const auth = latchkey({ baseUrl: server.origin, store });
    expect((await auth.GET("/rest/user")).response.status).toBe(200);
  });
});

describe("the package", () => {
  it("has the client, and nothing of the service", () => {
    const others = installed.files.filter(
      (path: string) => !/^(?:\w+\.(?:js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(path),
    );
    expect(others).toEqual([]);
    expect(installed.files).toContain("latchkey.d.ts");
  });

  it("logs in from Node", async () => {
    const program = `
      import { latchkey } from "latchkey-client";
      const auth = latchkey({ baseUrl: ${JSON.stringify(server.origin)} });
      const who = { email: "node@example.com", password: "correct horse battery" };
      await auth.signUp(who);
      await auth.logIn(who);
      console.log((await auth.GET("/rest/user")).data.payload.email, await auth.logOut());`;
    expect(installed.node(program)).toBe("node@example.com true\n");
  });

  it.each([
    ["nodenext", "es2022,webworker"],
    ["bundler", "es2022,dom"],
  ] as const)("has types for %s with %s", (moduleResolution, lib) => {
    expect(installed.typeCheck(moduleResolution, lib)).toBe("");
  });

  it("is small", () => {
    expect(gzipSync(installed.bundle()).length).toBeLessThan(6_000);
  });
});

describe("in Chromium", () => {
  let browser: Browser;
  let pages: Server;
  let origin = "";

  beforeAll(async () => {
    const html = `<!doctype html><title>A page</title><script>${installed.bundle()}</script>`;
    pages = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end(html);
    });
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
    const address = pages.address();
    if (typeof address !== "object" || address === null) throw new Error("no port");
    origin = `http://127.0.0.1:${address.port}`;
    browser = await chromium.launch({
      executablePath: await sparticuz.executablePath(),
      args: sparticuz.args.filter((argument) => !AS_NO_BROWSER_IS.test(argument)),
    });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    pages.close();
  });

  async function context() {
    const opened = await browser.newContext();
    const refreshes: number[] = [];
    opened.on("response", (response) => {
      if (response.url().endsWith("/api/token/refresh")) refreshes.push(response.status());
    });
    return { opened, refreshes };
  }

  async function tab(opened: BrowserContext): Promise<Page> {
    const page = await opened.newPage();
    await page.goto(origin);
    return page;
  }

  /** So many calls at once, as a page's script makes them. */
  const calls = (page: Page, count: number) =>
    page.evaluate(`(async () => {
      const { latchkey, webStore } = latchkeyClient;
      const auth = latchkey({ baseUrl: ${JSON.stringify(server.origin)}, store: webStore(localStorage) });
      const answers = Array.from({ length: ${count} }, () => auth.GET("/rest/user"));
      await window.begun?.();
      return (await Promise.all(answers)).map(({ data }) => data?.payload.uuid);
    })()`);

  const keep = (page: Page, tokens: { access: string; refresh: string; receivedAtMs: number }) =>
    page.evaluate((text) => localStorage.setItem("latchkey", text), JSON.stringify(tokens));

  it("two tabs whose access token has ended refresh once", async () => {
    const { id, access, refresh } = await newPerson(server);
    const { opened, refreshes } = await context();
    const [one, other] = [await tab(opened), await tab(opened)];
    await keep(one, { access, refresh, receivedAtMs: Date.now() - 600_000 });
    // The first refresh is on its way until both tabs have asked.
    let begun = 0;
    const both = Promise.withResolvers<void>();
    await opened.exposeFunction("begun", () => {
      begun++;
      if (begun === 2) both.resolve();
    });
    await opened.route("**/api/token/refresh", async (route) => {
      await both.promise;
      await route.continue();
    });
    const answers = await Promise.all([calls(one, 20), calls(other, 20)]);
    expect(answers).toEqual([Array(20).fill(id), Array(20).fill(id)]);
    expect(refreshes).toEqual([200]);
    await opened.close();
  });

  it("reads from another origin why it was refused", async () => {
    const { id, access, refresh } = await newPerson(server);
    const { opened, refreshes } = await context();
    const page = await tab(opened);
    await keep(page, { access: await expired(server, access), refresh, receivedAtMs: Date.now() });
    expect(await calls(page, 20)).toEqual(Array(20).fill(id));
    expect(refreshes).toEqual([200]);
    await opened.close();
  });

  it("works in a frame that may use no locks", async () => {
    const { opened, refreshes } = await context();
    const page = await tab(opened);
    const { id, access, refresh } = await newPerson(server);
    const tokens = JSON.stringify({ access, refresh, receivedAtMs: 0 });
    await page.evaluate(`new Promise((resolve) => {
      const frame = document.createElement("iframe");
      Object.assign(frame, { src: location.href, sandbox: "allow-scripts", onload: resolve });
      document.body.append(frame);
    }).then(() => undefined)`);
    const answer = page.frames()[1]?.evaluate(`(async () => {
      const { latchkey, memoryStore } = latchkeyClient;
      const store = memoryStore();
      store.save(${tokens});
      const auth = latchkey({ baseUrl: ${JSON.stringify(server.origin)}, store });
      return (await auth.GET("/rest/user")).data?.payload.uuid;
    })().catch(String)`);
    expect(await answer).toBe(id);
    expect(refreshes).toEqual([200]);
    await opened.close();
  });
});
