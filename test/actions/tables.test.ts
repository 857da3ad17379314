import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import * as v from "valibot";
import { defineAction } from "../../src/actions/define-action.ts";
import { at, itemsAt } from "../support/client.ts";
import { mailed } from "../support/mailed.ts";
import { isolate } from "../support/service.ts";
import { asText, DB } from "../support/database.ts";

const DAY_MS = 86_400_000;

const writing = defineAction({
  name: "writing",
  payload: v.object({}),
  tables: [
    { name: "notes", userColumn: "owner", expiresColumn: "ends" },
    { name: "pairs", userColumn: "of" },
    { name: "links", userColumn: "user_id" },
  ],
  run: () => ({ writes: [], answer: null }),
});

const here = isolate({}, { KV: env.KV, DB: env.DB }, { options: { actions: [writing] } });

/** With a rowid, and without, sorted by columns of all types; with the user's id as text, and as bytes. */
beforeEach(() =>
  env.DB.batch(
    [
      "DROP TABLE IF EXISTS notes",
      "DROP TABLE IF EXISTS pairs",
      "DROP TABLE IF EXISTS links",
      "CREATE TABLE notes (text TEXT, owner TEXT NOT NULL, ends INTEGER, bytes BLOB)",
      'CREATE TABLE pairs ("of" TEXT NOT NULL, number INTEGER NOT NULL, word TEXT NOT NULL, PRIMARY KEY (number, word)) WITHOUT ROWID',
      "CREATE TABLE links (user_id BLOB NOT NULL REFERENCES users (id), number INTEGER, PRIMARY KEY (user_id, number)) STRICT, WITHOUT ROWID",
    ].map((text) => env.DB.prepare(text)),
  ),
);

const fill = (owner: string, count: number) =>
  DB.batch([
    DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
        INSERT INTO notes SELECT 'note ' || i, ?1, ?3, x'00ff' FROM n`,
    ).bind(asText(owner), count, Date.now() + DAY_MS),
    DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
        INSERT INTO pairs SELECT ?1, i / 2, ?1 || '"é/' || i FROM n`,
    ).bind(asText(owner), count),
    DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
        INSERT INTO links SELECT ?1, i FROM n`,
    ).bind(owner, count),
  ]);

const left = async (table: string) =>
  env.DB.prepare(`SELECT COUNT(*) AS n FROM ${table}`).first<number>("n");
const allLeft = () => Promise.all(["notes", "pairs", "links"].map(left));

it("an export has every row of its user once, page by page, and no other's", async () => {
  const [user, other] = [await here.newCaller(), await here.newCaller()];
  await fill(user.id, 1_200);
  await fill(other.id, 3);
  const rows: Record<string, unknown[]> = { notes: [], pairs: [], links: [] };
  let cursor = "";
  let pages = 0;
  do {
    const path = `/rest/user/export${cursor === "" ? "" : `?cursor=${cursor}`}`;
    const answer = await here.send("GET", path, { bearer: user.access });
    expect(answer.status, answer.text.slice(0, 200)).toBe(200);
    for (const name of Object.keys(rows)) {
      if (at(answer, "payload", name) !== undefined)
        rows[name]?.push(...itemsAt(answer, "payload", name));
    }
    const next = at(answer, "next_cursor");
    cursor = typeof next === "string" ? next : "";
    pages++;
  } while (cursor !== "");
  expect(pages).toBeGreaterThan(4);
  const texts = (name: string, of: string) =>
    new Set(rows[name]?.map((row) => Object(row)[of])).size;
  expect([rows.notes?.length, texts("notes", "text")]).toEqual([1_200, 1_200]);
  expect([rows.pairs?.length, texts("pairs", "word")]).toEqual([1_200, 1_200]);
  expect([rows.links?.length, texts("links", "number")]).toEqual([1_200, 1_200]);
  expect(rows.notes?.[0]).toEqual({ text: "note 1", ends: expect.any(Number), bytes: "AP8=" });
});

it("a deletion erases them with the account, and no other's", async () => {
  const [user, other] = [await here.newCaller(), await here.newCaller()];
  await fill(user.id, 2);
  await fill(other.id, 3);
  const answer = await here.send("DELETE", "/rest/user", {
    bearer: user.access,
    json: { password: user.password },
  });
  expect(answer.status).toBe(200);
  expect(await allLeft()).toEqual([3, 3, 3]);
});

it("a deletion that is refused erases nothing", async () => {
  const user = await here.newCaller();
  await fill(user.id, 2);
  await here.send("DELETE", "/rest/user", {
    bearer: user.access,
    json: { password: "not theirs" },
  });
  expect(await allLeft()).toEqual([2, 2, 2]);
});

it("housekeeping deletes what has expired, and what came after a deletion, in every part of a table", async () => {
  const [user, other] = [await here.newCaller(), await here.newCaller()];
  await here.send("DELETE", "/rest/user", {
    bearer: user.access,
    json: { password: user.password },
  });
  await fill(other.id, 2_500);
  await fill(user.id, 5);
  await env.DB.prepare("UPDATE notes SET ends = 1 WHERE rowid % 1000 = 1").run();
  await here.services.housekeeping(Date.now() + 3_600_001);
  expect(await allLeft()).toEqual([2_497, 2_500, 2_500]);
  // And begins again.
  await env.DB.prepare("UPDATE notes SET ends = NULL WHERE rowid = 2").run();
  await env.DB.prepare("UPDATE notes SET ends = 1 WHERE rowid = 3").run();
  await here.services.housekeeping(Date.now());
  expect(await left("notes")).toBe(2_496);
});

it("a table that is not there stops nothing else of housekeeping", async () => {
  await env.DB.prepare("DROP TABLE pairs").run();
  const user = await here.newCaller();
  await fill(user.id, 1).catch(() => null);
  await DB.prepare("INSERT INTO notes VALUES ('old', ?, 1, NULL)").bind(asText(user.id)).run();
  await expect(here.services.housekeeping(Date.now())).rejects.toThrow();
  expect(await left("notes")).toBe(0);
});

it.each([
  [null, 0],
  [1, 2],
])(
  "who resets the password of an account whose email was proven at %s keeps %i rows",
  async (verifiedOn, kept) => {
    const user = await here.newCaller();
    await fill(user.id, 2);
    await DB.prepare("UPDATE users SET verified_on = ? WHERE id = ?")
      .bind(verifiedOn, user.id)
      .run();
    const json = {
      token: await mailed(user, "resetPassword"),
      input: { password: "another password" },
    };
    expect((await here.send("POST", "/api/run-action-token", { json })).status).toBe(200);
    expect(await allLeft()).toEqual([kept, kept, kept]);
  },
);
