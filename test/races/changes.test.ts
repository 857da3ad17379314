import { expect, it, vi } from "vitest";
import { at, itemsAt, PASSWORD } from "../support/client.ts";
import { shuffled } from "./gate.ts";
import { type Racer, repeat, statuses, track, won } from "./racers.ts";

vi.setConfig({ testTimeout: 60_000 });

const track6 = track(6, 4);
const { call, newApiToken, newCaller, newPair, newSession, newUser } = track6;

it("of two new passwords one is taken, whole", async () => {
  await repeat(100, async () => {
    const user = await newUser();
    const [first, second] = [await newPair(user), await newSession(user)];
    const patch = (password: string) => ({ password, current_password: PASSWORD });
    const answers = await track6.race([
      (place) =>
        place("PATCH", "/rest/user", { bearer: first.access, json: patch("first password") }),
      (place) => place("PATCH", "/rest/user", { xToken: second, json: patch("second password") }),
    ]);
    expect(statuses(answers)).toEqual([200, 401]);
    const [taken, other] =
      answers[0]?.status === 200
        ? ["first password", "second password"]
        : ["second password", "first password"];
    const opens = async (password: string) =>
      (await call("GET", "/rest/user", { basic: { email: user.email, password } })).status;
    expect([await opens(taken), await opens(other), await opens(PASSWORD)]).toEqual([
      200, 401, 401,
    ]);
    // The session stays active only if it was the one that asked.
    const session = await call("GET", "/tokens", { xToken: second });
    expect(session.status).toBe(answers[1]?.status === 200 ? 200 : 400);
  });
});

it("of two accounts that want one email one gets it", async () => {
  const users = [await newUser(), await newUser()];
  const jwts = await Promise.all(users.map((person) => newPair(person)));
  await repeat(138, async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    const json = { email, current_password: PASSWORD, first_name: "moved" };
    const answers = await track6.race(
      jwts.map(
        ({ access }): Racer =>
          (place) =>
            place("PATCH", "/rest/user", { bearer: access, json }),
      ),
    );
    expect(statuses(answers)).toEqual([200, 409]);
    const basic = { email, password: PASSWORD };
    const owner = await call("GET", "/rest/user", { basic });
    expect(at(owner, "payload", "uuid")).toBe(users[answers[0]?.status === 200 ? 0 : 1]?.id);
  });
});

it("two changes of one API token leave one of them, whole", async () => {
  const { access } = await newCaller();
  const { secret, uuid } = await newApiToken(access);
  await repeat(120, async () => {
    const answers = await track6.race(
      [100_000, 200_000].map(
        (ttl): Racer =>
          (place) =>
            place("PATCH", `/rest/token/${uuid}`, {
              bearer: access,
              json: { name: `${ttl}`, ttl },
            }),
      ),
    );
    expect(statuses(answers)).toEqual([200, 200]);
    const list = await call("GET", "/rest/token/list", { bearer: access });
    const end = (answer: typeof list, ...path: (string | number)[]) => [
      at(answer, "payload", ...path, "name"),
      at(answer, "payload", ...path, "expired_on"),
    ];
    expect(answers.map((answer) => end(answer))).toContainEqual(end(list, 0));
    expect((await call("GET", "/rest/user", { bearer: secret })).status).toBe(200);
  });
});

it("a list that is read while tokens are revoked loses and repeats no active one", async () => {
  const { access } = await newCaller();
  await repeat(60, async () => {
    const made: string[] = [];
    for (let i = 0; i < 6; i++) made.push((await newApiToken(access)).uuid);
    const ended = shuffled(made, track6.random).slice(0, 3);
    const standing = made.filter((uuid) => !ended.includes(uuid));
    const listed: string[] = [];
    const remove =
      (uuid: string): Racer =>
      (place) =>
        place("DELETE", `/rest/token/${uuid}`, { bearer: access });
    const answers = await track6.race(ended.map(remove), [
      async (place) => {
        let path = "/rest/token/list?limit=2";
        for (;;) {
          const page = await place("GET", path, { bearer: access });
          listed.push(
            ...itemsAt(page, "payload").map((each) => String(Reflect.get(Object(each), "uuid"))),
          );
          const next = at(page, "next_cursor");
          if (next === null) return page;
          path = `/rest/token/list?limit=2&cursor=${next}`;
        }
      },
    ]);
    expect(won(answers)).toHaveLength(4);
    expect(new Set(listed).size).toBe(listed.length);
    for (const uuid of standing) expect(listed).toContain(uuid);
    for (const uuid of listed) expect(made).toContain(uuid);
    const left = itemsAt(await call("GET", "/rest/token/list", { bearer: access }), "payload");
    expect(left).toHaveLength(3);
    await call("DELETE", "/rest/token/all", { bearer: access });
  });
});
