import { beforeAll, describe, expect, it } from "vitest";
import { isolate } from "../support/service.ts";
import { newFixtures, GET_PAGES, pathIn } from "./forms.ts";
import { newPageClient, type PageClient } from "./page-client.ts";

const { call } = isolate();
let client: PageClient;
let fixtures: Awaited<ReturnType<typeof newFixtures>>;

beforeAll(async () => {
  client = await newPageClient(call);
  fixtures = await newFixtures(client, call);
});

const inputsOf = (html: string) => [...html.matchAll(/<input\b[^>]*>/g)].map(([input]) => input);

describe("what docs/security says of every page", () => {
  it("a field for a password is masked, and a password manager may fill it in", async () => {
    const wrong: string[] = [];
    let found = 0;
    for (const { path } of GET_PAGES) {
      for (const open of [client.open, (each: string) => call("GET", each)]) {
        const { text } = await open(pathIn(path, fixtures));
        for (const input of inputsOf(text).filter((each) => /name="[^"]*password"/.test(each))) {
          found++;
          const isMasked = /type="password"/.test(input);
          const isFilledIn = /autocomplete="(?:current|new)-password"/.test(input);
          if (!isMasked || !isFilledIn || /onpaste|readonly|maxlength/i.test(input))
            wrong.push(input);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan(4);
  });

  it("who is logged in can log out on it", async () => {
    const without: string[] = [];
    let found = 0;
    for (const { path } of GET_PAGES) {
      const { status, text } = await client.open(pathIn(path, fixtures));
      if (status !== 200) continue;
      found++;
      if (text.includes("<nav") && !text.includes('action="/console/logout"')) {
        without.push(path);
      }
    }
    expect(without).toEqual([]);
    expect(found).toBeGreaterThan(12);
  });

  it("no page asks for a hint or a secret question", async () => {
    for (const { path } of GET_PAGES) {
      const { text } = await client.open(pathIn(path, fixtures));
      expect(text, path).not.toMatch(/secret question|password hint/i);
    }
  });

  it("the script keeps nothing in the browser but its time zone", async () => {
    const script = await call("GET", "/console/assets/console.js");
    expect(script.status).toBe(200);
    expect(script.text).not.toMatch(/localStorage|sessionStorage|indexedDB|caches\b|cookieStore/);
    expect(script.text.match(/document\.cookie = .*/g)).toEqual([
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the script's
      "document.cookie = `${zone}; Path=/; Max-Age=31536000; Secure; SameSite=Strict`;",
    ]);
  });
});
