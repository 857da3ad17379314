import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSecrets, type LegacyTokens } from "../../../src/crypto/secrets.ts";
import { newProject } from "../dev/project.ts";
import { emptyDatabase } from "./operator.ts";
import { EVENT_LOG } from "../../../src/storage/event-rows.ts";

const KNOX = "9e1f0c5f3a7c1d2e4b6a8c0d1f2e3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f";
const digest = (hash: string, secret: string | Buffer) =>
  createHash(hash).update(secret).digest("hex");
const plain = (letter: string) => letter.repeat(40);
const idOf = (system: LegacyTokens, secret: string) =>
  createSecrets(["lk"], [system]).idOf("api", secret);

const sanctum = (id: number, tokenable_id: number, more: object = {}) => ({
  id,
  tokenable_type: "App\\Models\\User",
  tokenable_id,
  name: "My phone",
  token: digest("sha256", plain(String.fromCharCode(96 + id))),
  abilities: '["*"]',
  created_at: "2026-01-02 03:04:05",
  expires_at: null,
  ...more,
});

async function people() {
  const database = await emptyDatabase();
  for (const id of [7, 8]) {
    await database.sql(
      `INSERT INTO users (id, email, password, created_on, modified_on, external_id, credential_version)
        VALUES ('${id}0000000-0000-4000-8000-000000000000', 'p${id}@example.com', '!', 1, 1, '${id}', ${id})`,
    );
  }
  const directory = await newProject([]);
  const file = join(directory, "tokens.json");
  return {
    ...database,
    async importing(content: unknown, ...args: readonly string[]) {
      await writeFile(file, JSON.stringify(content));
      return database.users(["import-tokens", file, ...args]);
    },
  };
}

it("tokens of Sanctum are those that its users go on to show", async () => {
  const { importing, sql } = await people();
  const tokens = [
    sanctum(1, 7),
    sanctum(2, 8, {
      abilities: ["posts:read"],
      expires_at: "2026-12-24T00:00:00Z",
      name: "CI'; DROP TABLE tokens;--",
    }),
    sanctum(3, 9),
    sanctum(4, 7, { expires_at: "2020-01-01 00:00:00" }),
  ];
  const until = `${new Date().getFullYear() + 1}-01-31`;
  const args = ["--from", "sanctum", "--until", until];
  expect(await importing(tokens, ...args, "--dry-run")).toMatchObject({
    code: 0,
    out: "3 tokens have not expired, of 4.\n",
  });
  expect(await sql("SELECT id FROM tokens")).toEqual([]);
  expect((await importing(tokens, ...args)).out).toContain("Imported 2 tokens");
  const rows = await sql(
    "SELECT id, user_id, kind, credential_version, created_at, expires_at, detail FROM tokens ORDER BY user_id",
  );
  expect(rows).toMatchObject([
    {
      id: await idOf("sanctum", `1|${plain("a")}`),
      kind: "api",
      credential_version: 7,
      created_at: Date.parse("2026-01-02T03:04:05Z"),
      expires_at: Date.parse(until),
      detail: expect.stringContaining('"hint":"1|…"'),
    },
    {
      id: await idOf("sanctum", `2|${plain("b")}`),
      expires_at: Date.parse("2026-12-24T00:00:00Z"),
      detail: expect.stringContaining('"scopes":["posts:read"]'),
    },
  ]);
  const events = await sql(`SELECT what, by_operator FROM ${EVENT_LOG.sql}`);
  expect(events).toEqual([1, 2].map(() => ({ what: "token.created", by_operator: 1 })));
  expect((await importing(tokens, ...args)).out).toContain("Imported 0 tokens");
  expect(await sql("SELECT COUNT(*) AS n FROM events")).toEqual([{ n: 2 }]);
});

it.each([
  ["knox", digest("sha512", KNOX)],
  ["knox4", digest("sha512", Buffer.from(KNOX, "hex"))],
] as const)("tokens of %s too", async (system, pk) => {
  const { importing, sql } = await people();
  const fields = {
    token_key: KNOX.slice(0, 15),
    user: 7,
    created: "2026-11-01T00:00:00Z",
    expiry: null,
  };
  const dump = [
    { model: "auth.user", pk: 7, fields: {} },
    { model: "knox.authtoken", pk, fields },
  ];
  const until = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const { out } = await importing(dump, "--from", "knox", "--until", until);
  expect(out).toContain("Imported 1 token");
  expect(await sql("SELECT id FROM tokens")).toEqual([{ id: await idOf(system, KNOX) }]);
});

it.each([
  [[], [], "--from is one of"],
  [[], ["--from", "sanctum"], "--until is a day"],
  [[], ["--from", "sanctum", "--until", "2020-01-01"], "--until is a day"],
  [[], ["--from", "sanctum", "--until", "2999-01-01"], "--until is a day"],
  [
    { secret: "s3cret" },
    ["--from", "sanctum", "--until", new Date(Date.now() + 9e7).toISOString().slice(0, 10)],
    "This is no export of sanctum's tokens.",
  ],
])("is refused: %j %j", async (content, args, error) => {
  const { importing } = await people();
  const { code, err } = await importing(content, ...args);
  expect(code).not.toBe(0);
  expect(err).toContain(error);
  expect(err).not.toContain("s3cret");
});
