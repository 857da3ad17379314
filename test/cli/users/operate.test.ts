import { expect, it } from "vitest";
import { emptyDatabase } from "./operator.ts";

it("adds, lists, gives roles", async () => {
  const { users, sql } = await emptyDatabase();
  const added = await users(["add", "ada@example.com", "--role", "Admin"]);
  expect(added).toMatchObject({ code: 0, err: "" });
  expect(added.out).toMatch(/shown this once: \S{20}\n/);
  expect((await users(["add", "ADA@example.com"])).err).toContain("has an account already");
  expect((await users(["add", "bob@example.com", "--password-stdin"], "password1\n")).code).toBe(1);
  expect((await users(["add", "bob@example.com", "--password-stdin"], "short\n")).code).toBe(1);
  expect((await users(["add", "bob@example.com"])).code).toBe(0);

  const first = await users(["list", "--limit", "1"]);
  expect(first.out).toMatch(/ {2}Admin {2}\d{4}-\d\d-\d\d {2}ada@example\.com\n/);
  expect(first.out).toContain("--cursor ada@example.com");
  const second = await users(["list", "--cursor", "ada@example.com"]);
  expect(second.out).toMatch(/^\S{36} {2}User {3}\S{10} {2}bob@example\.com\n$/);

  expect((await users(["set-role", "bob@example.com", "Admin"])).code).toBe(0);
  expect(await sql("SELECT role FROM users WHERE email = 'bob@example.com'")).toEqual([
    { role: "Admin" },
  ]);
  for (const verb of ["disable", "enable"]) {
    expect(await users([verb, "nobody@example.com"])).toEqual({
      code: 1,
      out: "",
      err: "nobody@example.com has no account.\n",
    });
  }

  expect((await users(["disable", "bob@example.com"])).code).toBe(0);
  expect((await users(["enable", "bob@example.com"])).code).toBe(0);
  // Once more changes nothing, and so is no event.
  expect((await users(["enable", "bob@example.com"])).code).toBe(0);
  const events = `SELECT what, actor, outcome FROM audit JOIN users ON users.id = audit.user_id
    WHERE email = 'bob@example.com' ORDER BY audit.id`;
  const whats = ["user.created", "role.changed", "user.disabled", "user.enabled"];
  expect(await sql(events)).toEqual(whats.map((what) => ({ what, actor: null, outcome: "done" })));
});

it("says what it does not understand, with code 2, and shows its usage", async () => {
  const { users } = await emptyDatabase();
  expect(await users([])).toMatchObject({ code: 0, out: expect.stringContaining("Usage:") });
  for (const args of [
    ["remove", "a@example.com"],
    ["add"],
    ["add", "nobody"],
    ["add", "a@example.com", "--role", "God"],
    ["add", "a@example.com", "--limit", "3"],
    ["set-role", "a@example.com"],
    ["list", "--limit", "0"],
    ["list", "--nope"],
    ["list", "--remote", "--persist-to", "x"],
    ["list", "--env", "staging"],
  ]) {
    const { code, err } = await users(args);
    expect([args, code]).toEqual([args, 2]);
    expect(err).toContain("Usage:");
  }
  expect((await users(["import", "missing.jsonl"])).err).toBe(
    "missing.jsonl cannot be read: ENOENT\n",
  );
});
