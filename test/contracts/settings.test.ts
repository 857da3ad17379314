import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { service } from "../support/service.ts";

function refusalOf(settings: Readonly<Record<string, unknown>>): string {
  try {
    readConfig(settings);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("these settings were taken");
}

it("lists all that is wrong, and repeats no value", () => {
  const message = refusalOf({
    ISSUER: "https://auth.example.com/path-of-mine",
    JWT_KEYS: "a-secret-that-is-no-key",
    SIGN_UP: "sometimes",
    REVOCATION_LAG_SECONDS: "soon",
    CORS_ORIGINS: "app.example.com",
    QUERY_CREDENTIALS: "yes-please",
  });
  const lines = message.split("\n").slice(1);
  expect(lines.map((line) => line.trim().split(" ")[0])).toEqual([
    "ISSUER",
    "JWT_KEYS",
    "SIGN_UP",
    "REVOCATION_LAG_SECONDS",
    "CORS_ORIGINS",
    "QUERY_CREDENTIALS",
  ]);
  for (const value of ["path-of-mine", "a-secret", "sometimes", "soon", "app.example", "yes-pl"]) {
    expect(message).not.toContain(value);
  }
});

it("says what is missing", () => {
  const message = refusalOf({});
  expect(message).toContain("ISSUER is missing");
  expect(message).toContain("JWT_KEYS is missing");
});

it.each([
  ["ISSUER", "https://auth.example.com/"],
  ["ISSUER", "ftp://auth.example.com"],
  ["ISSUER", ""],
  ["REVOCATION_LAG_SECONDS", "-1"],
  ["REVOCATION_LAG_SECONDS", "1.5"],
  ["REVOCATION_LAG_SECONDS", "86401"],
  ["CORS_ORIGINS", "https://a.test/"],
  ["CORS_ORIGINS", "https://a.test, *"],
  ["SIGN_UP", "Open"],
  ["QUERY_CREDENTIALS", "true"],
])("refuses %s=%j", (name, value) => {
  const message = refusalOf({ ...env, [name]: value });
  const wrong = message.split("\n").slice(1);
  expect(wrong).toEqual([expect.stringMatching(`^ *${name} `)]);
});

it("closes sign-up on request, and nothing else", async () => {
  const closed = service({ SIGN_UP: "closed" });
  const json = { email: "late@example.com", password: "a fine password" };
  expect(await closed("POST", "/rest/user", { json })).toMatchObject({
    status: 403,
    json: { success: false, message: "Sign-up is closed", status: 403 },
  });
  expect((await closed("POST", "/tokens", { json: {} })).status).toBe(400);
});
