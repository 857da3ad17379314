import { beforeEach, describe, expect, it, vi } from "vitest";
import { add, drop, newKey, promote } from "../../src/cli/keys/rotation.ts";
import { KEYS_MAX_AGE_SECONDS } from "../../src/core/token.ts";
import { jwts } from "../../src/crypto/jwt.ts";
import { type JwtKeySet, keyRing } from "../../src/crypto/keys.ts";
import { type Call, call, newUser, ORIGIN, type TestUser, textAt } from "../support/client.ts";
import { seeded } from "../races/gate.ts";
import { service } from "../support/service.ts";
import { claimsAt, keySet } from "./signing.ts";

const CLIENTS = 5;
/** Requests of each client while a deployment goes on. */
const ROUNDS = 20;
const START_MS = Date.parse("2027-01-01T00:00:00Z");

let users: readonly TestUser[];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(START_MS);
  users = await Promise.all(Array.from({ length: CLIENTS }, () => newUser()));
});

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

/** The service with one version of the secret; all of them have the same KV and D1. */
const instance = ({ keys }: JwtKeySet): Call => service({ JWT_KEYS: JSON.stringify({ keys }) });

const firstSet = async () => keySet(...add([], await newKey("ES256", Date.now()), Date.now()));
const withNewKey = async ({ keys }: JwtKeySet) =>
  keySet(...add(keys, await newKey("ES256", Date.now()), Date.now()));
/** With the lifetimes by default. */
const LAST_JWT_SECONDS = 86_400 + 300;
const time = () => ({ nowMs: Date.now(), lastJwtSeconds: LAST_JWT_SECONDS });
const kidAt = ({ keys }: JwtKeySet, state: string) =>
  keys.find((key) => key.state === state)?.kid ?? "";
const promoted = (set: JwtKeySet) => keySet(...promote(set, kidAt(set, "standby"), time()).keys);
const dropped = (set: JwtKeySet) => keySet(...drop(set, kidAt(set, "retiring"), time()).keys);

function memberOf(jwt: string, part: 0 | 1, name: string): unknown {
  const bytes = Uint8Array.fromBase64(jwt.split(".")[part] ?? "", { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes))[name];
}
const isAlive = (jwt: string) => Number(memberOf(jwt, 1, "exp")) * 1000 > Date.now();

interface Outcome {
  /** Good tokens that were refused, and bad ones that were taken. */
  readonly wrong: string[];
  /** Which key signed how many tokens. */
  readonly signed: Map<unknown, number>;
  good: number;
  bad: number;
}

/** Clients that log in, refresh, verify and call as long as a deployment goes on. */
function load() {
  const outcome: Outcome = { wrong: [], signed: new Map(), good: 0, bad: 0 };
  const pairs = new Map<TestUser, { access: string; refresh: string }>();
  const random = seeded(4);
  let requests = 0;

  function note(jwt: string): string {
    const kid = memberOf(jwt, 0, "kid");
    outcome.signed.set(kid, (outcome.signed.get(kid) ?? 0) + 1);
    return jwt;
  }

  async function client(user: TestUser, next: () => Call, forged: string): Promise<void> {
    const { email, password } = user;
    for (let round = 0; round < ROUNDS; round++) {
      const pair = pairs.get(user);
      if (pair === undefined || !isAlive(pair.refresh)) {
        const answer = await next()("POST", "/api/token/", { json: { email, password } });
        pairs.set(user, {
          access: note(textAt(answer, "access")),
          refresh: note(textAt(answer, "refresh")),
        });
        continue;
      }
      const { access, refresh } = pair;
      if (round % 3 === 0 || !isAlive(access)) {
        const answer = await next()("POST", "/api/token/refresh/", { json: { refresh } });
        expectGood(answer.status, refresh, "refresh");
        if (answer.status === 200)
          pairs.set(user, { refresh, access: note(textAt(answer, "access")) });
        continue;
      }
      const [calls, verifies] = await Promise.all([
        next()("GET", "/rest/user", { bearer: access }),
        next()("POST", "/api/token/verify/", { json: { token: refresh } }),
      ]);
      expectGood(calls.status, access, "call");
      expectGood(verifies.status, refresh, "verify");
      await bad(next, forged);
      await bad(next, `${access.slice(0, -10)}AAAAAAAAAA`);
    }
  }

  function expectGood(status: number, jwt: string, what: string): void {
    outcome.good++;
    if (status !== 200) outcome.wrong.push(`${what}: ${status} by ${memberOf(jwt, 0, "kid")}`);
  }

  async function bad(next: () => Call, jwt: string): Promise<void> {
    const { status } = await next()("GET", "/rest/user", { bearer: jwt });
    outcome.bad++;
    if (status !== 401) outcome.wrong.push(`a bad token: ${status}`);
  }

  return {
    outcome,
    /** All the clients at once; the instances that answer change while they ask. */
    async during(deployment: readonly (readonly Call[])[], forged: string): Promise<void> {
      const first = requests;
      const share = (CLIENTS * ROUNDS * 3) / deployment.length;
      const next = () => {
        const at = Math.min(Math.floor((requests - first) / share), deployment.length - 1);
        const running = deployment[at] ?? [];
        requests++;
        const answering = running[Math.floor(random() * running.length)];
        if (answering === undefined) throw new Error("nobody answers");
        return answering;
      };
      await Promise.all(users.map((user) => client(user, next, forged)));
    },
  };
}

/** A new version beside the old one, and then alone. */
const rollout = (old: JwtKeySet, next: JwtKeySet) => {
  const [before, after] = [instance(old), instance(next)];
  return [[before], [before, after], [after]];
};

/** What is signed with a key of the same kid that is not ours. */
async function forgedFor(set: JwtKeySet): Promise<string> {
  const theirs = { ...(await newKey("ES256", Date.now())), kid: kidAt(set, "active") };
  return signedBy(keySet(...add([], theirs, Date.now())));
}

const signedBy = (set: JwtKeySet) => {
  const [{ id: userId } = { id: "" }] = users;
  const claims = claimsAt(Math.floor(Date.now() / 1000), {
    userId,
    credentialVersion: 0,
    sid: null,
  });
  return jwts(keyRing(set), ORIGIN).sign(claims);
};

describe("rotation under load", { timeout: 60_000 }, () => {
  it("refuses no good token and takes no bad one, through a whole cycle", async () => {
    const { outcome, during } = load();
    const s0 = await firstSet();
    await during([[instance(s0)]], await forgedFor(s0));

    const s1 = await withNewKey(s0);
    await during(rollout(s0, s1), await forgedFor(s0));

    pass(KEYS_MAX_AGE_SECONDS);
    const s2 = promoted(s1);
    await during(rollout(s1, s2), await forgedFor(s2));
    const [old, young] = [kidAt(s0, "active"), kidAt(s2, "active")];
    expect([...outcome.signed.keys()].sort()).toEqual([old, young].sort());

    // The last JWT of the old key comes from an instance that is still to be replaced.
    pass(LAST_JWT_SECONDS - 86_400 - 1);
    const [user] = users;
    const last = await instance(s1)("POST", "/api/token/", { json: { ...user } });
    const refresh = textAt(last, "refresh");
    expect(memberOf(refresh, 0, "kid")).toBe(old);
    pass(86_400 - 1);
    expect((await instance(s2)("POST", "/api/token/refresh/", { json: { refresh } })).status).toBe(
      200,
    );
    expect(() => dropped(s2)).toThrow("may still be valid");

    pass(2.001);
    expect(isAlive(refresh)).toBe(false);
    const s3 = dropped(s2);
    const stolen = await signedBy(s0);
    expect((await instance(s2)("GET", "/rest/user", { bearer: stolen })).status).toBe(200);
    await during(rollout(s2, s3), await forgedFor(s3));
    await during([[instance(s3)]], stolen);

    expect(outcome.wrong).toEqual([]);
    expect(outcome.good).toBeGreaterThan(500);
    expect(outcome.bad).toBeGreaterThan(500);
  });

  it("sees what the steps are for: a key that signs at once is unknown to the old version", async () => {
    const { outcome, during } = load();
    const s0 = await firstSet();
    const sideBySide = [instance(s0), instance(promoted(await withNewKey(s0)))];
    await during([sideBySide], await forgedFor(s0));
    expect(outcome.wrong).not.toEqual([]);
  });

  it("sees what the wait is for: a key that is dropped at once leaves good tokens behind", async () => {
    const { outcome, during } = load();
    const s2 = promoted(await withNewKey(await firstSet()));
    const alone = keySet(...s2.keys.filter(({ state }) => state === "active"));
    const s1 = keySet(
      ...s2.keys.map((key) => ({ ...key, state: key.state === "active" ? "standby" : "active" })),
    );
    await during([[instance(s1), instance(alone)]], await forgedFor(s2));
    expect(outcome.wrong).not.toEqual([]);
  });
});

it("the JWK set may be kept for as long as promotion waits", async () => {
  const { headers } = await call("GET", "/.well-known/jwks.json");
  expect(headers.get("cache-control")).toBe(`public, max-age=${KEYS_MAX_AGE_SECONDS}`);
});
