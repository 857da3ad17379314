import { beforeEach, expect, it } from "vitest";
import { byGoogle, newPerson, redirectIssuers, SETTINGS } from "../identities/people.ts";
import { type Answered, PASSWORD, type Send, type TestUser, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { turnOn } from "./authenticator.ts";
import { DB } from "../support/database.ts";

/** Every way in that asks for the second factor, on every surface that takes it. */

const on = isolate({ ...SETTINGS, HA1B: "on" });
beforeEach(redirectIssuers);

interface Owner extends TestUser {
  readonly sub: string;
}

/** Someone with a password and an identity. */
async function newOwner(): Promise<Owner> {
  const { email, sub } = newPerson();
  const user = await on.newUser({ email });
  await DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(user.id).run();
  const owner = { ...user, sub };
  await on.text("payload.uuid", "GET", "/rest/user", await CREDENTIALS["an ID token"](owner));
  return owner;
}

/** With `X-OTP`, where a code is sent. */
const withOtp = (sent: Send, otp: string | undefined): Send =>
  otp === undefined ? sent : { ...sent, headers: { ...sent.headers, "X-OTP": otp } };

async function ha1bOf({ email }: Owner): Promise<Send> {
  const text = `${email}:${email.split("@")[1]}:${PASSWORD}`;
  const digest = await crypto.subtle.digest("MD5", new TextEncoder().encode(text));
  return { headers: { "X-Auth-HA1B-Token": new Uint8Array(digest).toHex() } };
}

const CREDENTIALS = {
  Basic: async ({ email }: Owner): Promise<Send> => ({ basic: { email, password: PASSWORD } }),
  "an ID token": ({ email, sub }: Owner) => byGoogle({ email, sub, email_verified: true }),
  HA1B: ha1bOf,
};
const ROUTES = ["GET /rest/auth", "GET /rest/user", "GET /api/user/get-contacts"];

type Try = (owner: Owner, otp?: string) => Promise<Answered>;

const WAYS: Readonly<Record<string, Try>> = {
  "POST /tokens": ({ email }, otp) =>
    on.send("POST", "/tokens", { json: { email_id: email, password: PASSWORD, otp } }),
  "POST /api/token/": ({ email }, otp) =>
    on.send("POST", "/api/token/", { json: { email, password: PASSWORD, otp } }),
  ...Object.fromEntries(
    Object.entries(CREDENTIALS).flatMap(([name, credential]) =>
      ROUTES.map((route): [string, Try] => [
        `${name} at ${route}`,
        async (owner, otp) => {
          const [method = "", path = ""] = route.split(" ");
          return on.send(method, path, withOtp(await credential(owner), otp));
        },
      ]),
    ),
  ),
};

it.each(Object.entries(WAYS))("%s needs the second factor", async (name, attempt) => {
  const owner = await newOwner();
  expect((await attempt(owner)).status).toBe(200);
  const app = await turnOn(on, owner);
  const status = name === "POST /tokens" ? 400 : 401;
  const without = await attempt(owner);
  expect([without.status, textAt(without, "code")]).toEqual([status, "otp_required"]);
  expect(without.headers.has("www-authenticate")).toBe(status === 401);
  expect((await attempt(owner, "")).text).toBe(without.text);

  const code = await app.fresh();
  const wrong = await attempt(owner, code.startsWith("0") ? "100000" : "000000");
  expect([wrong.status, wrong.text.includes("otp_required")]).toEqual([status, false]);
  const [recovery = ""] = app.recoveryCodes;
  for (const [right, isAgain] of [
    [code, false],
    [code, true],
    [recovery, false],
    [recovery.toUpperCase(), true],
  ] as const) {
    const answer = await attempt(owner, right);
    expect([right, answer.status]).toEqual([right, isAgain ? status : 200]);
    if (isAgain) expect(answer.text).toBe(wrong.text);
  }
});

it("nobody else needs it: a code that is not asked for is ignored", async () => {
  const owner = await newOwner();
  for (const attempt of Object.values(WAYS)) {
    expect((await attempt(owner, "000000")).status).toBe(200);
  }
});
