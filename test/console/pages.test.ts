import { beforeAll, describe, expect, it } from "vitest";
import { pathOf, PAGES } from "../hostile/routes.ts";
import { isolate } from "../support/service.ts";
import { NEED_MORE, newFixtures, GET_PAGES, pathIn, POST_FORMS } from "./forms.ts";
import { pageFlaws } from "./page-flaws.ts";
import table from "./browser/pages.ts?raw";
import { COOKIE, logIn, newPageClient, SAME_ORIGIN, type PageClient } from "./page-client.ts";

const { call } = isolate({
  MAIL_WEBHOOK_URL: "https://mail.invalid/send",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
});
let client: PageClient;
let fixtures: Awaited<ReturnType<typeof newFixtures>>;

beforeAll(async () => {
  client = await newPageClient(call);
  // So that there is something on every page.
  fixtures = await newFixtures(client, call);
});

/** Pages for anybody, logged in or not. */
const PUBLIC_PAGES = GET_PAGES.filter(({ path }) =>
  /^\/(?:$|a\/|docs|console$|console\/(?:login|signup|forgotten|account\/deleted))/.test(path),
);
const AUTHED_PAGES = GET_PAGES.filter((page) => !PUBLIC_PAGES.includes(page));

it("there are pages and forms", () => {
  expect(AUTHED_PAGES.length).toBeGreaterThan(8);
  expect(POST_FORMS.length).toBeGreaterThan(12);
});

/** Not in the browser's table by their path. */
const NOT_LOOKED_AT = new Set([
  // Parts of pages, and files.
  "/console/actions/:id/uses",
  "/console/activity/export",
  "/console/account/data/export",
  // Reached by a link in the table.
  "/console/contacts/:contact",
  // Where a form's errors are shown; opened without one, they lead elsewhere.
  "/console/login/passkey",
  "/console/account/security/second-factor/confirm",
  // What a form leads to, which the browser fills in.
  "/console/forgotten/sent",
  // Ask for the code that an email or a device has just shown.
  "/console/login/email/code",
  "/console/login/code",
]);

it("a browser looks at every page", () => {
  const missing = GET_PAGES.map(({ path }) => path).filter((path) => {
    const opened = path.replaceAll(/:\w+/g, '[^/"`?]+');
    return !NOT_LOOKED_AT.has(path) && !new RegExp(`["\`]${opened}[?"\`]`).test(table);
  });
  expect(missing).toEqual([]);
});

describe.each(GET_PAGES)("GET $path", (route) => {
  const path = pathOf(route);

  it("has every header of a page and nothing inline, logged in or not", async () => {
    for (const open of [client.open, (each: string) => call("GET", each)]) {
      const answer = await open(pathIn(route.path, fixtures));
      // Of a link in an email, which is spent or unknown here, 410.
      expect(answer.status).toBeOneOf([200, 303, 410]);
      expect(await pageFlaws("GET", answer)).toEqual([]);
      expect(await pageFlaws("GET", await open(path))).toEqual([]);
    }
  });

  it("answers HEAD as GET, without the body", async () => {
    const [get, head] = [
      await client.open(path),
      await call("HEAD", path, { headers: { cookie: `${COOKIE}=${client.secret}` } }),
    ];
    expect(head.status).toBe(get.status);
    expect(head.text).toBe("");
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    expect(await pageFlaws("HEAD", head)).toEqual([]);
  });
});

describe.each(AUTHED_PAGES)("GET $path", (route) => {
  it("leads who is not logged in to the login, and from there back", async () => {
    const path = pathOf(route);
    const { status, headers } = await call("GET", `${path}?cursor=x`);
    expect(status).toBe(303);
    expect(headers.get("location")).toBe(`/console/login?next=${encodeURIComponent(path)}`);
    const login = await call("GET", headers.get("location") ?? "");
    expect(login.text).toContain(`name="next" value="${path}"`);
  });

  it("takes a cookie that is none for nobody", async () => {
    for (const cookie of [
      `${COOKIE}=`,
      `${COOKIE}=x`,
      `${COOKIE}=${client.secret}x`,
      `${COOKIE}=${client.secret.slice(0, -1)}`,
      `${COOKIE}=%00%ff%zz`,
      `${COOKIE}=${"x".repeat(8_000)}`,
      `${COOKIE}=__proto__; __proto__=${client.secret}`,
      `${COOKIE}x=${client.secret}`,
      `latchkey=${client.secret}`,
      `__host-latchkey=${client.secret}`,
      `${COOKIE}=lk_api_${client.secret.slice(7)}`,
      ";;;===,",
    ]) {
      const answer = await call("GET", pathOf(route), { headers: { cookie } });
      expect(answer.status, cookie.slice(0, 60)).toBe(303);
      expect(await pageFlaws("GET", answer), cookie.slice(0, 60)).toEqual([]);
    }
  });

  it("takes the session from nowhere but the cookie", async () => {
    const path = pathOf(route);
    const { secret } = client;
    for (const send of [{ bearer: secret }, { xToken: secret }, { xAuthToken: secret }]) {
      expect((await call("GET", path, send)).status).toBe(303);
    }
    expect((await call("GET", `${path}?token=${secret}&${COOKIE}=${secret}`)).status).toBe(303);
  });
});

describe.each(POST_FORMS)("POST $path", (route) => {
  it("changes nothing for who is not logged in, but leads there", async () => {
    const answer = await call("POST", pathIn(route.path, fixtures), { headers: SAME_ORIGIN });
    const isForAnybody = PUBLIC_PAGES.some(({ path }) => path === route.path);
    const isElsewhere = route.path.startsWith("/a/") || NEED_MORE.includes(route.path);
    if (!isForAnybody && !isElsewhere) {
      expect(answer.status).toBe(303);
      const [login, next] = (answer.headers.get("location") ?? "").split("?next=");
      expect(login).toBe("/console/login");
      // From there on to the page that the form is on.
      const page = await client.open(decodeURIComponent(next ?? "/console"));
      // Who has just logged in has nothing to confirm.
      if (route.path === "/console/confirm") return expect(page.status).toBe(303);
      expect(page.status).toBe(200);
      expect(page.text).toContain(`action="${pathIn(route.path, fixtures)}"`);
    }
    expect(await pageFlaws("POST", answer)).toEqual([]);
  });
});

it("a path takes its own methods and says which; the rest is a page that says no", async () => {
  const own = PAGES.filter(({ path }) => !path.startsWith("/.well-known/"));
  for (const [path, routes] of Map.groupBy(own, (route) => pathOf(route))) {
    const taken: string[] = routes.map(({ method }) => method);
    if (taken.includes("GET")) taken.push("HEAD");
    const options = await call("OPTIONS", path);
    expect(options.status, path).toBe(204);
    expect(options.headers.get("allow")?.split(", ").sort()).toEqual([...taken, "OPTIONS"].sort());
    expect(options.headers.has("access-control-allow-origin")).toBe(false);
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"]) {
      if (taken.includes(method)) continue;
      const answer = await call(method, path, { headers: SAME_ORIGIN });
      expect(answer.status, `${method} ${path}`).toBe(405);
      expect(await pageFlaws(method, answer), `${method} ${path}`).toEqual([]);
    }
  }
});

it("what is at no path is a page too", async () => {
  for (const path of [
    "/console/nothing",
    "/console/tokens/x",
    "/console//tokens",
    "/console/%00",
    "/console/%ff",
    "/console/%E2%80%AE",
    "/console/tokens%2Fnew",
    "/console/assets/x.css",
    "/console/assets/..%2f..%2fschema.sql",
    `/console/${"x".repeat(8_000)}`,
  ]) {
    const answer = await client.open(path);
    expect(answer.status, path.slice(0, 60)).toBe(404);
    expect(await pageFlaws("GET", answer), path.slice(0, 60)).toEqual([]);
  }
});

it("shows who is logged in, and every time in the zone of the browser, or in UTC where it names none", async () => {
  await client.send("/console/account/profile", { first_name: "<b>א", last_name: "Lovelace" });
  const opened = async (zone: string) => {
    const cookie = `${COOKIE}=${client.secret}; ${COOKIE}-zone=${zone}`;
    return (await client.open("/console/contacts", { cookie })).text;
  };
  const tokyo = await opened("Asia/Tokyo");
  expect(tokyo).toContain("<strong><bdi>&lt;b&gt;א Lovelace</bdi></strong>");
  expect(tokyo).toContain(`<bdi>${client.email}</bdi>`);
  expect(tokyo).toMatch(
    /<time [^>]*title="\w+, \w+ \d+, \d+ at [\d:]+ [AP]M GMT\+9">[^<]+[AP]M<\/time>/,
  );
  for (const zone of ["", "Mars/Olympus", "__proto__", "UTC<s3ntinel>", "x".repeat(9_000)]) {
    expect(await opened(zone)).toMatch(/<time [^>]*title="[^"]+ UTC">[^<]+[AP]M UTC<\/time>/);
  }
});

it("files are kept by who asks for them by their version, and are what they say", async () => {
  const { text } = await client.open("/console");
  const files = [...text.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)].map(
    ([, path = ""]) => path,
  );
  expect(files).toHaveLength(3);
  for (const path of files) {
    const { status, headers } = await call("GET", path);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(headers.get("content-type")).toMatch(
      /^text\/(?:css|javascript); charset=utf-8$|^image\/svg/,
    );
    const [bare = ""] = path.split("?");
    expect((await call("GET", bare)).headers.get("cache-control")).toBe("no-cache");
  }
});

/** A page is loaded on any phone: in bytes of HTML. */
const MAX_BYTES = 15_000;

async function bytesOf(path: string): Promise<number> {
  const { status, text } = await client.open(path);
  expect(status, path).toBeOneOf([200, 303, 410]);
  return new TextEncoder().encode(text).byteLength;
}

describe("no page is larger than 15 KB", () => {
  it.each(["/docs?q=e", "/docs/basics", "/docs/errors", "every group", "every operation"])(
    "of the API documents: %s",
    async (which) => {
      const { json } = await call("GET", "/openapi.json");
      const paths: Record<string, Record<string, { operationId: string }>> = Object(json).paths;
      const pages =
        which === "every group"
          ? (await client.open("/docs")).text.match(/(?<=<li><a href=")\/docs\/[a-z-]+(?=">)/g)
          : which === "every operation"
            ? Object.values(paths).flatMap((methods) =>
                Object.values(methods).map(({ operationId }) => `/docs/${operationId}`),
              )
            : [which];
      if (which.startsWith("every")) expect(pages?.length).toBeGreaterThan(12);
      for (const path of pages ?? []) expect(await bytesOf(path), path).toBeLessThan(MAX_BYTES);
    },
  );

  it("of a user who has a name, and more of everything than a page shows", async () => {
    const { secret, email } = client;
    await client.send("/console/account/profile", {
      first_name: "Wolfeschlegelstein",
      last_name: "Hubert Blaine",
    });
    const { contactId, tokenId } = fixtures;
    for (let i = 0; i < 60; i++) {
      const name = `${i} of a name that is as long as it may be: ${"x".repeat(64)}`.slice(0, 64);
      await call("POST", "/rest/token", { xToken: secret, json: { name } });
      const json = {
        action: "addContact",
        payload: { contact_id: contactId },
        ttl: 3600,
        max_uses: 1000,
        audience: contactId,
      };
      await call("POST", "/api/generate-action-token", { xToken: secret, json });
      await client.send(`/console/tokens/${tokenId}/rename`, { name });
      if (i < 25) await logIn(call, email);
    }
    const paths = GET_PAGES.map(({ path }) => pathIn(path, fixtures)).concat(
      "/console/actions?state=all",
      "/console/activity?group=tokens",
    );
    const tooLarge: string[] = [];
    for (const path of paths) {
      const size = await bytesOf(path);
      if (size >= MAX_BYTES && !path.endsWith("/export")) tooLarge.push(`${path}: ${size}`);
    }
    expect(tooLarge).toEqual([]);
  });
});

describe("the API documents for programs that read text", () => {
  it("/llms.txt leads to a page in Markdown for each operation, which says what the page in HTML says", async () => {
    const { text, headers } = await call("GET", "/llms.txt");
    expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(text).toMatch(/^# Latchkey\n\n> /);
    const pages = [...text.matchAll(/^- \[.+\]\((\S+\/docs\/\w+\.md)\): `[A-Z]+ \/\S+`$/gm)];
    expect(pages).toHaveLength(text.match(/^- /gm)?.length ?? 0);
    expect(pages.length).toBeGreaterThan(70);
    for (const [, url = ""] of pages) {
      const page = await call("GET", url);
      expect([url, page.status, page.headers.get("content-type")]).toEqual([
        url,
        200,
        "text/markdown; charset=utf-8",
      ]);
      expect(page.text).toMatch(/^# .+\n\n`[A-Z]+ \/\S+`\n/);
      expect(page.text).not.toMatch(/undefined|\[object|\$ref|latchkey\.example/);
      expect(page.text).toContain("\n## curl\n");
    }
  });

  it("one of them in whole", async () => {
    const { text } = await call("GET", "/docs/revokeApiToken.md");
    expect(text).toContain("- `token` (path, string): ");
    expect(text).toContain("### 200");
    expect(text).toMatch(/```sh\ncurl -X DELETE/);
    expect((await call("GET", "/docs/nothing.md")).status).toBe(404);
  });
});
