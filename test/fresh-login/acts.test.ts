import { describe, expect, it, vi } from "vitest";
import { newRealm, taking } from "../identities/realms.ts";
import { type Answered, PASSWORD, type Send } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { DB } from "../support/database.ts";

/** What a credential may not do on its own once its user's log-in is more than ten minutes old. */

const DAY = 86_400;
const issuer = newRealm();
const there = isolate(taking(issuer));
const { send } = there;

const OLD = {
  success: false,
  message: "The log-in is more than ten minutes old: log in again, then repeat the request",
  status: 401,
};
const NEVER = {
  success: false,
  message:
    "API tokens, and what was obtained with one, cannot do this: send the user's own log-in, at most ten minutes old",
  status: 403,
};
const CHALLENGE =
  'Bearer realm="latchkey", error="insufficient_user_authentication", max_age="600"';

const jwtFor = (by: Send) => there.text("payload.token", "GET", "/rest/auth", by);
const newIdentity = (claims: object) => issuer.idToken({ email_verified: true, ...claims });
const exchanged = async (subject_token: string): Promise<Send> => ({
  bearer: await there.text("access_token", "POST", "/oauth/token", {
    form: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    },
  }),
});
const setSecondFactor = (userId: string) =>
  DB.prepare(
    "INSERT INTO second_factors (user_id, secret, created_at, confirmed_at) VALUES (?, 'x', 1, 1)",
  )
    .bind(userId)
    .run();

/** A user who has just logged in in every way, and three API tokens of theirs. */
async function loggedIn() {
  vi.useFakeTimers({ toFake: ["Date"], now: Math.floor(Date.now() / 1000) * 1000 });
  const user = await there.newUser();
  await DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(user.id).run();
  const idToken = await newIdentity({ email: user.email });
  const session = await there.newSession(user);
  const jwt = await jwtFor({ basic: user });
  const [api, powerful, narrow] = [
    await there.newApiToken(jwt, "program", 365 * DAY),
    await there.newApiToken(jwt, "powerful", 80 * DAY),
    await there.newApiToken(jwt, "narrow", 80 * DAY, ["account:read"]),
  ];
  const kinds: Record<string, Send> = {
    Basic: { basic: user },
    session: { xToken: session },
    JWT: { bearer: jwt },
    "session's JWT": { bearer: await jwtFor({ xToken: session }) },
    "exchanged JWT": await exchanged(session),
    identity: { headers: { [issuer.header]: idToken } },
    "API token": { bearer: api.secret },
    "API token's JWT": { bearer: await jwtFor({ bearer: api.secret }) },
  };
  return { user, kinds, powerful: powerful.uuid, narrow: narrow.uuid };
}
type Own = Awaited<ReturnType<typeof loggedIn>>;

type Act = readonly [name: string, method: string, path: (own: Own) => string, json: unknown];
const UNKNOWN = "00000000-0000-8000-8000-000000000000";
const never = "never";
const alike = (path: string) => () => path;
const token =
  (which: "powerful" | "narrow", more = "", of = "/rest/token") =>
  (own: Own) =>
    `${of}/${own[which]}${more}`;

/** When each act needs a fresh log-in, and what it is answered with one; the last act ends the account. */
const ACTS: readonly (readonly [
  when: "always" | "with a second factor" | "from a log-in" | typeof never,
  number,
  Act,
])[] = [
  ["always", 200, ["export", "GET", alike("/rest/user/export"), undefined]],
  [
    "always",
    404,
    ["remove a way in", "DELETE", alike(`/rest/user/identities/${UNKNOWN}`), undefined],
  ],
  [
    "with a second factor",
    200,
    ["a token with all scopes", "POST", alike("/rest/token"), { name: "a", ttl: 60 }],
  ],
  [
    "with a second factor",
    200,
    [
      "a long token",
      "POST",
      alike("/rest/token"),
      { name: "b", ttl: 91 * DAY, scopes: ["account:read"] },
    ],
  ],
  [
    never,
    200,
    [
      "a narrow token",
      "POST",
      alike("/rest/token"),
      { name: "c", ttl: 90 * DAY, scopes: ["account:read"] },
    ],
  ],
  [
    "with a second factor",
    200,
    ["make a token long", "PATCH", token("narrow", "", "/token"), { ttl: 91 * DAY }],
  ],
  [never, 200, ["90 more days", "PATCH", token("powerful", "", "/token"), { ttl: 90 * DAY }]],
  [never, 200, ["make a token short", "PATCH", token("narrow"), { ttl: 80 * DAY }]],
  ["from a log-in", 200, ["rotate a powerful token", "POST", token("powerful", "/rotate"), {}]],
  [
    never,
    200,
    ["rotate a narrow token", "POST", token("narrow", "/rotate"), { grace_seconds: 60 }],
  ],
  [never, 200, ["revoke a token", "DELETE", token("narrow"), undefined]],
  [
    never,
    400,
    ["a new email without the password", "PATCH", alike("/rest/user"), { email: "b@example.com" }],
  ],
  [never, 200, ["a new name", "PATCH", alike("/rest/user"), { first_name: "B" }]],
  [
    never,
    200,
    ["deletion with the password", "DELETE", alike("/rest/user"), { password: PASSWORD }],
  ],
];

const KINDS = [
  "Basic",
  "session",
  "JWT",
  "session's JWT",
  "exchanged JWT",
  "identity",
  "API token",
  "API token's JWT",
];

function refusalOf(kind: string, seconds: number): object | null {
  if (kind.startsWith("API token")) return NEVER;
  return kind === "Basic" || seconds <= 600 ? null : OLD;
}

describe.each([false, true])("second factor: %s", (hasFactor) => {
  // What asks for a code at each request is fresh by that, and has its own tests.
  const kinds = hasFactor ? KINDS.filter((kind) => !["Basic", "identity"].includes(kind)) : KINDS;
  it.each(kinds.flatMap((kind) => [600, 601].map((seconds) => [kind, seconds] as const)))(
    "%s, %i seconds old",
    async (kind, seconds) => {
      const own = await loggedIn();
      if (hasFactor) await setSecondFactor(own.user.id);
      vi.setSystemTime(Date.now() + seconds * 1000);
      const by = own.kinds[kind] ?? {};
      const refusal = refusalOf(kind, seconds);
      for (const [when, status, [name, method, path, json]] of ACTS) {
        const answer = await send(method, path(own), {
          ...by,
          ...(json !== undefined && { json }),
        });
        const asks = {
          always: true,
          "with a second factor": hasFactor,
          "from a log-in": refusal === OLD,
          never: false,
        }[when];
        const expected = asks && refusal !== null ? refusal : null;
        expect([name, expected ?? status, expected]).toEqual([
          name,
          expected === null ? answer.status : answer.json,
          expected,
        ]);
        if (expected === OLD) expect(answer.headers.get("www-authenticate")).toBe(CHALLENGE);
      }
    },
  );
});

describe("an account without a password", () => {
  const statuses = async (by: Send) => {
    const answers: Answered[] = [];
    for (const [method, json] of [
      ["PATCH", { email: `${crypto.randomUUID()}@example.com` }],
      ["DELETE", undefined],
    ] as const) {
      answers.push(await send(method, "/rest/user", { ...by, ...(json && { json }) }));
    }
    return answers.map(({ status }) => status);
  };

  it.each([
    ["a fresh ID token", [200, 200], 0, 0, (own: Send) => own],
    ["one whose user logged in there long ago", [401, 401], -601, 0, (own: Send) => own],
    ["one that is old", [401, 401], 0, 601, (own: Send) => own],
    ["a fresh JWT", [200, 200], 0, 600, async (own: Send) => ({ bearer: await jwtFor(own) })],
    ["an old JWT", [401, 401], 0, 601, async (own: Send) => ({ bearer: await jwtFor(own) })],
    [
      "an API token",
      [403, 403],
      0,
      0,
      async (own: Send) => ({ bearer: (await there.newApiToken(await jwtFor(own))).secret }),
    ],
  ] as const)("is changed and deleted by %s: %j", async (_, expected, authAge, age, made) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Math.floor(Date.now() / 1000) * 1000 });
    const email = `${crypto.randomUUID()}@example.com`;
    const auth_time = Date.now() / 1000 + authAge;
    const own = { headers: { [issuer.header]: await newIdentity({ email, auth_time }) } };
    const by = await made(own);
    vi.setSystemTime(Date.now() + age * 1000);
    expect(await statuses(by)).toEqual(expected);
  });
});

it("a log-in of the future is not fresh, but for the clocks of two locations", async () => {
  const { user, kinds } = await loggedIn();
  const ask = async (aheadMs: number) => {
    await DB.prepare(
      "UPDATE tokens SET authenticated_at = ? WHERE user_id = ? AND kind = 'session'",
    )
      .bind(Date.now() + aheadMs, user.id)
      .run();
    return (await send("GET", "/rest/user/export", kinds.session)).status;
  };
  expect([await ask(5_000), await ask(5_001)]).toEqual([200, 401]);
});

it("a session that was stolen gives no export, no lasting token and no other email; its owner's log-in does", async () => {
  const own = await loggedIn();
  const email = `${crypto.randomUUID()}@example.com`;
  const acts = (more: object) =>
    [
      ["GET", "/rest/user/export", undefined],
      ["POST", `/rest/token/${own.powerful}/rotate`, {}],
      ["PATCH", "/rest/user", { email, ...more }],
      ["DELETE", "/rest/user", { password: undefined, ...more }],
    ] as const;
  const statuses = async (by: Send, more: object) => {
    const all: number[] = [];
    for (const [method, path, json] of acts(more)) {
      all.push((await send(method, path, { ...by, ...(json && { json }) })).status);
    }
    return all;
  };
  vi.setSystemTime(Date.now() + 601_000);
  const stolen = own.kinds.session ?? {};
  const guess = { current_password: "a wrong guess", password: "a wrong guess" };
  expect(await statuses(stolen, {})).toEqual([401, 401, 400, 400]);
  expect(await statuses(stolen, guess)).toEqual([401, 401, 401, 401]);
  // Nor does what is obtained with it.
  expect(await statuses({ bearer: await jwtFor(stolen) }, {})).toEqual([401, 401, 400, 400]);
  const { access } = await there.newPair(own.user);
  const known = { current_password: PASSWORD };
  expect((await statuses({ bearer: access }, known)).slice(0, 3)).toEqual([200, 200, 200]);
});
