import { expect, it } from "vitest";
import { meter } from "../budget/measure.ts";
import type { Call, TestUser } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { share } from "../support/thorough.ts";
import { asText, DB } from "../support/database.ts";

const MANY = share(100_000);

interface Cost {
  /** Calls to the stores, and the statements in them. */
  readonly calls: string[];
  readonly statements: number;
}

/** So many API tokens more, straight into the table. */
async function addTokens(person: TestUser, count: number): Promise<void> {
  await DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
      INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, detail)
      SELECT unhex(hex(substr(?1, 1, 12)) || printf('%08x', i)), 'api', ?1, 0, 0, ?3, ?3, ?3 + 99999999, '{"name":"many","hint":"x"}' FROM n`,
  )
    .bind(person.id, count, Date.now())
    .run();
}

const ENDS: Readonly<
  Record<string, (call: Call, person: TestUser, jwt: string, uuid: string) => ReturnType<Call>>
> = {
  "one API token": (call, _, bearer, uuid) => call("DELETE", `/rest/token/${uuid}`, { bearer }),
  "all API tokens": (call, _, bearer) => call("DELETE", "/rest/token/all", { bearer }),
  "all with a new password": (call, { password }, bearer) =>
    call("PATCH", "/rest/user", {
      bearer,
      json: { password: "another password", current_password: password },
    }),
  "the account": (call, { password }, bearer) =>
    call("DELETE", "/rest/user", { bearer, json: { password } }),
};

async function costOf(lag: string, count: number, end: (typeof ENDS)[string]): Promise<Cost> {
  const calls: string[] = [];
  let statements = 0;
  const settings = { REVOCATION_LAG_SECONDS: lag };
  const maker = isolate(settings);
  const person = await maker.newUser();
  const { access } = await maker.newPair(person);
  const { secret, uuid } = await maker.newApiToken(access);
  await addTokens(person, count);
  const counted = isolate(
    settings,
    intercept((call, run) => {
      calls.push(call.store);
      statements += call.store === "KV" ? 1 : call.statements.length;
      return run();
    }),
  );
  expect((await end(counted.call, person, access, uuid)).status).toBe(200);
  await counted.settled();
  expect((await maker.call("GET", "/rest/user", { bearer: secret })).status).toBe(401);
  return { calls, statements };
}

it.for(["0", "60"].flatMap((lag) => Object.keys(ENDS).map((name) => [lag, name] as const)))(
  `at %s the end of %s costs the same for 1 token and for ${MANY}`,
  { timeout: 30_000 },
  async ([lag, name]) => {
    const end = ENDS[name];
    if (end === undefined) throw new Error(name);
    const few = await costOf(lag, 1, end);
    expect(few.statements).toBeLessThan(25);
    expect(await costOf(lag, MANY, end)).toEqual(few);
  },
);

/** So many API tokens that were derived from this one, each in its turn or from the one before it. */
async function addDescendants(person: TestUser, uuid: string, count: number): Promise<void> {
  await DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
      INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, parents, detail)
      SELECT unhex(hex(substr(?1, 1, 12)) || printf('%08x', i)), 'api', ?1, 0, 0, ?4, ?4, ?4 + 99999999,
        CASE i % 3 WHEN 0 THEN json_array(?5) ELSE json_array(substr(?6, 1, 28) || printf('%08x', i - i % 3), ?5) END,
        '{"name":"derived","hint":"x","scopes":[]}' FROM n`,
  )
    .bind(person.id, null, count, Date.now(), asText(uuid), asText(person.id))
    .run();
}

/** docs/architecture/revocation.md, "What it costs". */
it.for([
  // The answer's own: a check of who asks, the batch, and the mark taken out of the outbox.
  ["0", { put: 1, delete: 1, query: 3, written: 5 }],
  ["60", { put: 1, delete: 1, query: 2, written: 5 }],
] as const)(
  "at %s a revocation is one row, one event and one tombstone, for 1 and for 10,000 descendants",
  async ([lag, expected]) => {
    for (const count of [1, 10_000]) {
      const settings = { REVOCATION_LAG_SECONDS: lag };
      const maker = isolate(settings);
      const person = await maker.newUser();
      const { access } = await maker.newPair(person);
      const { uuid } = await maker.newApiToken(access);
      await addDescendants(person, uuid, count);
      await maker.settled();
      const { bindings, read } = meter();
      const { call, settled } = isolate(settings, bindings);
      read();
      const answer = await call("DELETE", `/rest/token/${uuid}`, { bearer: access });
      expect(answer.status).toBe(200);
      await settled();
      expect({ count, ...read() }).toMatchObject({ count, ...expected });
      const active = await DB.prepare(
        "SELECT COUNT(*) AS n FROM tokens WHERE substr(id, 1, 12) = substr(?1, 1, 12)",
      )
        .bind(person.id)
        .first("n");
      expect(active).toBe(count);
    }
  },
);
