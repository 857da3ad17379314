import { createServer } from "node:http";
import type { CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type RunningSite, startSite } from "./site.ts";
import { button, heading, logIn, newBrowserUser, openConfirm, signUp } from "./users.ts";

/** Passkeys in a real browser, with authenticators in software. */

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

const PAGE = "/console/account/security/passkeys";

let site: RunningSite;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site?.close());

interface Device {
  readonly cdp: CDPSession;
  readonly authenticatorId: string;
}

/** @param agrees whether its user agrees at once to whatever a page asks for */
async function plugIn(page: Page, agrees = true): Promise<Device> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: agrees,
    },
  });
  return { cdp, authenticatorId };
}

const agree = ({ cdp, authenticatorId }: Device, enabled: boolean) =>
  cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });

const credentialsOf = async ({ cdp, authenticatorId }: Device) =>
  (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials;

/** As if the device had counted this many uses. */
async function setCount(device: Device, signCount: number) {
  const { cdp, authenticatorId } = device;
  const [credential] = await credentialsOf(device);
  if (credential === undefined) throw new Error("no credential");
  const { credentialId } = credential;
  await cdp.send("WebAuthn.removeCredential", { authenticatorId, credentialId });
  const set = { ...credential, signCount };
  await cdp.send("WebAuthn.addCredential", { authenticatorId, credential: set });
}

const said = (page: Page, hasText: string) =>
  page.getByRole("status").filter({ hasText }).waitFor();

async function addPasskey(page: Page, name: string) {
  await page.goto(PAGE);
  await page.locator("[data-passkey]").getByLabel("Name").fill(name);
  await button(page, "Add a passkey").click();
  await said(page, `“${name}” was added`);
}

async function logOut(page: Page) {
  await page.locator(".who summary").click();
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Log in");
}

const pressPasskey = (page: Page) => button(page, "Log in with a passkey").click();

async function isRefused(page: Page) {
  await pressPasskey(page);
  await page.getByRole("alert").filter({ hasText: "That passkey didn't log you in." }).waitFor();
}

/** A browser that offers passkeys only where a button is pressed, and a device whose user agrees. */
const BY_BUTTON = "PublicKeyCredential.isConditionalMediationAvailable = async () => false";

async function newOwner() {
  const ada = await newBrowserUser(site);
  await ada.page.addInitScript(BY_BUTTON);
  await signUp(ada);
  const device = await plugIn(ada.page);
  await addPasskey(ada.page, "Laptop");
  return { ada, page: ada.page, device };
}

it("is added once a device, and logs in by the button", async () => {
  const { ada, page, device } = await newOwner();
  expect(await credentialsOf(device)).toHaveLength(1);
  await page.goto(PAGE);
  await button(page, "Add a passkey").click();
  await said(page, "This device already has a passkey for your account.");
  await logOut(page);
  await pressPasskey(page);
  await heading(page, "Overview");
  expect(ada.errors).toEqual([]);
});

it("is offered in the field for the email, and logs in when chosen there", async () => {
  const ada = await newBrowserUser(site);
  const { page } = ada;
  await signUp(ada);
  const device = await plugIn(page);
  await addPasskey(page, "Laptop");
  await agree(device, false);
  await logOut(page);
  expect(await page.getByLabel("Email").getAttribute("autocomplete")).toBe("username webauthn");
  // Nothing is pressed: who agrees has chosen it from what the field offers.
  await agree(device, true);
  await page.reload().catch(() => undefined);
  await heading(page, "Overview");
  expect(ada.errors).toEqual([]);
});

it("a copy that counts less is refused, and the one that it was made of still works", async () => {
  const { page, device } = await newOwner();
  await setCount(device, 100);
  await logOut(page);
  await pressPasskey(page);
  await heading(page, "Overview");
  await logOut(page);
  await setCount(device, 10);
  await isRefused(page);
  await setCount(device, 200);
  await pressPasskey(page);
  await heading(page, "Overview");
});

it("a second device has its own, and one that is removed opens nothing", async () => {
  const { ada, page } = await newOwner();
  const phone = await newBrowserUser(site, { storageState: await ada.context.storageState() });
  await phone.page.addInitScript(BY_BUTTON);
  await plugIn(phone.page);
  await addPasskey(phone.page, "Phone");

  await page.goto(PAGE);
  await openConfirm(page, "Remove Laptop");
  await button(page, "Remove passkey").last().click();
  await said(page, "Passkey removed.");
  await logOut(page);
  await isRefused(page);

  await phone.context.clearCookies();
  await phone.page.goto("/console/login");
  await pressPasskey(phone.page);
  await heading(phone.page, "Overview");
});

it("asked for by a page of another origin, is refused: by the browser, and by the service where the names are alike", async () => {
  const { page } = await newOwner();
  await logOut(page);
  const elsewhere = createServer((_, answer) =>
    answer.setHeader("content-type", "text/html").end("<title>Elsewhere</title>"),
  );
  await new Promise<void>((listening) => elsewhere.listen(0, listening));
  const { port } = Object(elsewhere.address());
  try {
    const asked = await fetch(`${site.origin}/rest/login/passkey/options`, { method: "POST" });
    const options = JSON.stringify(Object(await asked.json()).payload);
    const assertion = async () =>
      String(
        await page.evaluate(
          `navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(${options}) })
            .then((found) => JSON.stringify(found), (error) => error.name)`,
        ),
      );
    const logsIn = async (response: string) => {
      const headers = { "content-type": "application/json" };
      const body = `{"response":${response}}`;
      return (await fetch(`${site.origin}/rest/login/passkey`, { method: "POST", headers, body }))
        .status;
    };
    // Another name: its own browser refuses to ask the device.
    await page.goto(`http://127.0.0.1:${port}/`);
    expect(await assertion()).toBe("SecurityError");
    // The same name with another port may ask. What the device signs says so.
    await page.goto(`http://localhost:${port}/`);
    expect(await logsIn(await assertion())).toBe(401);
    await page.goto("/console/login");
    expect(await logsIn(await assertion())).toBe(200);
  } finally {
    elsewhere.close();
  }
});

it("without JavaScript the log-in is there, and the page says what a passkey needs", async () => {
  const ada = await newBrowserUser(site, { javaScriptEnabled: false });
  await signUp(ada);
  const { page } = ada;
  await page.goto(PAGE);
  await page.getByText("Adding a passkey needs JavaScript").waitFor();
  expect(await button(page, "Add a passkey").isVisible()).toBe(false);
  await logOut(page);
  expect(await button(page, "Log in with a passkey").isVisible()).toBe(false);
  await logIn(ada);
});
