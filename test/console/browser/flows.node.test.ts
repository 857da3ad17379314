import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { startSite, type RunningSite } from "./site.ts";
import {
  apiTokenLifecycle,
  formGoesOn,
  keyboardOnly,
  logInAndOut,
  addContactByCode,
} from "./flows.ts";

/** Stories wait for each other where processors are few. */
vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let site: RunningSite;

beforeAll(async () => {
  site = await startSite();
});

afterAll(() => site?.close());

describe.concurrent.each([
  ["with JavaScript", { javaScriptEnabled: true }],
  ["without JavaScript", { javaScriptEnabled: false }],
])("%s", (_, options) => {
  it("two people meet over a code, from sign-up to contact", () => addContactByCode(site, options));
  it("a token's whole life", () => apiTokenLifecycle(site, options));
  it("a form goes on after a password, where the log-in is old", () => formGoesOn(site, options));
  it("log in, out and everywhere", () => logInAndOut(site, options));
});

it("everything is done by keyboard, and shows where it is", () => keyboardOnly(site));
