import { describe, expect, it } from "vitest";
import { type Answered, ORIGIN, PASSWORD } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { GET_PAGES } from "./forms.ts";
import { encoded, type Fields, FORM, logIn, newPageClient, SAME_ORIGIN } from "./page-client.ts";
import { pathOf } from "../hostile/routes.ts";

const { call } = isolate();

const send = (path: string, fields: Fields): Promise<Answered> =>
  call("POST", path, { headers: { ...SAME_ORIGIN, ...FORM }, body: encoded(fields) });

const HOSTILE_NEXT = [
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "https://evil.example",
  "https:evil.example",
  "javascript:alert(1)",
  "data:text/html,x",
  "/console\\@evil.example",
  "/console@evil.example",
  "/consolex",
  "/a.evil.example",
  "/console\t//evil.example",
  "/console\r\nset-cookie: a=b",
  "/console/\u0000",
  "/console/🔑",
  '/console/"><s3ntinel>',
  " /console/tokens",
  "/rest/user",
  "",
];

describe("the login", () => {
  it("gives a cookie that only this origin, only HTTPS and no script sees", async () => {
    const { email } = await newPageClient(call);
    const answer = await send("/console/login", { email, password: PASSWORD });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe("/console");
    const [value = "", ...attributes] = (answer.headers.get("set-cookie") ?? "").split("; ");
    expect(value).toMatch(/^__Host-latchkey=lk_ses_[0-9A-Za-z]+$/);
    expect(attributes.sort()).toEqual([
      "HttpOnly",
      "Max-Age=2592000",
      "Path=/",
      "SameSite=Strict",
      "Secure",
    ]);
    const headers = { cookie: value };
    expect((await call("GET", "/console/account", { headers })).text).toContain(email);
  });

  it("never says which of the two is wrong, and never repeats the password", async () => {
    const { email } = await newPageClient(call);
    const wrong = "not their password";
    for (const fields of [
      { email, password: wrong },
      { email: "nobody@example.com", password: wrong },
    ]) {
      const answer = await send("/console/login", fields);
      expect(answer.status).toBe(401);
      expect(answer.text).toContain("Incorrect email or password.");
      expect(answer.text).not.toContain(wrong);
      expect(answer.text).toContain(`value="${fields.email}"`);
      expect(answer.headers.has("set-cookie")).toBe(false);
    }
  });

  it("leads to the page that was requested", async () => {
    const { email } = await newPageClient(call);
    for (const next of GET_PAGES.map((route) => pathOf(route)).filter((path) => path !== "/")) {
      const answer = await send("/console/login", { email, password: PASSWORD, next });
      expect(answer.headers.get("location")).toBe(next);
    }
  });

  it.each(HOSTILE_NEXT)("does not lead to %j", async (next) => {
    const { email } = await newPageClient(call);
    for (const path of ["/console/login", "/console/signup"]) {
      const asked = await call("GET", `${path}?next=${encodeURIComponent(next)}`);
      expect(asked.status).toBe(200);
      expect(asked.text).not.toMatch(/evil|s3ntinel|alert/);
    }
    const answers = [
      await send("/console/login", { email, password: PASSWORD, next }),
      await send("/console/signup", {
        email: `${crypto.randomUUID()}@example.com`,
        password: PASSWORD,
        next,
      }),
    ];
    for (const { status, headers } of answers) {
      expect(status).toBe(303);
      expect(headers.get("location")).toBe("/console");
      expect(new URL(headers.get("location") ?? "", ORIGIN).origin).toBe(ORIGIN);
      expect(headers.get("set-cookie")).toMatch(/^__Host-latchkey=lk_ses_/);
    }
  });

  it("keeps the requested page after a wrong password", async () => {
    const { email } = await newPageClient(call);
    const fields = { email, password: "wrong password", next: "/console/tokens" };
    const { text } = await send("/console/login", fields);
    expect(text).toContain('name="next" value="/console/tokens"');
    expect(text).toContain('href="/console/signup?next=%2Fconsole%2Ftokens"');
  });
});

describe("the logout", () => {
  it("revokes the session and clears the cookie", async () => {
    const client = await newPageClient(call);
    const other = await logIn(call, client.email);
    const answer = await client.send("/console/logout");
    expect(answer.headers.get("location")).toBe("/console/login");
    expect(answer.headers.get("set-cookie")).toMatch(/^__Host-latchkey=; Max-Age=0; Path=\//);
    for (const route of GET_PAGES.filter(({ path }) => path.startsWith("/console/account"))) {
      if (route.path.endsWith("/deleted")) continue;
      expect((await client.open(pathOf(route))).status).toBe(303);
    }
    expect((await client.send("/console/tokens/revoke-all")).status).toBe(303);
    expect((await call("GET", "/tokens", { xToken: client.secret })).status).toBe(400);
    expect((await other.open("/console/account")).status).toBe(200);
  });

  it("a session revoked elsewhere is logged out here, and its cookie is cleared", async () => {
    const client = await newPageClient(call);
    await call("DELETE", `/tokens?token=${client.secret}`);
    const answer = await client.open("/console/tokens");
    expect(answer.status).toBe(303);
    expect(answer.headers.get("set-cookie")).toMatch(/^__Host-latchkey=; Max-Age=0/);
    expect((await client.open("/console")).text).not.toContain("Log out");
  });

  it("a second log-out leads to the login too", async () => {
    const client = await newPageClient(call);
    await client.send("/console/logout");
    const answer = await client.send("/console/logout");
    expect(answer.headers.get("location")).toBe("/console/login");
  });
});
