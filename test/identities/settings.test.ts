import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";

const ACME = {
  name: "acme",
  issuer: "https://login.acme.example/",
  jwks: "https://login.acme.example/keys",
  audience: ["latchkey"],
};
const issuersOf = (settings: Readonly<Record<string, unknown>>) =>
  readConfig({ ...env, ...settings }).issuers;
const rows = (...entries: readonly unknown[]) => JSON.stringify(entries);

function complaint(settings: Readonly<Record<string, unknown>>): string {
  try {
    readConfig({ ...env, ...settings });
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("was taken");
}

it("Google and Facebook are rows that need an audience", () => {
  expect(issuersOf({}).map(({ name, audience }) => [name, audience])).toEqual([
    ["google", []],
    ["facebook", []],
  ]);
  const settings = {
    GOOGLE_CLIENT_ID: "web.apps.example, ios.apps.example",
    FACEBOOK_APP_ID: "77",
  };
  expect(issuersOf(settings).map(({ audience }) => audience)).toEqual([
    ["web.apps.example", "ios.apps.example"],
    ["77"],
  ]);
});

it("another issuer's row names its header and its query's parameter", () => {
  expect(issuersOf({ OPENID_ISSUERS: rows(ACME) }).at(-1)).toEqual({
    name: "acme",
    header: "x-auth-acme-token",
    query: "acme_token",
    spellings: [ACME.issuer],
    jwks: ACME.jwks,
    audience: ["latchkey"],
  });
});

it.each([
  ["no JSON", "acme"],
  ["no list", JSON.stringify(ACME)],
  ["a name that is built in", rows({ ...ACME, name: "google" })],
  ["the name of another way in", rows({ ...ACME, name: "ha1b" })],
  ["a name that is no header's", rows({ ...ACME, name: "Acme Inc" })],
  ["no name, whose header would be X-Auth-Token", rows({ ...ACME, name: "" })],
  ["one name twice", rows(ACME, { ...ACME, issuer: "https://other.acme.example" })],
  ["one issuer twice", rows(ACME, { ...ACME, name: "other" })],
  ["Google's issuer under another name", rows({ ...ACME, issuer: "https://accounts.google.com" })],
  ["no audience", rows({ ...ACME, audience: [] })],
  ["an empty audience", rows({ ...ACME, audience: [""] })],
  ["an issuer that is no URL", rows({ ...ACME, issuer: "acme" })],
  ["keys over plain HTTP", rows({ ...ACME, jwks: "http://login.acme.example/keys" })],
  ["keys from a file", rows({ ...ACME, jwks: "file:///keys" })],
  ["a client that is not of the audience", rows({ ...ACME, client_id: "another" })],
  ["a client's secret without a client", rows({ ...ACME, client_secret: "x" })],
  ["a member that nobody knows", rows({ ...ACME, algorithms: ["none"] })],
])("%s stops the start", (_, OPENID_ISSUERS) => {
  const message = complaint({ OPENID_ISSUERS });
  expect(message.match(/^ {2}\w+/gm)).toEqual(["  OPENID_ISSUERS"]);
  expect(message).not.toContain("acme");
});

it("HA1B is on or off", () => {
  expect(readConfig({ ...env, HA1B: undefined }).takesHa1b).toBe(false);
  expect(readConfig({ ...env, HA1B: "on" }).takesHa1b).toBe(true);
  expect(complaint({ HA1B: "yes" })).toContain("HA1B must be on or off");
});
