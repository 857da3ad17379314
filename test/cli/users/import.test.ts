import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import { userTombstoneKey } from "../../../src/storage/keys.ts";
import { DJANGO_6, FOREIGN } from "../../crypto/imported-hashes.ts";
import { freePort, newProject, startDev, untilGone, untilServing } from "../dev/project.ts";
import { emptyDatabase, operatedProject } from "./operator.ts";
import { EVENT_LOG } from "../../../src/storage/event-rows.ts";

const jsonLines = (lines: readonly object[]) =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join("");

/** One account per scheme. test/crypto/imported-passwords.test.ts has all hashes. */
const SCHEMES = [
  "bcrypt $2b$",
  "Django, bcrypt_sha256",
  "argon2-cffi, Argon2id of 64 MiB in 4 lanes",
  "Django 3.1, Argon2i",
];
const PEOPLE = [DJANGO_6, ...FOREIGN.filter(([what]) => SCHEMES.includes(what))].map(
  ([what, password, password_hash], index) => ({
    what,
    password,
    line: { email: `person${index}@example.com`, password_hash, first_name: "Ada" },
  }),
);

const HOSTILE = [
  `'); DROP TABLE users; --`,
  `"; DELETE FROM users;`,
  "' OR 1=1 /*",
  "*/ ; -- \\",
  "a'b''c\"d`e",
  "x\u00a0y🔑",
  "$1 ?1 :a @b",
  "BEGIN; END;",
  "line\\nbreak;\\",
].map((first_name, index) => ({
  email: `o'${index}--*/=$1@example.com`,
  password_hash: null,
  first_name,
  last_name: "--';",
}));

it("imported users log in with their passwords, and their hashes are replaced by ours", {
  timeout: 240_000,
}, async () => {
  // Includes hostile values, because wrangler splits the file into statements.
  const lines = [...PEOPLE.map(({ line }) => line), ...HOSTILE];
  const { directory, users, database } = await operatedProject({
    "people.jsonl": jsonLines(lines),
  });
  // The command itself creates the database.
  const first = await users(["import", "people.jsonl"]);
  expect(first).toMatchObject({ code: 0, err: "" });
  const { length } = lines;
  const imported = `${length} of ${length} accounts, \\d+/s\\nImported ${length} accounts, skipped 0\\.\\n$`;
  expect(first.out).toMatch(new RegExp(imported));
  const added = await users(["add", "operator@example.com", "--role", "Admin"]);
  const [, ownPassword = ""] = /Password \(shown only once\): (\S{20})\n/.exec(added.out) ?? [];

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
    expect([what, (await login(line.email, password)).status]).toEqual([what, 200]);
  }
  expect((await login("operator@example.com", ownPassword)).status).toBe(200);

  // While the service runs, an operator disables an account and enables it again.
  expect(PEOPLE).toHaveLength(1 + SCHEMES.length);
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

  process.kill(-run.group, "SIGTERM");
  await untilGone(run);
  const { sql } = await database();
  const stored = await sql("SELECT password FROM users WHERE password <> '!'");
  expect(stored).toHaveLength(PEOPLE.length + 1);
  for (const row of stored) {
    expect(row).toEqual({
      password: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/),
    });
  }
  const hostile =
    "SELECT email, first_name, last_name FROM users WHERE last_name = ? ORDER BY email";
  expect(await sql(hostile.replace("?", "'--'';'"))).toEqual(
    HOSTILE.map(({ email, first_name, last_name }) => ({ email, first_name, last_name })),
  );
});

it("can be interrupted and repeated", { timeout: 180_000 }, async () => {
  const count = 20_050;
  const people = Array.from({ length: count }, (_, index) => ({
    email: `person${index}@example.com`,
    password_hash: null,
  }));
  const project = await operatedProject({ "people.jsonl": jsonLines(people) });
  const brokenOff = await project.users(["import", "people.jsonl"], "", (out, kill) => {
    if (out.includes(`20000 of ${count} accounts`)) kill();
  });
  expect(brokenOff.code).toBe(1);
  expect(brokenOff.err).toMatch(/Stopped\.\n20000 of 20050 accounts are done\. Run it again/);
  const { users, sql } = await project.database();
  const again = await users(["import", join(project.directory, "people.jsonl")]);
  expect(again.code).toBe(0);
  expect(again.out).toContain(`20000 of ${count} accounts`);
  const [, made, skipped] = /Imported (\d+) accounts, skipped (\d+)\.\n$/.exec(again.out) ?? [];
  expect(Number(skipped)).toBeGreaterThanOrEqual(20_000);
  expect(Number(made) + Number(skipped)).toBe(count);
  expect(await sql("SELECT count(*) AS accounts FROM users")).toEqual([{ accounts: count }]);
  const told = `SELECT count(DISTINCT user_id) AS accounts FROM ${EVENT_LOG.sql} WHERE what = 'user.created'`;
  expect(await sql(told)).toEqual([{ accounts: count }]);
});

it("writes nothing if one line is wrong", async () => {
  const secret = "pbkdf2_md5$1$S3CR3T$x";
  const lines = [
    { email: "good@example.com", password_hash: null },
    { email: "bad@example.com", password_hash: secret },
  ];
  const directory = await newProject([], { "people.jsonl": jsonLines(lines) });
  const { users, sql } = await emptyDatabase();
  const { code, out, err } = await users(["import", join(directory, "people.jsonl")]);
  expect(code).toBe(1);
  expect(out + err).not.toContain("S3CR3T");
  expect(err).toContain("line 2: password_hash is no password hash");
  expect(err).toMatch(/Nothing was imported: 1 errors in .*people\.jsonl\./);
  expect(await sql("SELECT id FROM users")).toEqual([]);
});

it("an account disabled in the file can never log in", async () => {
  const lines = [
    { email: "off@example.com", password_hash: null, disabled: true },
    { email: "on@example.com", password_hash: null, disabled: false },
  ];
  const directory = await newProject([], { "people.jsonl": jsonLines(lines) });
  const { users, sql } = await emptyDatabase();
  expect((await users(["import", join(directory, "people.jsonl")])).code).toBe(0);
  const off = "SELECT email FROM users WHERE disabled_on IS NOT NULL AND modified_on = disabled_on";
  expect(await sql(off)).toEqual([{ email: "off@example.com" }]);
  expect(
    await sql(
      `SELECT what, email FROM ${EVENT_LOG.sql} JOIN users ON users.id = user_id ORDER BY 1, 2`,
    ),
  ).toEqual([
    { what: "user.created", email: "off@example.com" },
    { what: "user.created", email: "on@example.com" },
    { what: "user.disabled", email: "off@example.com" },
  ]);
  expect((await users(["enable", "off@example.com"])).code).toBe(0);
});

it("no email is in the arguments of a process, which others on the machine can see", {
  timeout: 120_000,
}, async () => {
  const { users } = await operatedProject();
  const email = "secret@example.com";
  // Where nothing listens: its wrangler starts all the same.
  vi.stubEnv("CLOUDFLARE_API_BASE_URL", `http://127.0.0.1:${await freePort()}`);
  vi.stubEnv("CLOUDFLARE_API_TOKEN", "a-token");
  vi.stubEnv("CLOUDFLARE_ACCOUNT_ID", "0".repeat(32));
  onTestFinished(() => void vi.unstubAllEnvs());
  const ran = Promise.all([
    users(["add", email, "--password-stdin"], "a long password\n"),
    users(["show", email, "--remote"]),
  ]);
  const seen = new Set<string>();
  let isDone = false;
  void ran.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    for (const line of execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" }).split(
      "\n",
    )) {
      if (/d1 execute|local-d1-process/.test(line)) seen.add(line);
    }
    await wait(20);
  }
  expect((await ran).map(({ code }) => code)).toEqual([0, 1]);
  for (const kind of [/d1 execute/, /local-d1-process/]) expect([...seen].join("\n")).toMatch(kind);
  for (const line of seen) {
    expect(line).not.toContain(email);
    expect(line).not.toContain(Buffer.from(email).toString("hex").toUpperCase());
  }
});

it("import and set-role compare emails in their normal form", async () => {
  const id = "5c9f8a3e-7d21-4b60-9e0f-1a2b3c4d5e6f";
  const lines = [...HOSTILE, { email: "known@example.com", id, password_hash: null }];
  const directory = await newProject([], { "people.jsonl": jsonLines(lines) });
  const { users, sql } = await emptyDatabase();
  const file = join(directory, "people.jsonl");
  expect((await users(["import", file])).code).toBe(0);
  const again = await users(["import", file]);
  expect(again.code).toBe(0);
  expect(again.out).toContain(`line 1: ${HOSTILE[0]?.email} already has an account; skipped\n`);
  expect(again.out).toContain(`Imported 0 accounts, skipped ${lines.length}.`);
  const told = `SELECT count(*) AS count FROM ${EVENT_LOG.sql} WHERE what = 'user.created'`;
  expect(await sql(told)).toEqual([{ count: lines.length }]);
  const email = HOSTILE[0]?.email ?? "";
  expect((await users(["set-role", email, "Admin"])).code).toBe(0);
  expect(await sql("SELECT email FROM users WHERE role = 'Admin'")).toEqual([{ email }]);
});

it("disabling an account enqueues the tombstone of its credential version", async () => {
  const { users, sql } = await emptyDatabase();
  const added = await users(["add", "Ada@example.com", "--password-stdin"], "a long password\n");
  expect(added).toMatchObject({ code: 0, err: "" });
  expect(added.out).not.toContain("a long password");
  expect((await users(["disable", "ada@example.com"])).code).toBe(0);
  const [{ id }] = (await sql("SELECT id FROM users")) as [{ id: string }];
  expect(await sql("SELECT key FROM pending_revocations")).toEqual([
    { key: userTombstoneKey(id, 0) },
  ]);
  // A repetition changes nothing.
  expect((await users(["disable", "ada@example.com"])).code).toBe(0);
  expect(await sql("SELECT credential_version FROM users")).toEqual([{ credential_version: 1 }]);
});
