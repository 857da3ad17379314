import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createSecrets } from "../../src/crypto/secrets.ts";
import {
  type Call,
  newApiToken,
  newCaller,
  newPair,
  newSession,
  type Send,
} from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { type StorageCall, intercept } from "../support/stores.ts";
import { share } from "../support/thorough.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { DB as database } from "../support/database.ts";

const secrets = createSecrets(["lk"]);

const NOBODY = "00000000-0000-0000-0000-000000000000";
const TEN_MINUTES = 600_000;

/** A place with memory of its own; what all of them have written is counted. */
function isolates(count: number, bindings = env) {
  let written = 0;
  const counted = intercept(async (_: StorageCall, run) => {
    const result = await run();
    for (const { meta } of [result].flat().map((each) => Object(each))) {
      written += Number(meta?.rows_written ?? 0);
    }
    return result;
  }, bindings);
  const all = Array.from({ length: count }, () => isolate({}, { ...bindings, ...counted }));
  return {
    send: (index: number): Call => all[index % count]?.send ?? expect.unreachable(),
    written() {
      const rows = written;
      written = 0;
      return rows;
    },
  };
}

const { KV, DB } = env;
const unlimited = { KV, DB };

const JUNK: readonly (readonly [name: string, method: string, path: string, send: Send])[] = [
  ["a bearer token", "GET", "/rest/user", { bearer: "x" }],
  ["another scheme", "GET", "/rest/user", { headers: { authorization: "Foo bar" } }],
  ["X-Auth-Token", "GET", "/api/action-tokens", { xAuthToken: "a.b.c" }],
  ["a session", "GET", "/rest/token/list", { xToken: "x" }],
  ["a session to be extended", "PUT", "/tokens", { json: { token: "x", extend: true } }],
  ["a session to be ended", "DELETE", "/tokens?token=x", {}],
  ["a refresh JWT", "POST", "/api/token/refresh/", { json: { refresh: "x" } }],
  ["a client", "POST", "/oauth/introspect", { bearer: "x", form: { token: "x" } }],
  ["a session's cookie", "GET", "/console", { headers: { cookie: "__Host-latchkey=x" } }],
];

const from = (send: Send, address: string): Send => ({
  ...send,
  headers: { ...send.headers, "cf-connecting-ip": address },
});

/** Well-formed, and never issued: its check fits, since that is no secret. */
const unknown = async (kind: "api" | "session") => (await secrets.create(kind)).secret;

const REQUESTS = share(10_000);

it.each([
  ...JUNK,
  [
    "a JWT of another key",
    "GET",
    "/rest/user",
    { bearer: "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJ4In0.eHg" },
  ],
  ["a token to be verified", "POST", "/api/token/verify/", { json: { token: "x" } }],
  ["an action token", "POST", "/api/run-action-token", { json: { token: "x" } }],
  ["an operator", "GET", "/rest/admin/status", { bearer: "x" }],
] as const)(
  "%s is counted in one row of its network, and in no other",
  async (_, method, path, sent) => {
    const { send, written } = isolates(1, unlimited);
    const address = "192.0.2.79";
    await send(0)(method, path, from(sent, address));
    expect(written()).toBeLessThanOrEqual(1);
    for (let index = 0; index < 9; index++) await send(0)(method, path, from(sent, address));
    expect(written()).toBe(0);
  },
);

describe("thousands of requests with junk from one address", () => {
  it("are limited, and write at most 60 rows over ten isolates", async () => {
    const { send, written } = isolates(10);
    const answers: number[] = [];
    for (let index = 0; index < REQUESTS; index += 100) {
      const wave = Array.from({ length: 100 }, async (_, i) => {
        const [, method, path, sent] =
          JUNK[(index + i) % (JUNK.length - 1)] ?? expect.unreachable();
        return (await send(index / 10 + i)(method, path, from(sent, "192.0.2.77"))).status;
      });
      answers.push(...(await Promise.all(wave)));
    }
    expect(written()).toBeLessThanOrEqual(60);
    const limited = answers.filter((status) => status === 429).length;
    expect(limited).toBeGreaterThan(REQUESTS / 2);
    expect(answers.filter((status) => status < 400)).toEqual([]);
  }, 240_000);

  it("write no more where nothing limits them, also after ten minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { send, written } = isolates(10, unlimited);
    for (let index = 0; index < 1_000; index++) {
      const [, method, path, sent] = JUNK[index % JUNK.length] ?? expect.unreachable();
      await send(index)(method, path, from(sent, "192.0.2.78"));
      if (index === 899) vi.setSystemTime(Date.now() + TEN_MINUTES);
    }
    expect(written()).toBeLessThanOrEqual(20);
    const rows = await database
      .prepare(
        `SELECT SUM(count) AS n FROM ${EVENT_LOG.sql} WHERE user_id = ? AND address = '192.0.2.0/24'`,
      )
      .bind(NOBODY)
      .first("n");
    expect(Number(rows)).toBeGreaterThan(900);
  });
});

it.each(JUNK)(
  "%s that names nobody is limited in its surface's shape",
  async (name, method, path, send) => {
    const isOver = { limit: async () => ({ success: false }) };
    const place = isolate({}, { ...unlimited, CREDENTIAL_LIMIT: isOver });
    const answer = await place.send(method, path, from(send, "192.0.2.79"));
    // A page is shown to everybody: an old cookie of its visitor is no reason to keep them out.
    if (name === "a session's cookie") return expect(answer.status).toBe(200);
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("60");
    expect(answer.headers.get("ratelimit")).toBe('"credential";r=0;t=60');
    expect(answer.headers.get("ratelimit-policy")).toBe('"credential";q=300;w=60');
  },
);

it("good credentials, and old ones of ours, are none of that limit's business", async () => {
  const user = await newCaller();
  const api = await newApiToken(user.access);
  const limit = vi.fn(async () => ({ success: false }));
  const { send } = isolate({}, { ...unlimited, CREDENTIAL_LIMIT: { limit } });
  expect((await send("GET", "/rest/user", from({ bearer: api.secret }, "192.0.2.80"))).status).toBe(
    200,
  );
  expect(
    (await send("GET", "/rest/user", from({ bearer: user.access }, "192.0.2.80"))).status,
  ).toBe(200);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
  expect(
    (await send("GET", "/rest/user", from({ bearer: user.access }, "192.0.2.80"))).status,
  ).toBe(401);
  expect(limit).not.toHaveBeenCalled();
});

describe("what has merely expired", () => {
  it.each<readonly [string, () => Promise<Send>, number]>([
    ["an access JWT", async () => ({ bearer: (await newCaller()).access }), 301_000],
    ["a refresh JWT", async () => ({ json: { refresh: (await newCaller()).refresh } }), 86_401_000],
    ["a session", async () => ({ xToken: await newSession(await newCaller()) }), 3_601_000],
    [
      "an API token",
      async () => ({ bearer: (await newApiToken((await newCaller()).access, "test", 60)).secret }),
      61_000,
    ],
  ])("writes nothing: %s", async (_, make, lifeMs) => {
    const sent = await make();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + lifeMs });
    const { send, written } = isolates(3, unlimited);
    for (let index = 0; index < 9; index++) {
      const answer =
        "json" in sent
          ? await send(index)("POST", "/api/token/refresh/", sent)
          : await send(index)("GET", "/rest/user", sent);
      expect(answer.status).toBe(401);
    }
    expect(written()).toBe(0);
  });
});

it.each<
  readonly [string, (user: Awaited<ReturnType<typeof newCaller>>, send: Call) => Promise<Send>]
>([
  [
    "an API token",
    async ({ access }, send) => {
      const { secret, uuid } = await newApiToken(access, "dead", 3_600);
      await send("DELETE", `/rest/token/${uuid}`, { bearer: access });
      return { bearer: secret };
    },
  ],
  [
    "a session",
    async (user, send) => {
      const xToken = await newSession(user);
      await send("DELETE", "/tokens", { xToken });
      return { xToken };
    },
  ],
  [
    "an access JWT",
    async (user, send) => {
      const { access } = await newPair(user);
      await send("DELETE", `/rest/token/${access}`, { bearer: user.access });
      return { bearer: access };
    },
  ],
])("a revoked token, replayed by others, is one event of its owner: %s", async (_, make) => {
  const user = await newCaller();
  const { send, written } = isolates(10, unlimited);
  const sent = await make(user, send(0));
  written();
  for (let index = 0; index < 200; index++) {
    await send(index)("GET", "/rest/user", from(sent, `198.51.100.${index}`));
  }
  // The event, and its place in the index of what was refused at accounts.
  expect(written()).toBe(2);
});

it("what is well-formed and was never issued is junk like any other", async () => {
  const { send, written } = isolates(10, unlimited);
  for (let index = 0; index < 60; index++) {
    const bearer = await unknown("api");
    const answer = await send(index)("GET", "/rest/user", from({ bearer }, "192.0.2.81"));
    expect(answer.status).toBe(401);
  }
  expect(written()).toBeLessThanOrEqual(10);
});

it("many networks make no more than 100 rows an isolate in ten minutes", async () => {
  const { send, written } = isolates(1, unlimited);
  for (let index = 0; index < 300; index++) {
    await send(0)("GET", "/rest/user", from({ bearer: "x" }, `100.64.${index % 256}.${index}`));
  }
  expect(written()).toBeLessThanOrEqual(100);
  // The owner of a /48 has one row.
  const another = isolates(1, unlimited);
  for (let index = 0; index < 50; index++) {
    await another.send(0)("GET", "/rest/user", from({ bearer: "x" }, `2001:db8:7:${index}::1`));
  }
  expect(another.written()).toBe(1);
});
