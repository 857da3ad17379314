import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { app } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import { colors } from "../src/console/brand.ts";
import { platform } from "../src/latchkey.ts";
import { checkOptions, type LatchkeyOptions } from "../src/options.ts";
import { servicesOver } from "../src/services.ts";
import { isolate } from "./support/service.ts";

const withOptions = (options: LatchkeyOptions) => isolate({}, undefined, { options }).call;

it("a mistake stops the start, and every one is listed beside those of the settings", () => {
  const options: object = {
    brand: {
      name: "\u202EAcme",
      accent: "teal",
      logo: "//evil.example/x.svg",
      links: { terms: "javascript:1" },
    },
    scopes: { introspect: "See all", "orders read": "" },
    fallback: "site",
    consol: false,
  };
  expect(() => isolate({ SIGN_UP: "maybe" }, undefined, { options })).toThrow(
    `Latchkey cannot start with these settings and options:
  SIGN_UP must be open or closed
  options.brand.name must be 1 to 40 characters
  options.brand.accent must be #rrggbb
  options.brand.logo must be a path of this origin or a data:image/ URL
  options.brand.links.terms must be an https URL or a path such as /terms
  options.scopes "introspect" is a built-in scope
  options.scopes "orders read" must be 1 to 64 visible ASCII characters without " and \\ (RFC 6749 section 3.3)
  options.fallback must be a function
  options.consol is no option`,
  );
});

it("there are none by default", () => {
  expect(checkOptions({})).toEqual({
    options: { actions: [], brand: { name: "Latchkey" } },
    wrong: [],
  });
});

describe("the brand", () => {
  const call = withOptions({
    brand: {
      name: "Acme & Söhne",
      accent: "#0b7285",
      logo: "/logo.svg",
      logoDark: "/dark.svg",
      links: {
        status: "https://status.acme.example",
        privacy: "/privacy",
        support: "mailto:help@acme.example",
      },
    },
  });

  it.each(["/console", "/console/login", "/console/nothing", "/docs"])("is on %s", async (path) => {
    const { text } = await call("GET", path);
    expect(text).toMatch(/<title>[^<]+ · Acme &amp; Söhne<\/title>/);
    expect(text).toContain('<source srcset="/dark.svg" media="(prefers-color-scheme: dark)"/>');
    expect(text).toContain('<img class="logo" src="/logo.svg" alt=""/>');
    expect(text).toContain('<link rel="icon" href="/logo.svg"/>');
    expect(text).toContain('<meta property="og:image" content="https://latchkey.test/logo.svg"/>');
    expect(text).toContain('<a href="https://status.acme.example">Status</a>');
    expect(text).toContain('<a href="mailto:help@acme.example">Support</a>');
    expect(text).not.toContain("Terms");
    expect(text).not.toMatch(/>[^<]*Latchkey/);
  });

  it("has a style sheet of its own, kept for as long as it stays the same", async () => {
    const { text } = await call("GET", "/console");
    const [, path = ""] = /href="(\/console\/assets\/brand\.css\?v=\w+)"/.exec(text) ?? [];
    const sheet = await call("GET", path);
    expect(sheet.text).toBe(colors("#0b7285"));
    expect(sheet.headers.get("cache-control")).toContain("immutable");
    expect((await withOptions({})("GET", "/console/assets/brand.css")).status).toBe(404);
  });

  it.each(["#000000", "#ffffff", "#ffff00", "#0b7285", "#ff00ff", "#777777"])(
    "%s can be read in both themes",
    (accent) => {
      const inks =
        /--accent: light-dark\((#\w+), (#\w+)\)[\s\S]+--wash: light-dark\((#\w+), (#\w+)\)/;
      const [, light = "", dark = "", lightWash = "", darkWash = ""] =
        inks.exec(colors(accent)) ?? [];
      for (const ground of ["#ffffff", "#f6f7f9", lightWash]) {
        expect(contrast(light, ground), `${light} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
      for (const ground of ["#1c2027", "#14171c", darkWash]) {
        expect(contrast(dark, ground), `${dark} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
      expect(contrast("#10192b", dark)).toBeGreaterThanOrEqual(4.5);
      expect(contrast("#ffffff", light)).toBeGreaterThanOrEqual(4.5);
    },
  );
});

/** As WCAG 2.2 defines it, written a second time. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [one, other]
    .map((color) =>
      [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => {
        const part = Number.parseInt(color.slice(1 + 2 * index, 3 + 2 * index), 16) / 255;
        return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      }, 0),
    )
    .toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe("a fallback", () => {
  const asked: string[] = [];
  // Not through the builder, which holds every answer against the API document.
  const config = readConfig({ ...env });
  const worker = app(servicesOver(env, config, platform), config, null, {
    fallback(request) {
      if (request.url.endsWith("/broken")) throw new Error("of the site");
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return new Response("the site");
    },
  });
  const send = async (method: string, path: string, origin = "https://latchkey.test") => {
    const request = new Request(origin + path, { method, redirect: "manual" });
    const answer = await worker.fetch(request, env, createExecutionContext());
    return [answer.status, answer.headers.get("location") ?? (await answer.text())] as const;
  };

  it("answers what is not the service's, and /", async () => {
    asked.length = 0;
    for (const request of ["GET /", "POST /cart", "DELETE /consoles"] as const) {
      const [method = "", path = ""] = request.split(" ");
      expect(await send(method, path)).toEqual([200, "the site"]);
      expect(asked.pop()).toBe(request);
    }
  });

  it.each(["/api/nothing", "/rest/nothing", "/oauth/nothing", "/tokens/x", "/api/token/x"])(
    "is not asked about %s",
    async (path) => {
      asked.length = 0;
      expect((await send("GET", path))[0]).toBe(404);
      expect(asked).toEqual([]);
    },
  );

  it("gets nothing over plain HTTP, like the service", async () => {
    const answer = await send("GET", "/cart", "http://latchkey.test");
    expect(answer).toEqual([301, "https://latchkey.test/cart"]);
  });

  it("that fails is a 500 without its text", async () => {
    vi.spyOn(console, "error").mockReturnValueOnce();
    const [status, text] = await send("GET", "/broken");
    expect(status).toBe(500);
    expect(text).not.toContain("of the site");
    expect(console.error).toHaveBeenCalledWith(expect.stringContaining("of the site"));
  });
});
