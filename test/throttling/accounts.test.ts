import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  ACCOUNT_TRIES,
  bot,
  CREDENTIAL_TRIES,
  routeKey,
  NETWORK_TRIES,
  RIGHT,
  statusesOf,
  TRY_MS,
  WRONG,
} from "./door.ts";
import { type Send, textAt } from "../support/client.ts";
import { some } from "../support/thorough.ts";
import { WAYS } from "./ways.ts";
import { DB } from "../support/database.ts";

const HOME = "192.0.2.1";
const CAFE = "198.51.100.7";
const ATTACKER = "203.0.113.9";

const { from, login, newOwner, newOwnerAt, settled, hashes } = routeKey();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  hashes();
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

async function wrongFrom(address: string, email: string, times: number) {
  const answers = [];
  for (let i = 0; i < times; i++) answers.push(await login(address, email, WRONG));
  return answers;
}

/** More than an account allows. */
const MANY = ACCOUNT_TRIES + 20;

/** One wrong password from each of so many networks, all at once. */
const botnet = (email: string, bots: number, first = 0) =>
  Promise.all(Array.from({ length: bots }, (_, i) => login(bot(first + i), email, WRONG)));

describe("the attacker", () => {
  it.each(WAYS)("is refused at $name after what was tried elsewhere", async (way) => {
    const owner = await newOwnerAt(HOME);
    hashes();
    // Round all ways, so that they share what is counted.
    for (let i = 0; i < NETWORK_TRIES; i++) {
      const other = WAYS[i % WAYS.length];
      expect((await other?.try(from, ATTACKER, owner, WRONG))?.status).toBe(other?.wrong);
    }
    expect(hashes()).toBe(NETWORK_TRIES);
    for (const password of [WRONG, RIGHT]) {
      const answer = await way.try(from, ATTACKER, owner, password);
      const seconds = Number(answer.headers.get("retry-after"));
      expect(answer).toMatchObject({ status: 429, json: way.throttled(seconds) });
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(TRY_MS / 1000);
    }
    expect(hashes()).toBe(0);
  });

  it.each([
    ["as many networks", bot, ACCOUNT_TRIES],
    ["one network", () => ATTACKER, NETWORK_TRIES],
    ["the owner's own network", () => HOME, NETWORK_TRIES],
  ])("gets no more tries from %s with many at the same instant", async (_, address, tries) => {
    const { email } = await newOwnerAt(HOME);
    hashes();
    const answers = await Promise.all(
      Array.from({ length: MANY }, (_, index) => login(address(index), email, WRONG)),
    );
    expect(statusesOf(answers)).toEqual({ 400: tries, 429: MANY - tries });
    expect(hashes()).toBe(tries);
  });

  it("learns nothing of whether there is an account", async () => {
    const { email } = await newOwner();
    const seen = [];
    for (const each of [email, "nobody@example.com", ` ${"Nobody2@EXAMPLE.com "}`]) {
      const answers = [...(await wrongFrom(ATTACKER, each, NETWORK_TRIES + 2))];
      answers.push(...(await botnet(each, ACCOUNT_TRIES)));
      answers.push(...(await wrongFrom(HOME, each, 1)));
      seen.push({
        answers: answers.map(({ status, text, headers }) => ({
          status,
          text,
          headers: Object.fromEntries(headers),
        })),
        hashes: hashes(),
      });
    }
    expect(seen[0]?.hashes).toBe(ACCOUNT_TRIES);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  const attacks = [
    ["alone", 0],
    ["while others attack too", ACCOUNT_TRIES - 10],
    ["after others have used up all", ACCOUNT_TRIES],
  ] as const;
  it.each(some(attacks, 0, 2))(
    "learns nothing of it from a network that the owner uses, %s",
    async (_, bots) => {
      const seen = [];
      for (const each of [
        (await newOwnerAt(HOME)).email,
        (await newOwner()).email,
        `${crypto.randomUUID()}@example.com`,
      ]) {
        await botnet(each, bots);
        const answers = await wrongFrom(HOME, each, NETWORK_TRIES + 4);
        seen.push(
          answers.map(({ status, text, headers }) => [status, text, Object.fromEntries(headers)]),
        );
      }
      expect(seen[0]).toEqual(seen[2]);
      expect(seen[1]).toEqual(seen[2]);
    },
  );

  it.each<readonly [string, (owner: { session: string; email: string }) => Promise<Send>]>([
    ["a session", async ({ session }) => ({ xToken: session })],
    [
      "an API token",
      async ({ session: xToken }) => {
        const json = { name: "stolen" };
        const answer = await from(HOME, "POST", "/rest/token", { xToken, json });
        return { bearer: textAt(answer, "payload", "token") };
      },
    ],
    [
      "an access JWT",
      async ({ email }) => {
        const json = { email, password: RIGHT };
        return { bearer: textAt(await from(HOME, "POST", "/api/token/", { json }), "access") };
      },
    ],
    [
      "a JWT got with a session",
      async ({ session: xToken }) => {
        const answer = await from(HOME, "GET", "/rest/auth", { xToken });
        return { bearer: textAt(answer, "payload", "token") };
      },
    ],
  ])(
    "guesses ten times with %s that was stolen, which then is ended, and keeps nobody out",
    async (_, make) => {
      const owner = await newOwnerAt(HOME);
      const stolen = await make(owner);
      await settled();
      hashes();
      for (let i = 0; i < 3 * CREDENTIAL_TRIES; i++) {
        const json = { password: "another password", current_password: WRONG };
        const answer = await from(bot(i % 8), "PATCH", "/rest/user", { ...stolen, json });
        expect(answer.status).toBe(401);
      }
      expect(hashes()).toBe(CREDENTIAL_TRIES);
      expect((await from(ATTACKER, "GET", "/rest/user", stolen)).status).toBe(401);
      const basic = { email: owner.email, password: RIGHT };
      const json = { password: "another password", current_password: RIGHT };
      expect((await from(CAFE, "PATCH", "/rest/user", { basic, json })).status).toBe(200);
    },
  );

  it("does not get round it by the spelling of the email", async () => {
    const { email } = await newOwner();
    await wrongFrom(ATTACKER, ` ${email.toUpperCase()} `, NETWORK_TRIES);
    expect(await login(ATTACKER, email, WRONG)).toMatchObject({ status: 429 });
  });

  it("does not get round it by moving about in an IPv6 network", async () => {
    const { email } = await newOwner();
    for (let i = 0; i < NETWORK_TRIES; i++) {
      const answer = await login(`2001:db8:1:2:${i.toString(16)}::1`, email, WRONG);
      expect(answer.status).toBe(400);
    }
    expect((await login("2001:DB8:1:2:ffff::", email, WRONG)).status).toBe(429);
    expect((await login("2001:db8:1:3::1", email, WRONG)).status).toBe(400);
  });

  it("does not get round it by writing an IPv4 address as IPv6", async () => {
    const { email } = await newOwner();
    await wrongFrom(ATTACKER, email, NETWORK_TRIES);
    expect((await login(`::ffff:${ATTACKER}`, email, WRONG)).status).toBe(429);
  });

  it("gets no new tries out of the owner's own logins", async () => {
    const { email } = await newOwnerAt(HOME);
    await botnet(email, ACCOUNT_TRIES);
    expect((await login(HOME, email, RIGHT)).status).toBe(200);
    await settled();
    expect((await login(bot(500), email, WRONG)).status).toBe(429);
  });

  it("gets four an hour, once all are used up", async () => {
    const { email } = await newOwner();
    await botnet(email, ACCOUNT_TRIES);
    for (let i = 0; i < 4; i++) {
      pass(TRY_MS);
      const answers = await botnet(email, 3, 1_000 + 3 * i);
      expect(statusesOf(answers)).toEqual({ 400: 1, 429: 2 });
    }
  });
});

describe("the owner", () => {
  it("gets in from a network that they logged in from before, while a flood runs", async () => {
    const { email } = await newOwnerAt(HOME);
    for (let wave = 0; wave < 4; wave++) {
      const flood = botnet(email, 100, 100 * wave);
      expect((await login(HOME, email, RIGHT)).status).toBe(200);
      await flood;
      await settled();
    }
    const basic = { email, password: RIGHT };
    expect((await from(HOME, "GET", "/rest/user", { basic })).status).toBe(200);
    const json = { gender: "f", password: "another password", current_password: RIGHT };
    expect((await from(HOME, "PATCH", "/rest/user", { basic, json })).status).toBe(200);
  });

  it("still has that network where their email is a new one", async () => {
    const { email } = await newOwnerAt(HOME);
    const json = { email: `new-${email}`, current_password: RIGHT };
    const basic = { email, password: RIGHT };
    expect((await from(HOME, "PATCH", "/rest/user", { basic, json })).status).toBe(200);
    await settled();
    await botnet(json.email, 100);
    expect((await login(HOME, json.email, RIGHT)).status).toBe(200);
  });

  it("gets in from elsewhere while one network attacks", async () => {
    const { email } = await newOwner();
    await wrongFrom(ATTACKER, email, 2 * NETWORK_TRIES);
    expect((await login(CAFE, email, RIGHT)).status).toBe(200);
  });

  it("is slowed elsewhere, and told for how long", async () => {
    const { email } = await newOwner();
    await botnet(email, MANY);
    const answer = await login(CAFE, email, RIGHT);
    expect(answer.status).toBe(429);
    const seconds = Number(answer.headers.get("retry-after"));
    pass((seconds - 1) * 1000);
    expect((await login(CAFE, email, RIGHT)).status).toBe(429);
    pass(1000);
    expect((await login(CAFE, email, RIGHT)).status).toBe(200);
  });

  it("is as known after 90 days as on the first, and not after that", async () => {
    const { email } = await newOwnerAt(HOME);
    pass(90 * 86_400_000 - 1);
    await botnet(email, 100);
    expect((await login(HOME, email, RIGHT)).status).toBe(200);
    await settled();
    // Times of networks are hours.
    pass(90 * 86_400_000 + 3_600_000);
    await botnet(email, 100);
    expect((await login(HOME, email, RIGHT)).status).toBe(429);
  });

  it("is never slowed by being right", async () => {
    const { id, email } = await newOwner();
    for (let i = 0; i < MANY; i++) {
      expect((await login(CAFE, email, RIGHT)).status).toBe(200);
      await settled();
    }
    const many = Array.from({ length: NETWORK_TRIES }, () => login(CAFE, email, RIGHT));
    expect(statusesOf(await Promise.all(many))).toEqual({ 200: NETWORK_TRIES });
    await settled();
    // Not even a little: nothing is left of so many.
    const { results } = await DB.prepare(
      "SELECT id FROM login_attempts WHERE substr(id, 1, 36) = ? AND drained_at > ?",
    )
      .bind(id, Date.now())
      .all();
    expect(results).toEqual([]);
  });

  it("has the tries that were left where they were right at last", async () => {
    const { email } = await newOwner();
    await wrongFrom(CAFE, email, NETWORK_TRIES - 6);
    expect((await login(CAFE, email, RIGHT)).status).toBe(200);
    await settled();
    await wrongFrom(CAFE, email, 5);
    expect((await login(CAFE, email, RIGHT)).status).toBe(200);
  });
});

it("is counted where no address is known, too", async () => {
  const { email } = await newOwner();
  for (let i = 0; i < NETWORK_TRIES; i++) await login(null, email, WRONG);
  expect((await login(null, email, WRONG)).status).toBe(429);
});

it("keeps neither email nor address", async () => {
  const { email } = await newOwnerAt(HOME);
  await wrongFrom(ATTACKER, email, 1);
  await wrongFrom(ATTACKER, "somebody.else@example.com", 1);
  const { results } = await DB.prepare("SELECT * FROM login_attempts").all();
  const text = JSON.stringify(results);
  expect(text).not.toMatch(/@|example/);
  for (const address of [HOME, ATTACKER]) expect(text).not.toContain(address);
});
