import { describe, expect, it } from "vitest";
import { PASSWORD } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { newFixtures, GET_PAGES, pathIn } from "./forms.ts";
import { hiddenValues, inputsOf, textOf } from "./html.ts";
import {
  COOKIE,
  encoded,
  type Fields,
  FORM,
  newPageClient,
  SAME_ORIGIN,
  type PageClient,
} from "./page-client.ts";

const { call } = isolate();
const FLASH_COOKIE = `${COOKIE}-message`;

/** The message on the page that a form redirects to, opened with the form's cookies. */
async function flashAfter(client: PageClient, path: string, fields: Fields) {
  const answer = await client.send(path, fields);
  expect(answer.status).toBe(303);
  const [cookie = ""] =
    /__Host-latchkey-message=[^;]*/.exec(answer.headers.get("set-cookie") ?? "") ?? [];
  expect(answer.headers.get("set-cookie")).toMatch(
    /__Host-latchkey-message=[^;]+; Max-Age=60; Path=\/; HttpOnly; Secure; SameSite=Strict/,
  );
  const location = answer.headers.get("location") ?? "";
  expect(location).not.toMatch(/[?#]/);
  const cookies = { cookie: `${COOKIE}=${client.secret}; ${cookie}` };
  const page = await client.open(location, cookies);
  // Shown once: the page clears it.
  expect(page.headers.get("set-cookie")).toMatch(/^__Host-latchkey-message=; Max-Age=0/);
  const [, flash = ""] = /<p class="alert done"[^>]*>(.*?)<\/p>/s.exec(page.text) ?? [];
  const again = await client.open(location);
  expect(again.text).not.toContain("alert done");
  return { flash: textOf({ text: flash }), html: flash, page };
}

describe("the next page says once what a form did, and no URL can", () => {
  it("for each form that redirects", async () => {
    const client = await newPageClient(call);
    const fixtures = await newFixtures(client, call);
    const own = `/console/actions/${fixtures.parameters.id}`;
    for (const [path, fields, expected] of [
      ["/console/account/profile", { first_name: "Ada" }, "Profile saved."],
      [
        "/console/account/email",
        { email: `${crypto.randomUUID()}@example.com`, current_password: PASSWORD },
        "Email changed.",
      ],
      ["/console/account/verify", {}, "We sent you a link."],
      [
        "/console/tokens/rename",
        { id: fixtures.tokenId, name: "CI <i>א" },
        "Renamed to “ CI <i>א ”.",
      ],
      ["/console/tokens/end", { id: fixtures.tokenId }, "“ CI <i>א ” was revoked."],
      ["/console/tokens/end-all", {}, "All your API tokens were revoked."],
      ["/console/logins/end", { id: fixtures.loginId }, "Session logged out."],
      ["/console/logins/end-others", {}, "You're logged out everywhere else."],
      [`${own}/end`, {}, "Revoked. The code and link no longer work."],
    ] as const) {
      const { flash, html } = await flashAfter(client, path, fields);
      expect(flash, path).toContain(expected);
      if (flash.includes("CI")) expect(html).toMatch(/<bdi>CI &lt;i&gt;[^<]*<\/bdi>/);
    }
  });

  it("a URL or a cookie that the service has not set shows no message", async () => {
    const client = await newPageClient(call);
    const fixtures = await newFixtures(client, call);
    const paths = GET_PAGES.map(({ path }) => pathIn(path, fixtures));
    for (const path of paths) {
      const plain = await client.open(path);
      for (const name of ["ended_all", "constructor", "__proto__", "profile", "tokens_revoked"]) {
        const asked = await client.open(`${path}?done=${name}&message=${name}`);
        expect(asked.text.includes("alert done"), `${path} ${name}`).toBe(false);
        expect(asked.status).toBe(plain.status);
      }
    }
    for (const value of [
      "constructor",
      "__proto__",
      "toString x",
      "",
      "%",
      "profile_saved%00",
      `token_renamed ${"x".repeat(2_000)}`,
      encodeURIComponent('"><s3ntinel>'),
    ]) {
      const { text, status } = await client.open("/console/tokens", {
        cookie: `${COOKIE}=${client.secret}; ${FLASH_COOKIE}=${value}`,
      });
      expect(status).toBe(200);
      expect(text, value.slice(0, 30)).not.toMatch(/class="alert|s3ntinel/);
    }
  });

  it("a page that confirms something shows it to no one else", async () => {
    const client = await newPageClient(call);
    const sent = await client.open("/console/forgotten/sent");
    expect(sent.headers.get("location")).toBe("/console/forgotten");
    for (const open of [client.open, (path: string) => call("GET", path)]) {
      const { text } = await open("/console/account/deleted");
      expect(textOf({ text })).toContain("Nothing has happened to yours.");
    }
    const answer = await client.send("/console/account/delete", { password: PASSWORD });
    const cookie = `${FLASH_COOKIE}=account_deleted`;
    expect(answer.headers.get("set-cookie")).toContain(cookie);
    const deleted = await call("GET", "/console/account/deleted", { headers: { cookie } });
    expect(textOf(deleted)).toContain("none of its tokens works any more");
  });
});

describe("a form that is sent after its session expired", () => {
  it("leads to a login that says so, and back to the form", async () => {
    const client = await newPageClient(call);
    const fixtures = await newFixtures(client, call);
    const own = `/console/actions/${fixtures.parameters.id}`;
    await call("DELETE", `/tokens?token=${client.secret}`);
    for (const [path, page] of [
      ["/console/account/profile", "/console/account/profile"],
      ["/console/account/password", "/console/account/password"],
      ["/console/account/verify", "/console/account"],
      ["/console/tokens/new", "/console/tokens/new"],
      ["/console/tokens/rename", "/console/tokens"],
      ["/console/tokens/end", "/console/tokens"],
      ["/console/logins/end-others", "/console/logins"],
      ["/console/actions/new/addContact", "/console/actions/new/addContact"],
      [`${own}/end`, own],
      ["/console/inspector", "/console/inspector"],
    ]) {
      const answer = await client.send(path ?? "", {});
      const login = `/console/login?next=${encodeURIComponent(page ?? "")}`;
      expect(answer.headers.get("location")).toBe(login);
      // The session's cookie is taken away, and what is to be said is given.
      expect(answer.headers.get("set-cookie")).toMatch(
        /^__Host-latchkey=; Max-Age=0.*__Host-latchkey-message=session_expired;/,
      );
      const shown = await call("GET", login, {
        headers: { cookie: `${FLASH_COOKIE}=session_expired` },
      });
      expect(textOf(shown)).toMatch(/^Your session has expired/);
      const inputs = inputsOf({ ...shown, path: login }, "/console/login");
      const back = await call("POST", "/console/login", {
        headers: { ...SAME_ORIGIN, ...FORM },
        body: encoded({ ...inputs, email: client.email, password: PASSWORD }),
      });
      expect(back.headers.get("location")).toBe(page);
    }
    expect(hiddenValues((await call("GET", "/console/login")).text, "next")).toEqual([]);
  });

  it("who never was logged in is told of no session", async () => {
    const answer = await call("GET", "/console/tokens");
    expect(answer.headers.has("set-cookie")).toBe(false);
  });
});
