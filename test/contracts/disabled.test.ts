import { beforeAll, describe, expect, it } from "vitest";
import {
  at,
  call,
  itemsAt,
  newApiToken,
  newCaller,
  newSession,
  PASSWORD,
  type Send,
  textAt,
} from "../support/client.ts";
import { DB } from "../support/database.ts";

/** As `npm run users -- disable` does, less the epoch: the column alone must close every door. */
const disable = (id: string) =>
  DB.prepare("UPDATE users SET disabled_on = 1 WHERE id = ?").bind(id).run();
const enable = (id: string) =>
  DB.prepare("UPDATE users SET disabled_on = NULL WHERE id = ?").bind(id).run();

type User = Awaited<ReturnType<typeof newCaller>>;
let friend: User;
beforeAll(async () => {
  friend = await newCaller();
});

async function addContact(issuer: User, runner: User, audience?: string) {
  const json = { action: "addContact", payload: { contact_id: issuer.id }, audience };
  const made = await call("POST", "/api/generate-action-token", { bearer: issuer.access, json });
  return () =>
    call("POST", "/api/run-action-token", {
      bearer: runner.access,
      json: { token: textAt(made, "token", "token") },
    });
}

describe("a disabled account", () => {
  it("is let in by nothing, with the answers of wrong credentials, until it is enabled", async () => {
    const user = await newCaller();
    const { secret } = await newApiToken(user.access);
    const sends: Send[] = [
      { basic: user },
      { bearer: user.access },
      { bearer: secret },
      { xToken: await newSession(user) },
    ];
    const run = await addContact(user, friend);
    await disable(user.id);

    const wrong = { basic: { ...user, password: "not the password" } };
    for (const send of sends) {
      const answer = await call("GET", "/rest/user", send);
      expect(answer.status).toBe(401);
      if (send.basic) expect(answer.json).toEqual((await call("GET", "/rest/user", wrong)).json);
    }
    const { email, password } = user;
    for (const json of [
      { email, password },
      { email, password: "not the password" },
    ]) {
      const login = await call("POST", "/api/token/", { json });
      expect(login.status).toBe(401);
      expect(login.json).toEqual(
        (await call("POST", "/api/token/", { json: { email: "nobody@example.com", password } }))
          .json,
      );
    }
    const refresh = { json: { refresh: user.refresh } };
    expect((await call("POST", "/api/token/refresh/", refresh)).status).toBe(401);
    expect((await run()).status).toBe(422);

    await enable(user.id);
    expect((await call("GET", "/rest/user", { basic: user })).status).toBe(200);
  });

  it("keeps its email", async () => {
    const user = await newCaller();
    await disable(user.id);
    const json = { email: user.email, password: PASSWORD };
    expect((await call("POST", "/rest/user", { json })).status).toBe(409);
  });

  it("is in no list of contacts while it lasts", async () => {
    const user = await newCaller();
    expect((await (await addContact(user, friend))()).status).toBe(200);
    const listed = async () =>
      itemsAt(
        await call("GET", "/api/user/get-contacts", { bearer: friend.access }),
        "data",
        "contacts",
      ).length;
    const before = await listed();
    await disable(user.id);
    expect(await listed()).toBe(before - 1);
    await enable(user.id);
    expect(await listed()).toBe(before);
  });

  it("is nobody for whom an action token could be made", async () => {
    const user = await newCaller();
    await disable(user.id);
    const json = {
      action: "addContact",
      payload: { contact_id: friend.id },
      audience: user.id,
    };
    const made = await call("POST", "/api/generate-action-token", { bearer: friend.access, json });
    expect(made.status).toBe(422);
    expect(at(made, "errors")).toHaveProperty("audience");
  });
});
