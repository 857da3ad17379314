import type { Page } from "playwright-core";
import { turnOnSecondFactor } from "./site.ts";
import { openConfirm, button, PASSWORD } from "./users.ts";
import type { Fixtures } from "./fixtures.ts";

/**
 * Who has something on every page, is logged out, has just signed up, has a log-in that is not fresh, the same with
 * a second factor, none yet, or the role Admin.
 */
export type Visitor = "ada" | "nobody" | "newcomer" | "stale" | "guarded" | "beginner" | "operator";

/** How a page is reached, logged in with something on every page, or logged out. */
export interface ConsolePage {
  /** Also the name of its screenshots. */
  readonly name: string;
  readonly as: Visitor;
  /** Whether it is as it opened: nothing on it was pressed yet. */
  readonly isAsOpened: boolean;
  open(page: Page, fixtures: Fixtures): Promise<unknown>;
}

const at = (name: string, path: string, as: ConsolePage["as"] = "ada"): ConsolePage => ({
  name,
  as,
  isAsOpened: true,
  open: (page) => page.goto(path),
});

/** An operator's page about the user who has something on every page. */
const account = (name: string, path: (userId: string) => string): ConsolePage => ({
  name,
  as: "operator",
  isAsOpened: true,
  open: (page, { userId }) => page.goto(path(userId)),
});

/** As if the browser checked nothing. */
const ANYTHING_GOES = `for (const form of document.forms) form.noValidate = true;
  for (const input of document.querySelectorAll("[maxlength]")) input.removeAttribute("maxlength");`;

/** A form may be in what opens with a press. */
const ALL_OPEN = "for (const each of document.querySelectorAll('main details')) each.open = true;";

/** A form that comes back with what is wrong, past what the browser itself would have stopped. */
async function refused(page: Page, path: string, fields: Readonly<Record<string, string>>) {
  await page.goto(path);
  const names = Object.keys(fields);
  const form = page.locator("main form").filter({ has: page.locator(`[name="${names[0]}"]`) });
  await page.evaluate(ANYTHING_GOES);
  await page.evaluate(ALL_OPEN);
  for (const [name, value] of Object.entries(fields)) {
    await form.locator(`[name="${name}"]`).fill(value);
  }
  await form.locator('[type="submit"]').first().click();
  await page.locator('[aria-invalid="true"]').first().waitFor();
}

const wrong = (
  name: string,
  path: string,
  fields: Readonly<Record<string, string>>,
  as: ConsolePage["as"] = "ada",
): ConsolePage => ({ name, as, isAsOpened: true, open: (page) => refused(page, path, fields) });

const link = (
  name: string,
  of: (fixtures: Fixtures) => string,
  as: ConsolePage["as"] = "ada",
): ConsolePage => ({
  name,
  as,
  isAsOpened: true,
  open: (page, fixtures) => page.goto(of(fixtures)),
});

/** Every page of the console: a new one is a line here. */
export const CONSOLE_PAGES: readonly ConsolePage[] = [
  at("welcome", "/console", "nobody"),
  at("start", "/", "nobody"),
  at("login", "/console/login", "nobody"),
  at("email-login", "/console/login/email", "nobody"),
  at("email-link-unknown", "/console/login/link/nothing", "nobody"),
  link("email-link", ({ mailed }) => mailed.login, "nobody"),
  link("link-reset", ({ mailed }) => mailed.reset, "nobody"),
  link("link-verify", ({ mailed }) => mailed.verify),
  link("link-verify-logged-out", ({ mailed }) => mailed.verify, "nobody"),
  at("confirm", "/console/confirm?next=/console/account", "stale"),
  at("confirm-code", "/console/confirm?next=/console/account", "guarded"),
  {
    name: "login-code",
    as: "nobody",
    isAsOpened: true,
    async open(page, { guardedEmail }) {
      await page.goto("/console/login");
      await page.getByLabel("Email").fill(guardedEmail);
      await page.getByLabel("Password").fill(PASSWORD);
      await button(page, "Log in").click();
      await page.getByRole("heading", { name: "Enter your code" }).waitFor();
    },
  },
  at("signup", "/console/signup", "nobody"),
  at("forgotten", "/console/forgotten", "nobody"),
  {
    name: "forgotten-sent",
    as: "nobody",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/forgotten");
      await page.getByLabel("Email").fill("nobody@example.com");
      await button(page, "Email me a link").click();
      await page.getByRole("heading", { name: "Check your email" }).waitFor();
    },
  },
  at("nothing", "/console/nothing", "nobody"),
  at("docs", "/docs", "nobody"),
  at("docs-basics", "/docs/basics", "nobody"),
  at("docs-errors", "/docs/errors", "nobody"),
  at("docs-group", "/docs/api-tokens", "nobody"),
  at("docs-longest", "/docs/changeUser"),
  at("docs-operation", "/docs/runActionToken", "nobody"),
  at("docs-found", "/docs?q=token", "nobody"),
  at("deleted", "/console/account/deleted", "nobody"),
  {
    name: "login-problem",
    as: "nobody",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/login");
      await page.getByLabel("Email").fill("nobody@example.com");
      await page.getByLabel("Password").fill("wrong password");
      await button(page, "Log in").click();
      await page.getByRole("alert").waitFor();
    },
  },
  at("overview", "/console"),
  at("overview-new", "/console", "newcomer"),
  at("tokens-new", "/console/tokens", "newcomer"),
  at("actions-new", "/console/actions", "newcomer"),
  at("contacts-new", "/console/contacts", "newcomer"),
  at("activity-new", "/console/activity", "newcomer"),
  at("passkeys-new", "/console/account/security/passkeys", "newcomer"),
  at("tokens", "/console/tokens"),
  at("tokens-none", "/console/tokens?search=nothing"),
  at("tokens-inactive", "/console/tokens?filter=inactive&sort=name"),
  {
    name: "token",
    as: "ada",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/tokens");
      await page.getByRole("rowheader").getByRole("link").first().click();
      await page.getByRole("heading", { name: "History" }).waitFor();
    },
  },
  {
    name: "token-open",
    as: "ada",
    isAsOpened: false,
    async open(page) {
      await page.goto("/console/tokens");
      await page.getByRole("rowheader").getByRole("link").first().click();
      await openConfirm(page, "Revoke token");
    },
  },
  at("token-new", "/console/tokens/new"),
  {
    name: "token-new-problem",
    as: "ada",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/tokens/new");
      await page.getByLabel("Name", { exact: true }).fill("x".repeat(64));
      await page.getByLabel("Selected permissions").check();
      await openConfirm(page, "Limits and metadata");
      await page.getByLabel("Allowed addresses").fill("x");
      await button(page, "Create token").click();
      await page.getByText("Select at least one permission.").waitFor();
    },
  },
  {
    name: "token-secret",
    as: "ada",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/tokens/new");
      await page.getByLabel("Name", { exact: true }).fill("Laptop");
      await button(page, "Create token").click();
      await page.getByRole("heading", { name: "Token created" }).waitFor();
    },
  },
  at("actions", "/console/actions"),
  at("actions-all", "/console/actions?state=all"),
  at("actions-none", "/console/actions?state=expired"),
  at("actions-uses", "/console/actions/uses"),
  at("action-kinds", "/console/actions/new"),
  at("action-new", "/console/actions/new/addContact"),
  {
    name: "action-code",
    as: "ada",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/actions/new/addContact");
      await button(page, "Create code").click();
      await page.getByLabel("Link", { exact: true }).waitFor();
    },
  },
  {
    name: "action",
    as: "ada",
    isAsOpened: true,
    open: (page, { actionTokenId }) => page.goto(`/console/actions/${actionTokenId}`),
  },
  link("link", ({ link }) => link, "nobody"),
  link("link-own", ({ link }) => link),
  link("link-revoked", ({ revokedLink }) => revokedLink, "nobody"),
  link("link-own-revoked", ({ revokedLink }) => revokedLink),
  link("link-ready", ({ links }) => links.ready),
  link("link-already", ({ links }) => links.already),
  link("link-used", ({ links }) => links.used, "nobody"),
  link("link-used-by-you", ({ links }) => links.used),
  link("link-expired", ({ links }) => links.expired, "nobody"),
  link("link-audience", ({ links }) => links.audience),
  link("link-one-person", ({ links }) => links.audience, "nobody"),
  at("link-unknown", "/a/nothing", "nobody"),
  {
    name: "link-done",
    as: "ada",
    isAsOpened: false,
    async open(page, { newLink }) {
      await page.goto(await newLink());
      await button(page, "Add contact").click();
      await page.locator(".alert.done").waitFor();
    },
  },
  at("contacts", "/console/contacts"),
  at("contacts-followers", "/console/contacts/followers"),
  at("contacts-none", "/console/contacts?search=nobody"),
  {
    name: "contact",
    as: "ada",
    isAsOpened: false,
    async open(page) {
      await page.goto("/console/contacts?search=Grace");
      await page.getByRole("link", { name: "Grace Hopper" }).click();
      await openConfirm(page, "Remove contact");
    },
  },
  at("sessions", "/console/account/security/sessions"),
  {
    name: "sessions-open",
    as: "ada",
    isAsOpened: false,
    async open(page) {
      await page.goto("/console/account/security/sessions");
      await openConfirm(page, "Log out the session");
      await openConfirm(page, "Log out all other sessions");
    },
  },
  at("activity", "/console/activity"),
  at("activity-filtered", "/console/activity?q=token&group=tokens&outcome=done"),
  at("activity-none", "/console/activity?q=nothing+has+this+in+it"),
  {
    name: "activity-table",
    as: "ada",
    isAsOpened: false,
    async open(page) {
      await page.goto("/console/activity?limit=5");
      await openConfirm(page, "View as table");
    },
  },
  at("inspector", "/console/inspector"),
  {
    name: "inspector-found",
    as: "ada",
    isAsOpened: true,
    async open(page, { link }) {
      await page.goto("/console/inspector");
      await page.getByLabel("Paste a token").fill(link.slice(link.indexOf("lk_act_")));
      await button(page, "Inspect").click();
      await page.getByText("Paste another token").waitFor();
    },
  },
  at("account", "/console/account"),
  at("security", "/console/account/security"),
  at("password", "/console/account/security/password"),
  at("second-factor", "/console/account/security/second-factor"),
  {
    name: "second-factor-set-up",
    as: "ada",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/account/security/second-factor");
      await button(page, "Set up authenticator app").click();
      await page.getByLabel("Code from the app").waitFor();
    },
  },
  at("second-factor-on", "/console/account/security/second-factor", "guarded"),
  {
    name: "second-factor-codes",
    as: "beginner",
    isAsOpened: true,
    open: turnOnSecondFactor,
  },
  at("passkeys", "/console/account/security/passkeys"),
  {
    name: "passkeys-open",
    as: "ada",
    isAsOpened: false,
    async open(page) {
      await page.goto("/console/account/security/passkeys");
      await openConfirm(page, "Remove Laptop");
    },
  },
  at("data", "/console/account/data"),
  {
    name: "data-open",
    as: "ada",
    isAsOpened: false,
    async open(page) {
      await page.goto("/console/account/data");
      await openConfirm(page, "Delete account");
    },
  },
  at("admin", "/console/admin", "operator"),
  at("admin-events", "/console/admin/events", "operator"),
  at("admin-throttles", "/console/admin/throttles", "operator"),
  at("admin-deliveries", "/console/admin/deliveries", "operator"),
  at("admin-service", "/console/admin/service", "operator"),
  at("admin-refused", "/console/admin"),
  account("admin-user", (userId) => `/console/admin/users/${userId}`),
  account("admin-user-logins", (userId) => `/console/admin/users/${userId}/logins`),
  account("admin-user-tokens", (userId) => `/console/admin/users/${userId}/tokens`),
  account("admin-user-events", (userId) => `/console/admin/users/${userId}/events`),
  account("admin-user-delete", (userId) => `/console/admin/users/${userId}/delete`),
  {
    name: "admin-user-disabled",
    as: "operator",
    isAsOpened: true,
    open: (page, { disabledId }) => page.goto(`/console/admin/users/${disabledId}`),
  },
  {
    name: "admin-user-open",
    as: "operator",
    isAsOpened: false,
    async open(page, { userId }) {
      await page.goto(`/console/admin/users/${userId}`);
      await openConfirm(page, "Disable");
      await openConfirm(page, "Revoke everything");
    },
  },
  wrong("admin-find-wrong", "/console/admin", { query: "nobody@example.com" }, "operator"),
  {
    name: "email-code",
    as: "nobody",
    isAsOpened: true,
    async open(page, { email }) {
      await page.goto("/console/login/email");
      await page.locator("main").getByLabel("Email").fill(email);
      await page.locator("main form button[type=submit]").first().click();
      await page.locator("[name=code]").waitFor();
    },
  },
  wrong("signup-wrong", "/console/signup", { email: "x", password: "short" }, "nobody"),
  wrong("profile-wrong", "/console/account", { first_name: "x".repeat(25), phone_number: "555" }),
  wrong("email-wrong", "/console/account", { email: "x@example.com", current_password: "wrong" }),
  wrong("password-wrong", "/console/account/security/password", {
    password: "a new long password",
    current_password: "wrong",
  }),
  wrong("delete-wrong", "/console/account/data", { password: "wrong" }),
  {
    name: "action-wrong",
    as: "ada",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/actions/new/addContact");
      await page.getByLabel("Custom").check();
      await page.evaluate(ANYTHING_GOES);
      await page.getByLabel("Maximum uses").fill("0");
      await button(page, "Create code").click();
      await page.locator('[aria-invalid="true"]').first().waitFor();
    },
  },
  wrong("inspector-wrong", "/console/inspector", { text: " " }),
  {
    name: "rename-wrong",
    as: "ada",
    isAsOpened: true,
    async open(page) {
      await page.goto("/console/tokens");
      await page.getByRole("rowheader").getByRole("link").first().click();
      await page.evaluate(ANYTHING_GOES);
      await page.getByLabel("Name", { exact: true }).fill("x".repeat(65));
      await button(page, "Rename").click();
      await page.locator('[aria-invalid="true"]').first().waitFor();
    },
  },
];
