import { expect, it, vi } from "vitest";
import { codeOf, nextStep, turnOn } from "../second-factor/authenticator.ts";
import { type Answered, PASSWORD } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { hiddenValues } from "./html.ts";
import { COOKIE, encoded, type Fields, FORM, newPageClient, SAME_ORIGIN } from "./page-client.ts";

const on = isolate();
const SETUP = "/console/account/security/second-factor";

const cookieOf = ({ headers }: Answered, name: string) =>
  headers
    .getSetCookie()
    .find((each) => each.startsWith(`${name}=`))
    ?.split(";")[0];
/** A form that is sent with these cookies. */
const post = (path: string, fields: Fields, cookie = "") =>
  on.send("POST", path, { headers: { ...SAME_ORIGIN, ...FORM, cookie }, body: encoded(fields) });
const leadsTo = ({ status, headers }: Answered) => [status, headers.get("location")];

/** The first half. @returns the cookie that stands for it */
async function password(email: string, next = "/console"): Promise<string> {
  const answer = await post("/console/login", { email, password: PASSWORD, next });
  expect(answer.headers.getSetCookie().join()).not.toContain(`${COOKIE}=`);
  const query = next === "/console" ? "" : `?next=${encodeURIComponent(next)}`;
  expect(leadsTo(answer)).toEqual([303, `/console/login/code${query}`]);
  return cookieOf(answer, `${COOKIE}-step`) ?? "";
}

it("is set up on pages: a key, a wrong code and a right one, recovery codes to download, new ones, and removed", async () => {
  const client = await newPageClient(on.call);
  expect((await client.open(SETUP)).text).toContain("Set up authenticator app");
  const scan = await client.send(`${SETUP}/begin`);
  const [secret = ""] = hiddenValues(scan.text, "secret");
  expect(scan.text).toContain("<svg");
  expect(scan.headers.get("cache-control")).toContain("no-store");
  const wrong = await client.send(`${SETUP}/confirm`, { otp: "1", secret });
  expect([wrong.status, hiddenValues(wrong.text, "secret")]).toEqual([400, [secret]]);
  const done = await client.send(`${SETUP}/confirm`, {
    otp: await codeOf(secret, Date.now()),
    secret,
  });
  const [codes = ""] = hiddenValues(done.text, "codes");
  expect(codes.split("\n")).toHaveLength(10);
  const file = await client.send(`${SETUP}/download`, { codes: codes.replaceAll("\n", "\r\n") });
  expect(file.headers.get("content-disposition")).toContain("attachment");
  expect(file.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(file.text).toContain(codes);
  expect((await client.send(`${SETUP}/download`, { codes: "<script>" })).status).toBe(400);

  expect((await client.open(SETUP)).text).toContain("10 of 10");
  expect((await client.send(`${SETUP}/codes`, { otp: "000000" })).text).toContain(
    "That code is wrong",
  );
  nextStep();
  const renewed = await client.send(`${SETUP}/codes`, { otp: await codeOf(secret, Date.now()) });
  const [code = ""] = hiddenValues(renewed.text, "codes")[0]?.split("\n") ?? [];
  expect(codes).not.toContain(code);
  expect(leadsTo(await client.send(`${SETUP}/remove`, { otp: code }))).toEqual([
    303,
    "/console/account/security",
  ]);
  expect((await client.open(SETUP)).text).toContain("Set up authenticator app");
});

it("asks for the code on a page of its own, and leads to where the log-in was for", async () => {
  const { email } = await newPageClient(on.call);
  const app = await turnOn(on, { email, password: PASSWORD });
  const half = await password(email, "/console/tokens");
  const page = await on.send("GET", "/console/login/code?next=%2Fconsole%2Ftokens", {
    headers: { cookie: half },
  });
  expect(hiddenValues(page.text, "next")).toEqual(["/console/tokens"]);
  expect(page.text).toContain('autocomplete="one-time-code"');

  const wrong = await post("/console/login/code", { otp: "000000", next: "/console/tokens" }, half);
  expect([wrong.status, wrong.text.includes("That code is wrong")]).toEqual([401, true]);
  const otp = await app.fresh();
  const done = await post("/console/login/code", { otp, next: "/console/tokens" }, half);
  expect(leadsTo(done)).toEqual([303, "/console/tokens"]);
  const session = cookieOf(done, COOKIE) ?? "";
  expect((await on.send("GET", "/console", { headers: { cookie: session } })).status).toBe(200);
  expect(cookieOf(done, `${COOKIE}-step`)).toBe(`${COOKIE}-step=`);
  // The code is used up, and the half alone is worth nothing.
  expect((await post("/console/login/code", { otp }, half)).status).toBe(401);
});

it("half a log-in is no log-in, ends after five minutes and with the password, and names its user unseen", async () => {
  const client = await newPageClient(on.call);
  const { email } = client;
  const app = await turnOn(on, { email, password: PASSWORD });
  const half = await password(email);
  expect(leadsTo(await on.send("GET", "/console", { headers: { cookie: half } }))[0]).toBe(200);
  expect(leadsTo(await on.send("GET", "/console/tokens", { headers: { cookie: half } }))).toEqual([
    303,
    "/console/login?next=%2Fconsole%2Ftokens",
  ]);
  const tries: readonly (readonly [string, string])[] = [
    ["none", ""],
    ["another's", `${COOKIE}-step=${"A".repeat(100)}`],
    ["changed", half.slice(0, -2)],
    ["a session", `${COOKIE}-step=${client.secret}`],
  ];
  for (const [name, cookie] of tries) {
    const answer = await post("/console/login/code", { otp: await app.fresh() }, cookie);
    expect([name, ...leadsTo(answer)]).toEqual([name, 303, "/console/login"]);
  }
  const late = await password(email);
  vi.setSystemTime(Date.now() + 300_001);
  const tooLate = await post("/console/login/code", { otp: await app.fresh() }, late);
  expect(leadsTo(tooLate)).toEqual([303, "/console/login"]);

  const before = await password(email);
  const json = { password: "another horse entirely", current_password: PASSWORD };
  const basic = { email, password: PASSWORD };
  const changed = await on.send("PATCH", "/rest/user", {
    basic,
    headers: { "X-OTP": await app.fresh() },
    json,
  });
  expect(changed.status).toBe(200);
  const after = await post("/console/login/code", { otp: await app.fresh() }, before);
  expect(leadsTo(after)).toEqual([303, "/console/login"]);
});
