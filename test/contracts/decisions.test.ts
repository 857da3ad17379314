import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type Answered,
  at,
  call,
  newApiToken,
  newCaller,
  newSession,
  newUser,
  textAt,
} from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { GOOD, requestOf } from "../faults/requests.ts";
import { begin, buildWorld } from "../faults/world.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 60_000 });

/** What anybody may read, and so may be kept. */
const PUBLIC = [
  "GET /.well-known/jwks.json",
  "GET /.well-known/oauth-authorization-server",
  "GET /.well-known/oauth-protected-resource",
  "GET /openapi.json",
  "GET /status-lists/:list",
];

describe("every good answer of every route", () => {
  const answers: { readonly name: string; readonly routeKey: string; readonly answer: Answered }[] =
    [];
  beforeAll(async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const world = await buildWorld();
    for (const each of GOOD) {
      await begin(world);
      const { send } = isolate({ ...each.settings });
      const answer = await send(...requestOf(each, world));
      answers.push({ name: `${each.routeKey} (${each.as})`, routeKey: each.routeKey, answer });
    }
  }, 60_000);
  afterAll(() => void answers.splice(0));

  it("is kept by no cache but where anybody may read it", () => {
    const wrong = answers.filter(
      ({ routeKey, answer }) =>
        !PUBLIC.includes(routeKey) && answer.headers.get("cache-control") !== "no-store",
    );
    expect(answers.length).toBeGreaterThan(60);
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it("has HSTS, and lets no browser guess its type", () => {
    const wrong = answers.filter(
      ({ answer: { headers } }) =>
        !/^max-age=\d{7,}/.test(headers.get("strict-transport-security") ?? "") ||
        headers.get("x-content-type-options") !== "nosniff",
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it("has its times in UTC, with milliseconds", () => {
    const dates = answers.flatMap(({ name, answer }) =>
      [...answer.text.matchAll(/"(\d{4}-\d\d-\d\dT[^"]*)"/g)].map(([, date]) => [name, date]),
    );
    expect(dates.length).toBeGreaterThan(50);
    const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
    expect(dates.filter(([, date]) => !ISO.test(date ?? ""))).toEqual([]);
  });
});

describe("a password is taken exactly as sent, its spaces too", () => {
  const PASSWORD = "  two spaces before, one behind ";
  const OTHERS = [PASSWORD.trim(), PASSWORD.trimStart(), ` ${PASSWORD}`];
  const WAYS: readonly (readonly [
    string,
    (email: string, password: string) => Promise<Answered>,
  ])[] = [
    [
      "POST /tokens",
      (email_id, password) => call("POST", "/tokens", { json: { email_id, password } }),
    ],
    [
      "POST /api/token/",
      (email, password) => call("POST", "/api/token/", { json: { email, password } }),
    ],
    [
      "POST /api/token/, as a form",
      (email, password) => call("POST", "/api/token/", { form: { email, password } }),
    ],
    ["Basic", (email, password) => call("GET", "/rest/auth", { basic: { email, password } })],
  ];

  it.each(WAYS)("%s", async (_, logIn) => {
    const { email } = await newUser({ password: PASSWORD });
    expect((await logIn(email, PASSWORD)).status).toBe(200);
    for (const other of OTHERS) expect((await logIn(email, other)).status).not.toBe(200);
  });

  it("as the current one, as a new one, and where the account is deleted", async () => {
    const { email, access } = await newCaller();
    const basic = { email, password: PASSWORD };
    const current_password = "correct horse battery";
    const change = (json: object) => call("PATCH", "/rest/user", { bearer: access, json });
    expect(
      (await change({ password: PASSWORD, current_password: `${current_password} ` })).status,
    ).toBe(401);
    expect((await change({ password: PASSWORD, current_password })).status).toBe(200);
    expect((await call("GET", "/rest/user", { basic })).status).toBe(200);
    const remove = (password: string) =>
      call("DELETE", "/rest/user", { basic, json: { password } });
    expect((await remove(PASSWORD.trim())).status).toBe(401);
    expect((await remove(PASSWORD)).status).toBe(200);
  });
});

it("a password has no age: one of ten years ago still logs in", async () => {
  const { email, password } = await newUser();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10 * 365 * 86_400_000 });
  expect((await call("POST", "/api/token/", { json: { email, password } })).status).toBe(200);
});

it("a log-in makes a new token, and leaves those of other devices alone", async () => {
  const user = await newUser();
  const first = await newSession(user);
  const second = await newSession(user);
  expect(second).not.toBe(first);
  for (const xToken of [first, second]) {
    expect((await call("GET", "/tokens", { xToken })).status).toBe(200);
  }
});

describe("an API token's ttl", () => {
  it("is thirty days where it is null, as where it is not sent", async () => {
    const { access } = await newCaller();
    const sent = { name: "x", ttl: null };
    const answer = await call("POST", "/rest/token", { bearer: access, json: sent });
    expect([answer.status, at(answer, "payload", "ttl")]).toEqual([200, 2_592_000]);
  });
});

it("a refusal never repeats the token that was sent, and a deletion repeats no more than it", async () => {
  const { access } = await newCaller();
  const { secret, uuid } = await newApiToken(access);
  const answer = await call("DELETE", `/rest/token/${uuid}`, { bearer: access });
  expect(textAt(answer, "payload", "token")).toBe(uuid);
  expect(answer.text).not.toContain(secret);
  for (const path of [`/rest/token/${secret}`, `/tokens?token=${secret}`]) {
    expect((await call("DELETE", path, { bearer: access })).text).not.toContain(secret);
  }
});

describe("of several reasons why an action token does not run, the first is told", () => {
  const ORDER = ["used", "revoked", "expired", "audience", "rejected"] as const;
  type Reason = (typeof ORDER)[number];
  const SUBSETS = Array.from({ length: 2 ** ORDER.length }, (_, bits) =>
    ORDER.filter((__, index) => (bits >> index) & 1),
  ).filter((reasons) => reasons.length > 0);

  /** What makes a token so in the database, where that takes no request. */
  const STATE: Partial<Record<Reason, string>> = {
    used: "uses = max_uses",
    revoked: "revoked_at = 1",
    expired: "expires_at = 1",
  };

  let issuer: Awaited<ReturnType<typeof newCaller>>;
  let runner: Awaited<ReturnType<typeof newCaller>>;
  let gone: Awaited<ReturnType<typeof newCaller>>;
  const tokens = new Map<string, string>();

  beforeAll(async () => {
    [issuer, runner, gone] = [await newCaller(), await newCaller(), await newCaller()];
    for (const reasons of SUBSETS) {
      const contact = reasons.includes("rejected") ? gone : issuer;
      const audience = reasons.includes("audience") ? issuer.id : runner.id;
      const json = { action: "addContact", payload: { contact_id: contact.id }, audience };
      const answer = await call("POST", "/api/generate-action-token", {
        bearer: issuer.access,
        json,
      });
      tokens.set(reasons.join(), textAt(answer, "token", "token"));
      const states = reasons.flatMap((reason) => STATE[reason] ?? []);
      if (states.length === 0) continue;
      await DB.prepare(`UPDATE tokens SET ${states.join(", ")} WHERE id = ?`)
        .bind(textAt(answer, "token", "id"))
        .run();
    }
    const json = { password: gone.password };
    await call("DELETE", "/rest/user", { bearer: gone.access, json });
  }, 60_000);

  it.each(SUBSETS.map((reasons) => reasons.join()))("%s", async (reasons) => {
    const json = { token: tokens.get(reasons) };
    const answer = await call("POST", "/api/run-action-token", { bearer: runner.access, json });
    expect(answer.status).toBe(422);
    expect(at(answer, "reason")).toBe(reasons.split(",", 1)[0]);
  });

  it("unknown, before all of them", async () => {
    const json = { token: `${tokens.get("used")}x` };
    const answer = await call("POST", "/api/run-action-token", { bearer: runner.access, json });
    expect([answer.status, at(answer, "reason")]).toEqual([422, "unknown"]);
  });
});
