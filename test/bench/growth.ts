import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as breathe } from "node:timers/promises";
import { temporaryDirectory } from "./build.ts";
import { REFERENCES } from "./cases.ts";
import type { Verdict } from "./figures.ts";
import { bearer } from "./load.ts";
import { apiTokens } from "./memory.ts";
import type { Part } from "./parts.ts";
import {
  type Case,
  inTurn,
  prepare,
  type Prepared,
  type Result,
  type Run,
  runRounds,
} from "./rounds.ts";
import type { Fleet, Server, Signer } from "./servers.ts";

const FEW: Filling = { name: "100 users with 10 tokens each", holders: 100, each: 10, others: 0 };
export const FILLINGS: readonly Filling[] = [
  FEW,
  { name: "a user with 100,000 tokens", holders: 2, each: 100_000, others: 98 },
  { name: "1,000,000 users", holders: 100, each: 10, others: 999_900 },
];

/** The users who act in turn. Half of the holders revoke everything that they have. */
interface Actors {
  readonly server: Server;
  readonly signer: Signer;
  readonly keepers: readonly string[];
  readonly enders: readonly string[];
}

export const DEEDS: Readonly<
  Record<string, { requests: number; rounds: (actors: Actors) => Promise<Prepared["next"]> }>
> = {
  "check an API token": {
    requests: 300,
    async rounds({ server, keepers }) {
      const [keeper = ""] = keepers;
      // Its name differs from the others, so that nothing revokes it.
      const [token = ""] = await apiTokens(server, keeper, 1, "checked");
      return async () => () => ({ path: "/rest/user", headers: bearer(token) });
    },
  },
  "verify a JWT": {
    requests: 300,
    rounds:
      async ({ signer, keepers }) =>
      async () => {
        const token = await perPerson(signer, keepers);
        return () => ({ method: "POST", path: "/api/token/verify/", body: { token: token() } });
      },
  },
  "list a page of tokens": {
    requests: 300,
    rounds:
      async ({ signer, keepers }) =>
      async () => {
        const token = await perPerson(signer, keepers);
        return () => ({ path: "/rest/token/list?limit=5", headers: bearer(token()) });
      },
  },
  "revoke one token": {
    requests: 150,
    rounds:
      async ({ server, signer, keepers }) =>
      async (requests) => {
        await server.sql(["UPDATE tokens SET revoked_at = NULL WHERE revoked_at IS NOT NULL"]);
        const headers = new Map<string, Record<string, string>>();
        for (const id of keepers) headers.set(id, bearer(await signer.access(id)));
        const owners = JSON.stringify(keepers);
        const held = await server.rows(
          `SELECT id, user_id FROM tokens WHERE kind = 'api' AND detail LIKE '%filled%'
          AND user_id IN (SELECT unhex(value, '-') FROM json_each('${owners}')) LIMIT ${requests}`,
        );
        const token = inTurn(held);
        return () => {
          const { id, user_id: owner } = token();
          const path = `/rest/token/${id}`;
          return { method: "DELETE", path, headers: headers.get(String(owner)) ?? {} };
        };
      },
  },
  "revoke all tokens": {
    requests: 150,
    rounds:
      async ({ server, signer, enders }) =>
      async () => {
        await server.sql(["UPDATE users SET api_token_version = 0 WHERE api_token_version > 0"]);
        const token = await perPerson(signer, enders);
        return () => ({ method: "DELETE", path: "/rest/token/all", headers: bearer(token()) });
      },
  },
};

async function perPerson(signer: Signer, ids: readonly string[]): Promise<() => string> {
  return inTurn(await Promise.all(ids.map((id) => signer.access(id))));
}

async function filled(fleet: Fleet, filling: Filling) {
  const directory = await temporaryDirectory();
  const settings = { REVOCATION_LAG_SECONDS: "0" };
  // The first start creates the tables.
  await (await fleet.latchkey(settings, directory)).stop();
  const ids = await fill(directory, filling);
  return { ids, server: await fleet.latchkey(settings, directory) };
}

/** Each operation in each database, in turn. */
export async function measureGrowth(fleet: Fleet, run: Run): Promise<readonly Result[]> {
  const prepared: Prepared[] = [];
  for (const filling of FILLINGS) {
    run.progress(`filling a database: ${filling.name}`);
    const { server, ids } = await filled(fleet, filling);
    const half = ids.length / 2;
    const actors = {
      server,
      signer: fleet.signer,
      keepers: ids.slice(0, half),
      enders: ids.slice(half),
    };
    for (const [deed, { requests, rounds }] of Object.entries(DEEDS)) {
      prepared.push({ each: caseOf(deed, filling, requests), server, next: await rounds(actors) });
    }
  }
  const inTurnByDeed = Object.keys(DEEDS).flatMap((deed) =>
    prepared.filter(({ each }) => each.name.startsWith(deed)),
  );
  const hello = await prepare(
    REFERENCES.filter(({ name }) => name === "hello"),
    fleet,
    run,
  );
  return runRounds([...hello, ...inTurnByDeed], run);
}

const nameOf = (deed: string, filling: Filling) => `${deed}, ${filling.name}`;

const caseOf = (deed: string, filling: Filling, requests: number): Case => ({
  name: nameOf(deed, filling),
  title: nameOf(deed, filling),
  server: "latchkey-0",
  requests,
  ...(filling !== FEW && { bound: { times: 1.25, of: nameOf(deed, FEW) } }),
  prepare: () => Promise.reject(new Error("prepared with its database")),
});

export const growth: Part = {
  name: "growth",
  title: "the same cost with 100,000 tokens, and with 1,000,000 users",
  async measure(fleet, run) {
    const results = await measureGrowth(fleet, run);
    const verdicts = results.flatMap(({ case: { title, bound }, toBound }): Verdict[] =>
      bound === undefined || toBound === null
        ? []
        : [{ title, measured: toBound, limit: bound.times, of: "the same with few" }],
    );
    return verdicts;
  },
};

/** The content of a database before the measurement. */
export interface Filling {
  readonly name: string;
  /** Users who hold `each` API tokens. */
  readonly holders: number;
  readonly each: number;
  /** Other users, with one API token each. */
  readonly others: number;
}

const DAY_MS = 86_400_000;
/** Rows per statement. Signals are handled between statements. */
const CHUNK = 100_000;

/**
 * Fills the database of a stopped server with rows as the service writes them, ten times as fast as through D1.
 * @returns the holders' IDs
 */
export async function fill(
  directory: string,
  { holders, each, others }: Filling,
): Promise<string[]> {
  const database = new DatabaseSync(await fileIn(directory), {
    enableForeignKeyConstraints: false,
  });
  const run = async (statement: string) => {
    await breathe();
    database.exec(statement);
  };
  try {
    const ids = Array.from({ length: holders }, () => crypto.randomUUID());
    await run("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; BEGIN");
    // Building an index at the end is faster than updating it for each row.
    const indexes = database.prepare(INDEXES).all();
    for (const { name } of indexes) await run(`DROP INDEX ${name}`);
    await run("CREATE TEMP TABLE filled (id BLOB, made INTEGER)");
    await run(
      `INSERT INTO filled SELECT unhex(value, '-'), 1 FROM json_each('${JSON.stringify(ids)}')`,
    );
    for (let made = 0; made < others; made += CHUNK) {
      const rows = numbers(Math.min(CHUNK, others - made));
      await run(`INSERT INTO filled ${rows} SELECT randomblob(16), 0 FROM n`);
    }
    await run(USERS);
    for (const id of ids)
      await run(tokens(`${numbers(each)} SELECT unhex('${id}', '-') AS user_id FROM n`));
    await run(tokens("SELECT id AS user_id FROM filled WHERE made = 0"));
    for (const { sql } of indexes) await run(String(sql));
    await run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    return ids;
  } finally {
    database.close();
  }
}

/** Miniflare names the file by a digest. */
async function fileIn(directory: string): Promise<string> {
  const folder = join(directory, "d1/miniflare-D1DatabaseObject");
  const name = (await readdir(folder)).find((each) => /^[\da-f]{64}\.sqlite$/.test(each));
  if (name === undefined) throw new Error("Miniflare keeps D1 in another place");
  return join(folder, name);
}

const INDEXES = `SELECT name, sql FROM sqlite_master
  WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('users', 'tokens')`;

const numbers = (count: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${count})`;

const USERS = `INSERT INTO users (id, email, password, created_on, modified_on)
  SELECT id, hex(id) || '@example.com', '$argon2id$v=19$m=19456,t=2,p=1$' || hex(randomblob(11)) || '$'
    || hex(randomblob(21)), ${Date.now()}, ${Date.now()} FROM filled ORDER BY id`;

const DETAIL = JSON.stringify({ name: "filled", hint: "lk_api_…fill", scopes: [] });

const tokens = (owners: string) =>
  `INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, detail)
    SELECT randomblob(16) AS id, 'api', user_id, 0, 0, ${Date.now() - DAY_MS} + abs(random() % ${DAY_MS}),
      ${Date.now()}, ${Date.now() + 30 * DAY_MS}, '${DETAIL}' FROM (${owners}) ORDER BY id`;
