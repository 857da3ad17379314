import { expect, it } from "vitest";
import { emptyDatabase } from "./operator.ts";

const SECRET = /lk_api_[0-9A-Za-z]{49}/;

it("creates a service account, and API tokens of it that are shown once", async () => {
  const { users, sql } = await emptyDatabase();
  const created = await users(["create-service", "billing", "--scopes", "introspect,tokens:write"]);
  expect(created).toMatchObject({ code: 0, err: "" });
  expect(created.out).toMatch(/^Created service:billing: \S{36}\nAPI token \(shown only once\): /);
  const secret = SECRET.exec(created.out)?.[0] ?? "";
  const [row] = await sql("SELECT * FROM users");
  expect(row).toMatchObject({ kind: "service", email: "service:billing", password: "" });
  expect((await users(["create-service", "billing"])).err).toContain("already exists");
  const another = await users(["create-token", "service:billing", "--days", "7"]);
  expect(another.code).toBe(0);
  expect(another.out).not.toContain(secret);
  const tokens = await sql("SELECT * FROM tokens ORDER BY expires_at DESC");
  expect(tokens).toHaveLength(2);
  expect(tokens[0]).toMatchObject({ kind: "api", parents: null, revoked_at: null });
  expect(JSON.parse(String(Object(tokens[0]).detail))).toMatchObject({
    scopes: ["introspect", "tokens:write"],
    hint: `lk_api_…${secret.slice(-4)}`,
  });
  expect(JSON.stringify(tokens)).not.toContain(secret);
  const events = await sql("SELECT what FROM events ORDER BY id");
  expect(events).toEqual(
    expect.arrayContaining([{ what: "user.created" }, { what: "token.created" }]),
  );
  expect((await users(["list"])).out).toContain("service:billing");
});

it("gives no token to a person, or to a service that is disabled", async () => {
  const { users, sql } = await emptyDatabase();
  await users(["add", "ada@example.com"]);
  await users(["create-service", "billing"]);
  expect((await users(["create-token", "ada@example.com"])).code).toBe(2);
  expect((await users(["create-token", "nothing"])).err).toContain("has no account");
  expect((await users(["disable", "service:billing"])).code).toBe(0);
  expect((await users(["create-token", "billing"])).code).toBe(1);
  expect(await sql("SELECT count(*) AS n FROM tokens")).toEqual([{ n: 1 }]);
  for (const wrong of [
    ["create-service", "Billing"],
    ["create-service", "a b"],
    ["create-service", "x", "--scopes", "a,,b"],
    ["create-service", "x", "--days", "366"],
    ["add", "service:x"],
  ]) {
    expect((await users(wrong)).code, wrong.join(" ")).toBe(2);
  }
  await expect(sql("UPDATE users SET password = 'x' WHERE kind = 'service'")).rejects.toThrow(
    "CHECK",
  );
});

it("deletes an account of either kind, and leaves its tombstone", async () => {
  const { users, sql } = await emptyDatabase();
  await users(["add", "ada@example.com"]);
  await users(["create-service", "billing"]);
  for (const email of ["ada@example.com", "service:billing"]) {
    const [row] = await sql(`SELECT id FROM users WHERE email = '${email}'`);
    const { id } = Object(row);
    expect((await users(["delete", email])).code).toBe(0);
    expect(
      await sql(`SELECT email, password, credential_version FROM users WHERE id = '${id}'`),
    ).toEqual([{ email: "", password: "", credential_version: 1 }]);
    expect(
      await sql(`SELECT key FROM pending_revocations WHERE key = 'revoked:${id}:0'`),
    ).toHaveLength(1);
    expect((await users(["delete", email])).err).toContain("has no account");
  }
  expect(await sql("SELECT count(*) AS n FROM events WHERE what = 'user.deleted'")).toEqual([
    { n: 2 },
  ]);
});
