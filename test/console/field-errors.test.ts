import { beforeAll, describe, expect, it } from "vitest";
import { PASSWORD } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { NEED_MORE, newFixtures, pathIn, sampleFor, POST_FORMS } from "./forms.ts";
import { textOf } from "./html.ts";
import { newPageClient, type PageClient } from "./page-client.ts";

const { call } = isolate({
  MAIL_WEBHOOK_URL: "https://mail.invalid/send",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
});
let client: PageClient;
let fixtures: Awaited<ReturnType<typeof newFixtures>>;

beforeAll(async () => {
  client = await newPageClient(call);
  fixtures = await newFixtures(client, call);
});

/** Each field that can be refused, with something that is: a row a form. */
const INVALID: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "/console/login": { email: "", password: "" },
  "/console/admin": { query: "nobody@example.com" },
  "/console/admin/users/:user/metadata": { metadata: "[1]" },
  "/console/admin/users/:user/delete": { email: "x@example.com" },
  "/console/signup": { email: "x", password: "short" },
  "/console/forgotten": { email: "" },
  "/console/account/profile": {
    first_name: "x".repeat(25),
    last_name: "x".repeat(25),
    phone_number: "555",
    dob: "1815-02-30",
    gender: "x".repeat(25),
  },
  "/console/account/email": { email: "x", current_password: "not the password" },
  "/console/account/security/password": { password: "short", current_password: "not the password" },
  "/console/account/data/delete": { password: "not the password" },
  "/console/login/email": { email: "x" },
  "/console/account/security/passkeys": { name: "x".repeat(65) },
  "/console/account/security/passkeys/rename": { name: "x".repeat(65) },
  "/console/tokens/new": {
    name: "",
    lifetime: "7",
    until: "2020-01-01",
    scopes: "admin",
    allowed_ips: "300.1.1.1",
    remaining: "x",
    "limit.max": "0",
    metadata: "[",
  },
  "/console/tokens/:tokenId/rename": { name: "x".repeat(65) },
  "/console/actions/new/:action": {
    contact_id: "nobody",
    token_lifetime: "1",
    token_uses: "0",
    token_audience: "00000000-0000-4000-8000-000000000000",
  },
  "/console/inspector": { text: "" },
};

/** Acts whose every input is hidden or a choice: whatever is wrong with one is no person's mistake. */
const WITHOUT_INPUTS = [
  "/console/logout",
  "/console/login/passkey",
  "/console/confirm",
  "/console/account/verify",
  "/console/account/security/identities/remove",
  "/console/account/security/passkeys/remove",
  "/console/account/security/second-factor/begin",
  "/console/contacts/:contact/remove",
  // What is searched cannot be wrong.
  "/console/tokens/find",
  "/console/tokens/:tokenId/rotate",
  "/console/tokens/:tokenId/enabled",
  "/console/tokens/:tokenId/revoke",
  "/console/tokens/revoke-all",
  "/console/account/security/sessions/end",
  "/console/account/security/sessions/end-others",
  "/console/actions/:id/end",
  "/a/:token",
  "/console/admin/throttles/lift",
  "/console/admin/deliveries/replay",
  ...[
    "disable",
    "end",
    "reset",
    "lift",
    "remove-factor",
    "role",
    "export",
    "logins/revoke",
    "tokens/revoke",
  ].map((act) => `/console/admin/users/:user/${act}`),
];

it("every form is in the table", () => {
  const known = [...Object.keys(INVALID), ...WITHOUT_INPUTS, ...NEED_MORE].sort();
  expect(POST_FORMS.map(({ path }) => path).sort()).toEqual(known);
});

/** Not shown again; and what no person types. */
const NOT_KEPT = /password|^text$|^query$|^response$|^token_secret$/;
const ROWS = Object.entries(INVALID).flatMap(([path, fields]) =>
  Object.entries(fields).map(([field, value]) => ({ path, field, value })),
);

/** The tags that take what is typed into the form for this path, by their names. */
function inputsIn(html: string, action: string, among: (form: string) => boolean) {
  const forms = html
    .split("<form ")
    .slice(1)
    .map((each) => each.split("</form>")[0] ?? "");
  const form = forms.find((each) => each.includes(`action="${action}"`) && among(each)) ?? "";
  return [...form.matchAll(/<(?:input|select|textarea) [^>]*name="([^"]*)"[^>]*>/g)].map(
    ([tag, name = ""]) => ({ tag, name }),
  );
}

describe.each(ROWS)("$field of $path", ({ path, field, value }) => {
  it("is marked, says what is wrong, gets the focus, and the rest is kept", async () => {
    const sent = { ...sampleFor(path, fixtures), [field]: value };
    const answer = await client.send(pathIn(path, fixtures), sent);
    // A user who is logged in is led away from these.
    const { text, status } =
      answer.status === 303 || path === "/console/login" || path === "/console/signup"
        ? await call("POST", path, {
            headers: { "sec-fetch-site": "same-origin" },
            form: Object.fromEntries(Object.entries(sent).map(([k, v]) => [k, String(v)])),
          })
        : answer;
    expect(status).toBeGreaterThanOrEqual(400);
    const inputs = inputsIn(
      text,
      pathIn(path, fixtures),
      (form) =>
        path !== "/console/account/security/passkeys/rename" ||
        form.includes(`value="${fixtures.passkey.id}"`),
    );
    const named = inputs.filter(({ name }) => name === field);
    expect(named.length, field).toBeGreaterThan(0);
    for (const { tag } of named) {
      expect(tag).toContain('aria-invalid="true"');
      const [, notes = ""] = /aria-describedby="([^"]*)"/.exec(tag) ?? [];
      const [last = ""] = notes.split(" ").slice(-1);
      const [, note = ""] = new RegExp(`id="${last}"[^>]*>(.*?)</p>`, "s").exec(text) ?? [];
      expect(textOf({ text: note }), tag).toMatch(/^[A-Z].+\.$/);
      expect(note).not.toMatch(/E\.164|YYYY|well-formed|a string|object|next_cursor/);
    }
    for (const { tag, name } of inputs.filter((each) => each.name !== field)) {
      expect(tag, name).not.toContain("aria-invalid");
    }
    // One element of the page, and this one: the browser goes there, without JavaScript.
    expect(text.match(/ autofocus=/g)).toHaveLength(1);
    expect(named[0]?.tag).toContain(" autofocus=");
    for (const [name, kept] of Object.entries(sent)) {
      if (NOT_KEPT.test(name) || name === field || typeof kept !== "string") continue;
      if (!inputs.some((each) => each.name === name)) continue;
      const escaped = kept.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
      const isKept =
        inputs.some((each) => each.name === name && each.tag.includes(`value="${escaped}"`)) ||
        text.includes(`<option value="${escaped}" selected`);
      expect(isKept, `${name} is kept`).toBe(true);
    }
    for (const secret of [PASSWORD, "not the password"]) expect(text).not.toContain(secret);
  });
});

it("all that is wrong is marked at once, and the first of it has the focus", async () => {
  const { text } = await client.send("/console/account/profile", {
    ...INVALID["/console/account/profile"],
  });
  expect(text.match(/aria-invalid="true"/g)).toHaveLength(5);
  expect(text.indexOf("autofocus")).toBe(
    text.indexOf("autofocus", text.indexOf("field-first_name")),
  );
});

it("a page of several forms says on top which one was not saved", async () => {
  for (const part of ["profile", "email"]) {
    const path = `/console/account/${part}`;
    const { text } = await client.send(path, { ...sampleFor(path, fixtures), ...INVALID[path] });
    const [, top = ""] =
      /<h1>Profile<\/h1>.*?<p class="alert problem"[^>]*>(.*?)<\/p>/.exec(text) ?? [];
    expect(top).toMatch(/wasn(?:'|&#39;)t (?:saved|changed)\./);
    expect(top).toContain(`href="#${part}"`);
    expect(text).toContain(`id="${part}"`);
  }
});

it("a wrong login names neither, marks both, and puts the focus where it is typed again", async () => {
  const { text } = await call("POST", "/console/login", {
    headers: { "sec-fetch-site": "same-origin" },
    form: { email: client.email, password: "not the password" },
  });
  const inputs = inputsIn(text, "/console/login", () => true).filter(({ name }) => name !== "next");
  expect(inputs.map(({ tag }) => tag.includes('aria-invalid="true"'))).toEqual([true, true]);
  for (const { tag } of inputs) expect(tag).toContain('aria-describedby="wrong"');
  expect(text).toMatch(/<p [^>]*id="wrong"[^>]*>Incorrect email or password\.<\/p>/);
  expect(text.match(/ autofocus=/g)).toHaveLength(1);
  expect(inputs[1]?.tag).toContain(" autofocus=");
});

describe("the password of who is logged in", () => {
  it.each([
    "/console/account/email",
    "/console/account/security/password",
    "/console/account/data/delete",
  ])("%s speaks of it alone, and the log says that it was its owner", async (path) => {
    const own = await newPageClient(call);
    const field = path.endsWith("delete") ? "password" : "current_password";
    const { text } = await own.send(path, {
      ...sampleFor(path, { ...fixtures, client: own }),
      [field]: "not the password",
    });
    expect(textOf({ text })).toContain("Incorrect password.");
    expect(textOf({ text })).not.toMatch(/email or password/);
    const log = async () => (await own.open("/console/activity")).text;
    await expect.poll(log).toContain("Password mistyped while logged in");
    expect(await log()).not.toContain("Failed log-in attempt");
    expect(await log()).not.toContain('class="pill bad"');
  });
});
