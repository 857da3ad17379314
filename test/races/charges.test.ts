import { expect, it, vi } from "vitest";
import { type Answered, at, peopleOf, textAt } from "../support/client.ts";
import { type Racer, repeat, times, track } from "./racers.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 60_000 });

const track25 = track(25, 11);
const { call } = track25;

const user = await peopleOf(call).newCaller();
const asker = (await peopleOf(call).newApiToken(user.access, "api", 3_600, ["introspect"])).secret;

async function created(json: object) {
  const answer = await call("POST", "/rest/token", {
    bearer: user.access,
    json: { name: "guard", ...json },
  });
  return { secret: textAt(answer, "payload", "token"), uuid: textAt(answer, "payload", "uuid") };
}

const verify =
  (token: string, cost = 1, key?: string): Racer =>
  (place) =>
    place("POST", "/rest/token/verify", {
      bearer: asker,
      json: { token, cost },
      ...(key !== undefined && { headers: { "idempotency-key": key } }),
    });

const active = (answers: readonly Answered[]) =>
  answers.filter((answer) => at(answer, "payload", "active") === true);
const reasons = (answers: readonly Answered[]) =>
  new Set(
    answers.map((answer) => Reflect.get(Object(at(answer, "payload")), "reason") ?? "active"),
  );

/** 100 racers of 25 isolates each: the platform allows no more in one test's time. */
const hundred = async (racer: Racer) =>
  (
    await Promise.all(
      Array.from({ length: 4 }, () => Promise.all(times(25, racer).map((each) => each(call)))),
    )
  ).flat();

it("of 100 racers exactly as many are active as there are uses", async () => {
  const { secret } = await created({ remaining: 7 });
  const answers = await hundred(verify(secret));
  expect(active(answers)).toHaveLength(7);
  const left = active(answers).map((answer) => at(answer, "payload", "remaining"));
  expect(left.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(reasons(answers)).toEqual(new Set(["active", "remaining_exhausted"]));
});

it("racers of many isolates never exceed uses or the window", async () => {
  await repeat(20, async () => {
    const limited = await created({ remaining: 30, limit: { max: 9, seconds: 3_600 } });
    const answers = await track25.race([
      ...times(15, verify(limited.secret)),
      ...times(10, verify(limited.secret, 2)),
    ]);
    const charged = active(answers.slice(0, 15)).length + 2 * active(answers.slice(15)).length;
    // A cost of 2 may find one left.
    expect([8, 9]).toContain(charged);
    const after = await verify(limited.secret, 0)(call);
    expect(at(after, "payload")).toMatchObject({
      remaining: 30 - charged,
      limit: { remaining: 9 - charged },
    });
  });
});

it("the same key charges once, and all get the same answer", async () => {
  await repeat(20, async () => {
    const { secret } = await created({ remaining: 7 });
    const key = crypto.randomUUID();
    const answers = await track25.race(times(20, verify(secret, 3, key)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(at(await verify(secret, 0)(call), "payload", "remaining")).toBe(4);
  });
});

it("what is revoked or disabled is charged no more", async () => {
  await repeat(20, async () => {
    const { secret, uuid } = await created({ remaining: 20 });
    const path = `/rest/token/${uuid}`;
    const answers = await track25.race([
      (place) => place("PATCH", path, { bearer: user.access, json: { enabled: false } }),
      (place) => place("DELETE", path, { bearer: user.access }),
      ...times(20, verify(secret)),
    ]);
    const charged = active(answers.slice(2)).length;
    const row = await DB.prepare(
      "SELECT remaining FROM token_meters JOIN tokens ON meter = token_meters.id WHERE tokens.id = ?",
    )
      .bind(uuid)
      .first("remaining");
    expect(row).toBe(20 - charged);
    expect(at(await verify(secret)(call), "payload", "reason")).toBe("revoked");
  });
});

it("a change of what is left is not lost among charges", async () => {
  await repeat(20, async () => {
    const { secret, uuid } = await created({ remaining: 5 });
    const answers = await track25.race([
      (place) =>
        place("PATCH", `/rest/token/${uuid}`, { bearer: user.access, json: { remaining: 3 } }),
      ...times(20, verify(secret)),
    ]);
    // As many as came before the change, at most 5, and then 3 at most.
    const charged = active(answers.slice(1)).length;
    expect(charged).toBeGreaterThanOrEqual(3);
    expect(charged).toBeLessThanOrEqual(8);
    const left = Number(at(await verify(secret, 0)(call), "payload", "remaining"));
    expect(left).toBeLessThanOrEqual(3);
  });
});
