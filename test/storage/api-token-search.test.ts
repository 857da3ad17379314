import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  ALL_TOKENS,
  type ApiTokenQuery,
  TOKENS_SEARCHED,
} from "../../src/core/api-token-search.ts";
import type { Caller } from "../../src/core/caller.ts";
import type { PageRequest } from "../../src/core/page.ts";
import { itemsAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 30_000 });

const DAY_MS = 86_400_000;
const FIRST = { limit: 50, after: null };

const statements: string[] = [];
const here = isolate(
  {},
  intercept((call, run) => {
    statements.push(...call.statements);
    return run();
  }),
);

interface Filled {
  readonly name: string;
  readonly days?: number;
  readonly usedAt?: number;
  readonly scopes?: readonly string[];
  readonly revokedAt?: number;
}

/** By SQL, as the service would have left them; the first one is the oldest. */
async function fill(userId: string, tokens: readonly Filled[]): Promise<string[]> {
  const now = Date.now();
  const rows = tokens.map((token, index) => ({ id: crypto.randomUUID(), index, ...token }));
  await DB.prepare(
    `INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, used_at,
       revoked_at, detail)
     SELECT unhex(value ->> 'id', '-'), 'api', ?1, 0, 0, ?2 - 1000000 + (value ->> 'index'), ?2,
       ?2 + COALESCE(value ->> 'days', 30) * ${DAY_MS}, value ->> 'usedAt', value ->> 'revokedAt',
       json_object('name', value ->> 'name', 'hint', 'lk_api_…' || substr('000' || (value ->> 'index'), -4),
         'scopes', json(COALESCE(value -> 'scopes', '["tokens:read"]')), 'metadata', json('{}'))
     FROM json_each(?3)`,
  )
    .bind(userId, now, JSON.stringify(rows))
    .run();
  return rows.map(({ id }) => id);
}

async function person() {
  const user = await here.newUser();
  const { access } = await here.newPair(user);
  return { user, access, caller: await here.bearer(access) };
}

const search = (caller: Caller, query: Partial<ApiTokenQuery> = {}, page: PageRequest = FIRST) =>
  here.services.apiTokens.search(caller, { ...ALL_TOKENS, ...query }, page, Date.now());

const names = async (caller: Caller, query: Partial<ApiTokenQuery>) =>
  (await search(caller, query)).items.map(({ token }) => token.name);

describe("a search among API tokens", () => {
  let caller: Caller;
  let access = "";
  beforeAll(async () => {
    const ada = await person();
    ({ caller, access } = ada);
    await fill(ada.user.id, [
      { name: "Backup", days: 3, usedAt: 2, scopes: ["account:read"] },
      { name: "ci deploys", days: 40 },
      { name: "Website 100%", days: 0.5, usedAt: 1 },
      { name: "over", days: -1 },
      { name: "gone", revokedAt: Date.now() - 1 },
    ]);
    await fill((await person()).user.id, [{ name: "another's" }]);
  });

  it.each<[Partial<ApiTokenQuery>, string[]]>([
    [{}, ["Website 100%", "ci deploys", "Backup"]],
    [{ isDescending: false }, ["Backup", "ci deploys", "Website 100%"]],
    [{ sort: "name", isDescending: false }, ["Backup", "ci deploys", "Website 100%"]],
    [{ sort: "expires", isDescending: false }, ["Website 100%", "Backup", "ci deploys"]],
    [{ sort: "used", isDescending: true }, ["Backup", "Website 100%", "ci deploys"]],
    [{ search: "CI" }, ["ci deploys"]],
    [{ search: "%" }, ["Website 100%"]],
    [{ search: "_" }, ["Website 100%", "ci deploys", "Backup"]],
    [{ search: "…0001" }, ["ci deploys"]],
    [{ search: "nothing' OR 1=1 --" }, []],
    [{ filter: "expiring" }, ["Website 100%", "Backup"]],
    [{ filter: "unused" }, ["ci deploys"]],
    [{ filter: "inactive" }, ["gone", "over"]],
    [{ scope: "account:read" }, ["Backup"]],
    [{ scope: "tokens:write" }, []],
  ])("%o", async (query, expected) => {
    expect(await names(caller, query)).toEqual(expected);
    expect((await search(caller, query)).total).toBe(expected.length);
  });

  it("says why a token is inactive", async () => {
    const { items } = await search(caller, { filter: "inactive" });
    expect(items.map(({ status, revokedAtMs }) => [status, revokedAtMs !== null])).toEqual([
      ["revoked", true],
      ["expired", false],
    ]);
  });

  it.each(["created", "name", "expires", "used"] as const)(
    "goes on and back by %s, each token once",
    async (sort) => {
      for (const isDescending of [true, false]) {
        const whole = await names(caller, { sort, isDescending });
        let page = await search(caller, { sort, isDescending }, { limit: 1, after: null });
        const seen = [...page.items];
        while (page.next !== null) {
          page = await search(caller, { sort, isDescending }, { limit: 1, after: page.next });
          seen.push(...page.items);
        }
        expect(seen.map(({ token }) => token.name)).toEqual(whole);
        const back = [];
        while (page.previous !== null) {
          const before = page.previous;
          page = await search(caller, { sort, isDescending }, { limit: 1, after: null, before });
          back.unshift(...page.items);
        }
        expect(back.map(({ token }) => token.name)).toEqual(whole.slice(0, -1));
      }
    },
  );

  it("is part of the list in JSON, which never has inactive ones", async () => {
    const listed = async (query: string) =>
      itemsAt(await here.call("GET", `/rest/token/list?${query}`, { bearer: access }), "payload");
    const namesOf = async (query: string) => (await listed(query)).map((each) => Object(each).name);
    expect(await namesOf("search=ci&sort=name")).toEqual(["ci deploys"]);
    expect(await namesOf("filter=expiring&sort=-expires")).toEqual(["Backup", "Website 100%"]);
    expect(await namesOf("scope=account:read")).toEqual(["Backup"]);
    expect(await namesOf("sort=name&take=1&skip=1")).toEqual(["ci deploys"]);
    expect(await namesOf("search=&filter=&scope=&sort=")).toHaveLength(3);
    const first = await here.call("GET", "/rest/token/list?sort=name&limit=2", { bearer: access });
    const next = encodeURIComponent(String(Object(first.json).next_cursor));
    expect(await namesOf(`sort=name&limit=2&cursor=${next}`)).toEqual(["Website 100%"]);
    for (const query of [
      "filter=inactive",
      "filter=x",
      "sort=x",
      "scope=x",
      `search=${"x".repeat(65)}`,
    ]) {
      const refused = await here.call("GET", `/rest/token/list?${query}`, { bearer: access });
      expect([query, refused.status]).toEqual([query, 400]);
    }
  });
});

describe("tokens that belong together", () => {
  it("a replaced one stands with its successor, and on its own once that is revoked or something is searched", async () => {
    const { caller, access } = await person();
    const made = async (method: string, path: string, json: object) => {
      const { json: answer } = await here.call(method, path, { bearer: access, json });
      return Object(answer).payload as { uuid: string };
    };
    const first = await made("POST", "/rest/token", { name: "ci" });
    const rotate = (uuid: string) =>
      made("POST", `/rest/token/${uuid}/rotate`, { grace_seconds: 600 });
    const second = await rotate(first.uuid);
    const third = await rotate(second.uuid);
    const ids = (some: readonly { token: { id: string } }[]) => some.map(({ token }) => token.id);
    const all = await search(caller);
    expect([ids(all.items), all.total]).toEqual([[third.uuid], 3]);
    expect(new Set(ids(all.replaced))).toEqual(new Set([first.uuid, second.uuid]));
    expect(ids((await search(caller, { search: "ci" })).items)).toHaveLength(3);
    const { replaced } = await here.services.apiTokens.find(caller, third.uuid, Date.now());
    expect(replaced.map(({ id }) => id)).toEqual([second.uuid]);
    await here.call("DELETE", `/rest/token/${third.uuid}`, { bearer: access });
    const left = await search(caller);
    expect([ids(left.items), ids(left.replaced)]).toEqual([[second.uuid], [first.uuid]]);
  });

  it("names those that a token was created with, and that it created", async () => {
    const { caller, access } = await person();
    const made = async (bearer: string, name: string) => {
      const { json } = await here.call("POST", "/rest/token", { bearer, json: { name } });
      return Object(json).payload as { uuid: string; token: string };
    };
    const root = await made(access, "root");
    const child = await made(root.token, "child");
    const grandchild = await made(child.token, "grandchild");
    const of = (id: string) => here.services.apiTokens.find(caller, id, Date.now());
    const { children } = await of(root.uuid);
    expect(children.map(({ name }) => name).sort()).toEqual(["child", "grandchild"]);
    const { parents } = await of(grandchild.uuid);
    expect(new Set(parents.map(({ id }) => id))).toEqual(new Set([root.uuid, child.uuid]));
    await here.call("DELETE", `/rest/token/${root.uuid}`, { bearer: access });
    expect(await of(root.uuid)).toMatchObject({ status: "revoked", children: [] });
    expect((await of(child.uuid)).status).toBe("login_revoked");
    const eve = await person();
    const theirs = here.services.apiTokens.find(eve.caller, root.uuid, Date.now());
    await expect(theirs).rejects.toMatchObject({ fault: { code: "token_not_found" } });
  });
});

it("reads at most so many rows, by the indexes, and says that there are more", async () => {
  const { user, caller } = await person();
  const filled = (count: number, revokedAt?: number) =>
    Array.from({ length: count }, (_, index) => ({
      name: `token ${index}`,
      ...(revokedAt !== undefined && { revokedAt }),
    }));
  await fill(user.id, filled(TOKENS_SEARCHED + 50));
  await fill(user.id, filled(100, Date.now() - 5));
  // What is no API token, and is read by no search.
  await DB.prepare(
    `INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, revoked_at)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
     SELECT randomblob(16), 'session', ?, 0, i, i, ?, CASE WHEN i % 2 THEN i END FROM n`,
  )
    .bind(user.id, Date.now() + DAY_MS)
    .run();
  statements.length = 0;
  const found = await search(caller, { sort: "name", isDescending: false, search: "token 1" });
  expect([found.items.length, found.isAll]).toEqual([50, false]);
  expect(found.items[0]?.token.name).toBe("token 100");
  const { total, items } = await search(caller, { filter: "inactive" });
  expect([items.length, total]).toEqual([50, 100]);
  expect(statements).toHaveLength(2);
  const plans = await Promise.all(
    statements.map(async (statement) => {
      const unbound = DB.prepare(`EXPLAIN QUERY PLAN ${statement}`);
      const values = Array.from({ length: statement.split("?").length - 1 }, () => 1);
      const { results } = await unbound.bind(...values).all<{ detail: string }>();
      return results.map(({ detail }) => detail).join("\n");
    }),
  );
  expect(plans[0]).toMatch(
    /SEARCH tokens USING INDEX tokens_list \(user_id=\? AND kind=\? AND credential_version=\? AND api_token_version=\?\)/,
  );
  expect(plans[1]).toMatch(
    /SEARCH tokens USING INDEX tokens_revoked \(user_id=\? AND kind=\? AND revoked_at>\?\)/,
  );
  expect(plans[1]).toMatch(/SEARCH tokens USING INDEX tokens_list \(user_id=\? AND kind=\?\)/);
  // The indexes have the order in which the scans stop; only what they found is sorted.
  for (const plan of plans) expect(plan.match(/TEMP B-TREE FOR ORDER BY/g)).toHaveLength(1);
});
