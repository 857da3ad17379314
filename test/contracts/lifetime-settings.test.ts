import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Answered, at, type Call, claimsOf, peopleOf, textAt } from "../support/client.ts";
import { isolate, service } from "../support/service.ts";

const NOON_MS = Date.parse("2026-11-01T12:00:00Z");
const DAY = 86_400;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
});
afterEach(() => vi.useRealTimers());
const later = (seconds: number) => vi.setSystemTime(NOON_MS + seconds * 1000);

const lives = (jwt: string) => Number(claimsOf(jwt).exp) - Number(claimsOf(jwt).iat);
const pairOf = async (call: Call) => peopleOf(call).newPair(await peopleOf(call).newUser());
const authOf = async (call: Call) => {
  const answer = await call("GET", "/rest/auth", { basic: await peopleOf(call).newUser() });
  return textAt(answer, "payload", "token");
};
/** Seconds from now. */
const left = (answer: Answered, ...path: string[]) =>
  (Number(at(answer, ...path)) - Date.now()) / 1000;

async function sessionOf(call: Call) {
  const json = {
    email_id: (await peopleOf(call).newUser()).email,
    password: "correct horse battery",
  };
  const created = await call("POST", "/tokens", { json });
  return { created, token: textAt(created, "data", "token") };
}

/** Extended every half of its life until nothing more is given. @returns how long it lived, in seconds */
async function longestSession(call: Call, sessionSeconds: number): Promise<number> {
  const { token } = await sessionOf(call);
  for (let seconds = 0; ; seconds += sessionSeconds / 2) {
    later(seconds);
    const extended = await call("PUT", "/tokens", { json: { token, extend: true } });
    const rest = left(extended, "__latest_data", "expires");
    if (rest < sessionSeconds) return seconds + rest;
  }
}

async function longestLogin(call: Call, refreshSeconds: number): Promise<number> {
  let { refresh } = await pairOf(call);
  while (lives(refresh) === refreshSeconds) {
    later((Date.now() - NOON_MS) / 1000 + refreshSeconds / 2);
    refresh = textAt(await call("POST", "/api/token/refresh/", { json: { refresh } }), "refresh");
  }
  return Number(claimsOf(refresh).exp) - NOON_MS / 1000;
}

const MONTH = { SESSION_SECONDS: "2592000", AUTH_TOKEN_SECONDS: "2592000" };
const ROTATES = { ROTATE_REFRESH_TOKENS: "on" };

/** One row: settings, what depends on them, and how long that is in seconds. */
const DEPENDS: readonly [
  Record<string, string>,
  string,
  (call: Call) => Promise<number>,
  number,
][] = [
  [
    { ACCESS_TOKEN_SECONDS: "60" },
    "access JWT",
    async (call) => lives((await pairOf(call)).access),
    60,
  ],
  [
    { ACCESS_TOKEN_SECONDS: "86400", REFRESH_TOKEN_SECONDS: "90" },
    "access JWT, no longer than its refresh JWT",
    async (call) => lives((await pairOf(call)).access),
    90,
  ],
  [
    { REFRESH_TOKEN_SECONDS: "7776000", LOGIN_MAX_DAYS: "90" },
    "refresh JWT",
    async (call) => lives((await pairOf(call)).refresh),
    90 * DAY,
  ],
  [
    { ...ROTATES, LOGIN_MAX_DAYS: "2" },
    "log-in that rotates",
    (call) => longestLogin(call, DAY),
    2 * DAY,
  ],
  [
    { AUTH_TOKEN_SECONDS: "60" },
    "JWT of /rest/auth",
    async (call) => lives(await authOf(call)),
    60,
  ],
  [MONTH, "JWT of /rest/auth", async (call) => lives(await authOf(call)), 30 * DAY],
  [
    { LOGIN_MAX_DAYS: "7" },
    "chain",
    async (call) => Number(claimsOf(await authOf(call)).end) - NOON_MS / 1000,
    7 * DAY,
  ],
  [
    { SESSION_SECONDS: "60" },
    "session",
    async (call) => left((await sessionOf(call)).created, "data", "expires"),
    60,
  ],
  [
    MONTH,
    "session",
    async (call) => left((await sessionOf(call)).created, "data", "expires"),
    30 * DAY,
  ],
  [
    { SESSION_SECONDS: "40000", LOGIN_MAX_DAYS: "1" },
    "session that is extended",
    (call) => longestSession(call, 40_000),
    DAY,
  ],
];
it.each(DEPENDS)("%o: %s", async (settings, _, measured, seconds) => {
  expect(await measured(isolate(settings).call)).toBe(seconds);
});

it("LOGIN_MAX_DAYS: the console's cookie, and SESSION_SECONDS: a page extends after half of it", async () => {
  const { call } = isolate({ LOGIN_MAX_DAYS: "2", SESSION_SECONDS: "1000" });
  const { email, password } = await peopleOf(call).newUser();
  const headers = { origin: "https://latchkey.test", "sec-fetch-site": "same-origin" };
  const answer = await call("POST", "/console/login", { headers, form: { email, password } });
  const cookie = answer.headers.get("set-cookie") ?? "";
  expect(cookie).toContain(`Max-Age=${2 * DAY}`);
  const [pair = ""] = cookie.split(";");
  const xToken = pair.slice(pair.indexOf("=") + 1);
  for (const [seconds, rest] of [
    [499, 501],
    [501, 1_000],
  ] as const) {
    later(seconds);
    await call("GET", "/console", { headers: { cookie: pair } });
    expect(left(await call("GET", "/tokens", { xToken }), "expires")).toBe(rest);
  }
});

describe("AUTH_HEADER_TYPES", () => {
  const WORDS = ["Bearer", "bearer", "JWT", "jwt", "Token"] as const;
  it.each([
    ["Bearer", [200, 200, 401, 401, 401]],
    ["JWT", [401, 401, 200, 200, 401]],
    ["JWT, Bearer", [200, 200, 200, 200, 401]],
  ])("%s", async (AUTH_HEADER_TYPES, statuses) => {
    const call = service({ AUTH_HEADER_TYPES });
    const { access } = await pairOf(call);
    const answers = await Promise.all(
      WORDS.map((word) =>
        call("GET", "/rest/user", { headers: { authorization: `${word} ${access}` } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(statuses);
    const [first] = AUTH_HEADER_TYPES.split(",");
    const unknown = { headers: { authorization: `${first} x` } };
    const challenge = (await call("GET", "/rest/user", unknown)).headers.get("www-authenticate");
    expect(challenge).toContain(`${first} realm="latchkey", error="invalid_token"`);
    const json = { token: "x" };
    const drf = await call("POST", "/api/token/verify/", { json });
    expect(drf.headers.get("www-authenticate")).toBe(`${first} realm="api"`);
    // OAuth's clients know no other.
    const oauth = await call("POST", "/oauth/introspect", { form: json });
    expect(oauth.headers.get("www-authenticate")).toContain("Bearer realm=");
    expect((await call("GET", "/rest/user")).headers.get("www-authenticate")).toContain(
      `${first} realm=`,
    );
  });
});

describe("TOKEN_PREFIX", () => {
  it("is on new tokens, and one with an earlier prefix is accepted still", async () => {
    const [before, both, after] = ["lk", "acme,lk", "acme"].map((TOKEN_PREFIX) =>
      service({ TOKEN_PREFIX }),
    );
    if (!before || !both || !after) throw new Error("three versions");
    const person = await peopleOf(before).newUser();
    const friend = await peopleOf(before).newUser();
    const tokens = async (call: Call) => {
      const { access } = await peopleOf(call).newPair(person);
      const api = await peopleOf(call).newApiToken(access);
      const action = await peopleOf(call).newActionToken(access, friend.id, { max_uses: 9 });
      return { api: api.secret, ses: await peopleOf(call).newSession(person), act: action.secret };
    };
    const statuses = async (call: Call, { api, ses, act }: Awaited<ReturnType<typeof tokens>>) => [
      (await call("GET", "/rest/user", { bearer: api })).status,
      (await call("GET", "/tokens", { xToken: ses })).status,
      // In a sentence, as someone pastes it.
      (await call("POST", "/api/run-action-token", { json: { token: `<${act}>.` } })).status,
    ];
    const old = await tokens(before);
    const young = await tokens(both);
    for (const [kind, secret] of Object.entries(young)) {
      expect(secret).toMatch(new RegExp(`^acme_${kind}_[0-9A-Za-z]{49}$`));
    }
    expect(await statuses(both, old)).toEqual([200, 200, 200]);
    expect(await statuses(both, young)).toEqual([200, 200, 200]);
    expect(await statuses(before, young)).toEqual([401, 400, 422]);
    expect(await statuses(after, old)).toEqual([401, 400, 422]);
    expect(await statuses(after, young)).toEqual([200, 200, 200]);
    const list = await both("GET", "/rest/token/list", { bearer: young.api });
    // Both may have been created in the same millisecond.
    const hints = [0, 1].map((row) => String(at(list, "payload", row, "token_hint")));
    expect(hints.toSorted()).toEqual([
      `acme_api_…${young.api.slice(-4)}`,
      `lk_api_…${old.api.slice(-4)}`,
    ]);
    // A scanner's report revokes both.
    await both("POST", "/rest/leaked", { json: { tokens: [old.api, young.api] } });
    expect((await statuses(both, old))[0]).toBe(401);
    expect((await statuses(both, young))[0]).toBe(401);
  });
});
