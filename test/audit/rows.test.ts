import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { type AuditEvent, EVENT_KINDS } from "../../src/core/events.ts";
import { anonymizedAddress } from "../../src/http/address.ts";
import { EVENT_LOG, storedColumns } from "../../src/storage/event-rows.ts";
import { createAuditStatements } from "../../src/storage/events.ts";
import { DB } from "../support/database.ts";

it("a number is one kind's for ever", () => {
  // A row that was here once is changed by nobody: a new kind has a new number.
  expect(Object.entries(EVENT_KINDS).map(([name, [number]]) => `${number} ${name}`)).toEqual([
    "1 user.created",
    "2 user.changed",
    "3 identity.linked",
    "4 identity.unlinked",
    "5 passkey.added",
    "6 passkey.renamed",
    "7 passkey.removed",
    "8 passkey.refused",
    "9 second_factor.added",
    "10 second_factor.removed",
    "11 recovery_codes.created",
    "12 recovery_code.used",
    "13 email.requested",
    "14 email.changed",
    "15 email.restored",
    "16 email.verified",
    "17 password.changed",
    "18 mail.issued",
    "19 user.deleted",
    "20 user.disabled",
    "21 user.enabled",
    "22 role.changed",
    "23 metadata.changed",
    "24 account.viewed",
    "25 credentials.revoked",
    "26 throttle.lifted",
    "27 deliveries.replayed",
    "28 session.created",
    "29 session.extended",
    "30 session.revoked",
    "31 login.revoked",
    "32 logins.revoked_others",
    "33 token.created",
    "34 token.changed",
    "35 token.disabled",
    "36 token.enabled",
    "37 token.rotated",
    "38 token.revoked",
    "39 tokens.revoked_all",
    "40 jwt.obtained",
    "41 jwt.refreshed",
    "42 jwt.revoked",
    "43 family.revoked",
    "44 action.issued",
    "45 action.run",
    "46 action.revoked",
    "47 contact.removed",
    "48 login.failed",
    "49 credential.refused",
    "50 request.failed",
  ]);
});

const NOW = Date.parse("2026-11-22T06:40:12.345Z");
const client = { address: "203.0.113.0/24", requestId: "8f1e2d3c4b5a6978-VIE" };
const statements = createAuditStatements(() => client, []);
const [me, other] = [crypto.randomUUID(), crypto.randomUUID()];
const row = {
  what: "token.created",
  userId: me,
  actorId: me,
  credentialId: other,
  subjectId: other,
};

it.each([
  ["203.0.113.77", "203.0.113.0/24"],
  ["255.255.255.255", "255.255.255.0/24"],
  ["128.0.0.1", "128.0.0.0/24"],
  ["0.0.0.1", "0.0.0.0/24"],
  ["2001:db8:1:2::3", "2001:db8:1::/48"],
  ["2001:db8::3", "2001:db8::/48"],
  ["2001::3", "2001::/48"],
  ["2001:0:5::3", "2001:0:5::/48"],
  ["fd12:3456:789a::1", "fd12:3456:789a::/48"],
  ["::1", "::/48"],
])("the address %s is stored and shown as it is, and as %s", async (full, network) => {
  for (const [form, shown] of [
    ["full", full],
    ["truncated", network],
    ["none", null],
  ] as const) {
    const from = { address: anonymizedAddress(full, form), requestId: null };
    await DB.batch(
      statements
        .always({ ...row, client: from }, NOW)
        .map(({ sql, values }) => DB.prepare(sql).bind(...values)),
    );
    const sql = `SELECT at, address FROM ${EVENT_LOG.sql} ORDER BY id DESC LIMIT 1`;
    expect(await DB.prepare(sql).first()).toEqual({ at: NOW, address: shown });
  }
});

const COUNT = 20_000;
let filled = 0;

/** Bytes that each row adds to the database. */
async function bytesARow(
  table: string,
  columns: string,
  values: string,
  toId = (text: string) => `unhex(${text}, '-')`,
): Promise<number> {
  const size = async () => (await DB.prepare("SELECT 1").run()).meta.size_after;
  const before = await size();
  // Of 4,000 users, in the order of time.
  await DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${COUNT}),
        u AS (SELECT i, ${toId("'0198f3c1-0000-4000-8000-' || printf('%012x', i * 2654435761 % 4000 * 70368743)")} AS user_id FROM n)
      INSERT INTO ${table} (user_id, id, ${columns})
      SELECT user_id, ${toId(`printf('0198%04x-%04x-7000-8000-%012x', ${++filled}, i / 16, i)`)}, ${values} FROM u`,
  ).run();
  return Math.round(((await size()) - before) / COUNT);
}

/** An expression with its values in their places. */
const inlined = (part: unknown) => {
  const { strings, values } = Object(part);
  return String.raw(
    { raw: strings },
    ...values.map((value: unknown) =>
      value instanceof Uint8Array
        ? `x'${value.toHex()}'`
        : typeof value === "string"
          ? `'${value}'`
          : value,
    ),
  );
};

it("a row takes less than it did", async () => {
  await env.DB.exec(
    `CREATE TABLE events_before (user_id TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL, outcome TEXT NOT NULL, actor TEXT, credential TEXT, subject TEXT, address TEXT, request_id TEXT, count INTEGER NOT NULL DEFAULT 1, by_operator INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (user_id, id)) STRICT, WITHOUT ROWID`,
  );
  const before = await bytesARow(
    "events_before",
    "at, what, outcome, actor, credential, subject, address, request_id",
    `${NOW}, 'token.created', 'done', user_id, lower('${me.toUpperCase()}'), lower('${other.toUpperCase()}'), '${client.address}', '${client.requestId}'`,
    (text) => text,
  );
  const after = async (what: AuditEvent) => {
    const columns = storedColumns({ ...row, what }, client);
    const values = Object.entries(columns).map(([, value]) =>
      typeof value === "object" && value !== null
        ? `(SELECT ${inlined(value)})`
        : (value ?? "NULL"),
    );
    return bytesARow(
      "events",
      `${Object.keys(columns).join()}, credential, subject`,
      `${values.join()}, '${me}', '${other}'`,
    );
  };
  expect({
    before,
    security: await after("token.created"),
    routine: await after("action.run"),
  }).toEqual({ before: 296, security: 127, routine: 97 });
});
