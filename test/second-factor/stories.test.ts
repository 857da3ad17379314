import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { at, itemsAt, type Send, textAt, type TestUser } from "../support/client.ts";
import { type Isolate, isolate } from "../support/service.ts";
import { type Authenticator, codeOf, nextStep, turnOn } from "./authenticator.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

const MAIL = {
  MAIL_WEBHOOK_URL: "https://mail.test/",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
const on = isolate(MAIL);
const HOME = "192.0.2.1";
const CAFE = "198.51.100.7";
const ELSEWHERE = "203.0.113.9";

/** What was mailed. */
let mails: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[] = [];
beforeEach(() => {
  mails = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (_, init) => {
    mails.push(JSON.parse(String(init?.body)));
    return new Response();
  });
});

const from = (address: string, sent: Send): Send => ({
  ...sent,
  headers: { ...sent.headers, "cf-connecting-ip": address },
});

const login = (by: Isolate, address: string, { email, password }: TestUser, otp?: string) =>
  by.send("POST", "/tokens", from(address, { json: { email_id: email, password, otp } }));

const prove = ({ id }: TestUser) =>
  DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(id).run();

/** Someone with a second factor, who has logged in with it at home. */
async function newOwner(): Promise<TestUser & { readonly app: Authenticator }> {
  const user = await on.newUser();
  await prove(user);
  const app = await turnOn(on, user);
  expect((await login(on, HOME, user, await app.fresh())).status).toBe(200);
  return { ...user, app };
}

const noticesOf = () =>
  mails.flatMap(({ data }) => (data.notices as { kind: string }[]).map(({ kind }) => kind));
const eventsOf = async (bearer: string) =>
  itemsAt(await on.send("GET", "/rest/audit", { bearer }), "payload").map((each) =>
    String(Object(each).what),
  );
const bearerOf = async ({ email, password }: TestUser, otp: string) =>
  textAt(await on.send("POST", "/api/token/", { json: { email, password, otp } }), "access");
const knownNetworks = ({ id }: TestUser) =>
  DB.prepare("SELECT COUNT(*) AS n FROM devices, json_each(devices.networks) WHERE user_id = ?")
    .bind(id)
    .first();
/** Emails to one address keep a distance. */
async function anHourLater(): Promise<void> {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 3_600_000);
  mails = [];
}
const wrongCode = (right: string) => (right === "000000" ? "111111" : "000000");

it("a stolen password alone: no code, no known network, ten wrong codes, and the owner still gets in", async () => {
  const owner = await newOwner();
  const before = await knownNetworks(owner);
  for (let i = 0; i < 3; i++) expect((await login(on, ELSEWHERE, owner)).status).toBe(400);
  expect(await knownNetworks(owner)).toEqual(before);
  // From wherever: a code a network, so that only the limit a day is met.
  const wrong = wrongCode(await codeOf(owner.app.secret, Date.now()));
  const statuses = [];
  for (let i = 0; i < 12; i++) {
    statuses.push((await login(on, `203.0.113.${i + 10}`, owner, wrong)).status);
  }
  expect(statuses).toEqual([...Array(10).fill(400), 429, 429]);
  // The right one does not help any more, from a network that the account does not know.
  expect((await login(on, ELSEWHERE, owner, await owner.app.fresh())).status).toBe(429);
  const home = await login(on, HOME, owner, await owner.app.fresh());
  expect(home.status).toBe(200);
  const events = await on.send("GET", "/rest/audit", { xToken: textAt(home, "data", "token") });
  expect(events.text.split("login.failed").length - 1).toBe(10);
});

it("a missing code is an attempt too: a right password is no way to make more", async () => {
  const owner = await newOwner();
  const statuses = [];
  for (let i = 0; i < 22; i++) statuses.push((await login(on, CAFE, owner)).status);
  expect(statuses).toEqual([...Array(20).fill(400), 429, 429]);
});

it("a right password and a right code count nothing", async () => {
  const owner = await newOwner();
  for (let i = 0; i < 25; i++) {
    expect((await login(on, CAFE, owner, await owner.app.fresh())).status).toBe(200);
  }
});

it("a lost phone: a recovery code gets in from anywhere, even where codes are used up, and is told", async () => {
  const owner = await newOwner();
  const wrong = wrongCode(await codeOf(owner.app.secret, Date.now()));
  for (let i = 0; i < 10; i++) await login(on, `203.0.113.${i + 10}`, owner, wrong);
  const [first = "", second = ""] = owner.app.recoveryCodes;
  await anHourLater();
  const access = await bearerOf(owner, first);
  expect(noticesOf()).toEqual(["recovery_code_used"]);
  expect((await login(on, CAFE, owner, first)).status).toBe(400);
  const state = await on.send("GET", "/rest/user/totp", { bearer: access });
  expect(state.json).toMatchObject({ payload: { enabled: true, recovery_codes_left: 9 } });
  // Just logged in, so that no code is needed.
  const removed = await on.send("DELETE", "/rest/user/totp", { bearer: access });
  expect(removed.status).toBe(200);
  expect(await eventsOf(access)).toEqual(
    expect.arrayContaining(["second_factor.added", "recovery_code.used", "second_factor.removed"]),
  );
  await anHourLater();
  await on.housekeeping();
  expect(noticesOf()).toEqual(["second_factor_removed"]);
  expect((await login(on, CAFE, owner)).status).toBe(200);
  expect((await login(on, CAFE, owner, second)).status).toBe(200);
});

it("a lost phone without codes: an operator who has just logged in removes it, and the owner is told", async () => {
  const owner = await newOwner();
  const { id: operator, access } = await on.newOperator();
  const path = `/rest/admin/users/${owner.id}/second_factor`;
  await anHourLater();
  expect((await on.send("DELETE", path, { bearer: access })).status).toBe(401);
  const again = await on.newOperator();
  for (let time = 0; time < 2; time++) {
    expect((await on.send("DELETE", path, { bearer: again.access })).status).toBe(200);
  }
  expect(noticesOf()).toEqual(["second_factor_removed"]);
  const bearer = textAt(await on.send("POST", "/api/token/", { json: owner }), "access");
  const events = await on.send("GET", "/rest/audit", { bearer });
  const removed = itemsAt(events, "payload").filter(
    (each) => Object(each).what === "second_factor.removed",
  );
  expect(removed).toMatchObject([{ by_operator: true, actor_uuid: null }]);
  const left = await DB.prepare("SELECT 1 FROM recovery_codes WHERE user_id = ?")
    .bind(owner.id)
    .all();
  expect(left.results).toEqual([]);
  // One who is no operator any more removes nothing.
  const other = await newOwner();
  await DB.prepare("UPDATE users SET role = 'User' WHERE id = ?").bind(again.id).run();
  const theirs = `/rest/admin/users/${other.id}/second_factor`;
  expect((await on.send("DELETE", theirs, { bearer: again.access })).status).toBe(403);
  expect((await login(on, HOME, other)).status).toBe(400);
  expect(operator).not.toBe(again.id);
});

it("the answer of confirm is lost: it is on, and other recovery codes are asked for", async () => {
  const user = await on.newUser();
  await prove(user);
  const access = textAt(await on.send("POST", "/api/token/", { json: user }), "access");
  const begun = await on.send("POST", "/rest/user/totp", { bearer: access });
  const secret = textAt(begun, "payload", "secret");
  expect(textAt(begun, "payload", "uri")).toBe(
    `otpauth://totp/latchkey.test:${encodeURIComponent(user.email)}?secret=${secret}&issuer=latchkey.test`,
  );
  // Pending: nobody is asked for it, nor does it open anything.
  expect((await login(on, HOME, user)).status).toBe(200);
  const confirm = async (otp: string) =>
    on.send("POST", "/rest/user/totp/confirm", { bearer: access, json: { otp } });
  const otp = await codeOf(secret, Date.now());
  expect((await confirm(wrongCode(otp))).status).toBe(400);
  const lost = await confirm(otp);
  const [lostCode = ""] = itemsAt(lost, "payload", "recovery_codes").map(String);
  expect(noticesOf()).toEqual(["second_factor_added"]);
  expect((await confirm(otp)).status).toBe(409);
  expect((await on.send("POST", "/rest/user/totp", { bearer: access })).status).toBe(409);

  const renewed = await on.send("POST", "/rest/user/recovery_codes", { bearer: access });
  const codes = itemsAt(renewed, "payload", "recovery_codes").map(String);
  expect(codes).toHaveLength(10);
  expect((await login(on, HOME, user, lostCode)).status).toBe(400);
  expect((await login(on, HOME, user, codes[9])).status).toBe(200);
  // The code that confirmed it is used up.
  expect((await login(on, HOME, user, otp)).status).toBe(400);
  nextStep();
  expect((await login(on, HOME, user, await codeOf(secret, Date.now()))).status).toBe(200);
});

it("a stolen session or API token: it begins and removes nothing without a fresh log-in or a code", async () => {
  const owner = await newOwner();
  const session = textAt(await login(on, HOME, owner, await owner.app.fresh()), "data", "token");
  const api = textAt(
    await on.send("POST", "/rest/token", { xToken: session, json: { name: "api" } }),
    "payload",
    "token",
  );
  vi.setSystemTime(Date.now() + 601_000);
  for (const [method, path] of [
    ["POST", "/rest/user/totp"],
    ["DELETE", "/rest/user/totp"],
    ["POST", "/rest/user/recovery_codes"],
  ] as const) {
    expect((await on.send(method, path, { xToken: session })).status).toBe(401);
    expect((await on.send(method, path, { bearer: api })).status).toBe(403);
  }
  const otp = await owner.app.fresh();
  const remove = (code: string) =>
    on.send("DELETE", "/rest/user/totp", { xToken: session, json: { otp: code } });
  expect((await remove(wrongCode(otp))).status).toBe(401);
  expect((await remove(otp)).status).toBe(200);
  expect((await on.send("GET", "/rest/user/totp", { xToken: session })).json).toMatchObject({
    payload: { enabled: false, enabled_on: null, recovery_codes_left: 0 },
  });
  expect((await on.send("DELETE", "/rest/user/totp", { xToken: session })).status).toBe(401);
});

describe("fifty at once", () => {
  const racers = <T>(run: () => Promise<T>) => Promise.all(Array.from({ length: 50 }, run));
  /** Each from a network of its own, so that the code is what stops them. */
  const race = ({ email, password }: TestUser, otp: string) => {
    let racer = 0;
    return racers(() =>
      on.call(
        "POST",
        "/tokens",
        from(`203.0.113.${++racer}`, { json: { email_id: email, password, otp } }),
      ),
    );
  };
  const winners = (answers: readonly { readonly status: number }[]) =>
    answers.filter(({ status }) => status === 200).length;

  it("one code, one log-in", async () => {
    const owner = await newOwner();
    expect(winners(await race(owner, await owner.app.fresh()))).toBe(1);
  });

  it("one recovery code, one log-in", async () => {
    const owner = await newOwner();
    expect(winners(await race(owner, owner.app.recoveryCodes[0] ?? ""))).toBe(1);
    const [{ n } = { n: 0 }] = (
      await DB.prepare(
        `SELECT COUNT(*) AS n FROM ${EVENT_LOG.sql} WHERE user_id = ? AND what = 'recovery_code.used'`,
      )
        .bind(owner.id)
        .all<{ n: number }>()
    ).results;
    expect(n).toBe(1);
  });

  it("one confirmation, whose recovery codes are those that work", async () => {
    const user = await on.newUser();
    const basic = user;
    const secret = textAt(await on.send("POST", "/rest/user/totp", { basic }), "payload", "secret");
    const access = textAt(await on.send("POST", "/api/token/", { json: user }), "access");
    const otp = await codeOf(secret, Date.now());
    const answers = await racers(() =>
      on.call("POST", "/rest/user/totp/confirm", { bearer: access, json: { otp } }),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    const [code] = won.flatMap((each) => itemsAt(each, "payload", "recovery_codes").map(String));
    expect((await login(on, HOME, user, code)).status).toBe(200);
    const state = await on.send("GET", "/rest/user/totp", { bearer: access });
    expect(at(state, "payload", "recovery_codes_left")).toBe(9);
  });
});

it("keys are rotated: old secrets are read, and written with the first key at their next use", async () => {
  const [old, next] = [btoa("x".repeat(32)), btoa("y".repeat(32))];
  const owner = await newOwner();
  const both = isolate({ ENCRYPTION_KEYS: `${next},${old}` });
  expect((await login(both, HOME, owner, await owner.app.fresh())).status).toBe(200);
  const newOnly = isolate({ ENCRYPTION_KEYS: next });
  expect((await login(newOnly, HOME, owner, await owner.app.fresh())).status).toBe(200);
  // Bound to its user: what was stored for another opens nothing.
  const other = await newOwner();
  await DB.prepare(
    "UPDATE second_factors SET secret = (SELECT secret FROM second_factors WHERE user_id = ?) WHERE user_id = ?",
  )
    .bind(owner.id, other.id)
    .run();
  expect((await login(newOnly, HOME, other, await owner.app.fresh())).status).toBe(500);
});

/** The token in the mail that the request sends. */
async function mailed(request: () => Promise<unknown>): Promise<string> {
  mails = [];
  await request();
  return String(mails[0]?.data.token ?? Object(mails[0]?.data.undo).token);
}
const reset = async ({ email }: TestUser, password: string) => {
  const token = await mailed(() =>
    on.send("POST", "/rest/user/password_reset", { json: { email } }),
  );
  return on.send("POST", "/api/run-action-token", { json: { token, input: { password } } });
};

it("a reset by email keeps the second factor, but not one that a stranger left on an unproven account", async () => {
  const password = "another horse entirely";
  const owner = await newOwner();
  expect((await reset(owner, password)).status).toBe(200);
  expect((await login(on, HOME, { ...owner, password })).status).toBe(400);
  const otp = await owner.app.fresh();
  expect((await login(on, HOME, { ...owner, password }, otp)).status).toBe(200);

  const stranger = await on.newUser();
  await turnOn(on, stranger);
  expect((await reset(stranger, password)).status).toBe(200);
  expect((await login(on, HOME, { ...stranger, password })).status).toBe(200);
});

it("a stolen account: undoing the new email removes the second factor that came with it", async () => {
  const user = await on.newUser();
  await prove(user);
  const xToken = textAt(await login(on, HOME, user), "data", "token");
  const email = `${crypto.randomUUID()}@example.com`;
  const json = { email, current_password: user.password };
  const token = await mailed(async () => {
    await on.send("PATCH", "/rest/user", { xToken, json });
    mails = mails.filter(({ type }) => type === "security_notice");
  });
  await turnOn(on, user);
  expect((await on.send("POST", "/api/run-action-token", { json: { token } })).status).toBe(200);
  expect((await reset(user, "another horse entirely")).status).toBe(200);
  expect((await login(on, HOME, { ...user, password: "another horse entirely" })).status).toBe(200);
});

it("a storage failure after the code: 503, nothing is issued, and the next code works", async () => {
  const owner = await newOwner();
  const { DB } = env;
  const failing = isolate(
    {},
    {
      KV: env.KV,
      DB: new Proxy(DB, {
        get: (db, name) =>
          name === "batch"
            ? (statements: D1PreparedStatement[]) => {
                if (JSON.stringify(statements).includes("INSERT INTO tokens"))
                  throw new Error("D1 is down");
                return db.batch(statements);
              }
            : Reflect.get(db, name).bind(db),
      }),
    },
  );
  const count = async () =>
    (await DB.prepare("SELECT COUNT(*) AS n FROM tokens").first<{ n: number }>())?.n;
  const before = await count();
  expect((await login(failing, HOME, owner, await owner.app.fresh())).status).toBe(503);
  expect(await count()).toBe(before);
  expect((await login(on, HOME, owner, await owner.app.fresh())).status).toBe(200);
});

it("the export says that it is there, and deletion leaves nothing of it", async () => {
  const owner = await newOwner();
  const bearer = await bearerOf(owner, await owner.app.fresh());
  const exported = await on.send("GET", "/rest/user/export", { bearer });
  expect(exported.json).toMatchObject({
    payload: {
      user: [{ second_factor_on: expect.stringMatching(/Z$/), recovery_codes_left: 10 }],
    },
  });
  expect(exported.text).not.toContain(owner.app.secret);
  const { password } = owner;
  await on.send("DELETE", "/rest/user", { bearer, json: { password } });
  for (const table of ["second_factors", "recovery_codes"]) {
    const left = await DB.prepare(`SELECT 1 FROM ${table} WHERE user_id = ?`).bind(owner.id).all();
    expect(left.results).toEqual([]);
  }
});
