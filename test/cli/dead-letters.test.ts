import { expect, it } from "vitest";
import { events } from "../../src/cli/events.ts";
import { emptyDatabase } from "./users/operator.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";

const USER = "0b3f2c1e-6a4d-4e7b-9c1a-2f5d8e7a6b5c";
const FIRST = "01a17724-c1a0-7000-8004-000000000000";
const ids = [1, 2, 3].map((n) => `01a17724-c1a0-7000-8004-00000000000${n}`);

async function operated() {
  const database = await emptyDatabase();
  const runAt = async (nowMs: number, args: readonly string[]) => {
    const [out, err] = [[], []] as [string[], string[]];
    const code = await events(args, {
      nowMs,
      write: (line) => out.push(line),
      writeError: (line) => err.push(line),
      database: () => database.database,
      archive: (_, use) => use(database.bound),
    });
    return { code, out, err };
  };
  return {
    ...database,
    run: (...args: string[]) => runAt(5, args),
    later: (...args: string[]) => runAt(1e12, args),
  };
}

it("lists dead letters, and queues some or all of them again, behind what waits", async () => {
  const { sql, run } = await operated();
  expect((await run("dead")).out).toEqual(["There are no dead letters."]);
  await sql(`INSERT INTO events (user_id, id, kind) VALUES ('${USER}', '${ids[0]}', 1);
    INSERT INTO deliveries (receiver, user_id, position, event_id, queued_at, due_at) VALUES ('webhook', '${USER}', 7, '${FIRST}', 1, 1)`);
  const dead = ids.map(
    (id) => `('webhook', '${USER}', '${id}', 75, 'Error: \u{1b}[2J down', 1000)`,
  );
  await sql(
    `INSERT INTO dead_letters (receiver, user_id, event_id, attempts, reason, died_at) VALUES ${dead.join()}`,
  );
  const [first, , third] = (await run("dead")).out;
  expect(first).toMatch(
    /^01a\S+1 {2}webhook {2}user\.created {2}user 0b\S+ {2}75 attempts until 1970-\S+ {2}Error: /,
  );
  expect(first).not.toContain("\u{1b}");
  expect(third).toMatch(/^01a\S+3 /);
  expect((await run("dead", "--limit", "2")).out.at(-1)).toBe("There are more: raise --limit.");

  expect((await run("replay", ids[2] ?? "")).out).toEqual([
    "Queued again: 1. The next cron run delivers it.",
  ]);
  expect((await run("replay", "--all")).out).toEqual([
    "Queued again: 2. The next cron run delivers them.",
  ]);
  expect(await sql("SELECT position, event_id, queued_at, attempts FROM deliveries")).toEqual(
    [FIRST, ids[2], ids[0], ids[1]].map((event_id, index) => ({
      position: 7 + index,
      event_id,
      queued_at: index === 0 ? 1 : 5,
      attempts: 0,
    })),
  );
  expect(await sql("SELECT * FROM dead_letters")).toEqual([]);
  expect(await run("replay", "--all")).toMatchObject({ code: 1, out: [] });
});

it("refuses what it does not know", async () => {
  const { run } = await operated();
  const wrong = [
    ["replay"],
    ["replay", "--all", "x"],
    ["dead", "x"],
    ["dead", "--limit", "0"],
    ["bury"],
  ];
  for (const args of wrong) expect(await run(...args)).toMatchObject({ code: 2, out: [] });
  expect((await run("--help")).out.join()).toContain("replay <event id>");
});

it("an operator's change is queued for the receivers that there are, and only for these", async () => {
  const { sql, users } = await operated();
  await users(["add", "ada@example.com"]);
  expect(await sql("SELECT * FROM deliveries")).toEqual([]);
  await sql(
    "INSERT INTO housekeeping (task, cursor) VALUES ('deliver:webhook', ''), ('tokens', '')",
  );
  await users(["disable", "ada@example.com"]);
  await users(["enable", "ada@example.com"]);
  expect(
    await sql(`SELECT receiver, position, what FROM deliveries JOIN ${EVENT_LOG.sql} AS e
      ON e.user_id = deliveries.user_id AND e.id = event_id ORDER BY position`),
  ).toEqual([
    { receiver: "webhook", position: 1, what: "user.disabled" },
    { receiver: "webhook", position: 2, what: "user.enabled" },
  ]);
});

it("archives, reads and erases events that have expired", async () => {
  const { sql, run, later } = await operated();
  const OTHER = USER.replace("0b", "0c");
  // Of 1970-01-01 and the next day, as `nowMs` is long after.
  const [old, next] = [
    "00000000-0001-7000-8000-000000000001",
    "00000526-5c01-7000-8000-000000000002",
  ];
  await sql(
    `INSERT INTO events (user_id, id, kind) VALUES ('${USER}', '${old}', 17), ('${OTHER}', '${next}', 1)`,
  );
  expect((await run("archive")).out).toEqual(["Archived: 0."]);
  expect((await later("archive")).out).toEqual(["Archived: 2."]);
  expect(await sql("SELECT * FROM events")).toEqual([]);
  const ids = async (...args: string[]) =>
    (await run("read", ...args)).out.map((line) => JSON.parse(line).id);
  expect(await ids()).toEqual([old, next]);
  expect(await ids("--from", "1970-01-02")).toEqual([next]);
  expect(await ids("--until", "1970-01-02")).toEqual([old]);
  expect(await ids("--kind", "user.created")).toEqual([next]);
  expect(await ids("--user", USER, "--from", "1970-01-01")).toEqual([old]);
  expect((await run("erase", "--user", USER)).out).toEqual([
    "Erased: 1. Events of others that no longer name them: 0.",
  ]);
  expect(await ids()).toEqual([next]);
  const wrong = [
    ["erase"],
    ["erase", "--user", "ada@example.com"],
    ["erase", "--user", USER, "--kind", "x"],
    ["archive", "--user", USER],
    ["read", "--from", "2026-02-30x"],
    ["read", "--limit", "5"],
    ["dead", "--kind", "x"],
  ];
  for (const args of wrong) expect(await run(...args)).toMatchObject({ code: 2, out: [] });
});
