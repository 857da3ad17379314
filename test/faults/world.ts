import { env } from "cloudflare:workers";
import { inject, vi } from "vitest";
import { codeOf } from "../second-factor/authenticator.ts";
import { textAt } from "../support/client.ts";
import { rules } from "../support/guard.ts";
import { newAuthenticator } from "../passkeys/authenticator.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { DB } from "../support/database.ts";
import { idColumns } from "../support/ids.ts";

type Row = Readonly<Record<string, unknown>>;

/** In an order in which rows can be inserted again: those that others refer to come first. */
export const TABLES = [
  "users",
  "tokens",
  "token_meters",
  "token_charges",
  "receipts",
  "contacts",
  // Before the events, whose trigger writes it.
  "event_days",
  "events",
  "mails",
  "notices",
  "identities",
  "passkeys",
  "used_challenges",
  "devices",
  "second_factors",
  "recovery_codes",
  "email_logins",
  "pending_revocations",
  "deliveries",
  "dead_letters",
  "housekeeping",
  "housekeeping_run",
  "family_expiries",
  "heartbeat",
  "login_attempts",
] as const;

/** All that both stores hold. */
export interface Stored {
  readonly tables: Readonly<Record<string, readonly Row[]>>;
  readonly kv: ReadonlyMap<string, string>;
}

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly api: string;
}

/** Where every cell begins: two users, and of every credential an active one and a revoked one. */
export interface World {
  readonly nowMs: number;
  readonly stored: Stored;
  /** What KV held for a key before its last change; null for nothing. */
  readonly previous: ReadonlyMap<string, string | null>;
  readonly alice: Person;
  readonly bob: Person;
  readonly session: string;
  readonly access: string;
  readonly refresh: string;
  /** A refresh token that was replaced longer ago than the grace allows. */
  readonly spent: string;
  readonly auth: string;
  /** An API token beside the one that Alice calls with. */
  readonly target: { readonly secret: string; readonly uuid: string };
  /** An API token of Bob's of which uses are counted. */
  readonly metered: string;
  readonly action: { readonly secret: string; readonly id: string };
  /** Anyone who holds it can run it, without logging in. */
  readonly openAction: string;
  /** The id of the account at an OpenID issuer that opens Bob's. */
  readonly identity: string;
  /** Of Alice's: the id, what one more to be added answers, and what a log-in with it answers. */
  readonly passkey: {
    readonly id: string;
    readonly registration: unknown;
    readonly assertion: unknown;
  };
  /** A JWT of Bob's, who is an operator. */
  readonly operator: string;
  /** An email without an account, by its digest, with a full counter of failed log-ins. */
  readonly throttled: string;
  /** An event of Alice's that a receiver did not accept. */
  readonly deadLetter: string;
  /** An access JWT of someone who has a second factor. */
  readonly withFactor: string;
  /** The code that turns Bob's second factor on. */
  readonly pendingOtp: string;
  /** Alice's, as mails brought them. */
  readonly reset: string;
  readonly verification: string;
  /** Log-ins by email: of an account that has proven it, of one that has not, and of nobody. */
  readonly emailLogins: Readonly<Record<"proven" | "unproven" | "new", EmailLogin>>;
  readonly ended: {
    readonly session: string;
    readonly api: string;
    readonly refresh: string;
    readonly auth: string;
    readonly used: string;
    readonly revoked: string;
  };
}

export interface EmailLogin {
  readonly challenge: string;
  readonly code: string;
}

const ROTATES = { REVOCATION_LAG_SECONDS: "300", ROTATE_REFRESH_TOKENS: "on" };
/** Emails go to `mailed`, which replaces the network. */
const MAILS = {
  MAIL_WEBHOOK_URL: "https://mail.test/",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};

/** Ten seconds are one instant: see `state.ts`. */
export const INSTANT_MS = 10_000;

/** @param nowMs when the cells happen; all that is built here was built before */
export async function buildWorld(
  nowMs = Math.floor(Date.now() / INSTANT_MS) * INSTANT_MS,
): Promise<World> {
  const previous = new Map<string, string | null>();
  const bindings = intercept(async (call, run) => {
    if (call.operation === "put" || call.operation === "delete") {
      for (const key of call.keys) previous.set(key, await env.KV.get(key));
    }
    return run();
  });
  const settings = { ...ROTATES, ...MAILS };
  const { send, text } = isolate(settings, bindings);
  const at = (agoSeconds: number) => vi.setSystemTime(nowMs - agoSeconds * 1000);

  async function person(name: string): Promise<Person> {
    const sent = { email: `${name}@example.com`, password: `${name}'s password`, first_name: name };
    const id = await text("payload.uuid", "POST", "/rest/user", { json: sent });
    const api = await text("payload.token", "POST", "/rest/token", {
      basic: sent,
      json: { name: "caller" },
    });
    return { id, ...sent, api };
  }
  const newSession = ({ email, password }: Person) =>
    text("data.token", "POST", "/tokens", { json: { email_id: email, password } });
  const newRefresh = ({ email, password }: Person) =>
    text("refresh", "POST", "/api/token/", { json: { email, password } });
  const newAuth = (basic: Person) => text("payload.token", "GET", "/rest/auth", { basic });
  const newAction = async (by: Person, contact: Person) => {
    const answer = await send("POST", "/api/generate-action-token", {
      bearer: by.api,
      json: { action: "addContact", payload: { contact_id: contact.id } },
    });
    return { secret: textAt(answer, "token", "token"), id: textAt(answer, "token", "id") };
  };

  async function emailLogin(email: string): Promise<EmailLogin> {
    let challenge = "";
    const { code } = await mailed(async () => {
      const asked = await send("POST", "/rest/login/email", { json: { email } });
      challenge = textAt(asked, "payload", "challenge");
    });
    return { challenge, code };
  }

  // A session that KV's previous copy shows as expired.
  at(4_000);
  // By their IDs, so that their order in an index is not left to chance.
  const people: Person[] = [];
  for (const name of ["one", "two", "three", "four", "five"]) people.push(await person(name));
  const [alice, bob, proven, unproven, carol] = people.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (!alice || !bob || !proven || !unproven || !carol) throw new Error("too few people");
  await DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(proven.id).run();
  const session = await newSession(alice);
  at(600);
  await send("PUT", "/tokens", { xToken: session, json: { extend: true } });
  await send("PATCH", "/rest/user", { bearer: alice.api, json: { gender: "before" } });
  await send("GET", "/rest/user", { bearer: await newAuth(alice) });
  const made = await send("POST", "/rest/token", {
    bearer: await newAuth(alice),
    json: { name: "target" },
  });
  const target = {
    secret: textAt(made, "payload", "token"),
    uuid: textAt(made, "payload", "uuid"),
  };
  const metered = await text("payload.token", "POST", "/rest/token", {
    bearer: bob.api,
    json: { name: "metered", remaining: 100, limit: { max: 50, seconds: 3_600 } },
  });
  await send("POST", "/rest/token/verify", {
    bearer: alice.api,
    json: { token: metered, cost: 0 },
    headers: { "idempotency-key": "another-request" },
  });
  const action = await newAction(alice, alice);
  const openAction = (await newAction(alice, bob)).secret;
  const refresh = await newRefresh(alice);
  const auth = await newAuth(alice);

  const { token: verification } = await mailed(() =>
    send("POST", "/rest/user/verify_email", { bearer: alice.api }),
  );

  at(300);
  const { token: reset } = await mailed(() =>
    send("POST", "/rest/user/password_reset", { json: { email: alice.email } }),
  );
  await send("PATCH", `/rest/token/${target.uuid}`, {
    bearer: alice.api,
    json: { name: "renamed" },
  });
  await send("PATCH", "/rest/user", { bearer: alice.api, json: { gender: "now" } });
  await send("GET", "/rest/user", { bearer: auth });
  await send("GET", "/tokens", { xToken: await newSession(bob) });

  const doomed = await newAction(alice, alice);
  const used = (await newAction(alice, alice)).secret;
  const ended = {
    session: await newSession(alice),
    api: await text("payload.token", "POST", "/rest/token", {
      bearer: alice.api,
      json: { name: "ended" },
    }),
    refresh: await newRefresh(alice),
    auth: await newAuth(alice),
    used,
    revoked: doomed.secret,
  };
  const spent = await newRefresh(alice);
  await send("POST", "/api/token/refresh/", { json: { refresh: spent } });

  at(200);
  const emailLogins = {
    proven: await emailLogin(proven.email),
    unproven: await emailLogin(unproven.email),
    new: await emailLogin("erin@example.com"),
  };
  // Carol has a second factor, and has logged in with it; Bob's is pending.
  const pending = await text("payload.secret", "POST", "/rest/user/totp", { basic: bob });
  const secret = await text("payload.secret", "POST", "/rest/user/totp", { basic: carol });
  const json = { otp: await codeOf(secret, Date.now()) };
  await send("POST", "/rest/user/totp/confirm", { basic: carol, json });
  const withFactor = await text("access", "POST", "/api/token/", {
    json: { ...carol, otp: await codeOf(secret, Date.now() + 30_000) },
  });

  const { email, password } = alice;
  const access = await text("access", "POST", "/api/token/", { json: { email, password } });
  const bearer = alice.api;
  await send("DELETE", "/tokens", { xToken: ended.session });
  for (const shown of [ended.api, ended.refresh, ended.auth]) {
    await send("DELETE", `/rest/token/${shown}`, { bearer });
  }
  await send("POST", "/api/run-action-token", { bearer: bob.api, json: { token: used } });
  await send("DELETE", `/api/action-tokens/${doomed.id}`, { bearer });
  // The run made them contacts, and the cells are to do that; and every use is to be noted anew.
  await DB.batch([
    DB.prepare("DELETE FROM contacts"),
    DB.prepare("UPDATE tokens SET used_at = NULL"),
  ]);
  await DB.prepare("INSERT INTO contacts SELECT id, ?, ?, NULL, NULL FROM users WHERE id = ?")
    .bind(bob.id, nowMs - 100_000, bob.id)
    .run();

  await DB.prepare(
    `INSERT INTO identities (issuer, subject, user_id, created_at, email)
      VALUES ('https://login.acme.example', 'bob', ?, ?, ?)`,
  )
    .bind(bob.id, nowMs - 100_000, bob.email)
    .run();
  const linked = await send("GET", "/rest/user/identities", { basic: bob });
  const identity = textAt(linked, "payload", "0", "id");

  at(30);
  const passkeys = await Promise.all([newAuthenticator(-8), newAuthenticator(-8)]);
  const userId = alice.id;
  const challenge = () =>
    text("payload.challenge", "POST", "/rest/user/passkeys/options", { bearer: access });
  const passkeyId = await text("payload.id", "POST", "/rest/user/passkeys", {
    bearer: access,
    json: { response: await passkeys[0].create({ challenge: await challenge(), userId }) },
  });
  const passkey = {
    id: passkeyId,
    registration: await passkeys[1].create({ challenge: await challenge(), userId }),
    assertion: await passkeys[0].get({
      challenge: await text("payload.challenge", "POST", "/rest/login/passkey/options", {}),
      userId,
    }),
  };
  const throttled = "0123456789abcdef0123456789abcdef";
  const deadLetter = "00000000-0000-7000-8000-000000000000";
  await DB.batch([
    DB.prepare("UPDATE users SET role = 'Admin' WHERE id = ?").bind(bob.id),
    DB.prepare("INSERT INTO login_attempts (id, drained_at, due_at) VALUES (?, ?, ?)").bind(
      `${throttled}/${throttled}`,
      nowMs + 86_400_000,
      Math.ceil(nowMs / 86_400_000) * 86_400_000,
    ),
    DB.prepare(
      `INSERT INTO dead_letters (receiver, user_id, event_id, attempts, reason, died_at)
        VALUES ('webhook', ?, ?, 60, 'it answered 500', ?)`,
    ).bind(alice.id, deadLetter, nowMs - 100_000),
  ]);
  const operator = await newAuth(bob);

  vi.setSystemTime(nowMs);
  const stored = await readStores();
  forgetTouched();
  const mails = { reset, verification };
  const rest = {
    session,
    access,
    refresh,
    spent,
    auth,
    target,
    metered,
    action,
    openAction,
    ended,
    identity,
    passkey,
    operator,
    throttled,
    deadLetter,
    emailLogins,
    withFactor,
    pendingOtp: await codeOf(pending, nowMs),
  };
  return { nowMs, stored, previous, alice, bob, ...rest, ...mails };
}

/** @returns the secrets in the mail that the request sends */
async function mailed(request: () => Promise<unknown>): Promise<{ token: string; code: string }> {
  const post = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response());
  try {
    await request();
    const [, init] = post.mock.calls[0] ?? [];
    return JSON.parse(String(init?.body)).data;
  } finally {
    post.mockRestore();
  }
}

/** @param changed the stores that may differ from what was last read */
export async function readStores(
  last: Stored | null = null,
  changed: ReadonlySet<string> = new Set(["KV", "D1"]),
): Promise<Stored> {
  const [tables, kv] = await Promise.all([
    last !== null && !changed.has("D1") ? last.tables : readTables(),
    last !== null && !changed.has("KV") ? last.kv : readKv(),
  ]);
  return { tables, kv };
}

async function readTables(names: readonly string[] = TABLES) {
  if (names.length === 0) return {};
  const all = names.map((table) => DB.prepare(`SELECT * FROM ${table}`));
  const results = await DB.batch<Row>(all);
  return Object.fromEntries(
    names.map((table, index) => [table, results[index]?.results ?? []] as const),
  );
}

async function readKv(): Promise<Map<string, string>> {
  const { keys } = await env.KV.list();
  const names = keys.map(({ name }) => name);
  // KV reads up to a hundred at once.
  const parts = Array.from({ length: Math.ceil(names.length / 100) }, (_, i) =>
    env.KV.get(names.slice(i * 100, i * 100 + 100)),
  );
  return new Map(
    (await Promise.all(parts)).flatMap((part) =>
      Array.from(part, ([name, value]) => [name, String(value)] as const),
    ),
  );
}

/** Back to where every case begins: the stores and the clock. */
export async function begin({ stored, nowMs }: World): Promise<void> {
  vi.setSystemTime(nowMs);
  const { tables, keys } = rules.touched;
  const now = {
    tables: {
      ...stored.tables,
      ...(await readTables(
        TABLES.filter((name) => tables.has(name === "event_days" ? "events" : name)),
      )),
    },
    // Any value that differs: each is put or deleted without being read.
    kv: new Map([...stored.kv, ...Array.from(keys, (key) => [key, ""] as const)]),
  };
  await restore(stored, now);
  forgetTouched();
}

function forgetTouched(): void {
  rules.touched.tables.clear();
  rules.touched.keys.clear();
}

/** Puts both stores back to what they were. @param now what they hold */
export async function restore(to: Stored, now: Stored): Promise<void> {
  rules.begin();
  rules.secondPasses();
  const tables = to.tables === now.tables ? [] : changedTables(to, now);
  if (tables.length > 0) {
    await DB.batch([
      ...tables.toReversed().map((table) => DB.prepare(`DELETE FROM ${table}`)),
      ...tables.flatMap((table) => insertAll(table, to.tables[table] ?? [])),
    ]);
  }
  if (to.kv === now.kv) return;
  const gone = [...now.kv.keys()].filter((key) => !to.kv.has(key));
  const changed = [...to.kv].filter(([key, value]) => now.kv.get(key) !== value);
  await Promise.all([
    ...gone.map((key) => env.KV.delete(key)),
    ...changed.map(([key, value]) => env.KV.put(key, value)),
  ]);
  rules.secondPasses();
}

/** All of them where users have changed, since others refer to these. */
function changedTables(to: Stored, now: Stored): readonly string[] {
  const changed = TABLES.filter(
    (table) => JSON.stringify(to.tables[table]) !== JSON.stringify(now.tables[table]),
  );
  return changed.includes("users") ? TABLES : changed;
}

/** The columns of ids, which JSON has as text. */
const BYTES = new Set(idColumns(inject("schema")));

function insertAll(table: string, rows: readonly Row[]): D1PreparedStatement[] {
  const [first] = rows;
  if (first === undefined) return [];
  const columns = Object.keys(first);
  const values = columns.map((column) => {
    const value = `json_extract(value, '$.${column}')`;
    return BYTES.has(`${table}.${column}`) ? `unhex(${value}, '-')` : value;
  });
  const sql = `INSERT INTO ${table} (${columns}) SELECT ${values} FROM json_each(?)`;
  return [DB.prepare(sql).bind(JSON.stringify(rows))];
}
