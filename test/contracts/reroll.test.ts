import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Answered,
  at,
  itemsAt,
  type NewApiToken,
  newApiToken,
  newCaller,
  newSession,
  PLAIN_TOKEN,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";
import { rules } from "../support/guard.ts";
import { DB } from "../support/database.ts";

const NOT_FOUND = { success: false, message: "Token not found", status: 404 };
const GRACE = "grace_seconds must be a whole number of seconds from 0 to 86400";
const DAY = 86_400;

let user: Awaited<ReturnType<typeof newCaller>>;
/** Lives as long as any of these tests lets time pass. */
let bearer = "";

beforeAll(async () => {
  user = await newCaller();
  bearer = (await newApiToken(user.access, "who asks", 365 * DAY)).secret;
});

function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1000 });
  rules.secondPasses();
}

const secondsAhead = (answer: Answered) =>
  Math.round((Date.parse(textAt(answer, "payload", "expired_on")) - Date.now()) / 1000);

describe.each(["0", "300"])("at a revocation lag of %s seconds", (lag) => {
  const send = service({ REVOCATION_LAG_SECONDS: lag });
  let token: NewApiToken;
  let name = "";
  beforeEach(async () => {
    name = crypto.randomUUID();
    token = await newApiToken(bearer, name, 30 * DAY, ["tokens:read", "account:read"]);
  });

  const rotate = (uuid: string, json?: unknown, by = bearer) =>
    send("POST", `/rest/token/${uuid}/rotate`, { bearer: by, ...(json !== undefined && { json }) });
  const works = async (secret: string, ask = send) =>
    (await ask("GET", "/rest/user", { bearer: secret })).status === 200;
  const listed = async () => {
    const { json } = await send("GET", "/rest/token/list?limit=100", { bearer });
    return itemsAt({ ...EMPTY, json }, "payload").filter(
      (item) => Reflect.get(Object(item), "name") === name,
    );
  };

  it.each([undefined, {}, { grace_seconds: null }, { grace_seconds: 0 }])(
    "%j: the new secret takes over, and the old one ends",
    async (json) => {
      expect(await works(token.secret)).toBe(true);
      const answer = await rotate(token.uuid, json);
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        success: true,
        payload: {
          name,
          // What is left of it, in seconds.
          ttl: expect.closeTo(30 * DAY, -1),
          scopes: ["tokens:read", "account:read"],
          token: expect.stringMatching(/^lk_api_[0-9A-Za-z]{49}$/),
          uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
          created_on: expect.stringMatching(/Z$/),
          modified_on: expect.stringMatching(/Z$/),
          expired_on: expect.stringMatching(/Z$/),
          ...PLAIN_TOKEN,
        },
      });
      expect(answer.headers.get("cache-control")).toBe("no-store");
      const secret = textAt(answer, "payload", "token");
      expect(at(answer, "payload", "uuid")).not.toBe(token.uuid);
      expect(await works(token.secret)).toBe(false);
      expect(await works(secret)).toBe(true);
      // It can do what the old one could, and no more.
      expect((await send("POST", "/rest/token", { bearer: secret, json: {} })).status).toBe(403);
      pass(30 * DAY + 1);
      expect(await works(secret)).toBe(false);
    },
  );

  it("is told of in the list: one token, with its own hint and never used", async () => {
    expect(await works(token.secret)).toBe(true);
    const answer = await rotate(token.uuid);
    const secret = textAt(answer, "payload", "token");
    expect(await listed()).toEqual([
      expect.objectContaining({
        uuid: at(answer, "payload", "uuid"),
        token_hint: `lk_api_…${secret.slice(-4)}`,
        last_used_on: null,
        expired_on: at(answer, "payload", "expired_on"),
      }),
    ]);
    await rotate(textAt(answer, "payload", "uuid"), { grace_seconds: 60 });
    expect(await listed()).toHaveLength(2);
  });

  it("the old one lives for the grace, and not a moment longer", async () => {
    const now = Date.now() + 5_000;
    vi.useFakeTimers({ toFake: ["Date"], now });
    // A copy in KV and one in memory both say 30 days.
    expect(await works(token.secret)).toBe(true);
    const answer = await rotate(token.uuid, { grace_seconds: 600 });
    const secret = textAt(answer, "payload", "token");
    vi.setSystemTime(now + 599_999);
    rules.secondPasses();
    for (const each of [token.secret, secret]) expect(await works(each)).toBe(true);
    vi.setSystemTime(now + 600_000);
    expect(await works(token.secret)).toBe(false);
    expect(await works(secret)).toBe(true);
  });

  it("the longest grace does not take it past its own end", async () => {
    pass(0);
    const short = await newApiToken(bearer, "short", 120);
    const answer = await rotate(short.uuid, { grace_seconds: DAY });
    // Nor does the new one live longer than the old one would have.
    expect(secondsAhead(answer)).toBe(120);
    pass(119);
    for (const each of [short.secret, textAt(answer, "payload", "token")]) {
      expect(await works(each)).toBe(true);
    }
    pass(1);
    for (const each of [short.secret, textAt(answer, "payload", "token")]) {
      expect(await works(each)).toBe(false);
    }
  });

  it("a token may do it for itself", async () => {
    const { uuid, secret } = await newApiToken(bearer, "self", 600);
    const answer = await rotate(uuid, {}, secret);
    expect(answer.status).toBe(200);
    expect(await works(secret)).toBe(false);
    expect(await works(textAt(answer, "payload", "token"))).toBe(true);
    expect((await rotate(uuid, {}, secret)).status).toBe(401);
  });

  it("of many at once one wins", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(console, "warn").mockReturnValue();
    // KV takes one write a second for a key: nobody waits for the second here.
    const quickly = service({ REVOCATION_LAG_SECONDS: lag, STORAGE_DEADLINE_MS: "300" });
    const path = `/rest/token/${token.uuid}/rotate`;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => quickly("POST", path, { bearer })),
    );
    const [winner, ...others] = answers.map(({ status }) => status).sort();
    expect(winner).toBe(200);
    for (const status of others) expect([404, 503]).toContain(status);
    expect(await listed()).toHaveLength(1);
  });

  it.each([-1, 86_401, 1.5, "60", true, [], {}])("refuses grace_seconds %j", async (grace) => {
    expect(await rotate(token.uuid, { grace_seconds: grace })).toMatchObject({
      status: 400,
      json: { success: false, message: GRACE, status: 400 },
    });
    expect(await works(token.secret)).toBe(true);
  });

  it.each([0, 1, 86_400])("takes grace_seconds %j", async (grace_seconds) => {
    expect((await rotate(token.uuid, { grace_seconds })).status).toBe(200);
  });

  it("finds only the caller's own active API tokens, and by uuid", async () => {
    const stranger = await newCaller();
    // It may do less than the token: that it is refused for that would tell that there is one.
    const strangers = await newApiToken(stranger.access, "less", 60, ["tokens:write"]);
    const session = await newSession(user);
    const list = await DB.prepare("SELECT id FROM tokens WHERE kind = 'session'").first("id");
    expect(session).not.toBe("");
    for (const [id, by] of [
      [token.uuid, stranger.access],
      [token.uuid, strangers.secret],
      [token.secret, bearer],
      [crypto.randomUUID(), bearer],
      [user.access, bearer],
      [String(list), bearer],
      ["all", bearer],
    ] as const) {
      expect(await rotate(id, {}, by)).toMatchObject({ status: 404, json: NOT_FOUND });
    }
    expect(await works(token.secret)).toBe(true);
    await send("DELETE", `/rest/token/${token.uuid}`, { bearer });
    expect(await rotate(token.uuid)).toMatchObject({ status: 404, json: NOT_FOUND });
  });
});

const EMPTY = { status: 200, headers: new Headers(), text: "" };
