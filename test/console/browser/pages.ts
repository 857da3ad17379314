import type { Page } from "playwright-core";
import { ask, button } from "./people.ts";
import type { World } from "./world.ts";

/** How a page is reached by somebody who has everything, or who is nobody. */
export interface Shown {
  /** Also the name of its screenshots. */
  readonly name: string;
  readonly as: "nobody" | "ada";
  open(page: Page, world: World): Promise<unknown>;
}

const at = (name: string, path: string, as: Shown["as"] = "ada"): Shown => ({
  name,
  as,
  open: (page) => page.goto(path),
});

/** Every page of the console: a new one is a line here. */
export const SHOWN: readonly Shown[] = [
  at("welcome", "/console", "nobody"),
  at("login", "/console/login", "nobody"),
  at("signup", "/console/signup", "nobody"),
  at("forgotten", "/console/forgotten", "nobody"),
  at("forgotten-sent", "/console/forgotten/sent", "nobody"),
  at("nothing", "/console/nothing", "nobody"),
  at("docs", "/docs", "nobody"),
  at("docs-operation", "/docs/runActionToken", "nobody"),
  at("deleted", "/console/account/deleted", "nobody"),
  {
    name: "login-problem",
    as: "nobody",
    async open(page) {
      await page.goto("/console/login");
      await page.getByLabel("E-mail").fill("nobody@example.com");
      await page.getByLabel("Password").fill("wrong password");
      await button(page, "Log in").click();
      await page.getByRole("alert").waitFor();
    },
  },
  at("overview", "/console"),
  at("tokens", "/console/tokens"),
  {
    name: "tokens-open",
    as: "ada",
    async open(page) {
      await page.goto("/console/tokens");
      for (const summary of ["Rename", "Rotate", "End Phone", "End all tokens"]) {
        await ask(page, summary);
      }
    },
  },
  at("token-new", "/console/tokens/new"),
  {
    name: "token-new-problem",
    as: "ada",
    async open(page) {
      await page.goto("/console/tokens/new");
      await page.getByLabel("Name", { exact: true }).fill("x".repeat(64));
      await button(page, "Make the token").click();
      await page.getByText("Choose at least one.").waitFor();
    },
  },
  {
    name: "token-secret",
    as: "ada",
    async open(page) {
      await page.goto("/console/tokens/new");
      await page.getByLabel("Name", { exact: true }).fill("Laptop");
      await page.getByLabel("Read your profile").check();
      await page.getByLabel("Ends in").selectOption({ label: "an hour" });
      await button(page, "Make the token").click();
      await page.getByRole("heading", { name: "Your new token" }).waitFor();
    },
  },
  at("actions", "/console/actions"),
  at("action-new", "/console/actions/new/addContact"),
  {
    name: "action-code",
    as: "ada",
    async open(page) {
      await page.goto("/console/actions/new/addContact");
      await button(page, "Make the code").click();
      await page.getByLabel("Link", { exact: true }).waitFor();
    },
  },
  {
    name: "action",
    as: "ada",
    open: (page, { actionTokenId }) => page.goto(`/console/actions/${actionTokenId}`),
  },
  { name: "link", as: "nobody", open: (page, { link }) => page.goto(link) },
  { name: "link-own", as: "ada", open: (page, { link }) => page.goto(link) },
  { name: "link-ended", as: "nobody", open: (page, { endedLink }) => page.goto(endedLink) },
  at("contacts", "/console/contacts"),
  at("logins", "/console/logins"),
  {
    name: "logins-open",
    as: "ada",
    async open(page) {
      await page.goto("/console/logins");
      await ask(page, "End the login");
      await ask(page, "End all others");
    },
  },
  at("activity", "/console/activity"),
  {
    name: "activity-table",
    as: "ada",
    async open(page) {
      await page.goto("/console/activity?limit=5");
      await ask(page, "As a table");
    },
  },
  at("inspector", "/console/inspector"),
  {
    name: "inspector-found",
    as: "ada",
    async open(page, { link }) {
      await page.goto("/console/inspector");
      await page.getByLabel("Any token").fill(link.slice(link.indexOf("lk_act_")));
      await button(page, "Inspect").click();
      await page.getByText("Another token").waitFor();
    },
  },
  at("account", "/console/account"),
  at("export", "/console/account/export"),
  at("delete", "/console/account/delete"),
];
