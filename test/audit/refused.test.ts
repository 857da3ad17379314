import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Call,
  newApiToken,
  newCaller,
  newPair,
  newSession,
  type Pair,
  type TestUser,
} from "../support/client.ts";
import { service } from "../support/service.ts";
import { claimOf, eventsOf } from "./own-events.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

const NOBODY = "00000000-0000-0000-0000-000000000000";
const HEADERS = { "cf-connecting-ip": "2001:db8:1:2::3" };

let user: TestUser & Pair;
let reader = "";
let background: Promise<unknown>[] = [];
const send = service(
  { ROTATE_REFRESH_TOKENS: "on" },
  { waitUntil: (work) => void background.push(work) },
);
const settled = async () => {
  while (background.length > 0) await Promise.all(background.splice(0));
};

beforeAll(async () => {
  user = await newCaller();
  reader = (await newApiToken(user.access, "reader", 86_400)).secret;
});
beforeEach(() => {
  background = [];
});

let addresses = 0;
/** What names nobody is gathered by network. */
const freshAddress = () => `198.51.100.${++addresses}`;

const nobodys = async () => {
  const { results } = await DB.prepare(
    `SELECT * FROM ${EVENT_LOG.sql} WHERE user_id = ? ORDER BY id`,
  )
    .bind(NOBODY)
    .all();
  return results;
};

type Try = (send: Call) => ReturnType<Call>;
const WRONG = "not their password";

const LOGINS: readonly (readonly [string, Try])[] = [
  [
    "Basic",
    (to) => to("GET", "/rest/user", { basic: { ...user, password: WRONG }, headers: HEADERS }),
  ],
  [
    "the jwt-pair surface",
    (to) =>
      to("POST", "/api/token/", { json: { email: user.email, password: WRONG }, headers: HEADERS }),
  ],
  [
    "the session surface",
    (to) =>
      to("POST", "/tokens", {
        json: { email_id: user.email, password: WRONG },
        headers: HEADERS,
      }),
  ],
  [
    "the current password of a change",
    (to) =>
      to("PATCH", "/rest/user", {
        bearer: reader,
        json: { password: "a new long password", current_password: WRONG },
        headers: HEADERS,
      }),
  ],
  [
    "the password of a deletion",
    (to) =>
      to("DELETE", "/rest/user", { bearer: reader, json: { password: WRONG }, headers: HEADERS }),
  ],
];

describe("a wrong password", () => {
  it.each(LOGINS)("at %s is one event of theirs, by nobody known", async (_, attempt) => {
    const before = await eventsOf(reader);
    expect((await attempt(send)).status).toBeGreaterThanOrEqual(400);
    await settled();
    const [event, ...rest] = await eventsOf(reader);
    expect(rest).toEqual(before);
    expect(event).toMatchObject({
      what: "login.failed",
      outcome: "refused",
      actor_uuid: null,
      token_uuid: null,
      address: "2001:db8:1::/48",
    });
  });

  it("for an email that has no account is nobody's, and does not keep the email", async () => {
    const email = `${crypto.randomUUID()}@nowhere.example`;
    const before = await nobodys();
    await send("GET", "/rest/user", { basic: { email, password: WRONG } });
    await settled();
    const after = await nobodys();
    expect(after.length - before.length).toBe(1);
    expect(after.at(-1)).toMatchObject({ what: "login.failed", outcome: "refused" });
    expect(JSON.stringify(after)).not.toContain("nowhere.example");
  });
});

describe("a token that is not valid", () => {
  it.each([
    [
      "an API token",
      async () => {
        const { secret, uuid } = await newApiToken(reader, "ended", 600);
        await send("DELETE", `/rest/token/${uuid}`, { bearer: reader });
        return { sent: { bearer: secret }, id: uuid };
      },
    ],
    [
      "a session",
      async () => {
        const xToken = await newSession(user);
        await send("DELETE", "/tokens", { xToken });
        const [event] = await eventsOf(reader);
        return { sent: { xToken }, id: event?.subject_uuid };
      },
    ],
    [
      "a JWT",
      async () => {
        const { access } = await newPair(user);
        await send("DELETE", `/rest/token/${access}`, { bearer: reader });
        return { sent: { bearer: access }, id: claimOf(access, "jti") };
      },
    ],
    [
      "a refresh JWT in an access JWT's place",
      async () => {
        const { refresh } = await newPair(user);
        return { sent: { bearer: refresh }, id: claimOf(refresh, "jti") };
      },
    ],
  ])("%s: whose it was sees it, and by its id", async (_, make) => {
    const { sent, id } = await make();
    await settled();
    const before = await eventsOf(reader);
    expect((await send("GET", "/rest/user", sent)).status).toBe(401);
    await settled();
    const [event, ...rest] = await eventsOf(reader);
    expect(rest).toEqual(before);
    expect(event).toMatchObject({ what: "credential.refused", outcome: "refused", token_uuid: id });
    expect(event?.actor_uuid).toBeNull();
  });

  it.each([
    ["forged", { bearer: "eyJhbGciOiJub25lIn0.e30." }],
    ["of a form that there is not", { bearer: "lk_api_x" }],
    ["of an issuer that is not configured", { headers: { "x-auth-google-token": "x" } }],
    ["malformed", { headers: { authorization: "Digest x" } }],
  ])("%s is one event of nobody's", async (_, sent) => {
    const [before, theirs] = [await nobodys(), await eventsOf(reader)];
    const headers = { ...Object(sent).headers, "cf-connecting-ip": freshAddress() };
    await send("GET", "/rest/user", { ...sent, headers });
    await settled();
    const after = await nobodys();
    expect(after.length - before.length).toBe(1);
    expect(after.at(-1)).toMatchObject({ outcome: "refused", actor: null });
    expect(await eventsOf(reader)).toEqual(theirs);
  });

  it("at refresh and at introspection too", async () => {
    const { refresh } = await newPair(user);
    await send("DELETE", `/rest/token/${refresh}`, { bearer: reader });
    const gone = await newApiToken(reader, "gone", 600);
    await send("DELETE", `/rest/token/${gone.uuid}`, { bearer: reader });
    await settled();
    const before = await eventsOf(reader);
    await send("POST", "/api/token/refresh/", { json: { refresh } });
    await settled();
    await send("POST", "/oauth/introspect", { bearer: gone.secret, form: { token: "x" } });
    await settled();
    const [second, first, ...rest] = await eventsOf(reader);
    expect(rest).toEqual(before);
    expect(new Set([first?.token_uuid, second?.token_uuid])).toEqual(
      new Set([claimOf(refresh, "jti"), gone.uuid]),
    );
  });
});

describe("no event", () => {
  it.each<readonly [string, () => ReturnType<Call>]>([
    ["nothing was shown", () => send("GET", "/rest/user")],
    [
      "a scope is missing",
      async () => {
        const { secret } = await newApiToken(reader, "narrow", 600, ["tokens:read"]);
        return send("GET", "/rest/user", { bearer: secret });
      },
    ],
    [
      "another's token is asked about",
      () => send("POST", "/api/token/verify/", { json: { token: "x" } }),
    ],
  ])("where %s", async (_, attempt) => {
    const refused = () =>
      DB.prepare("SELECT COUNT(*) AS n FROM events WHERE refused = 1").first("n");
    const before = await refused();
    expect((await attempt()).status).toBeGreaterThanOrEqual(400);
    await settled();
    expect(await refused()).toBe(before);
  });
});

describe("a database that does not take the event", () => {
  it.each(["fails", "hangs"])(
    "and %s changes nothing of the answer, nor waits for it",
    async (how) => {
      const basic = { email: user.email, password: WRONG };
      const right = await send("GET", "/rest/user", { basic });
      await settled();
      const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
      const prepare = env.DB.prepare.bind(env.DB);
      const { promise: never, resolve } = Promise.withResolvers<never>();
      const spy = vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
        if (!sql.includes("INSERT INTO events")) return prepare(sql);
        if (how === "fails") throw new Error("D1 is down");
        const statement = prepare(sql);
        vi.spyOn(statement, "bind").mockReturnValue(
          Object.assign(prepare("SELECT 1"), { run: () => never }),
        );
        return statement;
      });
      try {
        const answer = await send("GET", "/rest/user", { basic });
        expect([answer.status, answer.text]).toEqual([right.status, right.text]);
        expect(background).toHaveLength(1);
        if (how === "fails") {
          await settled();
          expect(String(warned.mock.calls.at(-1))).toContain("write down a refused credential");
        }
      } finally {
        resolve(undefined as never);
        await Promise.allSettled(background);
        spy.mockRestore();
        warned.mockRestore();
      }
    },
  );
});
