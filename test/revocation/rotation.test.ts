import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Answered, type Call, textAt, claimsOf, peopleOf } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";

vi.setConfig({ testTimeout: 30_000 });

const NOON_MS = Date.parse("2026-11-01T12:00:00.700Z");
const ON = { ROTATE_REFRESH_TOKENS: "on" };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
});

const later = (ms: number) => vi.setSystemTime(NOON_MS + ms);
const send = (call: Call, refresh: string) =>
  call("POST", "/api/token/refresh/", { json: { refresh } });
const verify = async (call: Call, token: string) =>
  (await call("POST", "/api/token/verify/", { json: { token } })).status;

async function begin(settings: Readonly<Record<string, string>> = ON) {
  const { call } = isolate(settings);
  const person = await peopleOf(call).newUser();
  return { call, person, ...(await peopleOf(call).newPair(person)) };
}

/** Rotates, and must succeed. */
async function next(call: Call, refresh: string): Promise<string> {
  return textAt(await send(call, refresh), "refresh");
}

const REFUSED = {
  status: 401,
  json: { detail: "Token is invalid or expired", code: "token_not_valid" },
};

it("is off by default: one refresh token, used again and again", async () => {
  const { call, refresh } = await begin({});
  for (const ms of [0, 5_000, 3_600_000, 86_000_000]) {
    later(ms);
    const answer = await send(call, refresh);
    expect(answer.status).toBe(200);
    expect(Object.keys(Object(answer.json))).toEqual(["access"]);
  }
  later(86_400_000);
  expect(await send(call, refresh)).toMatchObject(REFUSED);
});

it("each refresh token is replaced by the next of its family, a day long", async () => {
  const { call, refresh } = await begin();
  let token = refresh;
  const first = claimsOf(refresh);
  for (let rotation = 1; rotation <= 5; rotation++) {
    later(rotation * 80_000_000);
    const answer = await send(call, token);
    token = textAt(answer, "refresh");
    const iat = Math.floor((NOON_MS + rotation * 80_000_000) / 1000);
    expect(claimsOf(token)).toMatchObject({ rotation, sid: first.sid, iat, exp: iat + 86_400 });
    expect(claimsOf(token).auth_time).toBe(first.auth_time);
    expect(claimsOf(token).jti).not.toBe(first.jti);
    expect(await verify(call, textAt(answer, "access"))).toBe(200);
  }
});

describe("the grace of 10 s", () => {
  it.for([0, 1, 5_000, 9_999])(
    "after %i ms the spent token gets the same successor",
    async (ms) => {
      const { call, refresh } = await begin();
      const successor = claimsOf(await next(call, refresh));
      later(ms);
      const again = await send(isolate(ON).call, refresh);
      expect(claimsOf(textAt(again, "refresh"))).toEqual(successor);
      expect(await verify(call, textAt(again, "access"))).toBe(200);
      // The family goes on from it.
      expect((await send(call, textAt(again, "refresh"))).status).toBe(200);
    },
  );

  it("ends to the millisecond, and then the family with it, for good", async () => {
    const { call, refresh, access } = await begin();
    const successor = await next(call, refresh);
    later(10_000);
    expect(await send(call, refresh)).toMatchObject(REFUSED);
    expect(await send(call, successor)).toMatchObject(REFUSED);
    for (const token of [refresh, successor, access]) expect(await verify(call, token)).toBe(401);
    later(20_000);
    expect(await send(call, successor)).toMatchObject(REFUSED);
  });

  it("is not for a token two steps behind", async () => {
    const { call, refresh } = await begin();
    const second = await next(call, refresh);
    const third = await next(call, second);
    expect(await send(call, refresh)).toMatchObject(REFUSED);
    expect(await send(call, third)).toMatchObject(REFUSED);
    expect(await verify(call, third)).toBe(401);
  });
});

describe("theft", () => {
  it("is noticed when the owner comes first", async () => {
    const { call, refresh } = await begin();
    const owners = await next(call, refresh);
    later(60_000);
    expect(await send(call, refresh)).toMatchObject(REFUSED);
    expect(await send(call, owners)).toMatchObject(REFUSED);
  });

  it("is noticed when the thief comes first, however far they have gone on", async () => {
    const { call, refresh } = await begin();
    let thiefs = refresh;
    let access = "";
    for (let i = 1; i <= 3; i++) {
      later(i * 1000);
      const answer: Answered = await send(call, thiefs);
      thiefs = textAt(answer, "refresh");
      access = textAt(answer, "access");
    }
    later(3_600_000);
    expect(await send(call, refresh)).toMatchObject(REFUSED);
    later(0);
    expect(await send(call, thiefs)).toMatchObject(REFUSED);
    expect(await verify(call, access)).toBe(401);
  });

  it("ends the one login, and no other of the user", async () => {
    const { call, person, refresh } = await begin();
    const other = await peopleOf(call).newPair(person);
    await next(call, refresh);
    later(60_000);
    await send(call, refresh);
    expect(await verify(call, other.access)).toBe(200);
    expect((await send(call, other.refresh)).status).toBe(200);
  });

  it("ends it also where only KV is asked", async () => {
    const settings = { ...ON, REVOCATION_LAG_SECONDS: "60" };
    const { call, refresh, access } = await begin(settings);
    const successor = await next(call, refresh);
    expect(await verify(call, successor)).toBe(200);
    later(60_000);
    expect(await send(call, refresh)).toMatchObject(REFUSED);
    const elsewhere = isolate(settings).call;
    for (const token of [access, successor]) expect(await verify(elsewhere, token)).toBe(401);
  });
});

it("a refresh whose answer was lost can be repeated", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const { call, refresh } = await begin();
  let lost = 0;
  const losing = isolate(
    ON,
    intercept(async ({ statements }, run) => {
      const answer = await run();
      if (!statements.some((text) => text.startsWith("UPDATE tokens SET rotation"))) return answer;
      lost += 1;
      throw new Error("the connection broke");
    }),
  );
  expect((await send(losing.call, refresh)).status).toBe(503);
  expect(lost).toBe(1);
  later(3_000);
  const repeated = claimsOf(await next(call, refresh));
  expect(repeated).toMatchObject({ rotation: 1, iat: Math.floor(NOON_MS / 1000) });
});

it("a family does not rotate once it has ended in another way", async () => {
  for (const end of [
    ({ call, refresh, access }: Awaited<ReturnType<typeof begin>>) =>
      call("DELETE", `/rest/token/${refresh}`, { bearer: access }),
    ({ call, person }: Awaited<ReturnType<typeof begin>>) =>
      call("PATCH", "/rest/user", {
        basic: person,
        json: { password: "another password", current_password: person.password },
      }),
    ({ call, person }: Awaited<ReturnType<typeof begin>>) =>
      call("DELETE", "/rest/user", { basic: person, json: { password: person.password } }),
  ]) {
    const login = await begin();
    const successor = await next(login.call, login.refresh);
    const last = await next(login.call, successor);
    expect((await end({ ...login, refresh: last })).status).toBe(200);
    // Within the grace, too.
    expect(await send(login.call, successor)).toMatchObject(REFUSED);
    expect(await send(login.call, last)).toMatchObject(REFUSED);
  }
});

it("a spent refresh token ends its family at DELETE /rest/token, as any of it does", async () => {
  const { call, refresh, access } = await begin();
  const successor = await next(call, refresh);
  const answer = await call("DELETE", `/rest/token/${refresh}`, { bearer: access });
  expect(answer.status).toBe(200);
  expect(await send(call, successor)).toMatchObject(REFUSED);
});

it("a log-in that is refreshed each day ends at last, 30 days after it began", async () => {
  const { call, refresh } = await begin();
  const DAY_MS = 86_400_000;
  const endSeconds = Number(claimsOf(refresh).auth_time) + (30 * DAY_MS) / 1000;
  let token = refresh;
  for (let day = 1; day <= 32; day++) {
    later(day * (DAY_MS - 3_600_000));
    token = await next(call, token);
    expect(Number(claimsOf(token).exp)).toBeLessThanOrEqual(endSeconds);
    if (Number(claimsOf(token).exp) === endSeconds) break;
  }
  expect(Number(claimsOf(token).exp)).toBe(endSeconds);
  vi.setSystemTime(endSeconds * 1000 - 1_000);
  const last = await send(call, token);
  expect(last.status).toBe(200);
  // What the last refresh gave does not outlive the log-in either.
  expect(Number(claimsOf(textAt(last, "access")).exp)).toBe(endSeconds);
  vi.setSystemTime(endSeconds * 1000);
  expect(await send(call, textAt(last, "refresh"))).toMatchObject(REFUSED);
});
