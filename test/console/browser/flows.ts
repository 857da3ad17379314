import jsQR from "jsqr";
import { expect } from "vitest";
import type { RunningSite } from "./site.ts";
import {
  openConfirm,
  button,
  fillSignUp,
  giveName,
  heading,
  type Site,
  logIn,
  logOut,
  PASSWORD,
  type BrowserUser,
  signUp,
  newBrowserUser,
} from "./users.ts";

/** What people do here, each told with JavaScript and without. */

interface Options {
  readonly javaScriptEnabled: boolean;
}

const statusOf = async (origin: string, bearer: string): Promise<number> =>
  (await fetch(`${origin}/rest/user`, { headers: { authorization: `Bearer ${bearer}` } })).status;

async function closeAll(...people: readonly BrowserUser[]): Promise<void> {
  for (const { errors, context } of people) {
    expect(errors).toEqual([]);
    await context.close();
  }
}

/** From sign-up to a contact over a code that one shows and the other scans. */
export async function addContactByCode(site: Site, options: Options): Promise<void> {
  const [ada, bob] = [await newBrowserUser(site, options), await newBrowserUser(site, options)];
  await signUp(ada);
  await giveName(ada, "Ada", "Lovelace");
  await ada.page.goto("/console/contacts");
  await ada.page.getByText("No contacts yet").waitFor();
  await ada.page.getByRole("link", { name: "Add contact" }).click();
  await button(ada.page, "Create code").click();
  const link = await ada.page.getByLabel("Link", { exact: true }).innerText();
  expect(link).toMatch(new RegExp(`^${site.origin}/a/lk_act_\\w+$`));
  expect(await scanned(ada)).toBe(link);
  await ada.page.getByText("Used 0 of 1").waitFor();

  // What opens links by itself burns nothing.
  for (let i = 0; i < 3; i++) await fetch(link);
  await bob.page.goto(link);
  await bob.page.getByText("Ada Lovelace").first().waitFor();
  await bob.page.getByRole("link", { name: "Create account" }).click();
  await fillSignUp(bob);
  await bob.page.waitForURL(link);
  const title = await bob.page.getByRole("heading", { level: 1 }).innerText();
  await button(bob.page, title).click();
  await bob.page.locator(".alert.done").waitFor();
  await giveName(bob, "Bob", "Noyce");

  // Where there is no JavaScript, the page without the code says it.
  if (!options.javaScriptEnabled) {
    await ada.page.goto("/console/actions");
    await ada.page.getByText("No active action tokens").waitFor();
  } else {
    await ada.page.getByText("Used 1 of 1").waitFor();
  }
  for (const [who, other] of [
    [ada, "Bob Noyce"],
    [bob, "Ada Lovelace"],
  ] as const) {
    await who.page.goto("/console/contacts");
    await who.page.getByRole("rowheader", { name: other }).waitFor();
  }
  await bob.page.goto(link);
  await heading(bob.page, "You already used this link");
  await closeAll(ada, bob);
}

/** A reader's pixels for each module. */
const SCALE = 4;

/** What a reader of QR codes that did not draw it makes of the code on the page. */
async function scanned({ page }: BrowserUser): Promise<string | null> {
  const code = page.getByRole("img", { name: "QR code of the link" }).locator("svg");
  const [, , modules = 0] = (await code.getAttribute("viewBox"))?.split(" ").map(Number) ?? [];
  const size = modules * SCALE;
  const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
  for (const path of await code.locator("path").all()) {
    for (const [, x, y] of ((await path.getAttribute("d")) ?? "").matchAll(/M(\d+),(\d+)/g)) {
      for (let row = Number(y) * SCALE; row < (Number(y) + 1) * SCALE; row++) {
        const from = (row * size + Number(x) * SCALE) * 4;
        pixels.fill(0, from, from + SCALE * 4);
      }
    }
  }
  return (
    jsQR(
      pixels.map((value, at) => (at % 4 === 3 ? 255 : value)),
      size,
      size,
    )?.data ?? null
  );
}

export async function apiTokenLifecycle(site: Site, options: Options): Promise<void> {
  const ada = await newBrowserUser(site, {
    ...options,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const { page } = ada;
  const status = (secret: string) => statusOf(site.origin, secret);
  const secretShown = () => page.getByLabel("Token", { exact: true }).innerText();
  await signUp(ada);
  await page.goto("/console/tokens");
  await page.getByRole("link", { name: "New token" }).click();
  await page.getByLabel("Name", { exact: true }).fill("<b>deploy</b>");
  await page.getByLabel("Selected permissions").check();
  await button(page, "Create token").click();
  await page.getByText("Select at least one permission.").waitFor();
  expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("<b>deploy</b>");
  await page.getByLabel("Read your profile").check();
  await page.getByLabel("Expires", { exact: true }).selectOption({ label: "In 7 days" });
  await button(page, "Create token").click();
  const first = await secretShown();
  expect(await status(first)).toBe(200);
  if (options.javaScriptEnabled) {
    await button(page, "Copy").first().click();
    await button(page, "Copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(first);
  } else {
    expect(await button(page, "Copy").count()).toBe(0);
  }
  expect(page.url()).not.toContain("lk_api_");

  await page.getByRole("link", { name: "Done" }).click();
  const row = page.getByRole("row").filter({ hasText: first.slice(-4) });
  await row.getByText("Expires in 7 days").waitFor();
  await row.getByText("Less than an hour ago").waitFor();
  expect(await page.content()).not.toContain(first);

  // A whole token that is searched leads to its page, and stands in no address.
  await page.getByLabel("Search").fill(first);
  await button(page, "Filter").click();
  await heading(page, "<b>deploy</b>");
  expect(page.url()).not.toContain("lk_api_");
  await page.getByLabel("Name", { exact: true }).fill("nightly");
  await button(page, "Rename").click();
  await heading(page, "nightly");

  await page.getByLabel("Revoke the old secret").selectOption({ label: "Immediately" });
  await button(page, "Rotate token").click();
  await page.getByRole("heading", { name: "New secret for" }).waitFor();
  const second = await secretShown();
  expect([await status(first), await status(second)]).toEqual([401, 200]);

  await page.getByRole("link", { name: "View token" }).click();
  await openConfirm(page, "Revoke token");
  await button(page, "Revoke token").click();
  await page.getByText("No API tokens yet").waitFor();
  expect(await status(second)).toBe(401);

  await page.goto("/console/activity");
  for (const event of ["API token created", "API token rotated"]) {
    await page.getByRole("rowheader", { name: event }).waitFor();
  }
  await closeAll(ada);
}

export async function logInAndOut(site: Site, options: Options): Promise<void> {
  const ada = await newBrowserUser(site, options);
  await signUp(ada);
  const [phone, laptop] = [
    await newBrowserUser(site, options, ada.email),
    await newBrowserUser(site, options, ada.email),
  ];
  await logIn(phone);
  await logIn(laptop);

  // Out, and back in to the page that was asked for.
  await logOut(laptop);
  await laptop.page.goto("/console/activity");
  await heading(laptop.page, "Log in");
  await laptop.page.getByLabel("Email").fill(ada.email);
  await laptop.page.getByLabel("Password").fill("wrong password");
  await button(laptop.page, "Log in").click();
  await laptop.page.getByText("Incorrect email or password.").waitFor();
  await laptop.page.getByLabel("Password").fill(PASSWORD);
  await button(laptop.page, "Log in").click();
  await heading(laptop.page, "Activity");

  // One, then all others.
  await ada.page.goto("/console/account/security/sessions");
  await ada.page.getByText("This browser").waitFor();
  expect(await ada.page.getByRole("table").first().getByRole("row").count()).toBe(4);
  await openConfirm(ada.page, "Log out the session");
  await button(ada.page, "Log out session").first().click();
  await ada.page.getByText("Session logged out.").waitFor();
  await laptop.page.goto("/console/account");
  await heading(laptop.page, "Log in");
  await openConfirm(ada.page, "Log out all other sessions");
  await button(ada.page, "Log out all other sessions").click();
  await ada.page.getByText("You're logged out everywhere else.").waitFor();
  await phone.page.goto("/console/account");
  await heading(phone.page, "Log in");
  await ada.page.goto("/console/account");
  await heading(ada.page, "Profile");
  await closeAll(ada, phone, laptop);
}

/** Everything by keyboard alone. */
export async function keyboardOnly(site: Site): Promise<void> {
  const ada = await newBrowserUser(site);
  const { page } = ada;
  const focused = () => page.evaluate<string>("document.activeElement.innerText ?? ''");
  await page.goto("/console/signup");
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Skip to content");
  expect(await page.getByText("Skip to content").boundingBox()).toMatchObject({ x: 16, y: 8 });
  await page.keyboard.press("Enter");
  for (const typed of ["Ada", "Lovelace", ada.email, PASSWORD]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(typed);
  }
  await page.keyboard.press("Enter");
  await heading(page, "Overview");

  // Whatever takes the focus shows that it has it, and nothing that can be used is left out.
  await page.goto("/console/tokens/new");
  // Of radio buttons, one takes the focus.
  const usable = page.locator(
    ":is(a[href], button, input:not([type=radio]:not(:checked)), select, summary):visible",
  );
  const names = await usable.evaluateAll((all) => all.map((each) => each.outerHTML));
  const reached: string[] = [];
  // A date has a stop for each of its parts.
  for (let i = 0; i <= names.length + 4; i++) {
    await page.keyboard.press("Tab");
    const outline =
      "const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)";
    const [html = "", ...shown] = await page.evaluate<string[]>(
      `${outline}; [document.activeElement.outerHTML, outlineStyle, outlineWidth]`,
    );
    if (!names.includes(html)) continue;
    expect(shown, html).toEqual(["solid", "3px"]);
    reached.push(html);
  }
  expect([...new Set(reached)].sort()).toEqual([...new Set(names)].sort());

  await page.getByLabel("Name", { exact: true }).focus();
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await heading(page, "Token created");
  await page.getByRole("link", { name: "View token" }).press("Enter");
  await page.locator("summary", { hasText: "Revoke token" }).focus();
  for (const key of ["Enter", "Tab", "Enter"]) await page.keyboard.press(key);
  await page.getByText("No API tokens yet").waitFor();
  await closeAll(ada);
}

/** A log-in of an hour ago, and a token that can do everything: one page asks for the password, and the form goes on. */
export async function formGoesOn(site: RunningSite, options: Options): Promise<void> {
  const ada = await newBrowserUser(site, options);
  const { page } = ada;
  await signUp(ada);
  await site.server.write(
    `UPDATE tokens SET created_at = created_at - 3600000
      WHERE user_id = (SELECT id FROM users WHERE email = ?1) AND kind = 'session'`,
    ada.email,
  );
  await page.goto("/console/tokens/new");
  await page.getByLabel("Name", { exact: true }).fill("Deploys & “more”");
  await page.getByLabel("Full access").check();
  await button(page, "Create token").click();
  await heading(page, "Confirm it's you");
  await page.getByLabel("Password").fill("not the password");
  await button(page, "Continue").click();
  await page.getByText("Incorrect password.").waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await button(page, "Continue").click();
  const secret = await page.getByLabel("Token", { exact: true }).innerText();
  expect(await statusOf(site.origin, secret)).toBe(200);
  await page.goto("/console/tokens");
  await page.getByRole("link", { name: "Deploys & “more”" }).waitFor();
  expect(ada.errors).toEqual([]);
}
