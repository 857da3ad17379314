import { beforeAll, describe, expect, it } from "vitest";
import {
  type Answered,
  at,
  call,
  itemsAt,
  newApiToken,
  newPair,
  newCaller,
  newSession,
  type Pair,
  type TestUser,
  textAt,
} from "../support/client.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { asText, DB } from "../support/database.ts";

const PROFILE = {
  first_name: "Ada",
  last_name: "Lovelace",
  phone_number: "+15551234567",
  dob: "1915-12-10",
  gender: "female",
};
const SECTIONS = [
  "user",
  "api_tokens",
  "sessions",
  "logins",
  "jwts",
  "action_tokens",
  "receipts_as_runner",
  "receipts_as_issuer",
  "contacts",
  "passkeys",
  "devices",
  "notices",
  "audit",
];

/** Columns that are nobody's data, or that nobody may see. */
const NOT_SHOWN = [
  "users.password",
  "users.credential_version",
  "users.api_token_version",
  "users.login_version",
  "users.deleted_on",
  "users.identities_revoked_on",
  "tokens.kind",
  "tokens.user_id",
  "tokens.credential_version",
  "tokens.api_token_version",
  "tokens.won_by",
  "tokens.status_index",
  "receipts.request_digest",
  "contacts.user_id",
  "passkeys.user_id",
  "events.user_id",
  "devices.user_id",
  "notices.user_id",
  "notices.due_at",
  "notices.attempts",
  "notices.lease",
];

let user: TestUser & Pair;
let other: TestUser & Pair;
/** An API token. */
let reader = "";
/** A log-in: no API token exports. */
let owner = "";

const exported = (bearer = owner, cursor = "") =>
  call("GET", `/rest/user/export${cursor === "" ? "" : `?cursor=${cursor}`}`, { bearer });
const section = (answer: Answered, name: string) => itemsAt(answer, "payload", name).map(Object);

beforeAll(async () => {
  user = await newCaller(PROFILE);
  other = await newCaller({ first_name: "Other" });
  reader = (await newApiToken(user.access, "reader", 86_400)).secret;
  await DB.prepare(
    `INSERT INTO notices (user_id, id, email, kind, subject, at, due_at)
      VALUES (?1, ?1, 'ada@example.com', 'identity_linked', ?1, 1790000000000, 1790000000000)`,
  )
    .bind(user.id)
    .run();
  // Of each kind an active one and a revoked one.
  await newSession(user);
  await call("DELETE", "/tokens", { xToken: await newSession(user) });
  await call("DELETE", `/rest/token/${(await newApiToken(reader, "ended")).uuid}`, {
    bearer: reader,
  });
  await call("DELETE", `/rest/token/${user.access}`, { bearer: reader });
  owner = (await newPair(user)).access;
  const issue = async (bearer: string, contact_id: string, audience?: string) => {
    const json = { action: "addContact", payload: { contact_id }, max_uses: 1, audience };
    const answer = await call("POST", "/api/generate-action-token", { bearer, json });
    return textAt(answer, "token", "token");
  };
  const run = async (token: string, bearer: string) => {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const answer = await call("POST", "/api/run-action-token", {
      bearer,
      json: { token },
      headers,
    });
    expect(answer.status).toBe(200);
  };
  await run(await issue(reader, user.id), other.access);
  await run(await issue(other.access, other.id), reader);
  await issue(reader, other.id, other.id);
  await call("GET", "/rest/user", { basic: { email: user.email, password: "wrong" } });
  await DB.prepare(
    "INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ('https://issuer.test', 'ada', ?, 1000)",
  )
    .bind(user.id)
    .run();
  await DB.prepare(
    `INSERT INTO passkeys (id, user_id, credential_id, public_key, name, aaguid, transports, counter,
      is_backup_eligible, is_backed_up, created_at, used_at) VALUES (?1, ?1, 'AQ', 'AQ', 'Phone', ?2, '[]', 1, 1, 1, 1, 2)`,
  )
    .bind(user.id, asText(user.id))
    .run();
});

describe("GET /rest/user/export", () => {
  it("has every row about the caller in every table, and no other's", async () => {
    const answer = await exported();
    expect(answer.status).toBe(200);
    expect(Object.keys(Object(at(answer, "payload")))).toEqual(SECTIONS);
    expect(at(answer, "next_cursor")).toBeNull();
    const count = async (sql: string) => DB.prepare(sql).bind(user.id).first<number>("n");
    const tables: Readonly<Record<string, readonly string[]>> = {
      "users WHERE id = ?": ["user"],
      "tokens WHERE user_id = ?": ["api_tokens", "sessions", "logins", "jwts", "action_tokens"],
      "receipts WHERE run_by = ?": ["receipts_as_runner"],
      "receipts JOIN tokens ON tokens.id = token_id WHERE user_id = ?": ["receipts_as_issuer"],
      "contacts WHERE user_id = ?": ["contacts"],
      "passkeys WHERE user_id = ?": ["passkeys"],
      "devices WHERE user_id = ?": ["devices"],
      "notices WHERE user_id = ?": ["notices"],
      "events WHERE user_id = ?": ["audit"],
    };
    for (const [from, names] of Object.entries(tables)) {
      const rows = names.flatMap((name) => section(answer, name));
      expect([from, rows.length]).toEqual([from, await count(`SELECT COUNT(*) AS n FROM ${from}`)]);
      expect(rows.length).toBeGreaterThan(0);
    }
    // A table that holds rows of users and is not in the export would be forgotten here.
    const { results } = await DB.prepare(
      `SELECT name FROM sqlite_schema
        WHERE type = 'table' AND (sql LIKE '% user_id %' OR sql LIKE '% run_by %')`,
    ).all<{ name: string }>();
    expect(results.map(({ name }) => name).toSorted()).toEqual([
      "contacts",
      // Only the ids of events, which are in the export.
      "dead_letters",
      "deliveries",
      "devices",
      // The days on which the user has some.
      "event_days",
      "events",
      "identities",
      "notices",
      "passkeys",
      "receipts",
      // Of these, that and how many there are, beside the user.
      "recovery_codes",
      "second_factors",
      "tokens",
    ]);
  });

  it("says of the account all that is stored but its password", async () => {
    const [row] = section(await exported(), "user");
    expect(row).toMatchObject({
      uuid: user.id,
      email: user.email,
      role: "User",
      ...PROFILE,
      email_verified_on: null,
      last_mail_on: null,
    });
    expect(row.identities).toEqual([
      {
        issuer: "https://issuer.test",
        subject: "ada",
        email: null,
        linked_on: "1970-01-01T00:00:01.000Z",
        last_used_on: null,
      },
    ]);
    expect(Date.parse(row.created_on)).toBeGreaterThan(Date.now() - 3_600_000);
  });

  it("shows every column with a value, but those that are not the person's", async () => {
    const answer = await exported();
    const all = JSON.stringify(answer.json);
    for (const table of [
      "users",
      "tokens",
      "receipts",
      "contacts",
      "passkeys",
      "devices",
      "notices",
      "events",
    ]) {
      const whose = { users: "id", receipts: "run_by" }[table] ?? "user_id";
      const { results } = await DB.prepare(
        `SELECT * FROM ${table === "events" ? EVENT_LOG.sql : table} WHERE ${whose} = ?`,
      )
        .bind(user.id)
        .all();
      for (const row of results) {
        for (const [column, value] of Object.entries(row)) {
          if (value === null || NOT_SHOWN.includes(`${table}.${column}`)) continue;
          const texts =
            typeof value === "number" && value > 1e12
              ? [new Date(value).toISOString()]
              : column === "networks"
                ? Object.keys(JSON.parse(String(value)))
                : ["detail", "data", "metadata", "parents", "transports"].includes(column)
                  ? Object.values(JSON.parse(String(value))).filter((each) => each !== null)
                  : [column === "idempotency_key" ? String(value).slice(42) : value];
          for (const text of texts) {
            expect([`${table}.${column}`, all.includes(JSON.stringify(text))]).toEqual([
              `${table}.${column}`,
              true,
            ]);
          }
        }
      }
    }
  });

  it("has nothing secret, and nothing of the people they know but their IDs", async () => {
    const { text } = await exported();
    expect(text).not.toMatch(/\$argon2|lk_(?:ses|api|act)_[0-9A-Za-z]{6}|eyJ/);
    expect(text).not.toContain(user.password);
    expect(text).not.toContain(other.email);
    expect(text).not.toContain('"Other"');
  });

  it("needs both account:read and tokens:read", async () => {
    const statusWith = async (scope: string) => {
      const form = {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token: owner,
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        scope,
      };
      return (await exported(textAt(await call("POST", "/oauth/token", { form }), "access_token")))
        .status;
    };
    expect(await statusWith("account:read")).toBe(403);
    expect(await statusWith("tokens:read")).toBe(403);
    expect(await statusWith("account:read tokens:read")).toBe(200);
    expect((await call("GET", "/rest/user/export")).status).toBe(401);
  });

  it.each(["x", "MTIz", btoa("0.x"), btoa(`100.${crypto.randomUUID()}`)])(
    "refuses cursor=%j",
    async (cursor) => {
      const answer = await call("GET", `/rest/user/export?cursor=${cursor}`, { bearer: owner });
      expect(answer.status).toBe(400);
    },
  );
});

describe("of a user with 100,000 tokens", () => {
  it("comes in pages that a Worker can make, each row once", async () => {
    const many = await newCaller();
    await DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, detail)
        SELECT unhex(printf('%08x000080008000', i) || hex(substr(?1, 11))), 'api', ?1, 0, 0, ?2, ?2, ?2 + 99999999,
          '{"name":"many","hint":"x","scopes":["tokens:read"]}' FROM n`,
    )
      .bind(many.id, Date.now())
      .run();
    const seen = new Set<string>();
    let cursor = "";
    let pages = 0;
    let rows = 0;
    const names = new Set<string>();
    do {
      const answer = await exported(many.access, cursor);
      expect(answer.status).toBe(200);
      expect(answer.text.length).toBeLessThan(500_000);
      for (const [name, items] of Object.entries(Object(at(answer, "payload")))) {
        names.add(name);
        for (const item of Array.isArray(items) ? items : []) {
          rows++;
          seen.add(`${name} ${item.uuid}`);
        }
      }
      pages++;
      const next = at(answer, "next_cursor");
      // Not all of them: the first pages, then right to the last.
      cursor = typeof next === "string" ? next : "";
      if (pages === 4) cursor = btoa(`1.000184a0-0000-8000-8000-${many.id.slice(24)}`);
    } while (cursor !== "");
    expect(pages).toBeGreaterThan(4);
    expect(rows).toBe(seen.size);
    expect([...names].sort()).toEqual([...SECTIONS].sort());
  });
});
