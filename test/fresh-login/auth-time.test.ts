import { expect, it, vi } from "vitest";
import { newRealm, taking } from "../identities/realms.ts";
import { claimsOf, type Send } from "../support/client.ts";
import { isolate } from "../support/service.ts";

/** When the user last proved who they are, as each credential tells it: never later than they did. */

const MINUTE = 60_000;
const issuer = newRealm();
const there = isolate({ ...taking(issuer), ROTATE_REFRESH_TOKENS: "on" });

/** Everyone logs in now, and what is obtained with that is obtained four minutes later. */
async function logIn() {
  const startMs = Math.floor(Date.now() / 1000) * 1000;
  vi.useFakeTimers({ toFake: ["Date"], now: startMs });
  const user = await there.newUser();
  const { access, refresh } = await there.newPair(user);
  const session = await there.newSession(user);
  const api = (await there.newApiToken(access)).secret;
  vi.setSystemTime(startMs + 4 * MINUTE);
  return { startMs, nowMs: Date.now(), user, access, refresh, session, api };
}
type LoggedIn = Awaited<ReturnType<typeof logIn>>;

const jwtFor = (send: Send) => there.text("payload.token", "GET", "/rest/auth", send);
const exchanged = (token: string) =>
  there.text("access_token", "POST", "/oauth/token", {
    form: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    },
  });
const identity = (claims: object) =>
  issuer.idToken({ email: `${crypto.randomUUID()}@example.com`, ...claims });
const byIdentity = async (claims: object): Promise<Send> => ({
  headers: { [issuer.header]: await identity(claims) },
});

/** One row: a JWT, and when its user logged in, in minutes from the log-in above; null for never. */
const JWTS: readonly [string, (all: LoggedIn) => Promise<string>, number | null][] = [
  ["a pair's", async ({ access }) => access, 0],
  [
    "a refreshed",
    ({ refresh }) => there.text("access", "POST", "/api/token/refresh/", { json: { refresh } }),
    0,
  ],
  [
    "a rotated refresh",
    ({ refresh }) => there.text("refresh", "POST", "/api/token/refresh/", { json: { refresh } }),
    0,
  ],
  ["Basic's", ({ user }) => jwtFor({ basic: user }), 4],
  ["a pair's JWT's", ({ access }) => jwtFor({ bearer: access }), 0],
  ["a session's", ({ session }) => jwtFor({ xToken: session }), 0],
  [
    "a session's JWT's",
    async ({ session }) => jwtFor({ bearer: await jwtFor({ xToken: session }) }),
    0,
  ],
  ["a session's, exchanged", ({ session }) => exchanged(session), 0],
  [
    "a session's JWT's, exchanged",
    async ({ session }) => exchanged(await jwtFor({ xToken: session })),
    0,
  ],
  ["an API token's", ({ api }) => jwtFor({ bearer: api }), null],
  [
    "an API token's JWT's",
    async ({ api }) => jwtFor({ bearer: await jwtFor({ bearer: api }) }),
    null,
  ],
  ["an API token's, exchanged", ({ api }) => exchanged(api), null],
  ["an identity's", async () => jwtFor(await byIdentity({})), 4],
  [
    "an identity's, who logged in there long ago",
    async ({ startMs }) => jwtFor(await byIdentity({ auth_time: startMs / 1000 - 86_400 * 400 })),
    -1_440 * 400,
  ],
  [
    "that one's JWT's",
    async ({ startMs }) =>
      jwtFor({
        bearer: await jwtFor(await byIdentity({ auth_time: startMs / 1000 - 86_400 * 400 })),
      }),
    -1_440 * 400,
  ],
  [
    "an identity's, from the future",
    async ({ nowMs }) => jwtFor(await byIdentity({ auth_time: nowMs / 1000 + 999 })),
    4,
  ],
];

it.each(JWTS)("%s JWT says when its user logged in", async (_, obtain, minutes) => {
  const all = await logIn();
  const jwt = await obtain(all);
  const expected = minutes === null ? 0 : all.startMs + minutes * MINUTE;
  expect(Number(claimsOf(jwt).auth_time) * 1000).toBe(expected);
  if (claimsOf(jwt).token_type === "access") {
    expect((await there.bearer(jwt)).authTimeMs).toBe(expected);
  }
});

it("opaque tokens, which no one sees into, know it too", async () => {
  const { startMs, session, api } = await logIn();
  await there.call("PUT", "/tokens", { json: { token: session, extend: true } });
  expect((await there.session(session)).authTimeMs).toBe(startMs);
  expect((await there.bearer(api)).authTimeMs).toBe(0);
});

it("an identity whose auth_time is no time opens nothing", async () => {
  for (const auth_time of ["yesterday", -1]) {
    expect((await there.call("GET", "/rest/auth", await byIdentity({ auth_time }))).status).toBe(
      401,
    );
  }
});
