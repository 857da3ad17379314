import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { textAt, claimsOf, peopleOf } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept, atLocation } from "../support/stores.ts";
import { rules } from "../support/guard.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 30_000 });

const NOON_MS = Date.parse("2026-11-01T12:00:00.000Z");
const DAY_SECONDS = 86_400;
const LAGGING = { REVOCATION_LAG_SECONDS: "60" };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON_MS });
});

const later = (ms: number) => vi.setSystemTime(NOON_MS + ms);

async function ofSomebody(ttl?: number) {
  const place = isolate(LAGGING);
  const person = await place.newUser();
  const { access } = await place.newPair(person);
  return { ...place, person, access, ...(await place.newApiToken(access, "test", ttl)) };
}

it("a copy that is made in a token's last minute lives the minute that KV asks for", async () => {
  const { secret, uuid } = await ofSomebody(60);
  rules.secondPasses();
  await env.KV.delete(`token:${uuid}`);
  later(50_000);
  const there = isolate(LAGGING);
  expect((await there.call("GET", "/rest/user", { bearer: secret })).status).toBe(200);
  await there.settled();
  expect(await env.KV.get(`token:${uuid}`)).not.toBeNull();
  // The record's own expiry decides, and not KV's.
  later(60_000);
  expect((await there.call("GET", "/rest/user", { bearer: secret })).status).toBe(401);
  const another = isolate(LAGGING);
  expect((await another.call("GET", "/rest/user", { bearer: secret })).status).toBe(401);
});

it("an end that is moved up holds where the old end was seen", async () => {
  const { call, settled, access, secret, uuid } = await ofSomebody(999_999);
  const there = isolate(LAGGING, atLocation(60));
  expect((await there.call("GET", "/rest/user", { bearer: secret })).status).toBe(200);
  const patched = await call("PATCH", `/rest/token/${uuid}`, { bearer: access, json: { ttl: 70 } });
  expect(patched.status).toBe(200);
  await settled();
  // Whatever was written elsewhere, the copy there is the old one.
  const outdated = await env.KV.get(`token:${uuid}`);
  rules.secondPasses();
  await env.KV.put(
    `token:${uuid}`,
    JSON.stringify({ ...JSON.parse(outdated ?? ""), expiresAtMs: NOON_MS + 999_999_000 }),
  );
  later(69_999);
  expect((await there.call("GET", "/rest/user", { bearer: secret })).status).toBe(200);
  later(70_000);
  expect((await there.call("GET", "/rest/user", { bearer: secret })).status).toBe(401);
});

it("a copy that comes late does not bring back what was ended", async () => {
  const { call, settled, access, secret, uuid } = await ofSomebody();
  const copy = (await env.KV.get(`token:${uuid}`)) ?? "";
  expect((await call("DELETE", `/rest/token/${uuid}`, { bearer: access })).status).toBe(200);
  await settled();
  rules.secondPasses();
  await env.KV.put(`token:${uuid}`, copy);
  for (const { call } of [isolate(LAGGING), isolate({ REVOCATION_LAG_SECONDS: "300" })]) {
    expect((await call("GET", "/rest/user", { bearer: secret })).status).toBe(401);
  }
});

describe("a mark that KV does not take", () => {
  it("is a 503 and stays owed, and housekeeping puts it", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { access, secret, uuid } = await ofSomebody();
    const failing = isolate(
      LAGGING,
      intercept(({ operation }, run) => {
        if (operation === "put") return Promise.reject(new Error("KV PUT failed: 500"));
        return run();
      }),
    );
    const ended = await failing.call("DELETE", `/rest/token/${uuid}`, { bearer: access });
    expect(ended.status).toBe(503);
    const { call, housekeeping } = isolate(LAGGING);
    await housekeeping();
    expect(await env.KV.get(`revoked:${uuid}`)).toBe("");
    expect(await DB.prepare("SELECT count(*) AS n FROM pending_revocations").first("n")).toBe(0);
    expect((await call("GET", "/rest/user", { bearer: secret })).status).toBe(401);
  });
});

describe("a JWT of GET /rest/auth", () => {
  const authWith = async (call: ReturnType<typeof isolate>["call"], bearer: string) =>
    textAt(await call("GET", "/rest/auth", { bearer }), "payload", "token");

  it("ends no later than the API token that it was got with", async () => {
    const { call, secret } = await ofSomebody(600);
    expect(claimsOf(await authWith(call, secret)).exp).toBe(NOON_MS / 1000 + 600);
  });

  it("ends no later than the session that it was got with", async () => {
    const { call, person } = await ofSomebody();
    const answer = await call("GET", "/rest/auth", {
      xToken: await peopleOf(call).newSession(person),
    });
    expect(claimsOf(textAt(answer, "payload", "token")).exp).toBe(NOON_MS / 1000 + 3600);
  });

  it("lives a day, and a chain of them 30 days from the login", async () => {
    const { call, person } = await ofSomebody();
    const first = await call("GET", "/rest/auth", { basic: person });
    let jwt = textAt(first, "payload", "token");
    for (let day = 1; day < 30; day++) {
      // A bit earlier each day, while the one before is still good.
      later(day * (DAY_SECONDS - 10) * 1000);
      jwt = await authWith(call, jwt);
    }
    const end = NOON_MS / 1000 + 30 * DAY_SECONDS;
    expect(claimsOf(jwt).exp).toBe(end - 290);
    later((30 * DAY_SECONDS - 300) * 1000);
    jwt = await authWith(call, jwt);
    expect(claimsOf(jwt).exp).toBe(end);
    later(30 * DAY_SECONDS * 1000);
    expect((await call("GET", "/rest/auth", { bearer: jwt })).status).toBe(401);
  });
});
