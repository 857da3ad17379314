import { beforeAll, describe, expect, it, vi } from "vitest";
import { API_TOKENS_MAX } from "../../src/core/token.ts";
import { isolate } from "../support/service.ts";
import { share } from "../support/thorough.ts";
import { meter, short } from "./measure.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const DAY_MS = 86_400_000;
const PASSWORD = "a password of theirs";
const CONTACT = "00000000-0000-4000-8000-000000000000";

/** What a user holds beside the few tokens that they use. */
interface Holdings {
  readonly name: string;
  /** Tokens of each kind. */
  readonly count: number;
  /** How many of them were revoked one by one before. */
  readonly ended?: number;
  /** How many of them were revoked all at once before. */
  readonly endedAtOnce?: number;
  /** How many of the action tokens were used up before. */
  readonly usedUp?: number;
  /** Other users, with a token each. */
  readonly others?: number;
}

const FEW: Holdings = { name: "10 tokens", count: 10 };
const count = share(10_000);
const MANY: readonly Holdings[] = [
  { name: "many tokens", count },
  { name: "many tokens, most of them revoked", count, ended: count - 10 },
  { name: "many tokens, most of them revoked at once", count, endedAtOnce: count - 10 },
  { name: "many tokens, most of them used up", count, usedUp: count - 10 },
  { name: "10 tokens, among many other users", count: 10, others: count },
];

/** Counts the active ones first, of which there is a limit. */
const COUNTING = "issue an API token";

const KINDS = ["session", "api", "action", "family"] as const;

/** By SQL, as the service would have left them. */
async function fill(userId: string, { count, ended = 0, endedAtOnce = 0, usedUp = 0 }: Holdings) {
  const now = Date.now();
  if (endedAtOnce > 0) {
    await DB.prepare("UPDATE users SET api_token_version = 1 WHERE id = ?").bind(userId).run();
  }
  for (const kind of KINDS) {
    const details = {
      api: { name: "filled", hint: "lk_api_…fill", scopes: [], metadata: {} },
      action: { action: "addContact", payload: { contact_id: CONTACT }, audience: null },
    };
    const detail = kind === "api" || kind === "action" ? details[kind] : {};
    await DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
       INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at,
         revoked_at, max_uses, detail, uses)
       SELECT randomblob(16), ?2, ?3, 0,
         CASE ?2 WHEN 'api' THEN i >= ?9 AND ?9 > 0 END, ?4 - ?1 + i, ?4, ?5,
         CASE WHEN i < ?6 THEN ?4 END, ?7, ?8, ?7 IS NOT NULL AND i < ?10 FROM n`,
    )
      .bind(
        count,
        kind,
        userId,
        now - DAY_MS,
        now + DAY_MS,
        // A user has at most 1,000 active API tokens.
        kind === "api" && endedAtOnce === 0 ? Math.max(ended, count - 900) : ended,
        kind === "action" ? 1 : null,
        JSON.stringify(detail),
        endedAtOnce,
        usedUp,
      )
      .run();
  }
}

async function fillOthers(count: number): Promise<void> {
  const now = Date.now();
  await DB.batch([
    DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
       INSERT INTO users (id, email, password, created_on, modified_on)
       SELECT randomblob(16),
         'other-' || hex(randomblob(8)) || '@example.com', '', ?2, ?2 FROM n`,
    ).bind(count, now),
    DB.prepare(
      `INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, detail)
       SELECT randomblob(16), 'api', id, 0, 0,
         ?1, ?1, ?2, '{}' FROM users WHERE email LIKE 'other-%'`,
    ).bind(now, now + DAY_MS),
  ]);
}

/** What each of these costs a user who holds so much. */
async function costs(lag: number, holdings: Holdings): Promise<Record<string, string>> {
  const { bindings, passwords, read } = meter();
  const settings = { REVOCATION_LAG_SECONDS: String(lag) };
  const { send, text } = isolate(settings, bindings, {
    passwords,
  });
  const user = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD };
  const id = await text("payload.uuid", "POST", "/rest/user", { json: user });
  await fill(id, holdings);
  if (holdings.others !== undefined) await fillOthers(holdings.others);

  const login = { email_id: user.email, password: PASSWORD };
  const session = await text("data.token", "POST", "/tokens", { json: login });
  const bearer = await text("access", "POST", "/api/token/", { json: user });
  const newApi = () =>
    text("payload.token", "POST", "/rest/token", { bearer, json: { name: "theirs" } });
  const [api, other] = [await newApi(), await newApi()];
  const action = await send("POST", "/api/generate-action-token", {
    bearer,
    json: { action: "addContact", payload: { contact_id: id } },
  });
  const actionId = /"id":"([^"]+)"/.exec(action.text)?.[1] ?? "";

  const found: Record<string, string> = {};
  async function measure(name: string, ...request: Parameters<typeof send>): Promise<void> {
    read();
    const { status } = await send(...request);
    found[name] = `${status}: ${short(read())}`;
  }
  await measure("verify an API token", "GET", "/rest/user", { bearer: api });
  await measure("verify a session", "GET", "/tokens", { xToken: session });
  await measure("verify a JWT", "POST", "/api/token/verify/", { json: { token: bearer } });
  await measure("log in", "POST", "/tokens", { json: login });
  await measure(COUNTING, "POST", "/rest/token", {
    bearer,
    json: { name: "one more" },
  });
  await measure("list a page of API tokens", "GET", "/rest/token/list?limit=5", { bearer });
  await measure("list a page of action tokens", "GET", "/api/action-tokens?limit=5", { bearer });
  await measure("end a session", "DELETE", "/tokens", { xToken: session });
  await measure("end an API token", "DELETE", `/rest/token/${other}`, { bearer });
  await measure("end an action token", "DELETE", `/api/action-tokens/${actionId}`, { bearer });
  await measure("end all API tokens", "DELETE", "/rest/token/all", { bearer });
  await measure("change the password", "PATCH", "/rest/user", {
    bearer,
    json: { password: "another of theirs", current_password: PASSWORD },
  });
  const basic = { ...user, password: "another of theirs" };
  await measure("delete the account", "DELETE", "/rest/user", {
    basic,
    json: { password: basic.password },
  });
  return found;
}

describe.each([0, 300])(
  "REVOCATION_LAG_SECONDS %i: costs do not grow with what one holds",
  (lag) => {
    let few: Record<string, string>;
    beforeAll(async () => {
      few = await costs(lag, FEW);
      expect(Object.values(few).filter((cost) => !/^20\d/.test(cost))).toEqual([]);
    });

    it.each(MANY)("$name", async (many) => {
      const found = await costs(lag, many);
      expect({ ...found, [COUNTING]: null }).toEqual({ ...few, [COUNTING]: null });
      const rows = ({ [COUNTING]: cost = "" }) => Number(/ (\d+)r /.exec(cost)?.[1]);
      expect(rows(found)).toBeLessThanOrEqual(rows(few) + API_TOKENS_MAX);
      const others = ({ [COUNTING]: cost = "" }) => cost.replace(/ \d+r /, " ");
      expect(others(found)).toBe(others(few));
    });
  },
);
