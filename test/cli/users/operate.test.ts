import { expect, it } from "vitest";
import { emptyDatabase } from "./operator.ts";
import { EVENT_LOG } from "../../../src/storage/event-rows.ts";

it("adds, lists, and sets roles", async () => {
  const { users, sql } = await emptyDatabase();
  const added = await users(["add", "ada@example.com", "--role", "Admin"]);
  expect(added).toMatchObject({ code: 0, err: "" });
  expect(added.out).toMatch(/Password \(shown only once\): \S{20}\n/);
  expect((await users(["add", "ADA@example.com"])).err).toContain("already has an account");
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
  const metadata = { plan: "pro", "it's": "ü\n" };
  const facts = JSON.stringify(metadata, null, 1);
  expect((await users(["set-metadata", "bob@example.com", facts])).code).toBe(0);
  expect(await sql("SELECT metadata FROM users WHERE email = 'bob@example.com'")).toEqual([
    { metadata: JSON.stringify(metadata) },
  ]);
  for (const command of ["disable", "enable"]) {
    expect(await users([command, "nobody@example.com"])).toEqual({
      code: 1,
      out: "",
      err: "nobody@example.com has no account.\n",
    });
  }

  expect((await users(["disable", "bob@example.com"])).code).toBe(0);
  expect((await users(["enable", "bob@example.com"])).code).toBe(0);
  // A repetition changes nothing, and writes no event.
  expect((await users(["enable", "bob@example.com"])).code).toBe(0);
  const events = `SELECT what, actor, outcome, by_operator FROM ${EVENT_LOG.sql} AS e JOIN users ON users.id = e.user_id
    WHERE email = 'bob@example.com' ORDER BY e.id`;
  const whats = [
    "user.created",
    "role.changed",
    "metadata.changed",
    "user.disabled",
    "user.enabled",
  ];
  expect(await sql(events)).toEqual(
    whats.map((what) => ({ what, actor: null, outcome: "done", by_operator: 1 })),
  );
});

const idOf = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;

it("disables and enables several accounts, from arguments and stdin, and reports every unknown one", async () => {
  const { users, sql } = await emptyDatabase();
  const some = Array.from({ length: 1_100 }, (_, index) => `p${index}@example.com`);
  const values = some.map(
    (email, index) => `(unhex('${idOf(index).replaceAll("-", "")}'), '${email}', '!', 1, 1)`,
  );
  await sql(
    `INSERT INTO users (id, email, password, created_on, modified_on) VALUES ${values.join(", ")}`,
  );
  const disabled = async () =>
    sql(
      "SELECT count(*) AS n, sum(credential_version) AS epochs FROM users WHERE disabled_on IS NOT NULL",
    );
  const two = await users(["disable", "p0@example.com", "P1@example.com"]);
  expect(two).toMatchObject({ code: 0, err: "" });
  expect(two.out).toContain(
    `p0@example.com is disabled: ${idOf(0)}\np1@example.com is disabled: ${idOf(1)}\n`,
  );
  expect(await disabled()).toEqual([{ n: 2, epochs: 2 }]);
  const all = await users(["disable", "--stdin"], `${some.join("\r\n")}\n\n`);
  expect(all).toMatchObject({ code: 0, err: "" });
  expect(await disabled()).toEqual([{ n: 1_100, epochs: 1_100 }]);
  expect(await sql("SELECT count(*) AS n FROM pending_revocations")).toEqual([{ n: 1_100 }]);
  const events = `SELECT count(*) AS n FROM ${EVENT_LOG.sql} WHERE what = 'user.disabled'`;
  expect(await sql(events)).toEqual([{ n: 1_100 }]);
  const unknown = await users(["enable", "x@example.com", "p0@example.com", "y@example.com"]);
  expect(unknown).toMatchObject({ code: 1, out: "" });
  expect(unknown.err).toBe(
    "x@example.com has no account.\ny@example.com has no account.\nDone for the other 1.\n",
  );
  expect(await disabled()).toEqual([{ n: 1_099, epochs: 1_099 }]);
});

it("disabling removes the other ways to log in", async () => {
  const { users, sql } = await emptyDatabase();
  for (const name of ["ada", "bob"]) {
    await users(["add", `${name}@example.com`]);
    await sql(`INSERT INTO identities (issuer, subject, user_id, created_at)
      SELECT 'https://issuer.test', '${name}', id, 1 FROM users WHERE email = '${name}@example.com'`);
    await sql(`INSERT INTO passkeys (id, user_id, credential_id, public_key, name, transports, counter, is_backup_eligible,
      is_backed_up, created_at) SELECT CAST('${name}' AS BLOB), id, 'AQ', 'AQ', 'Phone', '[]', 0, 0, 0, 1 FROM users WHERE email = '${name}@example.com'`);
  }
  expect((await users(["disable", "bob@example.com"])).code).toBe(0);
  expect((await users(["enable", "bob@example.com"])).code).toBe(0);
  expect(await sql("SELECT subject FROM identities")).toEqual([{ subject: "ada" }]);
  expect(await sql("SELECT CAST(id AS TEXT) AS id FROM passkeys")).toEqual([{ id: "ada" }]);
  const since = "SELECT email FROM users WHERE identities_revoked_on IS NOT NULL";
  expect(await sql(since)).toEqual([{ email: "bob@example.com" }]);
});

it("removes a second factor, once, and no other's", async () => {
  const { users, sql } = await emptyDatabase();
  for (const name of ["ada", "bob"]) {
    await users(["add", `${name}@example.com`]);
    await sql(`INSERT INTO second_factors (user_id, secret, created_at, confirmed_at)
      SELECT id, 'sealed', 1, 1 FROM users WHERE email = '${name}@example.com'`);
    await sql(`INSERT INTO recovery_codes (user_id, digest, created_at)
      SELECT id, 'digest', 1 FROM users WHERE email = '${name}@example.com'`);
  }
  await sql("UPDATE users SET verified_on = 1");
  for (let time = 0; time < 2; time++) {
    expect((await users(["remove-factor", "bob@example.com"])).code).toBe(0);
  }
  for (const table of ["second_factors", "recovery_codes"]) {
    const left = `SELECT email FROM ${table} JOIN users ON users.id = user_id`;
    expect(await sql(left)).toEqual([{ email: "ada@example.com" }]);
  }
  const events = `SELECT email, by_operator FROM ${EVENT_LOG.sql} AS e JOIN users ON users.id = e.user_id
    WHERE what = 'second_factor.removed'`;
  expect(await sql(events)).toEqual([{ email: "bob@example.com", by_operator: 1 }]);
  expect(await sql("SELECT email, kind FROM notices")).toEqual([
    { email: "bob@example.com", kind: "second_factor_removed" },
  ]);
  expect((await users(["remove-factor", "nobody@example.com"])).code).toBe(1);
});

it("finds an account by email, id, token id and token, shows it and its events, and each look is one of them", async () => {
  const { users, sql } = await emptyDatabase();
  await users(["add", "ada@example.com"]);
  const created = await users(["create-service", "billing", "--json"]);
  const { id, token, token_id } = JSON.parse(created.out);
  for (const [args, stdin] of [
    [["find", "service:billing"], ""],
    [["find", id], ""],
    [["find", token_id.toUpperCase()], ""],
    [["find", "--stdin"], `${token}\n`],
  ] as const) {
    const { code, out } = await users([...args, "--json"], stdin);
    expect([args, code]).toEqual([args, 0]);
    const found = JSON.parse(out);
    expect(found.user).toMatchObject({ id, email: "service:billing", has_password: false });
    if (args[1] !== "service:billing" && args[1] !== id) {
      expect(found.token).toMatchObject({ id: token_id, kind: "api", state: "active" });
    }
    expect(out).not.toContain(token);
  }
  const jwt = (claims: object) => `x.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.x`;
  const byJwt = await users(["find", "--stdin", "--json"], jwt({ sub: id }));
  expect(JSON.parse(byJwt.out)).toMatchObject({ user: { id }, note: expect.any(String) });
  for (const [args, stdin, code] of [
    [["find", token], "", 2],
    [["find", jwt({ sub: id })], "", 2],
    [["find"], "", 2],
    [["find", "ada@example.com", "--stdin"], "", 2],
    [["find", "--stdin"], `${token}x`, 1],
    [["find", "--stdin"], "secret words", 1],
    [["find", "--stdin"], jwt({ sub: "x" }), 1],
    [["find", "00000000-0000-8000-8000-000000000000"], "", 1],
    [["show", "nobody@example.com"], "", 1],
    [["audit", "--cursor", "x"], "", 2],
  ] as const) {
    const refused = await users([...args], stdin);
    expect([args, refused.code, refused.out]).toEqual([args, code, ""]);
    if (stdin !== "") expect(refused.err).not.toContain(stdin.trim());
  }
  const shown = await users(["show", "service:billing"]);
  expect(shown.out).toContain(`${token_id}  api  created by an operator  lk_api_…`);
  expect(JSON.parse((await users(["show", "ada@example.com", "--json"])).out)).toMatchObject({
    user: { email: "ada@example.com", role: "User", has_password: true },
    logins: [],
    api_tokens: [],
  });
  const { events, next_cursor } = JSON.parse(
    (await users(["audit", "service:billing", "--limit", "7", "--json"])).out,
  );
  expect(events.map(({ what }: { what: string }) => what)).toEqual(Array(7).fill("account.viewed"));
  const rest = await users(["audit", "service:billing", "--cursor", next_cursor, "--json"]);
  // In one millisecond, so in either order.
  expect(new Set(JSON.parse(rest.out).events.map(({ what }: { what: string }) => what))).toEqual(
    new Set(["token.created", "user.created"]),
  );
  expect((await users(["audit"])).out).toMatch(
    new RegExp(`done +account.viewed +user ${id} +by an operator\n`),
  );
  expect(await sql("SELECT COUNT(*) AS n FROM events WHERE done_by <> 2")).toEqual([{ n: 0 }]);
});

it("ends everything of an account, but not the way back to a former email", async () => {
  const { users, sql } = await emptyDatabase();
  for (const name of ["ada", "bob"]) {
    await users(["add", `${name}@example.com`]);
    for (const [id, action] of [
      ["undo", "undoEmailChange"],
      ["code", "addContact"],
    ]) {
      await sql(`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, max_uses, detail)
        SELECT CAST('${name} ${id}' AS BLOB), 'action', id, 0, 1, 1, 2, 1, '{"action":"${action}"}' FROM users WHERE email = '${name}@example.com'`);
    }
  }
  const { code, out } = await users(["end", "bob@example.com", "--json"]);
  expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ revoked: true })]);
  expect(await sql("SELECT email, credential_version AS v FROM users ORDER BY email")).toEqual([
    { email: "ada@example.com", v: 0 },
    { email: "bob@example.com", v: 1 },
  ]);
  expect(
    await sql("SELECT CAST(id AS TEXT) AS id FROM tokens WHERE credential_version = 1"),
  ).toEqual([{ id: "bob undo" }]);
  const [{ id } = { id: "" }] = (await sql(
    "SELECT id FROM users WHERE email = 'bob@example.com'",
  )) as { id: string }[];
  expect(await sql("SELECT key FROM pending_revocations")).toEqual([{ key: `revoked:${id}:0` }]);
  expect(
    await sql(`SELECT user_id FROM ${EVENT_LOG.sql} WHERE what = 'credentials.revoked'`),
  ).toEqual([{ user_id: id }]);
});

it("ends one log-in and revokes one token, once, of this account alone", async () => {
  const { users, sql } = await emptyDatabase();
  for (const name of ["ada", "bob"]) await users(["add", `${name}@example.com`]);
  const ids: Record<string, string> = {};
  for (const kind of ["session", "family", "api", "action"]) {
    ids[kind] = crypto.randomUUID();
    await sql(`INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, max_uses)
      SELECT '${ids[kind]}', '${kind}', id, 0, ${kind === "api" ? 0 : null}, 1, 1, 1e15, ${kind === "action" ? 1 : null}
      FROM users WHERE email = 'bob@example.com'`);
  }
  const { session = "", family = "", api = "", action = "" } = ids;
  for (const args of [
    ["end-login", "ada@example.com", session],
    ["revoke-token", "ada@example.com", api],
    ["end-login", "bob@example.com", api],
    ["revoke-token", "bob@example.com", session],
  ]) {
    expect([args, (await users(args)).code]).toEqual([args, 1]);
  }
  expect((await users(["revoke-token", "bob@example.com", "lk_api_x"])).code).toBe(2);
  expect(await sql("SELECT key FROM pending_revocations")).toEqual([]);
  for (const args of [
    ["end-login", "bob@example.com", session],
    ["end-login", "bob@example.com", family],
    ["revoke-token", "bob@example.com", api.toUpperCase()],
    ["revoke-token", "bob@example.com", action, "--json"],
    ["revoke-token", "bob@example.com", action],
  ]) {
    expect([args, (await users(args)).code]).toEqual([args, 0]);
  }
  expect(await sql("SELECT id FROM tokens WHERE revoked_at IS NULL")).toEqual([]);
  const keys = await sql("SELECT key FROM pending_revocations ORDER BY key");
  expect(keys).toEqual(
    Object.values(ids)
      .sort()
      .map((id) => ({ key: `revoked:${id}` })),
  );
  const events = `SELECT what, subject, by_operator FROM ${EVENT_LOG.sql} WHERE what LIKE '%.revoked' ORDER BY id`;
  expect(await sql(events)).toEqual(
    [
      ["session.revoked", session],
      ["jwt.revoked", family],
      ["token.revoked", api],
      ["action.revoked", action],
    ].map(([what, subject]) => ({ what, subject, by_operator: 1 })),
  );
});

it("prints a reset link once, and for a proven email alone", async () => {
  const { users, sql } = await emptyDatabase();
  for (const name of ["ada", "bob"]) await users(["add", `${name}@example.com`]);
  await sql("UPDATE users SET verified_on = 1 WHERE email = 'bob@example.com'");
  expect((await users(["reset", "ada@example.com"])).err).toContain("is not proven");
  const { path } = JSON.parse((await users(["reset", "bob@example.com", "--json"])).out);
  expect(path).toMatch(/^\/a\/lk_act_[0-9A-Za-z]{49}$/);
  const tokens = await sql("SELECT kind, max_uses, detail FROM tokens");
  expect(tokens).toMatchObject([{ kind: "action", max_uses: 1 }]);
  expect(JSON.stringify(tokens)).toContain("resetPassword");
  expect(JSON.stringify(tokens)).not.toContain(path.slice(3));
  await users(["disable", "bob@example.com"]);
  expect((await users(["reset", "bob@example.com"])).err).toContain("is disabled");
  const events = `SELECT what FROM ${EVENT_LOG.sql} WHERE what = 'mail.issued'`;
  expect(await sql(events)).toEqual([{ what: "mail.issued" }]);
});

it("explains invalid arguments, with exit code 2", async () => {
  const { users } = await emptyDatabase();
  expect(await users([])).toMatchObject({ code: 0, out: expect.stringContaining("Usage:") });
  for (const args of [
    ["remove", "a@example.com"],
    ["add"],
    ["add", "nobody"],
    ["add", "a@example.com", "--role", "God"],
    ["add", "a@example.com", "--limit", "3"],
    ["set-role", "a@example.com"],
    ["set-metadata", "a@example.com", "[1]"],
    ["set-metadata", "a@example.com", "plan=pro"],
    ["set-metadata", "a@example.com", JSON.stringify({ a: "x".repeat(4_096) })],
    ["disable"],
    ["disable", "a@example.com", "nobody"],
    ["add", "a@example.com", "--stdin"],
    ["list", "--limit", "0"],
    ["list", "--nope"],
    ["list", "--remote", "--persist-to", "x"],
    ["list", "--env", "staging"],
  ]) {
    const { code, err } = await users(args);
    expect([args, code]).toEqual([args, 2]);
    expect(err).toContain("Try: npm run users -- --help");
  }
  expect((await users(["import", "missing.jsonl"])).err).toBe(
    "Cannot read missing.jsonl: ENOENT\n",
  );
});
