import { expect, it } from "vitest";
import { emptyDatabase } from "./operator.ts";
import { EVENT_LOG } from "../../../src/storage/event-rows.ts";

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
  const events = await sql(`SELECT what FROM ${EVENT_LOG.sql} ORDER BY id`);
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
  expect(
    await sql(`SELECT count(*) AS n FROM ${EVENT_LOG.sql} WHERE what = 'user.deleted'`),
  ).toEqual([{ n: 2 }]);
});

it("deleting erases the same as the account's owner would, table by table", async () => {
  const { users, sql } = await emptyDatabase();
  for (const name of ["ada", "bob"]) await users(["add", `${name}@example.com`]);
  const [{ id: ada }, { id: bob }] = (await sql("SELECT id FROM users ORDER BY email")) as [
    { id: string },
    { id: string },
  ];
  const erased: Readonly<Record<string, (id: string, other: string) => string>> = {
    contacts: (id, other) => `(user_id, contact_id, created_at) VALUES ('${id}', '${other}', 1)`,
    devices: (id) =>
      `(user_id, way, networks, first_seen_at, last_seen_at) VALUES ('${id}', 'password', '{}', 1, 1)`,
    identities: (id) =>
      `(issuer, subject, user_id, created_at) VALUES ('https://issuer.test', 'of ${id}', '${id}', 1)`,
    notices: (id) =>
      `(user_id, id, email, kind, at, due_at) VALUES ('${id}', x'01', 'x@example.com', 'new_login', 1, 1)`,
    passkeys: (
      id,
    ) => `(id, user_id, credential_id, public_key, name, transports, counter, is_backup_eligible,
      is_backed_up, created_at) VALUES ('${id}', '${id}', 'AQ', 'AQ', 'Phone', '[]', 0, 0, 0, 1)`,
    recovery_codes: (id) => `(user_id, digest, created_at) VALUES ('${id}', 'digest', 1)`,
    second_factors: (id) => `(user_id, secret, created_at) VALUES ('${id}', 'sealed', 1)`,
  };
  for (const [table, row] of Object.entries(erased)) {
    await sql(`INSERT INTO ${table} ${row(ada, bob)}`);
    await sql(`INSERT INTO ${table} ${row(bob, ada)}`);
  }
  await sql(`INSERT INTO receipts (id, token_id, action, run_by, run_at, data, idempotency_key, request_digest, issued_by)
    SELECT id, x'02', 'addContact', id, 1, '{"name":"Ada"}', 'user:' || hex(id) || ':k', 'digest', id FROM users`);
  await sql(
    `UPDATE users SET first_name = 'Ada', dob = '1815-12-10', external_id = json_quote(hex(id)), metadata = '{"a":1}', ha1b = 'x',
      undo_email = 'y@example.com', undo_until = 1, email_login_at = 1, verified_on = 1`,
  );
  expect((await users(["delete", "ada@example.com"])).code).toBe(0);
  // What names a user and stays: housekeeping has it, and the log is kept.
  const kept = ["dead_letters", "deliveries", "event_days", "events", "tokens"];
  const named = await sql(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql GLOB '*  user_id *' ORDER BY name",
  );
  expect(named).toEqual([...Object.keys(erased), ...kept].sort().map((name) => ({ name })));
  for (const table of Object.keys(erased)) {
    expect([table, await sql(`SELECT user_id FROM ${table}`)]).toEqual([table, [{ user_id: bob }]]);
  }
  expect(
    await sql(`SELECT data, idempotency_key, request_digest FROM receipts WHERE id = '${ada}'`),
  ).toEqual([{ data: "null", idempotency_key: null, request_digest: null }]);
  const [account] = await sql(`SELECT * FROM users WHERE id = '${ada}'`);
  const says = Object.entries(Object(account)).filter(
    ([name, value]) =>
      value !== null && !/^(?:id|kind|role|.*_version|(?:created|modified|deleted)_on)$/.test(name),
  );
  expect(says).toEqual([
    ["email", ""],
    ["password", ""],
    ["metadata", "{}"],
  ]);
  expect((await sql("SELECT data FROM receipts WHERE data <> 'null'")).length).toBe(1);
});
