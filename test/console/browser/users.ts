import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

export const PASSWORD = "correct horse battery";

/** Where the stories happen: one server and one browser for all of them. */
export interface Site {
  readonly origin: string;
  readonly browser: Browser;
}

export interface BrowserUser {
  readonly email: string;
  readonly context: BrowserContext;
  readonly page: Page;
  /** What went wrong in the pages: errors of scripts, and what the policy stopped. */
  readonly errors: readonly string[];
}

/** A user with a browser of their own. */
export async function newBrowserUser(
  { origin, browser }: Site,
  options: BrowserContextOptions = {},
  email = `${crypto.randomUUID()}@example.com`,
): Promise<BrowserUser> {
  const context = await browser.newContext({ baseURL: origin, ...options });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (line) => {
    if (/Content Security Policy/.test(line.text())) errors.push(line.text());
  });
  return { email, context, page, errors };
}

export const button = (page: Page, name: string) =>
  page.locator("main").getByRole("button", { name, exact: true });

/** Opens what asks again, of the card or row that names it. */
export const openConfirm = (page: Page, summary: string) =>
  page.locator("summary").filter({ hasText: summary }).first().click();

/** The form for new accounts, wherever it was opened. */
export async function fillSignUp({ page, email }: BrowserUser): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await button(page, "Create account").click();
}

export async function signUp(person: BrowserUser): Promise<void> {
  await person.page.goto("/console/signup");
  await fillSignUp(person);
  await heading(person.page, "Overview");
}

/** Out by the account menu, which every page has. */
export async function logOut({ page }: BrowserUser): Promise<void> {
  await page.locator(".who summary").click();
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Log in");
}

export async function logIn({ page, email }: BrowserUser): Promise<void> {
  await page.goto("/console/login");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await button(page, "Log in").click();
  await heading(page, "Overview");
}

/** Waits until the page with this heading is there. */
export async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

export async function giveName({ page }: BrowserUser, first: string, last: string): Promise<void> {
  await page.goto("/console/account");
  await page.getByLabel("First name").fill(first);
  await page.getByLabel("Last name").fill(last);
  await button(page, "Save profile").click();
  await page.getByText("Profile saved.").waitFor();
}
