import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { redirectIssuers, byGoogle, newPerson, SETTINGS } from "../identities/people.ts";
import { type Answered, PASSWORD, type Send, type TestUser, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";

/** Every way in that asks for the second factor, on every surface that takes it. */

const on = isolate({ ...SETTINGS, HA1B: "on" });
beforeEach(redirectIssuers);

interface Owner extends TestUser {
  readonly sub: string;
}
let owner: Owner;

beforeAll(async () => {
  redirectIssuers();
  const person = newPerson();
  const user = await on.newUser({ email: person.email });
  await env.DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(user.id).run();
  owner = { ...user, sub: person.sub };
  await env.DB.prepare(
    "INSERT INTO second_factors (user_id, secret, created_at, confirmed_at) VALUES (?, '', 1, 1)",
  )
    .bind(user.id)
    .run();
});

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
const ROUTES = ["GET /rest/auth", "GET /rest/user", "GET /api/user/get-contacts", "GET /tokens"];

type Try = (otp?: string) => Promise<Answered>;

const WAYS: Readonly<Record<string, Try>> = {
  "POST /tokens": (otp) =>
    on.send("POST", "/tokens", { json: { email_id: owner.email, password: PASSWORD, otp } }),
  "POST /api/token/": (otp) =>
    on.send("POST", "/api/token/", { json: { email: owner.email, password: PASSWORD, otp } }),
  ...Object.fromEntries(
    Object.entries(CREDENTIALS).flatMap(([name, credential]) =>
      ROUTES.map((route): [string, Try] => [
        `${name} at ${route}`,
        async (otp) => {
          const [method = "", path = ""] = route.split(" ");
          return on.send(method, path, withOtp(await credential(owner), otp));
        },
      ]),
    ),
  ),
};

it.each(Object.entries(WAYS))("%s needs the second factor", async (name, attempt) => {
  const isTokens = name.endsWith("/tokens");
  const without = await attempt();
  expect([without.status, textAt(without, "code")]).toEqual([isTokens ? 400 : 401, "otp_required"]);
  expect(without.headers.get("www-authenticate") === null).toBe(isTokens);
  expect((await attempt("")).text).toBe(without.text);
  const wrong = await attempt("000000");
  expect([wrong.status, wrong.text.includes("otp_required")]).toEqual([
    name === "POST /tokens" ? 400 : 401,
    false,
  ]);
});
