import { expect, it } from "vitest";
import { itemsAt, PASSWORD, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { idOf } from "./forms.ts";
import { secretOnPage, textOf } from "./html.ts";
import { newPageClient } from "./page-client.ts";
import { DB } from "../support/database.ts";

const { call } = isolate();
const FILE = "/console/account/data/export";

it("the export is one file with everything, and nothing secret", async () => {
  const client = await newPageClient(call);
  const made = await client.send("/console/tokens/new", {
    name: "<b>ci</b>",
    lifetime: "3600",
    scopes: "tokens:read",
  });
  const file = await client.open(FILE);
  expect(file.headers.get("content-type")).toBe("application/json");
  expect(file.headers.get("content-disposition")).toBe('attachment; filename="latchkey-data.json"');
  expect(textAt(file, "user", 0, "email")).toBe(client.email);
  expect(textAt(file, "api_tokens", 0, "name")).toBe("<b>ci</b>");
  expect(itemsAt(file, "sessions")).toHaveLength(1);
  expect(itemsAt(file, "audit").length).toBeGreaterThan(2);
  for (const secret of [secretOnPage(made), client.secret, PASSWORD]) {
    expect(file.text).not.toContain(secret);
  }
});

it("many pages become one file, and the rest continues in the next", async () => {
  const client = await newPageClient(call);
  const userId = await idOf(client);
  // More than ten pages of five hundred rows.
  await DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5200)
      INSERT INTO events (user_id, id, kind)
      SELECT ?, unhex(printf('%08x000070008000000000000000', i)), 2 FROM n`,
  )
    .bind(userId)
    .run();
  const first = await client.open(FILE);
  const rows = itemsAt(first, "audit");
  expect(rows.length).toBeGreaterThan(4_900);
  const rest = await client.open(textAt(first, "continues_at"));
  const more = itemsAt(rest, "audit");
  expect(rows.length + more.length).toBe(5_202);
  const ids = new Set([...rows, ...more].map((row) => Reflect.get(Object(row), "uuid")));
  expect(ids.size).toBe(5_202);
  expect(rest.json).toMatchObject({ continues_at: null });
});

it("a wrong password deletes nothing", async () => {
  const client = await newPageClient(call);
  for (const [password, status, text] of [
    ["wrong password", 401, "Incorrect password."],
    ["", 400, "Enter your password."],
  ] as const) {
    const answer = await client.send("/console/account/data/delete", { password });
    expect(answer.status).toBe(status);
    expect(textOf(answer)).toContain(text);
    expect(answer.headers.has("set-cookie")).toBe(false);
  }
  expect((await client.open("/console/account")).status).toBe(200);
});

it("a deleted account is gone, with all its credentials", async () => {
  const client = await newPageClient(call);
  const made = await client.send("/console/tokens/new", {
    name: "ci",
    lifetime: "3600",
    scopes: "account:read",
  });
  const answer = await client.send("/console/account/data/delete", { password: PASSWORD });
  expect(answer.headers.get("location")).toBe("/console/account/deleted");
  expect(answer.headers.get("set-cookie")).toMatch(/^__Host-latchkey=; Max-Age=0/);
  expect((await client.open("/console/account")).status).toBe(303);
  expect((await call("GET", "/rest/user", { bearer: secretOnPage(made) })).status).toBe(401);
  const deleted = await call("GET", "/console/account/deleted");
  expect(textOf(deleted)).toContain("Yours was not.");
  // The email is free.
  const json = { email: client.email, password: PASSWORD };
  expect((await call("POST", "/rest/user", { json })).status).toBe(201);
});
