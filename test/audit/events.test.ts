import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  at,
  call,
  itemsAt,
  newApiToken,
  newCaller,
  newPair,
  newSession,
  newUser,
  type Pair,
  PASSWORD,
  type TestUser,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";
import { claimOf, type Event, eventsOf } from "./own-events.ts";
import { DB } from "../support/database.ts";

const OTHER = "another long password";
const HEADERS = { "cf-connecting-ip": "203.0.113.77", "cf-ray": "8f1e2d3c4b5a6978-VIE" };
/** Of every request that carries `HEADERS`. */
const FROM = { address: "203.0.113.0/24", request_id: "8f1e2d3c4b5a6978-VIE" };

let user: TestUser & Pair;
/** What stays whatever a test ends: to read the audit with. */
let reader = "";
let other: TestUser & Pair;

beforeEach(async () => {
  user = await newCaller();
  reader = (await newApiToken(user.access, "reader", 86_400)).secret;
  other = await newCaller();
});

/** The newest event; there must be exactly `count` more than before. */
async function newestAfter(work: () => Promise<unknown>, count = 1): Promise<Event> {
  const before = await eventsOf(reader);
  await work();
  const after = await eventsOf(reader);
  expect(after.length - before.length).toBe(count);
  const [newest] = after;
  if (newest === undefined) throw new Error("no event");
  return newest;
}

/** With a receiver of events, who gets also what is routine. */
const heard = (settings = {}) => service(settings, { options: { on: async () => undefined } });

const done = (what: string, rest: Partial<Event> = {}) => ({
  what,
  outcome: "done",
  actor_uuid: user.id,
  ...FROM,
  // Routine events have none.
  ...(/^(?:session|jwt|action)\./.test(what) && { request_id: null }),
  ...rest,
});

const sessionIs = (event: Event) => event.subject_uuid ?? "none";

describe("what its owner sees of", () => {
  it("a sign-up and the logins after it", async () => {
    const events = await eventsOf(reader);
    expect(events.map(({ what }) => what)).toEqual([
      "token.created",
      "jwt.obtained",
      "user.created",
    ]);
    expect(events[0]).toMatchObject({
      actor_uuid: user.id,
      token_uuid: claimOf(user.access, "jti"),
      address: null,
    });
    expect(events[1]?.subject_uuid).toBe(claimOf(user.access, "sid"));
    expect(new Date(events[2]?.when ?? "").getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it.each([
    ["user.changed", { first_name: "Ada" }],
    ["email.changed", { email: `${crypto.randomUUID()}@example.com`, current_password: PASSWORD }],
    ["password.changed", { password: OTHER, current_password: PASSWORD }],
  ])("%s", async (what, json) => {
    const event = await newestAfter(() =>
      call("PATCH", "/rest/user", { bearer: reader, json, headers: HEADERS }),
    );
    expect(event).toMatchObject(done(what));
    expect(event.token_uuid).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("a session: its beginning, extension and end", async () => {
    const { email, password } = user;
    let session = "";
    const created = await newestAfter(async () => {
      const json = { email_id: email, password };
      session = textAt(await call("POST", "/tokens", { json, headers: HEADERS }), "data", "token");
    });
    expect(created).toMatchObject(done("session.created", { token_uuid: null }));
    const id = sessionIs(created);
    const its = { token_uuid: id, subject_uuid: id };
    const extend = { xToken: session, json: { extend: true }, headers: HEADERS };
    await newestAfter(() => call("PUT", "/tokens", extend), 0);
    const extended = await newestAfter(() => heard()("PUT", "/tokens", extend));
    expect(extended).toMatchObject(done("session.extended", its));
    const ended = await newestAfter(() =>
      call("DELETE", "/tokens", { xToken: session, headers: HEADERS }),
    );
    expect(ended).toMatchObject(done("session.revoked", its));
  });

  it("an API token: made, changed, rotated, ended, all ended", async () => {
    const by = { bearer: user.access, headers: HEADERS };
    const token_uuid = claimOf(user.access, "jti");
    let uuid = "";
    const created = await newestAfter(async () => {
      const answer = await call("POST", "/rest/token", { ...by, json: { name: "x", ttl: 600 } });
      uuid = textAt(answer, "payload", "uuid");
    });
    expect(created).toMatchObject(done("token.created", { token_uuid, subject_uuid: uuid }));
    const changed = await newestAfter(() =>
      call("PATCH", `/rest/token/${uuid}`, { ...by, json: { name: "y" } }),
    );
    expect(changed).toMatchObject(done("token.changed", { token_uuid, subject_uuid: uuid }));
    for (const json of [{ grace_seconds: 600 }, {}]) {
      const rotated = await newestAfter(async () => {
        const answer = await call("POST", `/rest/token/${uuid}/rotate`, { ...by, json });
        uuid = textAt(answer, "payload", "uuid");
      });
      expect(rotated).toMatchObject(done("token.rotated", { token_uuid, subject_uuid: uuid }));
    }
    const ended = await newestAfter(() => call("DELETE", `/rest/token/${uuid}`, by));
    expect(ended).toMatchObject(done("token.revoked", { token_uuid, subject_uuid: uuid }));
    await call("DELETE", "/rest/token/all", by);
    expect((await eventsOf(user.access))[0]).toMatchObject(
      done("tokens.revoked_all", { token_uuid }),
    );
  });

  it("JWTs: obtained, ended, the login behind them ended", async () => {
    const { email, password } = user;
    const obtained = await newestAfter(() =>
      call("POST", "/api/token/", { json: { email, password }, headers: HEADERS }),
    );
    expect(obtained).toMatchObject(done("jwt.obtained", { token_uuid: null }));
    for (const [jwt, claim] of [
      [user.access, "jti"],
      [user.refresh, "sid"],
    ] as const) {
      const ended = await newestAfter(() =>
        call("DELETE", `/rest/token/${jwt}`, { bearer: reader, headers: HEADERS }),
      );
      expect(ended).toMatchObject(done("jwt.revoked", { subject_uuid: claimOf(jwt, claim) }));
    }
  });

  it("a refresh: only where it replaces the token, and theft", async () => {
    const { refresh } = await newPair(user);
    const json = { refresh };
    await newestAfter(() => call("POST", "/api/token/refresh/", { json }), 0);
    const rotating = service({ ROTATE_REFRESH_TOKENS: "on" });
    const { refresh: unheard } = await newPair(user);
    await newestAfter(
      () => rotating("POST", "/api/token/refresh/", { json: { refresh: unheard } }),
      0,
    );
    const its = { token_uuid: claimOf(refresh, "jti"), subject_uuid: claimOf(refresh, "sid") };
    const refreshed = await newestAfter(() =>
      heard({ ROTATE_REFRESH_TOKENS: "on" })("POST", "/api/token/refresh/", {
        json,
        headers: HEADERS,
      }),
    );
    expect(refreshed).toMatchObject(done("jwt.refreshed", its));
    // The loser of a race, within its grace, changes nothing.
    await newestAfter(() => rotating("POST", "/api/token/refresh/", { json }), 0);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    const background: Promise<unknown>[] = [];
    const waiting = service(
      { ROTATE_REFRESH_TOKENS: "on" },
      { waitUntil: (work) => void background.push(work) },
    );
    const before = await eventsOf(reader);
    await waiting("POST", "/api/token/refresh/", { json, headers: HEADERS });
    await Promise.all(background);
    const [one, two, ...rest] = await eventsOf(reader);
    expect(rest).toEqual(before);
    expect([one, two]).toEqual(
      expect.arrayContaining([
        expect.objectContaining(done("family.revoked", { ...its, actor_uuid: null })),
        expect.objectContaining({ what: "credential.refused", outcome: "refused" }),
      ]),
    );
  });

  it.each([
    ["session.revoked", () => newSession(user)],
    ["token.revoked", async () => (await newApiToken(reader, "held", 600)).secret],
    ["action.revoked", async () => (await issue()).secret],
    ["jwt.revoked", async () => (await newPair(user)).access],
  ])("what its holder ends at /oauth/revoke: %s", async (what, make) => {
    const token = await make();
    const event = await newestAfter(() =>
      call("POST", "/oauth/revoke", { form: { token }, headers: HEADERS }),
    );
    expect(event).toMatchObject(done(what));
    expect(event.token_uuid).toBe(event.subject_uuid);
    await newestAfter(() => call("POST", "/oauth/revoke", { form: { token } }), 0);
  });

  it("an action token: issued, run by them, revoked", async () => {
    let token = { secret: "", id: "" };
    const issued = await newestAfter(async () => {
      token = await issue(2);
    });
    expect(issued).toMatchObject(done("action.issued", { subject_uuid: token.id }));
    let receipt = "";
    const run = await newestAfter(async () => {
      const json = { token: token.secret };
      const answer = await call("POST", "/api/run-action-token", { json, headers: HEADERS });
      receipt = textAt(answer, "receipt", "id");
    });
    expect(run).toMatchObject(
      done("action.run", { actor_uuid: null, token_uuid: token.id, subject_uuid: receipt }),
    );
    const ended = await newestAfter(() =>
      call("DELETE", `/api/action-tokens/${token.id}`, { bearer: reader, headers: HEADERS }),
    );
    expect(ended).toMatchObject(done("action.revoked", { subject_uuid: token.id }));
  });

  it("an action token that another runs: who, and not from where; the other sees their own", async () => {
    const { secret, id } = await issue(1, user.id);
    const issuers = await newestAfter(() =>
      call("POST", "/api/run-action-token", {
        bearer: other.access,
        json: { token: secret },
        headers: HEADERS,
      }),
    );
    expect(issuers).toMatchObject({
      what: "action.run",
      actor_uuid: other.id,
      token_uuid: id,
      address: null,
      request_id: null,
    });
    const [runners] = await eventsOf(other.access);
    expect(runners).toMatchObject({ ...done("action.run"), actor_uuid: other.id });
    expect(runners?.subject_uuid).toBe(issuers.subject_uuid);
    expect(runners?.token_uuid).toBe(claimOf(other.access, "jti"));
  });
});

async function issue(max_uses = 1, contact_id = other.id): Promise<{ secret: string; id: string }> {
  const json = { action: "addContact", payload: { contact_id }, max_uses };
  const answer = await call("POST", "/api/generate-action-token", {
    bearer: reader,
    json,
    headers: HEADERS,
  });
  return { secret: textAt(answer, "token", "token"), id: textAt(answer, "token", "id") };
}

describe("GET /rest/audit", () => {
  it("never shows another's events", async () => {
    const before = await eventsOf(other.access);
    const { email, password } = user;
    await call("GET", "/rest/user", { basic: { email, password: "wrong" } });
    await call("PATCH", "/rest/user", { bearer: reader, json: { first_name: "Ada" } });
    await call("DELETE", "/rest/user", { bearer: reader, json: { password } });
    expect(await eventsOf(other.access)).toEqual(before);
    // The email signs up again: another account, with a history of its own.
    await newUser({ email });
    const again = await newPair({ email, password });
    expect((await eventsOf(again.access)).map(({ what }) => what)).toEqual([
      "jwt.obtained",
      "user.created",
    ]);
  });

  it("needs the scope account:read", async () => {
    const { secret } = await newApiToken(user.access, "x", 600, ["tokens:read"]);
    expect((await call("GET", "/rest/audit", { bearer: secret })).status).toBe(403);
    expect((await call("GET", "/rest/audit")).status).toBe(401);
  });

  it("comes in pages, each event once and newest first", async () => {
    for (let i = 0; i < 4; i++) await newPair(user);
    const whole = await eventsOf(reader);
    const seen: string[] = [];
    let cursor = "";
    do {
      const query = `?limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`;
      const answer = await call("GET", `/rest/audit${query}`, { bearer: reader });
      seen.push(...(await eventsOf(reader, query)).map(({ uuid }) => uuid));
      const next = at(answer, "next_cursor");
      cursor = typeof next === "string" ? next : "";
    } while (cursor !== "");
    expect(seen).toEqual(whole.map(({ uuid }) => uuid));
    expect(seen).toEqual(seen.toSorted().toReversed());
  });

  it.each(["?limit=0", "?limit=101", "?cursor=x", "?cursor=MTIz"])("refuses %s", async (query) => {
    expect((await call("GET", `/rest/audit${query}`, { bearer: reader })).status).toBe(400);
  });

  it("has one event an hour for the JWTs that a log-in obtains", async () => {
    const { access } = await newPair(user);
    const obtain = () => call("GET", "/rest/auth", { bearer: access });
    await newestAfter(obtain, 0);
    const { access: other } = await newPair(user);
    const send = heard();
    const obtainHeard = () => send("GET", "/rest/auth", { bearer: other });
    await newestAfter(obtainHeard, 1);
    await newestAfter(obtainHeard, 0);
  });

  it("has a log-in if its device, network or way in is new, or there is a receiver", async () => {
    const { email, password } = user;
    const CHROME = "Mozilla/5.0 (Windows NT 10.0) Chrome/150.0.0.0";
    const from = (ip: string, agent = CHROME) => ({
      headers: { "cf-connecting-ip": ip, "user-agent": agent },
    });
    const pair = (where: object, send = call) =>
      send("POST", "/api/token/", { json: { email, password }, ...where });
    const basic = (where: object) =>
      service({})("GET", "/rest/user", { basic: { email, password }, ...where });
    // Each from here on as the first and as the second time.
    for (const [what, isKept, work] of [
      ["a device", true, () => pair(from("198.51.100.1"))],
      ["a network", false, () => pair(from("198.51.100.2"))],
      ["another device", true, () => pair(from("198.51.100.2", "curl/8"))],
      ["a network, without a row of the log-in", false, () => basic(from("198.51.100.3"))],
      ["a device, without one", true, () => basic(from("198.51.100.3", "curl/9 Windows"))],
    ] as const) {
      const event = await newestAfter(work, 1);
      expect([what, event]).toMatchObject([what, { what: "jwt.obtained" }]);
      expect([what, event.request_id !== null]).toEqual([what, isKept]);
      await newestAfter(work, 0);
    }
    const json = { email_id: email, password };
    await newestAfter(() => call("POST", "/tokens", { json, ...from("198.51.100.1") }), 0);
    await DB.prepare("UPDATE devices SET way = 'passkey' WHERE user_id = ?").bind(user.id).run();
    await newestAfter(() => pair(from("198.51.100.1")), 1);
    await newestAfter(() => pair(from("198.51.100.1"), heard()), 1);
    // Of no network, or one that strangers share, nothing is known.
    await newestAfter(() => pair({}), 1);
    await newestAfter(() => pair({}), 1);
    const devices = await call("GET", "/rest/user/logins", { bearer: reader });
    expect(itemsAt(devices, "devices").length).toBeGreaterThan(1);
  });

  it("is not written to by what only reads", async () => {
    const session = await newSession(user);
    await newestAfter(async () => {
      await call("GET", "/rest/user", { bearer: reader });
      await call("GET", "/tokens", { xToken: session });
      await call("GET", "/rest/token/list", { bearer: reader });
      await call("GET", "/rest/audit", { bearer: reader });
      await call("GET", "/rest/user/export", { bearer: reader });
      await call("POST", "/api/token/verify/", { json: { token: user.refresh } });
    }, 0);
  });
});
