import { describe, expect, it, vi } from "vitest";
import { PASSWORD } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { newFixtures, GET_PAGES, pathIn } from "./forms.ts";
import { hiddenValues, inputsOf, textOf } from "./html.ts";
import {
  COOKIE,
  encoded,
  type Fields,
  FORM,
  logIn,
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
    const token = `/console/tokens/${fixtures.tokenId}`;
    for (const [path, fields, expected] of [
      ["/console/account/profile", { first_name: "Ada" }, "Profile saved."],
      [
        "/console/account/email",
        { email: `${crypto.randomUUID()}@example.com`, current_password: PASSWORD },
        "Email changed.",
      ],
      ["/console/account/verify", {}, "We sent you a link."],
      [`${token}/rename`, { name: "CI <i>א" }, "Renamed to “ CI <i>א ”."],
      [`${token}/enabled`, { enabled: "false" }, "“ CI <i>א ” was disabled."],
      [`${token}/enabled`, { enabled: "true" }, "“ CI <i>א ” was enabled."],
      [`${token}/revoke`, {}, "“ CI <i>א ” was revoked."],
      ["/console/tokens/revoke-all", {}, "All your API tokens were revoked."],
      ["/console/account/security/sessions/end", { id: fixtures.loginId }, "Session logged out."],
      ["/console/account/security/sessions/end-others", {}, "You're logged out everywhere else."],
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
      expect(textOf({ text })).toContain("Yours was not.");
    }
    const answer = await client.send("/console/account/data/delete", { password: PASSWORD });
    const cookie = `${FLASH_COOKIE}=account_deleted`;
    expect(answer.headers.get("set-cookie")).toContain(cookie);
    const deleted = await call("GET", "/console/account/deleted", { headers: { cookie } });
    expect(textOf(deleted)).toContain("its tokens no longer work");
  });
});

describe("a form that is sent after its session expired", () => {
  it("leads to a login that says so, and back to the form", async () => {
    const client = await newPageClient(call);
    const fixtures = await newFixtures(client, call);
    const own = `/console/actions/${fixtures.parameters.id}`;
    const token = `/console/tokens/${fixtures.tokenId}`;
    await call("DELETE", `/tokens?token=${client.secret}`);
    for (const [path, page] of [
      ["/console/account/profile", "/console/account"],
      ["/console/account/security/password", "/console/account/security/password"],
      ["/console/account/verify", "/console/account"],
      ["/console/tokens/new", "/console/tokens/new"],
      [`${token}/rename`, token],
      [`${token}/revoke`, token],
      ["/console/account/security/sessions/end-others", "/console/account/security/sessions"],
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

  /** Someone whose session ends while they fill in a form, what their browser then has, and how they are back. */
  async function lose(path: string, fields: Fields) {
    const client = await newPageClient(call);
    await call("DELETE", `/tokens?token=${client.secret}`);
    const answer = await client.send(path, fields);
    expect(answer.status).toBe(303);
    const [, cookie = ""] =
      /(__Host-latchkey-form=[\w-]*)/.exec(answer.headers.get("set-cookie") ?? "") ?? [];
    const back = async (email = client.email) => {
      const again = await logIn(call, email);
      const open = (at: string) =>
        again.open(at, { cookie: `${COOKIE}=${again.secret}; ${cookie}` });
      return { again, open };
    };
    return { answer, cookie, back };
  }

  const NEW = "/console/tokens/new";
  const FILLED = {
    name: "CI <b>א",
    lifetime: "2592000",
    scopes: ["tokens:read"],
    token_secret: `lk_api_${"x".repeat(40)}`,
    current_password: "not to be kept",
  };

  it("comes back as it was left, without its secrets, to its own user, once", async () => {
    const { answer, cookie, back } = await lose(NEW, FILLED);
    expect(answer.headers.get("set-cookie")).toMatch(
      /-message=session_expired_kept;.*-form=[\w-]+; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Strict/,
    );
    expect(cookie).not.toMatch(/[{"]/);
    const { again, open } = await back();
    // Elsewhere it waits, and the overview leads to it.
    expect((await open("/console/contacts")).headers.has("set-cookie")).toBe(false);
    expect((await open("/console")).text).toContain(`<a href="${NEW}">Go back to it</a>`);
    const form = await open(NEW);
    expect(textOf(form)).toContain("Here's your form as you left it.");
    expect(form.headers.get("set-cookie")).toMatch(/^__Host-latchkey-form=; Max-Age=0/);
    expect(inputsOf({ ...form, path: NEW }, NEW)).toMatchObject({ name: FILLED.name });
    expect(form.text).toMatch(/value="tokens:read"[^>]* checked/);
    for (const secret of [FILLED.token_secret, FILLED.current_password]) {
      expect(form.text).not.toContain(secret);
    }
    // Nothing was sent by itself.
    expect((await again.open("/console/tokens")).text).not.toContain("CI");
  });

  it("a form on another page comes back there", async () => {
    const path = "/console/account/security/passkeys/rename";
    const { back } = await lose(path, { id: crypto.randomUUID(), name: "x".repeat(65) });
    const { open } = await back();
    expect(textOf(await open("/console/account/security/passkeys"))).toContain("as you left it");
  });

  it("is shown to no one else, and dropped where another logs in", async () => {
    const { back } = await lose(NEW, FILLED);
    const other = await newPageClient(call);
    const { open } = await back(other.email);
    for (const path of [NEW, "/console"]) {
      const { text, headers } = await open(path);
      expect(text).not.toMatch(/CI &lt;b&gt;|as you left it|Go back to it/);
      expect(headers.get("set-cookie")).toMatch(/^__Host-latchkey-form=; Max-Age=0/);
    }
  });

  it.each([
    ["too large", { name: "x".repeat(3_000) }, null],
    ["of secrets alone", { password: "a long password", otp: "123456" }, null],
    ["that is none of ours", FILLED, `${COOKIE}-form=${"A".repeat(200)}`],
    ["that is cut off", FILLED, `${COOKIE}-form=A`],
  ])("one %s is left out", async (_, fields, sent) => {
    const { answer, cookie, back } = await lose(NEW, fields);
    if (sent === null) return expect([cookie, answer.status]).toEqual(["", 303]);
    const { again } = await back();
    const form = await again.open(NEW, { cookie: `${COOKIE}=${again.secret}; ${sent}` });
    expect(form.status).toBe(200);
    expect(textOf(form)).not.toContain("as you left it");
  });

  it("one of fifteen minutes ago is gone, and so is that of who logged out", async () => {
    const { back } = await lose(NEW, FILLED);
    const { again, open } = await back();
    const out = await again.send("/console/logout");
    expect(out.headers.get("set-cookie")).toContain(`${COOKIE}-form=; Max-Age=0`);
    const later = await back();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 900_001 });
    expect(open).not.toBe(later.open);
    expect(textOf(await later.open(NEW))).not.toContain("as you left it");
  });

  it("who never was logged in is told of no session", async () => {
    const answer = await call("GET", "/console/tokens");
    expect(answer.headers.has("set-cookie")).toBe(false);
  });
});
