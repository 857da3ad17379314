import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { newJwk } from "../crypto/signing.ts";
import { type Call, call, newApiToken, newCaller, newPair, newSession } from "../support/client.ts";
import { service } from "../support/service.ts";
import { DB } from "../support/database.ts";

/** docs/operations/backup-and-restore.md, step 3. */
const END_EVERYTHING = [
  "UPDATE users SET credential_version = credential_version + 1000000, api_token_version = api_token_version + 1000000",
  "UPDATE tokens SET revoked_at = unixepoch() * 1000 WHERE kind = 'action' AND revoked_at IS NULL",
];
/** Step 1: what happened since a time in milliseconds. */
const SINCE = `SELECT users.email, lower(hex(events.user_id)) AS user_id, events.kind FROM events
  LEFT JOIN users ON users.id = events.user_id WHERE events.id > unhex(printf('%012x', ?))`;
/** Step 6. */
const RESET = "UPDATE users SET password = '!', ha1b = NULL WHERE id IN (unhex(?))";

const TABLES = ["users", "tokens", "receipts", "pending_revocations", "contacts", "login_attempts"];

/** The rows of a table, and the statements that bring them back. */
async function saved(table: string): Promise<D1PreparedStatement[]> {
  const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
  return results.map((row) => {
    const names = Object.keys(row);
    const marks = names.map(() => "?").join(", ");
    return env.DB.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${marks})`).bind(
      ...Object.values(row).map((value) => (Array.isArray(value) ? new Uint8Array(value) : value)),
    );
  });
}

async function emptyKv(): Promise<void> {
  const { keys } = await env.KV.list();
  // KV takes one write a second for a key.
  const gone = ({ name }: { name: string }) =>
    vi.waitFor(() => env.KV.delete(name), { timeout: 5_000, interval: 100 });
  await Promise.all(keys.map(gone));
}

/** Everything that a user may hold, as it would be shown. */
async function credentialsOf(user: Awaited<ReturnType<typeof newCaller>>) {
  const { access, refresh } = await newPair(user);
  const session = await newSession(user);
  const { secret } = await newApiToken(access, "laptop", 3600);
  return { access, refresh, session, secret };
}

async function statuses(at: Call, held: Awaited<ReturnType<typeof credentialsOf>>) {
  const { access, refresh, session, secret } = held;
  const answers = await Promise.all([
    at("GET", "/rest/user", { bearer: access }),
    at("POST", "/api/token/verify/", { json: { token: access } }),
    at("POST", "/api/token/refresh/", { json: { refresh } }),
    at("GET", "/tokens", { xToken: session }),
    at("GET", "/rest/user", { bearer: secret }),
  ]);
  return answers.map(({ status }) => status);
}

const ALL_ARE_ACTIVE = [200, 200, 200, 200, 200];
/** 400 is how session-tokens says it. */
const NONE_IS_ACTIVE = [401, 401, 401, 400, 401];

it.each(["0", "300"])(
  "nothing from before a restore of D1 is valid, at a revocation lag of %s",
  async (lag) => {
    const user = await newCaller();
    const before = await credentialsOf(user);
    const backup = (await Promise.all(TABLES.map(saved))).flat();
    const serving = service({ REVOCATION_LAG_SECONDS: lag });
    // In the time that is lost: a password that had leaked is changed, and new credentials are issued.
    const password = "stapler on the moon";
    const change = { json: { password, current_password: user.password }, bearer: user.access };
    expect((await call("PATCH", "/rest/user", change)).status).toBe(200);
    const lost = await credentialsOf({ ...user, password });
    expect(await statuses(serving, lost)).toEqual(ALL_ARE_ACTIVE);

    const wiped = [...TABLES].reverse().map((table) => DB.prepare(`DELETE FROM ${table}`));
    await DB.batch([DB.prepare("PRAGMA defer_foreign_keys = on"), ...wiped, ...backup]);
    // That is why a restore alone is not enough.
    expect(await statuses(service({ REVOCATION_LAG_SECONDS: "0" }), before)).toEqual(
      ALL_ARE_ACTIVE,
    );

    await DB.batch(END_EVERYTHING.map((statement) => DB.prepare(statement)));
    await emptyKv();
    const keys = [await newJwk("ES256", "new")];
    const after = service({ REVOCATION_LAG_SECONDS: lag, JWT_KEYS: JSON.stringify({ keys }) });
    for (const held of [before, lost]) expect(await statuses(after, held)).toEqual(NONE_IS_ACTIVE);
    const again = await after("POST", "/api/token/", { json: user });
    expect(again.status).toBe(200);
  },
);

it("what happened since is found by its time, and whom it concerned by their id", async () => {
  const before = await newCaller();
  const since = Date.now() + 1;
  await vi.waitUntil(() => Date.now() > since, { interval: 1 });
  const after = await newCaller();
  const { results } = await env.DB.prepare(SINCE).bind(since).all();
  const digits = after.id.replaceAll("-", "");
  expect(results.length).toBeGreaterThan(0);
  expect(results).toEqual(
    results.map(({ kind }) => ({ email: after.email, user_id: digits, kind })),
  );
  expect((await env.DB.prepare(RESET).bind(digits).run()).meta.changes).toBe(1);
  const login = { json: { email: after.email, password: after.password } };
  expect((await call("POST", "/tokens", login)).status).not.toBe(200);
  expect((await newPair(before)).access).not.toBe("");
});
