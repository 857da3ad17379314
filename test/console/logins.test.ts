import { expect, it } from "vitest";
import { PASSWORD, textAt } from "../support/client.ts";
import { wired } from "../support/wired.ts";
import { hidden, textOf } from "./html.ts";
import { logIn, newVisitor } from "./visitor.ts";

const { call } = wired();
const LIST = "/console/logins";

it("shows this browser, others and programs, and from where", async () => {
  const visitor = await newVisitor(call);
  await call("POST", "/api/token/", { json: { email: visitor.email, password: PASSWORD } });
  await logIn(call, visitor.email);
  const { text } = await visitor.open(LIST);
  expect(textOf({ text }).match(/this browser/g)).toHaveLength(1);
  expect(textOf({ text })).toContain("Login with tokens");
  expect(hidden(text, "id")).toHaveLength(2);
  expect(text).not.toContain(visitor.secret);
});

it("ends one, with all that hangs on it, and no other", async () => {
  const visitor = await newVisitor(call);
  const pair = await call("POST", "/api/token/", {
    json: { email: visitor.email, password: PASSWORD },
  });
  const [id = ""] = hidden((await visitor.open(LIST)).text, "id");
  const answer = await visitor.send(`${LIST}/end`, { id });
  expect(answer.headers.get("location")).toBe(LIST);
  const { status } = await call("GET", "/rest/user", { bearer: textAt(pair, "access") });
  expect(status).toBe(401);
  const after = await visitor.open(LIST);
  expect(hidden(after.text, "id")).toEqual([]);
});

it("ends all others, and stays logged in here", async () => {
  const visitor = await newVisitor(call);
  const others = [await logIn(call, visitor.email), await logIn(call, visitor.email)];
  const answer = await visitor.send(`${LIST}/end-others`);
  expect(answer.headers.get("location")).toBe(LIST);
  for (const other of others) expect((await other.open("/console/account")).status).toBe(303);
  const { text } = await visitor.open(LIST);
  expect(hidden(text, "id")).toEqual([]);
  expect(textOf({ text })).not.toContain("End all others");
});

it("ending the login of this browser is logging out", async () => {
  const visitor = await newVisitor(call);
  const other = await logIn(call, visitor.email);
  const [mine = ""] = hidden((await other.open(LIST)).text, "id");
  const answer = await visitor.send(`${LIST}/end`, { id: mine });
  expect(answer.headers.get("location")).toBe("/console/login");
  expect(answer.headers.get("set-cookie")).toMatch(/^__Host-latchkey=; Max-Age=0/);
  expect((await visitor.open(LIST)).status).toBe(303);
  expect((await other.open(LIST)).status).toBe(200);
});

it("another's is not there", async () => {
  const visitor = await newVisitor(call);
  const second = await logIn(call, visitor.email);
  const [id = ""] = hidden((await visitor.open(LIST)).text, "id");
  const other = await newVisitor(call);
  expect((await other.send(`${LIST}/end`, { id })).status).toBe(404);
  await other.send(`${LIST}/end-others`);
  expect((await second.open(LIST)).status).toBe(200);
});
