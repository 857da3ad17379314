import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";

const GOOD = { ISSUER: "https://auth.example.com", JWT_KEYS: env.JWT_KEYS };
const SECRET = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1yZWFk";

function complaint(settings: Readonly<Record<string, unknown>>): string {
  try {
    readConfig(settings);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("was taken");
}

describe("settings", () => {
  it("has defaults for all but two", () => {
    expect(readConfig(GOOD)).toMatchObject({
      issuer: GOOD.ISSUER,
      signUpIsOpen: true,
      revocationLagSeconds: 0,
      corsOrigins: "*",
      credentialsInQuery: false,
    });
  });

  it("are frozen", () => expect(Object.isFrozen(readConfig(GOOD))).toBe(true));

  it("lists all that is wrong at once", () => {
    const message = complaint({
      JWT_KEYS: SECRET,
      SIGN_UP: SECRET,
      REVOCATION_LAG_SECONDS: SECRET,
      CORS_ORIGINS: SECRET,
      QUERY_CREDENTIALS: SECRET,
    });
    const names = [...message.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);
    expect(names.sort()).toEqual([
      "CORS_ORIGINS",
      "ISSUER",
      "JWT_KEYS",
      "QUERY_CREDENTIALS",
      "REVOCATION_LAG_SECONDS",
      "SIGN_UP",
    ]);
    expect(message).toContain("ISSUER is missing");
  });

  /** One row a wrong setting; none of them may stand in the message. */
  it.each([
    ["ISSUER", SECRET],
    ["ISSUER", `https://auth.example.com/${SECRET}`],
    ["ISSUER", `https://${SECRET}@auth.example.com`],
    ["ISSUER", "https://auth.example.com/"],
    ["ISSUER", "https://AUTH.example.com"],
    ["ISSUER", "https://auth.example.com:443"],
    ["ISSUER", `ftp://${SECRET}`],
    ["ISSUER", ""],
    ["ISSUER", 77_001],
    ["JWT_KEYS", SECRET],
    ["JWT_KEYS", `{"keys":["${SECRET}"]}`],
    ["JWT_KEYS", { keys: [SECRET] }],
    ["SIGN_UP", SECRET],
    ["SIGN_UP", ""],
    ["SIGN_UP", true],
    ["REVOCATION_LAG_SECONDS", SECRET],
    ["REVOCATION_LAG_SECONDS", "-1"],
    ["REVOCATION_LAG_SECONDS", "1.5"],
    ["REVOCATION_LAG_SECONDS", "1e3"],
    ["REVOCATION_LAG_SECONDS", "86401"],
    ["REVOCATION_LAG_SECONDS", ""],
    ["REVOCATION_LAG_SECONDS", 77_001],
    ["CORS_ORIGINS", SECRET],
    ["CORS_ORIGINS", `https://a.example, ${SECRET}`],
    ["CORS_ORIGINS", "https://a.example/"],
    ["CORS_ORIGINS", "null"],
    ["CORS_ORIGINS", 77_001],
    ["QUERY_CREDENTIALS", SECRET],
    ["QUERY_CREDENTIALS", "ON"],
  ])("%s as %j stops the start and is not quoted", (name, value) => {
    const message = complaint({ ...GOOD, [name]: value });
    expect(message).toMatch(new RegExp(`^ {2}${name} `, "m"));
    expect(message).not.toContain(SECRET);
    expect(message).not.toContain("77001");
    expect(message.match(/^ {2}/gm)).toHaveLength(1);
  });

  it.each([
    ["https://a.example", ["https://a.example"]],
    ["https://a.example,https://b.example:8443", ["https://a.example", "https://b.example:8443"]],
    [
      " https://a.example ,\n http://localhost:3000 ",
      ["https://a.example", "http://localhost:3000"],
    ],
    ["*", "*"],
  ])("reads the origins %j", (text, origins) => {
    expect(readConfig({ ...GOOD, CORS_ORIGINS: text }).corsOrigins).toEqual(origins);
  });
});
