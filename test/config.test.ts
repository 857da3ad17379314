import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";

const GOOD = {
  ISSUER: "https://auth.example.com",
  JWT_KEYS: env.JWT_KEYS,
  ENCRYPTION_KEYS: btoa("x".repeat(32)),
};
const WEBHOOK = {
  MAIL_WEBHOOK_URL: "https://mail.example.com/hook",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
const SECRET = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1yZWFk";

const wrong = (name: string, ...values: string[]): [string, string][] =>
  values.map((value) => [name, value]);
const NO_LIFETIMES = ["0", "-1", "1e9", "1000000000", "99999999", "5m", "60.5", "", " 60", SECRET];
const NO_HEADER_TYPES = ["", ",", "bearer", "Bearer,Bearer", "Bearer,Digest", "Basic", SECRET];
const NO_PREFIXES = [
  "",
  "a",
  "Acme",
  "lk_",
  "a-b",
  "lk,lk",
  "a1".repeat(9),
  "1a",
  "(ab|cd)",
  SECRET,
];

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
      "ENCRYPTION_KEYS",
      "ISSUER",
      "JWT_KEYS",
      "QUERY_CREDENTIALS",
      "REVOCATION_LAG_SECONDS",
      "SIGN_UP",
    ]);
    expect(message).toContain("ISSUER is missing");
    expect(complaint({})).toContain("JWT_KEYS is missing");
  });

  /** One row a wrong setting; the message may repeat none of them. */
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
    ["ENCRYPTION_KEYS", SECRET],
    ["ENCRYPTION_KEYS", ""],
    ["ENCRYPTION_KEYS", `${btoa("x".repeat(32))},${btoa("x".repeat(16))}`],
    ["SIGN_UP", SECRET],
    ["SIGN_UP", ""],
    ["SIGN_UP", "Open"],
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
    ["CORS_ORIGINS", "https://*.example.com"],
    ["CORS_ORIGINS", "https://a.example, *"],
    ["CORS_ORIGINS", "capacitor://*"],
    ["CORS_ORIGINS", "capacitor://localhost/"],
    ["CORS_ORIGINS", "capacitor://"],
    ["CORS_ORIGINS", "capacitor:localhost"],
    ["CORS_ORIGINS", "Capacitor://localhost"],
    ["CORS_ORIGINS", "capacitor://LocalHost"],
    ["CORS_ORIGINS", "https://A.example"],
    ["CORS_ORIGINS", "https://a.example:443"],
    ["CORS_ORIGINS", "https://user@a.example"],
    ["CORS_ORIGINS", "https://a.example?x"],
    ["CORS_ORIGINS", "file://localhost"],
    ["CORS_ORIGINS", "wss://a.example"],
    ["ISSUER", "https://*.example.com"],
    ["CORS_ORIGINS", 77_001],
    ["QUERY_CREDENTIALS", SECRET],
    ["QUERY_CREDENTIALS", "ON"],
    ["MAIL_OUTBOX", "on"],
    ["MAIL_OUTBOX", SECRET],
    ["MAIL_WEBHOOK_URL", SECRET],
    ["MAIL_WEBHOOK_URL", `http://mail.example/${SECRET}`],
    ["MAIL_WEBHOOK_URL", `https://user:${SECRET}@mail.example/`],
    ["MAIL_WEBHOOK_URL", `http://localhost.example/${SECRET}`],
    ["MAIL_WEBHOOK_URL", `http://localhost@mail.example/${SECRET}`],
    ["MAIL_WEBHOOK_SECRET", SECRET],
    ["MAIL_WEBHOOK_SECRET", `whsec_${SECRET.slice(0, 30)}`],
    ["MAIL_WEBHOOK_SECRET", `whsec_${"A".repeat(88)}`],
    ["MAIL_WEBHOOK_SECRET", `whsec_${SECRET}!`],
    ["MAIL_WEBHOOK_SECRET", `${WEBHOOK.MAIL_WEBHOOK_SECRET} ${SECRET}`],
    ["MAIL_WEBHOOK_SECRET", Array(3).fill(WEBHOOK.MAIL_WEBHOOK_SECRET).join(" ")],
    ["PWNED_PASSWORDS", SECRET],
    ...[
      "ACCESS_TOKEN_SECONDS",
      "REFRESH_TOKEN_SECONDS",
      "SESSION_SECONDS",
      "AUTH_TOKEN_SECONDS",
      "LOGIN_MAX_DAYS",
    ].flatMap((name) => wrong(name, ...NO_LIFETIMES)),
    ["ACCESS_TOKEN_SECONDS", "59"],
    ["ACCESS_TOKEN_SECONDS", "86401"],
    ["REFRESH_TOKEN_SECONDS", "7776001"],
    // Longer than LOGIN_MAX_DAYS, which is 30 by default.
    ["REFRESH_TOKEN_SECONDS", "2592001"],
    ["LOGIN_MAX_DAYS", "366"],
    ...wrong("AUTH_HEADER_TYPES", ...NO_HEADER_TYPES),
    ...wrong("TOKEN_PREFIX", ...NO_PREFIXES),
    ["TOKEN_PREFIX", "ab,ac,ad,ae,af,ag,ah,ai,aj"],
    ["PWNED_PASSWORDS_URL", `https://pwned.example/${SECRET}`],
  ])("%s as %j stops the start and is not quoted", (name, value) => {
    const message = complaint({ ...GOOD, ...WEBHOOK, [name]: value });
    expect(message).toMatch(new RegExp(`^ {2}${name} `, "m"));
    expect(message).not.toContain(SECRET);
    expect(message).not.toContain("77001");
    expect(message.match(/^ {2}/gm)).toHaveLength(1);
  });

  it("lets nothing live longer than a log-in", () => {
    const LOGIN_MAX_DAYS = "1";
    for (const name of ["REFRESH_TOKEN_SECONDS", "SESSION_SECONDS", "AUTH_TOKEN_SECONDS"]) {
      expect(complaint({ ...GOOD, LOGIN_MAX_DAYS, [name]: "86401" })).toContain(
        `${name} must be no longer than LOGIN_MAX_DAYS`,
      );
    }
    const settings = { REFRESH_TOKEN_SECONDS: "7776000", LOGIN_MAX_DAYS: "90" };
    expect(readConfig({ ...GOOD, ...settings }).lifetimes).toEqual({
      access: 300,
      refresh: 7_776_000,
      auth: 86_400,
      session: 3_600,
      login: 7_776_000,
    });
  });

  it("needs both of a webhook, or neither", () => {
    const { MAIL_WEBHOOK_URL, MAIL_WEBHOOK_SECRET } = WEBHOOK;
    const url = MAIL_WEBHOOK_URL;
    expect(readConfig(GOOD).mail).toBeNull();
    expect(readConfig({ ...GOOD, ...WEBHOOK }).mail).toMatchObject({ url });
    for (const one of [{ MAIL_WEBHOOK_URL }, { MAIL_WEBHOOK_SECRET }]) {
      expect(complaint({ ...GOOD, ...one })).toContain("MAIL_WEBHOOK_SECRET must be set together");
    }
    const EVENTS_WEBHOOK_URL = url;
    const both = { EVENTS_WEBHOOK_URL, EVENTS_WEBHOOK_SECRET: MAIL_WEBHOOK_SECRET };
    expect(readConfig({ ...GOOD, ...both }).eventsWebhook).toMatchObject({ url });
    expect(complaint({ ...GOOD, EVENTS_WEBHOOK_URL })).toContain("EVENTS_WEBHOOK_SECRET must be");
  });

  it("prints mails on a loopback issuer alone", () => {
    const on = { ...GOOD, MAIL_OUTBOX: "on" };
    for (const ISSUER of ["http://localhost:8787", "http://127.0.0.1", "https://[::1]:1"]) {
      expect(readConfig({ ...on, ISSUER }).mail).toBe("outbox");
      expect(readConfig({ ...on, ...WEBHOOK, ISSUER }).mail).not.toBe("outbox");
    }
    for (const ISSUER of ["http://localhost.example", "https://localhost.example:1"]) {
      expect(complaint({ ...on, ISSUER })).toContain("MAIL_OUTBOX may be on only where");
    }
  });

  it.each([
    ["https://a.example", ["https://a.example"]],
    ["https://a.example,https://b.example:8443", ["https://a.example", "https://b.example:8443"]],
    [
      " https://a.example ,\n http://localhost:3000 ",
      ["https://a.example", "http://localhost:3000"],
    ],
    [
      "capacitor://localhost ionic://localhost,tauri://localhost",
      ["capacitor://localhost", "ionic://localhost", "tauri://localhost"],
    ],
    ["*", "*"],
  ])("reads the origins %j", (text, origins) => {
    expect(readConfig({ ...GOOD, CORS_ORIGINS: text }).corsOrigins).toEqual(origins);
  });
});
