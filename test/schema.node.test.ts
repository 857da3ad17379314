import { globSync, readFileSync } from "node:fs";
import { readD1Migrations } from "@cloudflare/vitest-plugin";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, describe, expect, it } from "vitest";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { idChecks, idColumns } from "./support/ids.ts";

type Row = Readonly<Record<string, unknown>>;

const names = Array.from({ length: 24 }, (_, index) => `DB${index}`);
const runtime = new Miniflare(
  convertV4MiniflareOptions({ modules: true, script: "", d1Databases: names }),
);
afterAll(() => runtime.dispose());

/** A D1 database of its own on which these statements were run. */
async function database(statements: readonly string[]) {
  const d1 = await runtime.getD1Database(names.pop() ?? "");
  await d1.batch(statements.map((each) => d1.prepare(each)));
  return async (sql: string) => (await d1.prepare(sql).all<Row>()).results;
}

/** The parts of a `CREATE` statement. `ALTER TABLE` puts a column behind the constraints, so order does not count. */
function parts(sql: string): string[] {
  const bare = sql.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, "").replaceAll(/\s+/g, " ");
  let depth = 0;
  let text = "";
  for (const character of bare) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    text += character === "," && depth === 1 ? "\n" : character;
  }
  const [head = "", ...rest] = text.split("\n");
  return [...head.split(/\((.*)/), ...rest]
    .map((part) => part.trim().replace(/ ?([()]) ?/g, "$1"))
    .sort();
}

async function schemaOf(query: Awaited<ReturnType<typeof database>>) {
  const entries = await query(`SELECT type, name, tbl_name, sql FROM sqlite_master
    WHERE name NOT GLOB '_cf_*' ORDER BY type, name`);
  return Promise.all(
    entries.map(async ({ sql, ...entry }) => ({
      ...entry,
      parts: sql === null ? null : parts(String(sql)),
      details: await query(
        `PRAGMA ${entry.type === "index" ? "index_xinfo" : "table_xinfo"}(${entry.name})`,
      ),
      foreignKeys: await query(`PRAGMA foreign_key_list(${entry.name})`),
    })),
  );
}

const schema = () => database(splitSqlQuery(readFileSync("schema.sql", "utf8")));

it("all migrations together give schema.sql", async () => {
  const migrations = await readD1Migrations("migrations");
  const migrated = await schemaOf(await database(migrations.flatMap(({ queries }) => queries)));
  expect(migrated.length).toBeGreaterThan(20);
  expect(migrated).toEqual(await schemaOf(await schema()));
});

describe("the comparison", () => {
  const SQL = `CREATE TABLE t (a TEXT NOT NULL, b INTEGER DEFAULT 1 CHECK (b < 9), PRIMARY KEY (a)) STRICT, WITHOUT ROWID;
    CREATE INDEX i ON t (b) WHERE b > 1`;
  const compared = async (sql: string) => schemaOf(await database(splitSqlQuery(sql)));

  it.each([
    ["a check", "b < 9", "b < 8"],
    ["a column", "a TEXT NOT NULL,", "a TEXT NOT NULL, c TEXT,"],
    ["a type", "b INTEGER", "b TEXT"],
    ["a default", "DEFAULT 1", "DEFAULT 2"],
    ["the condition of an index", "WHERE b > 1", "WHERE b > 2"],
    ["an option of a table", "STRICT, ", ""],
  ])("sees a difference in %s", async (_, from, to) => {
    expect(await compared(SQL.replace(from, to))).not.toEqual(await compared(SQL));
  });

  it("sees none in layout, nor where a migration adds a column behind the constraints", async () => {
    const added = `${SQL}; ALTER TABLE t ADD COLUMN c TEXT`;
    const whole = SQL.replace("CHECK (b < 9),", "CHECK (b < 9),\n  c TEXT, -- new\n ");
    expect(await compared(whole)).toEqual(await compared(added));
  });
});

it("a new database has no account in it", async () => {
  const query = await schema();
  expect(await query("SELECT COUNT(*) AS accounts FROM users")).toEqual([{ accounts: 0 }]);
});

const statements = splitSqlQuery(readFileSync("schema.sql", "utf8"));

it("every column with ids refuses a text, also one that is a UUID", async () => {
  const d1 = await runtime.getD1Database(names.pop() ?? "");
  await d1.batch(statements.map((each) => d1.prepare(each)));
  const taken: string[] = [];
  for (const each of idColumns(statements)) {
    const [table = "", column = ""] = each.split(".");
    const { results } = await d1.prepare(`PRAGMA table_info(${table})`).all();
    const values = results.map(({ name, type }) =>
      name === column
        ? "'7e57ab1e-0000-4000-8000-00000000cafe'"
        : type === "INTEGER"
          ? "1"
          : type === "BLOB"
            ? "zeroblob(16)"
            : "'{}'",
    );
    const insert = d1.prepare(`INSERT INTO ${table} VALUES (${values.join(", ")})`).run();
    const refusal = await insert.then(() => "taken", String);
    if (!refusal.includes(`cannot store TEXT value in BLOB column ${each}`))
      taken.push(`${each}: ${refusal}`);
  }
  expect(taken).toEqual([]);
  expect(idColumns(statements).length).toBeGreaterThan(40);
});

/** What may stand beside an id: a conversion. */
const CONVERTED = /^(?:uuid|uuids|idsIn|literalId|ids\.map|firstIdOn|unlessOperators)\b/;

/** Or SQL that has been looked at where it was made, bytes, and what is in a column of text. */
const LOOKED_AT: ReadonlySet<string> = new Set([
  "src/storage/action-tokens.ts: receiptId",
  "src/storage/deliveries.ts: after",
  "src/storage/devices.ts: userId",
  "src/storage/events.ts: owners",
  "src/storage/events.ts: OTHER",
  ...["saved", "looked", "these", "theirs", "owner"].map(
    (each) => `src/storage/housekeeping.ts: ${each}`,
  ),
  "src/storage/passkeys.ts: userId === null ? sql`user_id` : uuid(userId)",
  "src/storage/tokens.ts: among",
  "src/cli/users/import.ts: idsOf(these)",
  // Texts: of login_attempts, and an issuer's name for a person.
  "src/storage/admin.ts: '/' || id",
  "src/storage/admin.ts: || id",
  "src/storage/identities.ts: kept.subject",
  "src/storage/login-throttle.ts: instr(id",
  "src/storage/login-throttle.ts: join([...counters])",
]);

interface Template {
  readonly sql: string;
  readonly values: readonly string[];
}

/** Comments, texts and regular expressions, in which a backtick or a brace means nothing; or one character. */
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?<=[=(,:?&|]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/|\\.|[\s\S]/y;

/** The templates of a source, those within another too: their SQL with `?` for what it is made with, and `~` for an id's text. */
function templatesIn(source: string): Template[] {
  const found: Template[] = [];
  let at = 0;
  const token = (isText: boolean) => {
    TOKEN.lastIndex = at;
    const [text = ""] = isText
      ? [source.slice(at, at + (source[at] === "\\" ? 2 : 1))]
      : (TOKEN.exec(source) ?? []);
    at += text.length;
    return text;
  };
  /** To the end of the code in braces, or of the source. */
  function code(): string {
    const start = at;
    for (let depth = 1; at < source.length; ) {
      const text = token(false);
      if (text === "`") template();
      if (text === "{") depth++;
      if (text === "}" && --depth === 0) return source.slice(start, at - 1);
    }
    return "";
  }
  function template(): void {
    let sql = "";
    const values: string[] = [];
    while (at < source.length && source[at] !== "`") {
      if (!source.startsWith("${", at)) sql += token(true);
      else {
        at += 2;
        const value = code();
        const isText = /^(?:textOf|idAsText)\(/.test(value);
        if (!isText) values.push(value);
        sql += isText ? "~" : "?";
      }
    }
    at++;
    found.push({ sql, values });
  }
  code();
  return found;
}

const templates = globSync("src/{actions,cli,core,storage}/**/*.ts").flatMap((file) =>
  templatesIn(readFileSync(file, "utf8")).map((each) => ({ file, ...each })),
);

describe("SQL of the service", () => {
  const check = idChecks(statements);

  it("compares no id with a text", () => {
    const wrong = templates.flatMap(({ file, sql, values }) => {
      const { wrong, compared } = check(sql);
      const bare = [...compared]
        .map((at) => values[at] ?? "")
        .filter((each) => !CONVERTED.test(each));
      return [...wrong, ...bare]
        .map((each) => `${file}: ${each}`)
        .filter((each) => !LOOKED_AT.has(each));
    });
    expect(wrong).toEqual([]);
    expect(templates.filter(({ sql }) => /\b(?:SELECT|WHERE)\b/.test(sql)).length).toBeGreaterThan(
      400,
    );
  });

  it.each([
    "SELECT 1 FROM tokens WHERE id IN (SELECT value FROM json_each(?))",
    "SELECT 1 FROM json_each(?) JOIN tokens ON value = tokens.id",
    "SELECT 1 FROM tokens WHERE user_id = '7e57ab1e-0000-4000-8000-00000000cafe'",
    "SELECT 1 FROM tokens WHERE tokens.id = detail ->> '$.id'",
    "SELECT 1 FROM tokens WHERE user_id LIKE ?",
    "SELECT 'revoked:' || tokens.id FROM tokens",
    "SELECT 1 FROM tokens WHERE substr(user_id, 1, 8) = ?",
    "SELECT COALESCE(won_by, '') FROM tokens",
    "SELECT 1 FROM receipts WHERE run_by = lower(?)",
  ])("such as %s", (sql) => {
    expect(check(sql).wrong).not.toEqual([]);
  });
});
