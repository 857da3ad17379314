import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as v from "valibot";
import { defineAction } from "../../src/actions/define-action.ts";
import { type Answered, at, itemsAt, type Send, textAt } from "../support/client.ts";
import { mailed } from "../support/mailed.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { type Authenticator, type Ceremony, newAuthenticator } from "./authenticator.ts";
import { DB } from "../support/database.ts";

const MINUTE = 60_000;
const WEBHOOK = {
  MAIL_WEBHOOK_URL: "https://mail.test/",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
const here = isolate();
const { send, newUser, newCaller, newPair, newApiToken } = here;

type User = Awaited<ReturnType<typeof newCaller>>;

const ADD = "/rest/user/passkeys";
const LOG_IN = "/rest/login/passkey";
const challenge = (path: string, sent: Send = {}) =>
  here.text("payload.challenge", "POST", `${path}/options`, sent);
const add = (sent: Send, response: unknown, name?: string) =>
  send("POST", ADD, { ...sent, json: { response, name } });
const list = async (sent: Send) => itemsAt(await send("GET", ADD, sent), "payload").map(Object);
const remove = (sent: Send, id: string) => send("DELETE", `${ADD}/${id}`, sent);
const events = async (bearer: string) =>
  itemsAt(await send("GET", "/rest/audit", { bearer }), "payload").map(
    (event) => `${Object(event).what} ${Object(event).outcome}`,
  );

/** @returns an authenticator whose passkey is one of the user's, and its id */
async function added({ access, id: userId }: User, more: Partial<Ceremony> = {}) {
  const authenticator = await newAuthenticator();
  const ceremony = { challenge: await challenge(ADD, { bearer: access }), userId, ...more };
  const answer = await add({ bearer: access }, await authenticator.create(ceremony));
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  return { authenticator, id: textAt(answer, "payload", "id") };
}

async function logIn(authenticator: Authenticator, more: Partial<Ceremony> = {}, issue?: string) {
  const response = await authenticator.get({ challenge: await challenge(LOG_IN), ...more });
  return send("POST", LOG_IN, { json: { response, issue } });
}

const prove = (id: string, at: number | null = 1) =>
  DB.prepare("UPDATE users SET verified_on = ? WHERE id = ?").bind(at, id).run();

const statuses = (answers: readonly Answered[]) => answers.map(({ status }) => status).sort();

/** A user whose log-in was at this moment, which tests go on from. */
async function now(): Promise<User> {
  vi.useFakeTimers({ toFake: ["Date"], now: Math.floor(Date.now() / 1000) * 1000 });
  return newCaller();
}

afterEach(async () => {
  await DB.prepare("DELETE FROM used_challenges").run();
});

describe("a passkey", () => {
  it("is added, listed, renamed, used and removed, and each is in the audit log", async () => {
    const user = await newCaller({ first_name: "Ada" });
    const bearer = user.access;
    const { authenticator, id } = await added(user);
    expect(await list({ bearer })).toEqual([
      {
        id,
        name: "Passkey",
        credential_id: authenticator.id,
        aaguid: null,
        transports: ["internal", "hybrid"],
        backup_eligible: true,
        backed_up: true,
        created_on: expect.any(String),
        last_used_on: null,
      },
    ]);
    const renamed = await send("PATCH", `${ADD}/${id}`, { bearer, json: { name: " My phone " } });
    expect(at(renamed, "payload", "name")).toBe("My phone");
    expect((await logIn(authenticator, { userId: user.id })).status).toBe(200);
    expect((await list({ bearer }))[0].last_used_on).not.toBeNull();
    expect((await remove({ bearer }, id)).status).toBe(200);
    expect((await logIn(authenticator)).status).toBe(401);
    expect((await remove({ bearer }, id)).status).toBe(404);
    expect((await send("PATCH", `${ADD}/${id}`, { bearer, json: { name: "x" } })).status).toBe(404);
    expect(await events(bearer)).toEqual(
      expect.arrayContaining([
        "passkey.added done",
        "passkey.renamed done",
        "passkey.removed done",
      ]),
    );
  });

  it("gives the JWT of GET /rest/auth, a pair or a session, each as fresh as a password's", async () => {
    const user = await newCaller();
    const { authenticator } = await added(user);
    const shown = async (issue?: string) => (await logIn(authenticator, {}, issue)).json;
    const [jwt, pair, session] = [await shown(), await shown("pair"), await shown("session")].map(
      (json) => Object(json).payload,
    );
    expect(jwt.uuid).toBe(user.id);
    for (const by of [{ bearer: jwt.token }, { bearer: pair.access }, { xToken: session.token }]) {
      expect((await send("POST", `${ADD}/options`, by)).status).toBe(200);
    }
  });

  it("is two factors: no code is asked for", async () => {
    const user = await newCaller();
    const { authenticator } = await added(user);
    const { results } = await DB.prepare(
      "SELECT name, type, [notnull] AS is_needed FROM pragma_table_info('second_factors')",
    ).all<{ name: string; type: string; is_needed: number }>();
    const needed = results.filter(
      ({ name, is_needed }) => is_needed === 1 || name === "confirmed_at",
    );
    await DB.prepare(
      `INSERT INTO second_factors (${needed.map(({ name }) => name).join()}) VALUES (${needed.map(() => "?").join()})`,
    )
      .bind(
        ...needed.map(({ name, type }) =>
          name === "user_id" ? user.id : type === "INTEGER" ? 1 : "x",
        ),
      )
      .run();
    expect((await send("GET", "/rest/user", { basic: user })).status).toBe(401);
    expect((await logIn(authenticator)).status).toBe(200);
  });

  it("is one of several devices' at most 20", async () => {
    const user = await newCaller();
    const bearer = user.access;
    for (let count = 0; count < 19; count++) await added(user);
    // Of two at once one is too many.
    const answers = await Promise.all(
      [1, 2].map(async () => {
        const authenticator = await newAuthenticator(-8);
        return add(
          { bearer },
          await authenticator.create({ challenge: await challenge(ADD, { bearer }) }),
        );
      }),
    );
    expect(statuses(answers)).toEqual([201, 409]);
    const options = await send("POST", `${ADD}/options`, { bearer });
    expect(itemsAt(options, "payload", "excludeCredentials")).toHaveLength(20);
  });

  it("opens nothing of a disabled account, and stays where its user sets another password", async () => {
    const user = await newCaller();
    const { authenticator } = await added(user);
    const json = { password: "another fine password", current_password: user.password };
    expect((await send("PATCH", "/rest/user", { basic: user, json })).status).toBe(200);
    expect((await logIn(authenticator)).status).toBe(200);
    await DB.prepare("UPDATE users SET disabled_on = 1 WHERE id = ?").bind(user.id).run();
    expect((await logIn(authenticator)).status).toBe(401);
  });

  it.each([
    ["one that is checked", 1],
    ["none where the email was never proven", null],
  ])("a reset by email keeps %s", async (_, provenAt) => {
    const [user, other] = [await newCaller(), await newCaller()];
    await prove(user.id, provenAt);
    const [kept, gone, others] = [await added(user), await added(user), await added(other)];
    const token = await mailed(user, "resetPassword");
    const shown = await here.services.actionPages.preview(token, null, Date.now());
    const offered = provenAt === null ? [] : [kept.id, gone.id];
    expect(
      Object(shown)
        .passkeys.map(({ id }: { id: string }) => id)
        .sort(),
    ).toEqual(offered.sort());
    // Whoever is in the account meanwhile.
    const late = await added(user);
    const reset = (keep_passkeys: unknown) =>
      send("POST", "/api/run-action-token", {
        json: { token, input: { password: "another fine password", keep_passkeys } },
      });
    for (const wrong of ["x", ["x"], [null], Array.from({ length: 21 }, () => kept.id)]) {
      expect((await reset(wrong)).status).toBe(422);
    }
    // Others' IDs, and those of none, are ignored.
    const keep = [kept.id.toUpperCase(), others.id, crypto.randomUUID()];
    expect((await reset(keep)).status).toBe(200);
    const found = [];
    for (const { authenticator } of [kept, gone, late, others]) {
      found.push((await logIn(authenticator)).status);
    }
    expect(found).toEqual([provenAt === null ? 401 : 200, 401, 401, 200]);
  });

  it("is shown by no link but that of a reset", async () => {
    const asking = defineAction({
      name: "asking",
      needsCaller: false,
      payload: v.object({}),
      input: v.object({ which: v.pipe(v.array(v.string()), v.metadata({ form: "passkeys" })) }),
      run: () => ({ writes: [], answer: null }),
    });
    const asks = isolate({}, undefined, { options: { actions: [asking] } });
    const user = await newCaller();
    await prove(user.id, 1);
    await added(user);
    const json = { action: "asking", payload: {} };
    const bearer = user.access;
    const token = await asks.text("token.token", "POST", "/api/generate-action-token", {
      bearer,
      json,
    });
    expect(
      await asks.services.actionPages.preview(token, await asks.bearer(bearer), Date.now()),
    ).toMatchObject({ state: "ready", fields: [{ kind: "passkeys" }], passkeys: [] });
  });

  it("is told of by a notice when it comes and when it goes", async () => {
    const mailed = isolate(WEBHOOK);
    const post = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response());
    const user = await newCaller();
    await prove(user.id);
    const bearer = user.access;
    const authenticator = await newAuthenticator();
    const response = await authenticator.create({ challenge: await challenge(ADD, { bearer }) });
    const { json } = await mailed.send("POST", ADD, { bearer, json: { response } });
    await mailed.send("DELETE", `${ADD}/${Object(json).payload.id}`, { bearer });
    const kinds = post.mock.calls.flatMap(([, init]) =>
      JSON.parse(String(init?.body)).data.notices.map(({ kind }: { kind: string }) => kind),
    );
    const { results } = await DB.prepare("SELECT kind FROM notices WHERE user_id = ?")
      .bind(user.id)
      .all();
    // The second waits for its turn at the address.
    expect([...kinds, ...results.map(({ kind }) => kind)]).toEqual([
      "passkey_added",
      "passkey_removed",
    ]);
  });
});

describe("a challenge", () => {
  it("is used once, whoever comes first", async () => {
    const user = await newCaller();
    const { authenticator } = await added(user);
    const response = await authenticator.get({ challenge: await challenge(LOG_IN) });
    const tries = ["jwt", "pair", "session", "session"].map((issue) =>
      send("POST", LOG_IN, { json: { response, issue } }),
    );
    expect(statuses(await Promise.all(tries))).toEqual([200, 401, 401, 401]);

    const bearer = user.access;
    const asked = await challenge(ADD, { bearer });
    const devices = await Promise.all([newAuthenticator(), newAuthenticator()]);
    const answers = devices.map(async (each) =>
      add({ bearer }, await each.create({ challenge: asked })),
    );
    expect(statuses(await Promise.all(answers))).toEqual([201, 400]);
  });

  it("is for one purpose and one user, for ten minutes", async () => {
    const user = await now();
    const bearer = user.access;
    const other = await newCaller();
    const { authenticator } = await added(user);
    const device = await newAuthenticator();
    for (const asked of [
      await challenge(LOG_IN),
      await challenge(ADD, { bearer: other.access }),
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    ]) {
      expect((await add({ bearer }, await device.create({ challenge: asked }))).status).toBe(400);
    }
    const asked = await challenge(ADD, { bearer });
    expect((await logIn(authenticator, { challenge: asked })).status).toBe(401);
    const forLogIn = await challenge(LOG_IN);
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    expect((await logIn(authenticator, { challenge: forLogIn })).status).toBe(401);
    const fresh = (await newPair(user)).access;
    expect((await add({ bearer: fresh }, await device.create({ challenge: asked }))).status).toBe(
      400,
    );
    expect((await logIn(authenticator)).status).toBe(200);
  });

  it("writes nothing until it is used, and housekeeping sweeps it", async () => {
    const user = await now();
    const noted = () => DB.prepare("SELECT COUNT(*) AS n FROM used_challenges").first("n");
    const { authenticator } = await added(user);
    expect(await noted()).toBe(1);
    await challenge(LOG_IN);
    expect((await logIn(authenticator, { origin: "https://evil.example" })).status).toBe(401);
    expect(await noted()).toBe(1);
    vi.setSystemTime(Date.now() + 71 * MINUTE);
    await here.housekeeping();
    expect(await noted()).toBe(0);
  });

  it("survives a rotation of the keys that sign JWTs", async () => {
    const [key] = JSON.parse(env.JWT_KEYS ?? "").keys;
    const { privateKey } = Object(
      await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
        "sign",
        "verify",
      ]),
    );
    const next = Object(await crypto.subtle.exportKey("jwk", privateKey));
    const { kty, crv, x, y, d } = next;
    const keys = [
      { ...key, state: "retiring" },
      { kty, crv, x, y, d, kid: "next", alg: "ES256", use: "sig", state: "active" },
    ];
    const rotated = isolate({ JWT_KEYS: JSON.stringify({ keys }) });
    const { authenticator } = await added(await newCaller());
    const response = await authenticator.get({ challenge: await challenge(LOG_IN) });
    expect((await rotated.send("POST", LOG_IN, { json: { response } })).status).toBe(200);
  });
});

describe("a cloned passkey", () => {
  it("is refused by its counter, with an event and no lock", async () => {
    const user = await newCaller();
    const { authenticator } = await added(user, { counter: 5 });
    const refused = async () =>
      (await events(user.access)).filter((each) => each.startsWith("passkey.refused"));
    expect((await logIn(authenticator, { counter: 5 })).status).toBe(401);
    expect((await logIn(authenticator, { counter: 0 })).status).toBe(401);
    expect(await refused()).toEqual(["passkey.refused refused", "passkey.refused refused"]);
    expect((await logIn(authenticator, { counter: 6 })).status).toBe(200);
    // Whoever cannot sign neither locks it nor moves its counter.
    const forged = await authenticator.get({ challenge: await challenge(LOG_IN), counter: 2_000 });
    const response = {
      ...forged.response,
      signature: (await authenticator.get({ challenge: "AA" })).response.signature,
    };
    expect(
      (await send("POST", LOG_IN, { json: { response: { ...forged, response } } })).status,
    ).toBe(401);
    expect((await logIn(authenticator, { counter: 7 })).status).toBe(200);
    expect(await refused()).toHaveLength(2);
  });

  it("that counts at once on two devices opens once", async () => {
    const { authenticator } = await added(await newCaller(), { counter: 1 });
    const tries = [1, 2].map(() => logIn(authenticator, { counter: 2 }));
    expect(statuses(await Promise.all(tries))).toEqual([200, 401]);
  });
});

describe("the last way in stays", () => {
  it("of two that are removed at once", async () => {
    const user = await newCaller();
    const bearer = user.access;
    const ids = [(await added(user)).id, (await added(user)).id];
    await DB.prepare("UPDATE users SET password = '' WHERE id = ?").bind(user.id).run();
    expect(statuses(await Promise.all(ids.map((id) => remove({ bearer }, id))))).toEqual([
      200, 409,
    ]);
    expect(await list({ bearer })).toHaveLength(1);
    // A log-in by email opens it too, where emails are sent.
    await DB.prepare("UPDATE users SET email_login_at = 1 WHERE id = ?").bind(user.id).run();
    const [{ id }] = await list({ bearer });
    expect((await remove({ bearer }, id)).status).toBe(409);
    expect((await isolate(WEBHOOK).send("DELETE", `${ADD}/${id}`, { bearer })).status).toBe(200);
  });
});

describe("who has passkeys, no answer says", () => {
  const calls: string[] = [];
  const watched = isolate(
    {},
    intercept(async (call, run) => {
      calls.push(call.label);
      return run();
    }),
  );
  async function asked(email: string) {
    const answer = await watched.send("POST", `${LOG_IN}/options`, { json: { email } });
    return {
      status: answer.status,
      ids: itemsAt(answer, "payload", "allowCredentials").map(Object),
      calls: calls.splice(0),
    };
  }

  it("asked by email: an account with passkeys, one without, none", async () => {
    const user = await newCaller();
    const { authenticator } = await added(user);
    const having = await asked(user.email);
    expect(having.ids).toEqual([
      { type: "public-key", id: authenticator.id, transports: ["internal", "hybrid"] },
    ]);
    for (const email of [(await newUser()).email, `${crypto.randomUUID()}@example.com`]) {
      const none = await asked(email);
      expect({ ...none, ids: [{ ...none.ids[0], id: authenticator.id }] }).toEqual(having);
      expect([16, 20, 32]).toContain(
        Uint8Array.fromBase64(none.ids[0].id, { alphabet: "base64url" }).length,
      );
      // It stays, as a real one would, also in another isolate.
      const again = await send("POST", `${LOG_IN}/options`, {
        json: { email: email.toUpperCase() },
      });
      expect(at(again, "payload", "allowCredentials", "0", "id")).toBe(none.ids[0].id);
    }
  });

  it("a log-in that fails costs the same with a known credential and with an unknown one", async () => {
    const { authenticator } = await added(await newCaller());
    const stranger = await newAuthenticator();
    const costs = [];
    for (const each of [authenticator, stranger]) {
      const good = await each.get({ challenge: await challenge(LOG_IN) });
      const response = {
        ...good.response,
        signature: (await each.get({ challenge: "AA" })).response.signature,
      };
      calls.length = 0;
      const answer = await watched.send("POST", LOG_IN, {
        json: { response: { ...good, response } },
      });
      costs.push([
        answer.status,
        answer.text,
        calls.filter((call) => !call.includes("INSERT events")),
      ]);
    }
    expect(costs[0]).toEqual(costs[1]);
  });

  it("asked by adding another's credential: it is added, opens its own account and displaces nothing", async () => {
    const [owner, thief] = [await newCaller(), await newCaller()];
    const { authenticator } = await added(owner);
    const bearer = thief.access;
    const fake = await newAuthenticator();
    const copied = await fake.create(
      { challenge: await challenge(ADD, { bearer }) },
      undefined,
      undefined,
      undefined,
      authenticator.id,
    );
    expect((await add({ bearer }, copied)).status).toBe(201);
    for (const userId of [owner.id, undefined]) {
      const answer = await logIn(authenticator, userId === undefined ? {} : { userId });
      expect(at(answer, "payload", "uuid")).toBe(owner.id);
    }
    expect((await logIn(authenticator, { userId: thief.id })).status).toBe(401);
  });
});

describe("a stolen credential adds no passkey", () => {
  it("ten minutes after its user logged in, nor as an API token", async () => {
    const user = await now();
    const bearer = user.access;
    const session = await here.newSession(user);
    const api = (await newApiToken(bearer)).secret;
    const device = await newAuthenticator();
    const response = await device.create({ challenge: await challenge(ADD, { bearer }) });
    vi.setSystemTime(Date.now() + 9.5 * MINUTE);
    const late = { xToken: session };
    expect((await send("POST", `${ADD}/options`, late)).status).toBe(200);
    expect((await add({ bearer: api }, response)).status).toBe(403);
    vi.setSystemTime(Date.now() + MINUTE);
    for (const by of [late, { bearer: api }]) {
      expect((await send("POST", `${ADD}/options`, by)).status).toBeOneOf([401, 403]);
      expect((await add(by, response)).status).toBeOneOf([401, 403]);
    }
    expect(await list({ bearer: api })).toEqual([]);
    const basic = { basic: user };
    const own = await device.create({ challenge: await challenge(ADD, basic) });
    expect((await add(basic, own)).status).toBe(201);
  });
});

describe("by setting", () => {
  it("other sites use them, and browsers are told which", async () => {
    const RELATED = "https://shop.example";
    const related = isolate({
      PASSKEY_ORIGINS: `${RELATED}, android:apk-key-hash:${"a".repeat(43)}`,
    });
    const answer = await related.send("GET", "/.well-known/webauthn");
    expect(answer.json).toEqual({ origins: [RELATED] });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect((await send("GET", "/.well-known/webauthn")).status).toBe(404);
    const { authenticator } = await added(await newCaller());
    const there = async () => ({
      json: {
        response: await authenticator.get({ challenge: await challenge(LOG_IN), origin: RELATED }),
      },
    });
    expect((await send("POST", LOG_IN, await there())).status).toBe(401);
    expect((await related.send("POST", LOG_IN, await there())).status).toBe(200);
  });

  it.each(["http://127.0.0.1:8787", "http://[::1]:8787"])(
    "there are none at %s",
    async (ISSUER) => {
      const off = isolate({ ISSUER });
      expect((await off.call("POST", `${ISSUER}${LOG_IN}/options`)).status).toBe(404);
    },
  );

  it("the issuer's port is the origin's, not the name's that they are bound to", async () => {
    const ISSUER = "http://localhost:8787";
    const { call } = isolate({ ISSUER });
    const answer = await call("POST", `${ISSUER}${LOG_IN}/options`);
    expect(at(answer, "payload", "rpId")).toBe("localhost");
  });
});
