import { expect, it } from "vitest";
import { PASSWORD, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { hiddenValues, textOf } from "./html.ts";
import { logIn, newPageClient } from "./page-client.ts";

const { call } = isolate();
const LIST = "/console/account/security/sessions";

it("shows this browser, other browsers and API clients, and their addresses", async () => {
  const client = await newPageClient(call);
  await call("POST", "/api/token/", { json: { email: client.email, password: PASSWORD } });
  await logIn(call, client.email);
  const { text } = await client.open(LIST);
  expect(textOf({ text }).match(/This browser/g)).toHaveLength(1);
  expect(textOf({ text })).toContain("API client");
  expect(hiddenValues(text, "id")).toHaveLength(2);
  expect(text).not.toContain(client.secret);
});

it("revokes one login with everything derived from it, and no other", async () => {
  const client = await newPageClient(call);
  const pair = await call("POST", "/api/token/", {
    json: { email: client.email, password: PASSWORD },
  });
  const [id = ""] = hiddenValues((await client.open(LIST)).text, "id");
  const answer = await client.send(`${LIST}/end`, { id });
  expect(answer.headers.get("location")).toBe(LIST);
  const { status } = await call("GET", "/rest/user", { bearer: textAt(pair, "access") });
  expect(status).toBe(401);
  const after = await client.open(LIST);
  expect(hiddenValues(after.text, "id")).toEqual([]);
});

it("revokes all others and stays logged in here", async () => {
  const client = await newPageClient(call);
  const others = [await logIn(call, client.email), await logIn(call, client.email)];
  const answer = await client.send(`${LIST}/end-others`);
  expect(answer.headers.get("location")).toBe(LIST);
  for (const other of others) expect((await other.open("/console/account")).status).toBe(303);
  const { text } = await client.open(LIST);
  expect(hiddenValues(text, "id")).toEqual([]);
  expect(textOf({ text })).not.toContain("Log out all other sessions");
});

it("revoking the login of this browser logs out", async () => {
  const client = await newPageClient(call);
  const other = await logIn(call, client.email);
  const [mine = ""] = hiddenValues((await other.open(LIST)).text, "id");
  const answer = await client.send(`${LIST}/end`, { id: mine });
  expect(answer.headers.get("location")).toBe("/console/login");
  expect(answer.headers.get("set-cookie")).toMatch(/^__Host-latchkey=; Max-Age=0/);
  expect((await client.open(LIST)).status).toBe(303);
  expect((await other.open(LIST)).status).toBe(200);
});

it("another user's login is not found", async () => {
  const client = await newPageClient(call);
  const second = await logIn(call, client.email);
  const [id = ""] = hiddenValues((await client.open(LIST)).text, "id");
  const other = await newPageClient(call);
  expect((await other.send(`${LIST}/end`, { id })).status).toBe(404);
  await other.send(`${LIST}/end-others`);
  expect((await second.open(LIST)).status).toBe(200);
});
