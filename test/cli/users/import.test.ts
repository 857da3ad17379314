import { describe, expect, it } from "vitest";
import { endedEpochKey } from "../../../src/storage/keys.ts";
import { FOREIGN } from "../../crypto/foreign-hashes.ts";
import { freePort, startDev, untilServing } from "../dev/project.ts";
import { operatedProject } from "./operator.ts";

const jsonLines = (lines: readonly object[]) =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join("");

/** One account a scheme; all the hashes that are read are in test/crypto/foreign-passwords.test.ts. */
const SCHEMES = [
  "Django 6.0, PBKDF2",
  "bcrypt $2b$",
  "Django, bcrypt_sha256",
  "argon2-cffi, Argon2id of 64 MiB in 4 lanes",
  "Django 3.1, Argon2i",
];
const PEOPLE = FOREIGN.filter(([what]) => SCHEMES.includes(what)).map(
  ([what, password, password_hash], index) => ({
    what,
    password,
    line: { email: `person${index}@example.com`, password_hash, first_name: "Ada" },
  }),
);

it("people of another system log in with their passwords, and their hashes become ours", {
  timeout: 240_000,
}, async () => {
  const file = jsonLines(PEOPLE.map(({ line }) => line));
  const { directory, users, sql } = await operatedProject({ "people.jsonl": file });
  const first = await users(["import", "people.jsonl"]);
  expect(first).toEqual({
    code: 0,
    out: `${PEOPLE.length} of ${PEOPLE.length} accounts\nImported ${PEOPLE.length} accounts, skipped 0.\n`,
    err: "",
  });
  const again = await users(["import", "people.jsonl"]);
  expect(again.code).toBe(0);
  expect(again.out).toContain("line 1: person0@example.com has an account already; skipped\n");
  expect(again.out).toContain(`Imported 0 accounts, skipped ${PEOPLE.length}.`);

  const run = startDev(directory, await freePort());
  await untilServing(run);
  const login = (email: string, password: string) =>
    fetch(`${run.origin}/api/token/`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email, password }),
    });
  for (const { what, password, line } of PEOPLE) {
    const wrong = await login(line.email, `${password}?`);
    expect([what, wrong.status]).toEqual([what, 401]);
    const right = await login(line.email, password);
    expect([what, right.status]).toEqual([what, 200]);
  }
  const stored = await sql("SELECT password FROM users");
  expect(stored).toHaveLength(PEOPLE.length);
  for (const row of stored) {
    expect(row).toEqual({
      password: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/),
    });
  }
  for (const { what, password, line } of PEOPLE) {
    expect([what, (await login(line.email, password)).status]).toEqual([what, 200]);
  }

  // While it serves: an operator shuts a door, and opens it again.
  expect(PEOPLE).toHaveLength(SCHEMES.length);
  const [person] = PEOPLE;
  if (person === undefined) throw new Error("nobody was imported");
  const { email } = person.line;
  const { access } = await (await login(email, person.password)).json();
  const own = () =>
    fetch(`${run.origin}/rest/user`, { headers: { authorization: `Bearer ${access}` } });
  expect((await own()).status).toBe(200);
  expect((await users(["disable", email])).code).toBe(0);
  expect((await own()).status).toBe(401);
  expect((await login(email, person.password)).status).toBe(401);
  expect((await users(["enable", email])).code).toBe(0);
  expect((await own()).status).toBe(401);
  expect((await login(email, person.password)).status).toBe(200);
});

it("can be broken off and done again", { timeout: 180_000 }, async () => {
  const count = 2_100;
  const people = Array.from({ length: count }, (_, index) => ({
    email: `person${index}@example.com`,
    password_hash: null,
  }));
  const { users, sql } = await operatedProject({ "people.jsonl": jsonLines(people) });
  const brokenOff = await users(["import", "people.jsonl"], "", (out, kill) => {
    if (out.includes(`1000 of ${count} accounts\n`)) kill();
  });
  expect(brokenOff.code).toBe(1);
  expect(brokenOff.err).toMatch(/Stopped\.\n[12]000 of 2100 accounts were done\. Run it again/);
  const again = await users(["import", "people.jsonl"]);
  expect(again.code).toBe(0);
  expect(again.out).toContain(`1000 of ${count} accounts\n`);
  expect(again.out).toContain(`2000 of ${count} accounts\n`);
  const [, made, skipped] = /Imported (\d+) accounts, skipped (\d+)\.\n$/.exec(again.out) ?? [];
  expect(Number(skipped)).toBeGreaterThanOrEqual(1_000);
  expect(Number(made) + Number(skipped)).toBe(count);
  expect(await sql("SELECT count(*) AS accounts FROM users")).toEqual([{ accounts: count }]);
  const told = "SELECT count(DISTINCT user_id) AS accounts FROM audit WHERE what = 'user.created'";
  expect(await sql(told)).toEqual([{ accounts: count }]);
});

it("nothing is written where one line is wrong", { timeout: 60_000 }, async () => {
  const secret = "pbkdf2_md5$1$S3CR3T$x";
  const { users, sql } = await operatedProject({
    "people.jsonl": jsonLines([
      { email: "good@example.com", password_hash: null },
      { email: "bad@example.com", password_hash: secret },
    ]),
  });
  const { code, out, err } = await users(["import", "people.jsonl"]);
  expect(code).toBe(1);
  expect(out + err).not.toContain("S3CR3T");
  expect(err).toContain("line 2: password_hash is no password hash");
  expect(err).toContain("Nothing was imported: 1 faults in people.jsonl.");
  expect(await sql("SELECT id FROM users")).toEqual([]);
});

describe("hostile values", () => {
  const HOSTILE = [
    `'); DROP TABLE users; --`,
    `"; DELETE FROM users;`,
    "' OR 1=1 /* ",
    "*/ ; -- \\",
    "a'b''c\"d`e",
    "x\u2028y\u00a0🔑",
    "$1 ?1 :a @b",
    "BEGIN; END;",
    "line\nbreak\r\n;",
  ];

  it("come into the database as they are, and do nothing there", { timeout: 60_000 }, async () => {
    const lines = HOSTILE.map((first_name, index) => ({
      email: `o'${index};--"@example.com`,
      password_hash: null,
      first_name,
      last_name: "--';",
    }));
    const { users, sql } = await operatedProject({ "people.jsonl": jsonLines(lines) });
    expect(await users(["import", "people.jsonl"])).toMatchObject({ code: 0, err: "" });
    expect(await sql("SELECT email, first_name, last_name FROM users ORDER BY email")).toEqual(
      lines.map(({ email, first_name, last_name }) => ({ email, first_name, last_name })),
    );
    const email = lines[0]?.email ?? "";
    expect((await users(["set-role", email, "Admin"])).code).toBe(0);
    expect(await sql("SELECT email FROM users WHERE role = 'Admin'")).toEqual([{ email }]);
  });
});

it("an account that is disabled owes KV the mark of its epoch", { timeout: 60_000 }, async () => {
  const { users, sql } = await operatedProject();
  const added = await users(["add", "Ada@example.com", "--password-stdin"], "a long password\n");
  expect(added).toMatchObject({ code: 0, err: "" });
  expect(added.out).not.toContain("a long password");
  expect((await users(["disable", "ada@example.com"])).code).toBe(0);
  const [{ id }] = (await sql("SELECT id FROM users")) as [{ id: string }];
  expect(await sql("SELECT key FROM endings")).toEqual([{ key: endedEpochKey(id, 0) }]);
  // Once more changes nothing.
  expect((await users(["disable", "ada@example.com"])).code).toBe(0);
  expect(await sql("SELECT epoch FROM users")).toEqual([{ epoch: 1 }]);
});
