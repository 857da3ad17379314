import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Answered, at, type Call, itemsAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { rules } from "../support/guard.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 30_000 });

const NOON_MS = Date.parse("2026-11-01T12:00:00.000Z");
const { call, newActionToken, newCaller, newPair } = isolate();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
});

interface Run {
  readonly by?: string;
  readonly key?: string;
  readonly through?: Call;
}

const run = (token: string, { by, key, through = call }: Run = {}): Promise<Answered> =>
  through("POST", "/api/run-action-token", {
    json: { token },
    ...(by !== undefined && { bearer: by }),
    ...(key !== undefined && { headers: { "idempotency-key": key } }),
  });

/** Everything that a run could leave. */
async function traces(): Promise<unknown> {
  const sql = `SELECT (SELECT total(uses) FROM tokens) AS uses, (SELECT count(won_by) FROM tokens) AS claims,
    (SELECT count(*) FROM receipts) AS receipts, (SELECT count(*) FROM contacts) AS contacts,
    (SELECT total(modified_at) FROM tokens WHERE kind = 'action') AS modified`;
  return DB.prepare(sql).first();
}

describe("what leaves no trace of a use", () => {
  it.for(["used", "audience", "expired", "revoked", "rejected", "unknown"] as const)(
    "%s",
    async (reason) => {
      const [issuer, friend, stranger] = [await newCaller(), await newCaller(), await newCaller()];
      const gone = await newCaller();
      const wanted = reason === "rejected" ? gone.id : issuer.id;
      const more = reason === "audience" ? { audience: friend.id } : {};
      const token = await newActionToken(issuer.access, wanted, more);
      if (reason === "used")
        expect((await run(token.secret, { by: friend.access })).status).toBe(200);
      if (reason === "expired") vi.setSystemTime(NOON_MS + 3_600_000);
      if (reason === "revoked") {
        await call("DELETE", `/api/action-tokens/${token.id}`, { bearer: issuer.access });
      }
      if (reason === "rejected") {
        await call("DELETE", "/rest/user", { basic: gone, json: { password: gone.password } });
      }
      if (reason === "unknown") {
        await DB.prepare("DELETE FROM tokens WHERE id = ?").bind(token.id).run();
        rules.secondPasses();
        await env.KV.delete(`token:${token.id}`);
      }
      const { access: by } = await newPair(stranger);
      const before = await traces();
      for (const key of [undefined, "k-1"]) {
        const answer = await run(token.secret, { by, ...(key !== undefined && { key }) });
        expect(answer).toMatchObject({ status: 422, json: { reason } });
      }
      expect(await traces()).toEqual(before);
    },
  );

  it("a contact of oneself", async () => {
    const issuer = await newCaller();
    const token = await newActionToken(issuer.access, issuer.id);
    const before = await traces();
    const answer = await run(token.secret, { by: issuer.access });
    expect(answer).toMatchObject({ status: 422, json: { reason: "rejected" } });
    expect(await traces()).toEqual(before);
  });

  it("an action token of an ended credential version", async () => {
    const issuer = await newCaller();
    const token = await newActionToken(issuer.access, (await newCaller()).id);
    const json = { password: "another password", current_password: issuer.password };
    await call("PATCH", "/rest/user", { basic: issuer, json });
    const before = await traces();
    expect(await run(token.secret)).toMatchObject({ status: 422, json: { reason: "revoked" } });
    expect(await traces()).toEqual(before);
  });
});

it("runs for its audience", async () => {
  const [issuer, friend] = [await newCaller(), await newCaller()];
  const token = await newActionToken(issuer.access, issuer.id, {
    audience: friend.id,
  });
  expect(await run(token.secret)).toMatchObject({ status: 422, json: { reason: "audience" } });
  expect((await run(token.secret, { by: friend.access })).status).toBe(200);
});

it("claim, effect and receipt are one batch: where its last statement fails, nothing happened", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const [issuer, friend] = [await newCaller(), await newCaller()];
  const token = await newActionToken(issuer.access, issuer.id);
  const before = await traces();
  // Not by a constraint: one that an action's own write breaks is a refusal.
  await DB.prepare("ALTER TABLE contacts RENAME TO gone").run();
  const answer = await run(token.secret, { by: friend.access, key: "k" });
  await DB.prepare("ALTER TABLE gone RENAME TO contacts").run();
  expect(answer.status).toBe(503);
  expect(await traces()).toEqual(before);
  expect((await run(token.secret, { by: friend.access, key: "k" })).status).toBe(200);
});

const MISMATCH = {
  status: 422,
  json: { message: "This Idempotency-Key was used with another request." },
};

/** An isolate whose every claim commits, and whose answer to it is lost. */
function losing(): Call {
  return isolate(
    {},
    intercept(async ({ statements }, proceed) => {
      const answer = await proceed();
      if (statements[0]?.startsWith("UPDATE tokens SET uses"))
        throw new Error("the connection broke");
      return answer;
    }),
  ).call;
}

describe("Idempotency-Key", () => {
  it("returns the receipt of a run whose answer was lost", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const [issuer, friend] = [await newCaller(), await newCaller()];
    const token = await newActionToken(issuer.access, issuer.id);
    const sent = { by: friend.access, key: "a-key" };
    expect((await run(token.secret, { ...sent, through: losing() })).status).toBe(503);
    const after = await traces();
    // Also past the token's own end, with a new login, quoted, and as often as one likes.
    vi.setSystemTime(NOON_MS + 7_200_000);
    const { access } = await newPair(friend);
    const first = await run(token.secret, { by: access, key: "a-key" });
    expect(first.status).toBe(200);
    expect(at(first, "receipt")).toMatchObject({ run_by: friend.id, token_id: token.id });
    expect(at(first, "data")).toEqual({ contact_id: issuer.id, mutual: true });
    const quoted = await run(token.secret, { by: access, key: '"a-key"' });
    expect(quoted.text).toBe(first.text);
    expect(await traces()).toEqual(after);
    const contacts = await call("GET", "/api/user/get-contacts", { bearer: access });
    expect(itemsAt(contacts, "data", "contacts")).toHaveLength(1);
  });

  it("returns it to nobody else: the same key of another caller is refused, and has no effect", async () => {
    const [issuer, ada, bea] = [await newCaller(), await newCaller(), await newCaller()];
    // Nobody is not the issuer.
    const callers = { ada: ada.access, bea: bea.access, issuer: issuer.access, nobody: undefined };
    const contact = await newCaller();
    for (const [first, access] of Object.entries(callers)) {
      const token = await newActionToken(issuer.access, contact.id, { max_uses: 9 });
      const sent = (by: string | undefined) => ({ key: `k-${first}`, ...(by && { by }) });
      const done = await run(token.secret, sent(access));
      expect(done.status).toBe(200);
      const before = await traces();
      for (const [second, by] of Object.entries(callers)) {
        const answer = await run(token.secret, sent(by));
        if (second === first) expect(answer.text).toBe(done.text);
        else expect([first, second, answer]).toMatchObject([first, second, MISMATCH]);
      }
      expect(await traces()).toEqual(before);
    }
  });

  it("of another caller for another token is a key of their own", async () => {
    const [issuer, ada, bea] = [await newCaller(), await newCaller(), await newCaller()];
    for (const { access } of [ada, bea]) {
      const token = await newActionToken(issuer.access, issuer.id);
      expect((await run(token.secret, { by: access, key: "k" })).status).toBe(200);
    }
  });

  it("compares what was asked, and not how it was written", async () => {
    const [issuer, friend] = [await newCaller(), await newCaller()];
    const token = await newActionToken(issuer.access, issuer.id, { max_uses: 9 });
    const sent = async (input: unknown) =>
      call("POST", "/api/run-action-token", {
        json: { token: token.secret, ...(input !== undefined && { input }) },
        bearer: friend.access,
        headers: { "idempotency-key": "k" },
      });
    const first = await sent({ a: 1, b: [{ c: null, d: "e" }] });
    expect(first.status).toBe(200);
    for (const same of [{ b: [{ d: "e", c: null }], a: 1.0 }, '{"b":[{"d":"e","c":null}],"a":1}']) {
      expect((await sent(same)).text).toBe(first.text);
    }
    const others = [undefined, null, {}, { a: 1 }, { a: "1", b: [{ c: null, d: "e" }] }, "[]"];
    for (const other of others) expect([other, await sent(other)]).toMatchObject([other, MISMATCH]);
  });

  it("refuses another body under the same key, and has no effect", async () => {
    const [issuer, friend] = [await newCaller(), await newCaller()];
    const one = await newActionToken(issuer.access, issuer.id);
    const other = await newActionToken(issuer.access, issuer.id);
    const sent = { by: friend.access, key: "k" };
    const first = await run(one.secret, sent);
    const before = await traces();
    expect(await run(other.secret, sent)).toMatchObject(MISMATCH);
    expect(await traces()).toEqual(before);
    expect((await run(one.secret, sent)).text).toBe(first.text);
    expect((await run(other.secret, { by: friend.access, key: "k2" })).status).toBe(200);
  });

  it("a refused run does not take the key", async () => {
    const [issuer, friend] = [await newCaller(), await newCaller()];
    const token = await newActionToken(issuer.access, friend.id, { max_uses: 2 });
    const key = "k";
    expect((await run(token.secret, { by: friend.access, key })).status).toBe(422);
    const good = await newActionToken(issuer.access, issuer.id);
    expect((await run(good.secret, { by: friend.access, key })).status).toBe(200);
  });

  // At 300 a read would still take the caller's JWT; a run asks D1, also where it changes nothing.
  it.for(["0", "300"])("an ended caller gets no receipt again, at %s", async (promise) => {
    const through = isolate({ REVOCATION_LAG_SECONDS: promise }).call;
    const [issuer, friend] = [await newCaller(), await newCaller()];
    const token = await newActionToken(issuer.access, issuer.id);
    const again = { by: friend.access, key: "k", through };
    expect((await run(token.secret, again)).status).toBe(200);
    await call("DELETE", `/rest/token/${friend.access}`, { basic: friend });
    expect((await run(token.secret, again)).status).toBe(401);
  });
});

it("without a key a second run is a second use", async () => {
  const [issuer, friend] = [await newCaller(), await newCaller()];
  const token = await newActionToken(issuer.access, issuer.id, { max_uses: 2 });
  const seen: number[] = [];
  for (let i = 0; i < 3; i++) seen.push((await run(token.secret, { by: friend.access })).status);
  expect(seen).toEqual([200, 200, 422]);
});
