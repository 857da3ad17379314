import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { latchkey, webStore } from "../../src/client/latchkey.ts";
import text from "../../src/console/assets/openapi.json";
import { newApiToken, newSession, ORIGIN } from "../support/client.ts";
import { retryLater, noAnswer, network, lostAnswer, newClient, RUN } from "./network.ts";

const OPERATIONS: [string, string, boolean][] = Object.entries<object>(
  JSON.parse(text).paths,
).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, { security }]): [string, string, boolean] => [
    method.toUpperCase(),
    path,
    security.some((way: object) => "bearer" in way),
  ]),
);

/** Takes a bearer, and yet not ours: there a token is what is spoken of. */
const TOKEN_AS_PARAMETER = /^\/(?:tokens$|oauth\/)/;

describe("a credential", () => {
  it("goes to every route that takes one, and to no other", async () => {
    const ann = await newClient();
    for (const [method, path, takesBearer] of OPERATIONS) {
      let seen: string | null = null;
      const auth = latchkey({
        baseUrl: ORIGIN,
        token: (await ann.tokens()).access,
        fetch: async (request) => {
          seen = request.headers.get("authorization");
          return new Response(null, { status: 204 });
        },
      });
      await Reflect.get(auth, method)(path);
      expect(seen !== null, `${method} ${path}`).toBe(
        takesBearer && !TOKEN_AS_PARAMETER.test(path),
      );
    }
    expect(OPERATIONS.length).toBeGreaterThan(30);
  });

  it("of the request's own stays alone", async () => {
    const ann = await newClient();
    const { secret } = await newApiToken((await ann.tokens()).access);
    const headers = { "X-Auth-Token": secret };
    expect((await ann.auth.GET("/rest/user", { headers })).response.status).toBe(200);
  });

  it.each([`${ORIGIN}.evil.example`, ORIGIN.replace(".test", ".evil"), `${ORIGIN}:444`])(
    "does not go to %s",
    async (baseUrl) => {
      const ann = await newClient();
      ann.network.faults("/rest/user", async () => Response.json({}));
      await ann.auth.GET("/rest/user", { baseUrl });
      expect(ann.network.sent("/rest/user")[0]?.has("authorization")).toBe(false);
    },
  );

  it.each(["http://auth.example.com", "ftp://localhost", "auth.example.com", "/"])(
    "has no service at %s",
    (baseUrl) => {
      expect(() => latchkey({ baseUrl })).toThrow(TypeError);
    },
  );
});

describe("a token that is given", () => {
  it("may be an API token, a session or a JWT", async () => {
    const ann = await newClient();
    const { access } = await ann.tokens();
    const { secret } = await newApiToken(access);
    for (const token of [access, secret, await newSession(ann.user)]) {
      const auth = latchkey({ baseUrl: ORIGIN, token, fetch: network().fetch });
      expect((await auth.GET("/rest/user")).data?.payload.uuid).toBe(ann.user.id);
    }
  });

  it("is refused as the service refuses it, once", async () => {
    const net = network();
    const auth = latchkey({ baseUrl: ORIGIN, token: "lk_api_no", fetch: net.fetch });
    const { error } = await auth.GET("/rest/user");
    expect(error).toEqual({ success: false, message: "Invalid token", status: 401 });
    expect(net.statuses("/rest/user")).toEqual([401]);
  });
});

describe("sign-up and log-in", () => {
  it("work from a Worker, behind a service binding", async () => {
    const auth = latchkey({ baseUrl: ORIGIN, fetch: (request) => exports.default.fetch(request) });
    const who = { email: `${crypto.randomUUID()}@example.com`, password: "correct horse battery" };
    expect((await auth.signUp(who)).response.status).toBe(201);
    await auth.logIn(who);
    expect((await auth.GET("/rest/user")).data?.payload.email).toBe(who.email);
    expect(await auth.logOut()).toBe(true);
    expect((await auth.GET("/rest/user")).response.status).toBe(401);
  });

  it("answer as the service does, and keep tokens only of what was right", async () => {
    const { auth, user } = await newClient();
    await auth.logOut();
    const taken = await auth.signUp({ email: user.email, password: "correct horse battery" });
    expect(taken.error).toMatchObject({ status: 409 });
    const wrong = await auth.logIn({ email: user.email, password: "wrong" });
    expect(wrong.response.status).toBe(401);
    expect(await auth.isLoggedIn()).toBe(false);
    expect((await auth.logIn(user)).data?.access).toMatch(/^eyJ/);
    expect((await auth.GET("/rest/user")).data?.payload.uuid).toBe(user.id);
  });
});

describe("an action", () => {
  async function meeting() {
    const [ann, ben] = [await newClient(), await newClient()];
    const { data } = await ann.auth.POST("/api/generate-action-token", {
      body: { action: "addContact", payload: { contact_id: ann.user.id } },
    });
    return { ben, token: data?.token.token ?? "" };
  }

  it("runs once, however often the answer is lost", async () => {
    const { ben, token } = await meeting();
    ben.network.faults(RUN, lostAnswer, lostAnswer);
    const { data } = await ben.auth.runAction({ token });
    expect(data?.action).toBe("addContact");
    const keys = ben.network.sent(RUN).map((headers) => headers.get("idempotency-key"));
    expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
    const again = await ben.auth.runAction({ token });
    expect(again.error).toMatchObject({ reason: "used" });
    expect(ben.network.sent(RUN)[3]?.get("idempotency-key")).not.toBe(keys[0]);
  });

  it("waits for a service that asks for a moment, and keeps its key over a refresh", async () => {
    const { ben, token } = await meeting();
    ben.network.faults(RUN, retryLater(503, "0"), async () => new Response(null, { status: 401 }));
    expect((await ben.auth.runAction({ token })).data?.receipt.run_by).toBe(ben.user.id);
    expect(ben.network.statuses(RUN)).toEqual([503, 401, 200]);
    const keys = ben.network.sent(RUN).map((headers) => headers.get("idempotency-key"));
    expect(new Set(keys).size).toBe(1);
  });

  it("is given up after three tries", async () => {
    const { ben, token } = await meeting();
    ben.network.faults(RUN, noAnswer, noAnswer, noAnswer);
    await expect(ben.auth.runAction({ token })).rejects.toThrow("the line is dead");
    expect(ben.network.statuses(RUN)).toEqual([0, 0, 0]);
  });

  it("may be nobody's", async () => {
    const { ben, token } = await meeting();
    // Then it runs for its issuer, and no one becomes their own contact.
    const { error } = await ben.auth.runAction({ token }, { asNobody: true });
    expect(error).toMatchObject({ reason: "rejected" });
    expect(ben.network.sent(RUN)[0]?.has("authorization")).toBe(false);
  });
});

describe("a web storage", () => {
  const storage = () => {
    const items = new Map<string, string>();
    return {
      items,
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
      removeItem: (key: string) => void items.delete(key),
    };
  };

  it("keeps a login for the next client, and removes it for all", async () => {
    const { user } = await newClient();
    const shared = storage();
    const client = () =>
      latchkey({ baseUrl: ORIGIN, store: webStore(shared), fetch: network().fetch });
    await client().logIn(user);
    expect((await client().GET("/rest/user")).data?.payload.uuid).toBe(user.id);
    await client().logOut();
    expect([await client().isLoggedIn(), shared.items.size]).toEqual([false, 0]);
  });

  it.each(["", "null", "[]", '{"access":1}', '{"access":"a","refresh":"b"}'])(
    "that holds %j holds nobody",
    async (value) => {
      const shared = storage();
      shared.items.set("latchkey", value);
      expect(await latchkey({ baseUrl: ORIGIN, store: webStore(shared) }).isLoggedIn()).toBe(false);
    },
  );
});
