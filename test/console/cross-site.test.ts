import { describe, expect, it } from "vitest";
import { fingerprint } from "../hostile/database.ts";
import { ORIGIN } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { NEED_MORE, newFixtures, GET_PAGES, pathIn, POST_FORMS, sampleFor } from "./forms.ts";
import { pageFlaws } from "./page-flaws.ts";
import { newPageClient } from "./page-client.ts";

const { call, settled } = isolate();

/** As a request looks that no page of ours has sent. */
const ELSEWHERE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "another site": { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
  "another site that says it is us": { "sec-fetch-site": "cross-site", origin: ORIGIN },
  "another origin of our site": { "sec-fetch-site": "same-site", origin: ORIGIN },
  "an address that was typed": { "sec-fetch-site": "none" },
  "no header at all": {},
  "an old browser on another site": { origin: "https://evil.example" },
  "an old browser, over plain HTTP": { origin: ORIGIN.replace("https", "http") },
  "an old browser, on another port": { origin: `${ORIGIN}:444` },
  "a hidden origin": { origin: "null" },
  "an empty origin": { origin: "" },
  "two of them": { origin: `${ORIGIN}, ${ORIGIN}` },
  "an empty Sec-Fetch-Site": { "sec-fetch-site": "", origin: ORIGIN },
  "our address before a longer one": { origin: `${ORIGIN}.evil.example` },
};

/** What only looks or leads on, or is sent by mail, changes none of what is counted. */
const CHANGES_NOTHING = [
  "/console/confirm",
  "/console/forgotten",
  "/console/account/verify",
  "/console/inspector",
  "/console/admin",
  "/console/admin/throttles/lift",
  "/console/admin/users/:user/export",
  "/console/admin/users/:user/lift",
  "/console/tokens/find",
];

describe.each(POST_FORMS)("POST $path", ({ path }) => {
  it("does nothing for a page of another site", async () => {
    const client = await newPageClient(call);
    const fixtures = await newFixtures(client, call);
    const [url, fields] = [pathIn(path, fixtures), sampleFor(path, fixtures)];
    await settled();
    const before = await fingerprint();
    for (const [name, headers] of Object.entries(ELSEWHERE)) {
      const answer = await client.send(url, fields, headers);
      expect(answer.status, name).toBe(403);
      expect(answer.headers.has("set-cookie"), name).toBe(false);
      expect(await pageFlaws("POST", answer), name).toEqual([]);
    }
    await settled();
    expect(await fingerprint()).toBe(before);
    expect((await client.open("/console/account")).status).toBe(200);
    if (NEED_MORE.includes(path)) return;
    // The same from here does it.
    expect((await client.send(url, fields)).status).toBeOneOf([200, 303]);
    await settled();
    if (!CHANGES_NOTHING.includes(path)) expect(await fingerprint()).not.toBe(before);
  });
});

it("an old browser that names our origin is let in", async () => {
  const client = await newPageClient(call);
  const fields = { first_name: "Ada" };
  const answer = await client.send("/console/account/profile", fields, { origin: ORIGIN });
  expect(answer.status).toBe(303);
});

it("a page that a link on another site leads to opens itself once more, whoever asks", async () => {
  const client = await newPageClient(call);
  for (const { path } of GET_PAGES.filter((page) => !page.path.includes(":"))) {
    const answer = await client.open(path, { "sec-fetch-site": "cross-site" });
    expect(answer.text, path).toContain('http-equiv="refresh"');
    expect(answer.text, path).not.toContain(client.email);
    expect(await pageFlaws("GET", answer), path).toEqual([]);
  }
});
