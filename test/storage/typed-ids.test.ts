import { env } from "cloudflare:workers";
import { beforeAll, expect, inject, it } from "vitest";
import {
  type Answered,
  call,
  newActionToken,
  newApiToken,
  newCaller,
  newOperator,
  type Send,
} from "../support/client.ts";
import { idColumns, TYPED } from "../support/ids.ts";

/**
 * What people type may look like an id. The guard of test/support refuses it as bytes in any statement; here it is
 * typed wherever a text may be, and is found again as it was typed.
 */
let person: Awaited<ReturnType<typeof newCaller>>;
let operator: Awaited<ReturnType<typeof newOperator>>;
let token: Awaited<ReturnType<typeof newApiToken>>;

beforeAll(async () => {
  person = await newCaller();
  operator = await newOperator();
  token = await newApiToken(person.access, "first");
});

const byPerson = (json?: object): Send => ({ bearer: person.access, ...(json && { json }) });

const FIELDS: readonly (readonly [string, () => Promise<Answered>, number])[] = [
  [
    "the name and metadata of an API token",
    () => call("POST", "/rest/token", byPerson({ name: TYPED, metadata: { [TYPED]: TYPED } })),
    200,
  ],
  [
    "metadata of an account",
    () =>
      call("PATCH", `/rest/admin/users/${person.id}`, {
        bearer: operator.access,
        json: { metadata: { [TYPED]: TYPED } },
      }),
    200,
  ],
  [
    "a search for API tokens",
    () => call("GET", `/rest/token/list?search=${TYPED}`, byPerson()),
    200,
  ],
];

it.each(FIELDS)("%s is a text", async (_, send, status) => {
  const answer = await send();
  expect(answer.status, answer.text).toBe(status);
  expect(answer.text).toContain(TYPED);
});

it.each<[string, () => Promise<Answered>, number]>([
  [
    "a password that is wrong",
    () => call("POST", "/api/token/", { json: { email: person.email, password: TYPED } }),
    401,
  ],
  [
    "an email that has no account",
    () => call("POST", "/api/token/", { json: { email: `${TYPED}@example.org`, password: TYPED } }),
    401,
  ],
  [
    "a search among contacts",
    () => call("GET", `/api/user/get-contacts?search=${TYPED}`, byPerson()),
    200,
  ],
  ["a scope", () => call("GET", `/rest/token/list?scope=${TYPED}`, byPerson()), 400],
  ["a kind of event", () => call("GET", `/rest/audit?what=${TYPED}`, byPerson()), 200],
  ["a credential", () => call("GET", "/rest/user", { bearer: TYPED }), 401],
  [
    "a token to introspect",
    () => call("POST", "/oauth/introspect", { bearer: token.secret, form: { token: TYPED } }),
    200,
  ],
  [
    "a key with which a check is repeated",
    () =>
      call("POST", "/rest/token/verify", {
        json: { token: token.secret },
        bearer: person.access,
        headers: { "idempotency-key": TYPED },
      }),
    200,
  ],
])("%s is a text", async (_, send, status) => {
  const answer = await send();
  expect([answer.status, answer.text]).toEqual([status, expect.anything()]);
});

it("a key with which a run is repeated is a text, and gets the same receipt", async () => {
  const other = await newCaller();
  const { secret } = await newActionToken(person.access, person.id, { max_uses: 5 });
  const run = () =>
    call("POST", "/api/run-action-token", {
      bearer: other.access,
      json: { token: secret },
      headers: { "idempotency-key": TYPED },
    });
  const first = await run();
  expect(first.status, first.text).toBe(200);
  expect((await run()).json).toEqual(first.json);
});

it("and is stored as one, in no column of ids", async () => {
  const columns = idColumns(inject("schema"));
  for (const each of columns) {
    const [table, column] = each.split(".");
    const typed = await env.DB.prepare(
      `SELECT COUNT(*) AS n FROM ${table} WHERE hex(${column}) = ?`,
    )
      .bind(TYPED.replaceAll("-", "").toUpperCase())
      .first("n");
    expect([each, typed]).toEqual([each, 0]);
  }
  const named = await env.DB.prepare(
    "SELECT COUNT(*) AS n FROM tokens WHERE detail ->> '$.name' = ?",
  )
    .bind(TYPED)
    .first("n");
  expect(named).toBe(1);
});
