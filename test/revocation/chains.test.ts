import { beforeEach, describe, expect, it, vi } from "vitest";
import { exchanged } from "../exchange/exchanging.ts";
import {
  type Answered,
  at,
  type Call,
  type Send,
  textAt,
  claimsOf,
  peopleOf,
  type TestUser,
} from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { isListedAsRevoked } from "../support/status-lists.ts";
import { atLocation } from "../support/stores.ts";
import { cross, isThorough, some } from "../support/thorough.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 60_000 });

const LAGS = [0, 30, 60, 300];
const DAY = 86_400;
const HALF_AN_HOUR = 1_800;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-01T12:00:00.250Z") });
});

const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

/** The service at this lag, and another isolate elsewhere that knows nothing of what this one did. */
function places(lag: number) {
  const settings = { REVOCATION_LAG_SECONDS: String(lag) };
  const bindings = () => atLocation(Math.min(60, lag));
  return [isolate(settings, bindings()), isolate(settings, bindings())] as const;
}

const good = (answer: Answered): Answered => {
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer;
};

const auth = async (call: Call, send: Send) =>
  textAt(good(await call("GET", "/rest/auth", send)), "payload", "token");

async function create(call: Call, send: Send, more: object = {}) {
  const json = { name: "derived", ttl: 30 * DAY, ...more };
  const answer = good(await call("POST", "/rest/token", { ...send, json }));
  return {
    secret: textAt(answer, "payload", "token"),
    uuid: textAt(answer, "payload", "uuid"),
    endMs: Date.parse(textAt(answer, "payload", "expired_on")),
  };
}

async function issue(call: Call, send: Send, contactId: string) {
  const json = { action: "addContact", payload: { contact_id: contactId }, max_uses: 100 };
  const answer = good(await call("POST", "/api/generate-action-token", { ...send, json }));
  return textAt(answer, "token", "token");
}

interface Family {
  readonly person: TestUser;
  readonly friend: TestUser;
  /** The person, by a credential that nothing here ends. */
  readonly owner: Send;
  readonly origin: { readonly send: Send; readonly token: string; readonly uuid?: string };
  /** JWTs, each obtained with the one before, the first with the origin. */
  readonly chain: readonly string[];
  /** Those of the chain that were exchanged: in a status list. */
  readonly listed: readonly string[];
  /** API tokens that were derived from the origin, in up to three steps. */
  readonly children: readonly string[];
  readonly actionTokens: readonly string[];
}

const ORIGINS = {
  async apiToken(call: Call, person: TestUser) {
    const { access } = await peopleOf(call).newPair(person);
    const { secret, uuid } = await create(call, { bearer: access }, { ttl: DAY });
    return { send: { bearer: secret }, token: secret, uuid };
  },
  async session(call: Call, person: TestUser) {
    const token = await peopleOf(call).newSession(person);
    return { send: { xToken: token }, token };
  },
  async "pair's access JWT"(call: Call, person: TestUser) {
    const { access, refresh } = await peopleOf(call).newPair(person);
    return { send: { bearer: access }, token: refresh };
  },
} as const;
type Origin = keyof typeof ORIGINS;

/** Whatever can be derived from an origin, in one, two and three steps. */
async function family(call: Call, origin: Origin): Promise<Family> {
  const [person, friend] = [await peopleOf(call).newUser(), await peopleOf(call).newUser()];
  const owner = { bearer: (await peopleOf(call).newPair(person)).access };
  const start = await ORIGINS[origin](call, person);
  const first = await auth(call, start.send);
  const second = await auth(call, { bearer: first });
  const third = await auth(call, { bearer: second });
  // Of the origin, of a JWT of it in the second step, and of an exchanged one in the next; and what they give.
  const ofOrigin = await exchanged(
    call,
    "bearer" in start.send ? start.send.bearer : start.send.xToken,
  );
  const ofSecond = await exchanged(call, second);
  const again = await exchanged(call, await auth(call, { bearer: ofOrigin }));
  const listed = [ofOrigin, ofSecond, again];
  const chain = [first, second, third, ...listed, await auth(call, { bearer: again })];
  if (origin !== "apiToken") {
    return { person, friend, owner, origin: start, chain, listed, children: [], actionTokens: [] };
  }
  const child = await create(call, start.send);
  const byJwt = await create(call, { bearer: second });
  const ofChild = await auth(call, { bearer: child.secret });
  const grandchild = await create(call, { bearer: ofChild });
  const byExchanged = await create(call, { bearer: ofSecond });
  const children = [child.secret, byJwt.secret, grandchild.secret, byExchanged.secret];
  const ofGrandchild = await auth(call, { bearer: grandchild.secret });
  return {
    person,
    friend,
    owner,
    origin: start,
    chain: [...chain, ofChild, ofGrandchild],
    listed: [...listed, await exchanged(call, grandchild.secret)],
    children,
    actionTokens: [
      await issue(call, start.send, friend.id),
      await issue(call, { bearer: first }, friend.id),
      await issue(call, { bearer: grandchild.secret }, friend.id),
    ],
  };
}

/** Which of all that was derived are taken, each by more than one route. */
async function taken(call: Call, { chain, children, actionTokens }: Family): Promise<string[]> {
  const found: string[] = [];
  for (const [index, token] of [...chain, ...children].entries()) {
    const name = index < chain.length ? `JWT ${index}` : `child ${index - chain.length}`;
    const { status } = await call("GET", "/rest/user", { bearer: token });
    if (status === 200) found.push(name);
    else expect([name, status]).toEqual([name, 401]);
    const derived = await call("GET", "/rest/auth", { bearer: token });
    if (derived.status === 200) found.push(`${name}: /rest/auth`);
  }
  for (const [index, token] of actionTokens.entries()) {
    const { status } = await call("POST", "/api/run-action-token", { json: { token } });
    if (status === 200) found.push(`action ${index}`);
    else expect([index, status]).toEqual([index, 422]);
  }
  return found;
}

/** Every way to end each origin; seconds until it has ended, where that is not at once. */
const WAYS: Readonly<Record<Origin, Readonly<Record<string, Way>>>> = {
  apiToken: {
    "deleted by its id": (call, { owner, origin }) =>
      call("DELETE", `/rest/token/${origin.uuid}`, owner),
    "deleted by its secret": (call, { owner, origin }) =>
      call("DELETE", `/rest/token/${origin.token}`, owner),
    "deleted by itself": (call, { origin }) =>
      call("DELETE", `/rest/token/${origin.uuid}`, origin.send),
    "reported as leaked": (call, { origin }) =>
      call("POST", "/rest/leaked", { json: { tokens: [origin.token] } }),
    "revoked by its holder": (call, { origin }) =>
      call("POST", "/oauth/revoke", { form: { token: origin.token } }),
    rotated: (call, { owner, origin }) =>
      call("POST", `/rest/token/${origin.uuid}/rotate`, { ...owner, json: {} }),
    "rotated by itself": (call, { origin }) =>
      call("POST", `/rest/token/${origin.uuid}/rotate`, { ...origin.send, json: {} }),
    "rotated with a grace": [
      (call, { owner, origin }) =>
        call("POST", `/rest/token/${origin.uuid}/rotate`, {
          ...owner,
          json: { grace_seconds: 30 },
        }),
      30,
    ],
    "given an earlier end": [
      (call, { owner, origin }) =>
        call("PATCH", `/rest/token/${origin.uuid}`, { ...owner, json: { ttl: 60 } }),
      60,
    ],
    "revoked with all": (call, { owner }) => call("DELETE", "/rest/token/all", owner),
    "over by itself": [async () => null, DAY],
  },
  session: {
    deleted: (call, { origin }) => call("DELETE", "/tokens", { xToken: origin.token }),
    "reported as leaked": (call, { origin }) =>
      call("POST", "/rest/leaked", { json: { tokens: [origin.token] } }),
    "revoked by its holder": (call, { origin }) =>
      call("POST", "/oauth/revoke", { form: { token: origin.token } }),
    "over by itself": [async () => null, 3600],
  },
  "pair's access JWT": {
    "deleted by its refresh JWT": (call, { owner, origin }) =>
      call("DELETE", `/rest/token/${origin.token}`, owner),
    "reported as leaked": (call, { origin }) =>
      call("POST", "/rest/leaked", { json: { tokens: [origin.token] } }),
    "revoked by its holder": (call, { origin }) =>
      call("POST", "/oauth/revoke", { form: { token: origin.token } }),
    "revoked by the access JWT": (call, { origin }) =>
      call("POST", "/rest/leaked", { json: { tokens: [origin.send.bearer] } }),
    "over by itself": [async () => null, DAY],
  },
};

type End = (call: Call, family: Family) => Promise<Answered | null>;
type Way = End | readonly [End, afterSeconds: number];

const ROWS = Object.entries(WAYS).flatMap(([origin, ways]) =>
  Object.entries(ways).map(([name, way]) => [origin as Origin, name, way] as const),
);

describe("at every revocation lag", () => {
  it.for(cross(ROWS, LAGS).map(([row, lag]) => [...row, lag] as const))(
    "nothing that was derived outlives an origin: %s, %s",
    async ([origin, , way, lag]) => {
      const [here, there] = places(lag);
      const derived = await family(here.call, origin);
      await here.settled();
      const all = await taken(there.call, derived);
      expect(all).toHaveLength(
        2 * (derived.chain.length + derived.children.length) + derived.actionTokens.length,
      );

      for (const jwt of derived.listed) {
        expect(await isListedAsRevoked(jwt, there.call)).toBe(false);
      }

      const [end, afterSeconds] = typeof way === "function" ? [way, 0] : way;
      const ended = await end(here.call, derived);
      if (ended !== null) expect(ended.status).toBe(200);
      await here.settled();
      if (lag === 0 && afterSeconds === 0) expect(await taken(there.call, derived)).toEqual([]);
      later(lag + afterSeconds);
      // Verifiers far away learn of it, at every lag.
      const [list] = places(lag);
      for (const jwt of derived.listed) {
        // One that has expired by any clock is listed no more.
        const isLongOver = Number(claimsOf(jwt).exp) < Date.now() / 1000 - HALF_AN_HOUR;
        expect(isLongOver || (await isListedAsRevoked(jwt, list.call))).toBe(true);
      }
      for (const { call } of [here, there]) expect(await taken(call, derived)).toEqual([]);
      // Nor when nothing is left of it but what its descendants say.
      for (const days of isThorough ? [1, 3] : [4]) {
        later(days * DAY);
        await here.housekeeping();
        for (const { call } of isThorough ? [here, there] : [there]) {
          expect(await taken(call, derived)).toEqual([]);
        }
      }
    },
  );

  it.for(LAGS.flatMap((lag) => [0, 1, 2].map((at) => [at, lag] as const)))(
    "a JWT ends its whole chain, and not what is behind it: number %i, at a lag of %i s",
    async ([at, lag]) => {
      const [here, there] = places(lag);
      const origins = ["apiToken", "session", "pair's access JWT"] as const;
      for (const origin of some(origins, at + LAGS.indexOf(lag))) {
        const person = await here.newUser();
        const { send } = await ORIGINS[origin](here.call, person);
        const first = await auth(here.call, send);
        const second = await auth(here.call, { bearer: first });
        const chain = [first, second, await auth(here.call, { bearer: second })];
        const other = await auth(here.call, send);
        const json = { tokens: [chain[at]] };
        expect((await here.call("POST", "/rest/leaked", { json })).text).toContain('"revoked":1');
        await here.settled();
        later(lag);
        for (const bearer of chain) {
          const { status } = await there.call("GET", "/rest/user", { bearer });
          expect([origin, status]).toEqual([origin, 401]);
        }
        if (lag < 300) expect((await there.call("GET", "/rest/user", send)).status).toBe(200);
        expect((await there.call("GET", "/rest/user", { bearer: other })).status).toBe(200);
        // A second report has nothing left to end.
        expect((await here.call("POST", "/rest/leaked", { json })).text).toContain('"revoked":0');
      }
    },
  );
});

describe("no credential gives what it has not", () => {
  const { call } = isolate();

  it.for(["the token", "a JWT of it", "a JWT of that"])("in time: %s", async (which) => {
    const person = await peopleOf(call).newUser();
    const owner = { bearer: (await peopleOf(call).newPair(person)).access };
    const token = await create(call, owner, { ttl: 600 });
    const other = await create(call, owner, { ttl: 900 });
    const first = await auth(call, { bearer: token.secret });
    const second = await auth(call, { bearer: first });
    const bearer = { "the token": token.secret, "a JWT of it": first, "a JWT of that": second }[
      which
    ];
    const send: Send = { bearer: bearer ?? "" };
    expect(Number(claimsOf(second).exp) * 1000).toBeLessThanOrEqual(token.endMs);
    expect((await create(call, send)).endMs).toBeLessThanOrEqual(token.endMs);
    for (const uuid of [token.uuid, other.uuid]) {
      const json = { ttl: DAY };
      const answer = await call("PATCH", `/rest/token/${uuid}`, { ...send, json });
      expect([uuid === token.uuid, answer.status]).toEqual([uuid === token.uuid, 403]);
    }
    // The successor of another's is one of its own making.
    const path = `/rest/token/${other.uuid}/rotate`;
    const rotated = good(await call("POST", path, { ...send, json: {} }));
    expect(Date.parse(textAt(rotated, "payload", "expired_on"))).toBeLessThanOrEqual(token.endMs);
    good(await call("DELETE", `/rest/token/${token.uuid}`, owner));
    const successor = { bearer: textAt(rotated, "payload", "token") };
    expect((await call("GET", "/rest/user", successor)).status).toBe(401);
  });

  it.for([0, 30, 300])(
    "in time, though its parent's end was moved up: at a lag of %i s",
    async (lag) => {
      const [here, there] = places(lag);
      const owner = { bearer: (await here.newCaller()).access };
      const parent = await create(here.call, owner);
      const child = await create(here.call, { bearer: parent.secret });
      for (const { secret } of [parent, child]) {
        good(await there.call("GET", "/rest/user", { bearer: secret }));
      }
      const json = { ttl: 600 };
      const path = `/rest/token/${parent.uuid}`;
      const moved = good(await here.call("PATCH", path, { ...owner, json }));
      const endMs = Date.parse(textAt(moved, "payload", "expired_on"));
      for (const { call } of [here, there]) {
        for (const { secret: bearer } of [parent, child]) {
          expect(Number(claimsOf(await auth(call, { bearer })).exp) * 1000).toBeLessThanOrEqual(
            endMs,
          );
          expect((await create(call, { bearer })).endMs).toBeLessThanOrEqual(endMs);
        }
      }
    },
  );

  it("in scope: nor to a token that has more", async () => {
    const owner = { bearer: (await peopleOf(call).newCaller()).access };
    const wide = await create(call, owner);
    const narrow = await create(call, owner, { scopes: ["tokens:write"], ttl: 60 * DAY });
    const json = { ttl: 40 * DAY };
    const send = { bearer: narrow.secret, json };
    const answer = await call("PATCH", `/rest/token/${wide.uuid}`, send);
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining("scope")]);
    good(await call("PATCH", `/rest/token/${wide.uuid}`, { ...owner, json }));
  });

  it("in depth: four levels of API tokens", async () => {
    const owner = { bearer: (await peopleOf(call).newCaller()).access };
    let send: Send = owner;
    for (let level = 1; level <= 4; level++) {
      // By way of a JWT it is no other level.
      const jwt = level === 3 ? { bearer: await auth(call, send) } : send;
      send = { bearer: (await create(call, jwt)).secret };
    }
    const json = { name: "fifth" };
    for (const deep of [send, { bearer: await auth(call, send) }]) {
      expect((await call("POST", "/rest/token", { ...deep, json })).status).toBe(403);
    }
  });

  it("in number: a thousand active API tokens", async () => {
    const person = await peopleOf(call).newUser();
    const owner = { bearer: (await peopleOf(call).newPair(person)).access };
    const first = await create(call, owner);
    await DB.prepare(
      `INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, detail)
       SELECT unhex(hex(substr(id, 1, 12)) || printf('%08x', n.value)), kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, detail
       FROM tokens, (SELECT value FROM json_each(?)) AS n WHERE id = ?`,
    )
      .bind(JSON.stringify(Array.from({ length: 999 }, (_, n) => n)), first.uuid)
      .run();
    const json = { name: "one more" };
    expect((await call("POST", "/rest/token", { ...owner, json })).status).toBe(409);
    good(await call("DELETE", `/rest/token/${first.uuid}`, owner));
    good(await call("POST", "/rest/token", { ...owner, json }));
  });

  it("in power: a JWT with a scope names no role, and the gateway is told the scope", async () => {
    const person = await peopleOf(call).newUser();
    await DB.prepare("UPDATE users SET role = 'Admin' WHERE id = ?").bind(person.id).run();
    const owner = { bearer: (await peopleOf(call).newPair(person)).access };
    const narrow = await create(call, owner, { scopes: ["account:read"] });
    const answer = good(await call("GET", "/rest/auth", { bearer: narrow.secret }));
    const claims = claimsOf(textAt(answer, "payload", "token"));
    expect([claims.role, claims.scope]).toEqual([undefined, "account:read"]);
    expect(answer.headers.get("x-auth-scope")).toBe("account:read");
    expect(claimsOf(await auth(call, owner)).role).toBe("Admin");
  });

  it("by leaving a credential out: an action token of a token that may not run actions", async () => {
    const [person, friend] = [await peopleOf(call).newUser(), await peopleOf(call).newUser()];
    const owner = { bearer: (await peopleOf(call).newPair(person)).access };
    const narrow = await create(call, owner, { scopes: ["actions:issue"] });
    const token = await issue(call, { bearer: narrow.secret }, friend.id);
    const run = (send: Send) => call("POST", "/api/run-action-token", { ...send, json: { token } });
    expect((await run({})).status).toBe(401);
    expect((await run({ bearer: narrow.secret })).status).toBe(403);
    expect((await run(owner)).status).toBe(200);
  });
});

describe("a token that was rotated with a grace", () => {
  const { call } = isolate();

  it("can only end sooner", async () => {
    const [person, friend] = [await peopleOf(call).newUser(), await peopleOf(call).newUser()];
    const owner = { bearer: (await peopleOf(call).newPair(person)).access };
    const old = await create(call, owner);
    const oldChild = await create(call, { bearer: old.secret });
    const path = `/rest/token/${old.uuid}`;
    const rotate = { json: { grace_seconds: 300 } };
    good(await call("POST", `${path}/rotate`, { ...owner, ...rotate }));
    const jwt = await auth(call, { bearer: old.secret });
    for (const send of [owner, { bearer: old.secret }, { bearer: jwt }]) {
      for (const json of [{ ttl: DAY }, { name: "new" }, { name: "new", ttl: 60 }]) {
        expect((await call("PATCH", path, { ...send, json })).status).toBe(409);
      }
      expect((await call("POST", `${path}/rotate`, { ...send, ...rotate })).status).toBe(409);
    }
    const other = await create(call, owner);
    for (const send of [{ bearer: old.secret }, { bearer: jwt }, { bearer: oldChild.secret }]) {
      const json = { name: "child" };
      expect((await call("POST", "/rest/token", { ...send, json })).status).toBe(409);
      const otherPath = `/rest/token/${other.uuid}`;
      expect((await call("PATCH", otherPath, { ...send, json })).status).toBe(409);
      expect((await call("POST", `${otherPath}/rotate`, { ...send, ...rotate })).status).toBe(409);
      const action = { action: "addContact", payload: { contact_id: friend.id } };
      const issued = await call("POST", "/api/generate-action-token", { ...send, json: action });
      expect(issued.status).toBe(409);
    }
    expect((await call("GET", "/rest/user", { bearer: oldChild.secret })).status).toBe(200);
    good(await call("PATCH", path, { ...owner, json: { ttl: 60 } }));
    later(61);
    for (const bearer of [old.secret, oldChild.secret, jwt]) {
      expect((await call("GET", "/rest/user", { bearer })).status).toBe(401);
    }
  });
});

describe.for(LAGS)("at a revocation lag of %i s", (lag) => {
  it("log out everywhere else: JWTs that were obtained with a password alone too", async () => {
    const [here, there] = places(lag);
    const person = await here.newUser();
    const first = await auth(here.call, { basic: person });
    const second = await auth(here.call, { bearer: first });
    const listed = await exchanged(here.call, second);
    const all = [first, second, listed];
    for (const bearer of all) good(await there.call("GET", "/rest/user", { bearer }));
    const session = await here.newSession(person);
    await here.services.logins.revokeOthers(await here.session(session), Date.now());
    await here.settled();
    later(lag);
    for (const bearer of all) {
      expect((await there.call("GET", "/rest/user", { bearer })).status).toBe(401);
      expect((await there.call("GET", "/rest/auth", { bearer })).status).toBe(401);
    }
    expect(await isListedAsRevoked(listed, places(lag)[0].call)).toBe(true);
    good(await there.call("GET", "/tokens", { xToken: session }));
    good(
      await there.call("GET", "/rest/user", { bearer: await auth(here.call, { basic: person }) }),
    );
  });
});

describe("what is issued anew has the bounds of what it replaces", () => {
  const { call } = isolate();

  it("a new password, shown by an API token's JWT", async () => {
    const person = await peopleOf(call).newUser();
    const owner = { bearer: (await peopleOf(call).newPair(person)).access };
    const token = await create(call, owner, {
      ttl: 600,
      scopes: ["account:read", "account:write"],
    });
    const jwt = await auth(call, { bearer: token.secret });
    const json = { password: "another password", current_password: person.password };
    const changed = good(await call("PATCH", "/rest/user", { bearer: jwt, json }));
    const renewed = textAt(changed, "payload", "token");
    const { exp, scope, end } = claimsOf(renewed);
    expect([exp, scope, end]).toEqual([claimsOf(jwt).exp, claimsOf(jwt).scope, claimsOf(jwt).end]);
    expect((await call("GET", "/rest/user", { bearer: token.secret })).status).toBe(401);
    const next = await auth(call, { bearer: renewed });
    const again = { ...person, password: "another password" };
    good(
      await call("DELETE", "/rest/token/all", {
        bearer: (await peopleOf(call).newPair(again)).access,
      }),
    );
    for (const bearer of [renewed, next]) {
      expect((await call("GET", "/rest/user", { bearer })).status).toBe(401);
    }
  });

  it("a report counts what was active: not what has ended with all", async () => {
    const owner = { bearer: (await peopleOf(call).newCaller()).access };
    const token = await create(call, owner);
    const child = await create(call, { bearer: token.secret });
    good(await call("DELETE", `/rest/token/${token.uuid}`, owner));
    const other = await create(call, owner);
    good(await call("DELETE", "/rest/token/all", owner));
    const json = { tokens: [token.secret, child.secret, other.secret] };
    expect(at(await call("POST", "/rest/leaked", { json }), "payload", "revoked")).toBe(0);
  });

  it("a code that many may use is revoked by its issuer alone", async () => {
    const [person, friend] = [await peopleOf(call).newUser(), await peopleOf(call).newUser()];
    const { access } = await peopleOf(call).newPair(person);
    const owner = { bearer: access };
    const token = await issue(call, owner, friend.id);
    const json = { tokens: [token] };
    expect(at(await call("POST", "/rest/leaked", { json }), "payload", "revoked")).toBe(0);
    await call("POST", "/oauth/revoke", { form: { token } });
    const stranger = await create(call, { bearer: (await peopleOf(call).newPair(friend)).access });
    await call("POST", "/oauth/revoke", { form: { token }, bearer: stranger.secret });
    good(await call("POST", "/api/run-action-token", { json: { token } }));
    const own = await create(call, owner);
    await call("POST", "/oauth/revoke", { form: { token }, bearer: own.secret });
    expect((await call("POST", "/api/run-action-token", { json: { token } })).status).toBe(422);
  });
});
