import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  retryLater,
  noAnswer,
  heldUntil,
  lostAnswer,
  MINUTE_MS,
  newClient,
  REFRESH,
} from "./network.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

type Person = Awaited<ReturnType<typeof newClient>>;
const USER = "/rest/user";
const hundred = ({ auth }: Person) =>
  Promise.all(Array.from({ length: 100 }, () => auth.GET(USER)));

/** The access token has ended, and this machine's clock does not know. */
async function expireUnseen({ store, tokens }: Person) {
  vi.setSystemTime(Date.now() + 6 * MINUTE_MS);
  await store.save({ ...(await tokens()), receivedAtMs: Date.now() });
}

describe("a hundred requests at once", () => {
  it("that know of the end refresh once, and are sent once", async () => {
    const ann = await newClient();
    vi.setSystemTime(Date.now() + 6 * MINUTE_MS);
    const answers = await hundred(ann);
    expect(new Set(answers.map(({ data }) => data?.payload.uuid))).toEqual(new Set([ann.user.id]));
    expect(ann.network.statuses(REFRESH)).toEqual([200]);
    expect(ann.network.statuses(USER)).toEqual(Array(100).fill(200));
  });

  it("that are refused refresh once, and are sent once more", async () => {
    const ann = await newClient();
    await expireUnseen(ann);
    const answers = await hundred(ann);
    expect(answers.every(({ data }) => data?.payload.uuid === ann.user.id)).toBe(true);
    expect(ann.network.statuses(REFRESH)).toEqual([200]);
    expect(ann.network.statuses(USER).sort()).toEqual([
      ...Array(100).fill(200),
      ...Array(100).fill(401),
    ]);
  });

  it("one that is refused long after the others does not refresh again", async () => {
    const ann = await newClient();
    await expireUnseen(ann);
    const released = Promise.withResolvers<void>();
    ann.network.faults(USER, async (request, through) => {
      const refused = await through(request);
      await released.promise;
      return refused;
    });
    const late = ann.auth.GET(USER);
    await hundred(ann);
    released.resolve();
    expect((await late).data?.payload.uuid).toBe(ann.user.id);
    expect(ann.network.statuses(REFRESH)).toEqual([200]);
  });

  it("that are refused whatever they show refresh once, and next time not at all", async () => {
    const ann = await newClient();
    const always = () =>
      Promise.resolve(
        Response.json({ success: false, message: "no", status: 401 }, { status: 401 }),
      );
    ann.network.faults(USER, ...Array(300).fill(always));
    const answers = await hundred(ann);
    expect(answers.map(({ error }) => error?.success)).toEqual(Array(100).fill(false));
    await ann.auth.GET(USER);
    expect(ann.network.statuses(REFRESH)).toEqual([200]);
    expect(ann.network.statuses(USER)).toHaveLength(201);
    expect(ann.loggedOut).toEqual([]);
  });
});

describe("a body", () => {
  it("is sent again whole", async () => {
    const ann = await newClient();
    await expireUnseen(ann);
    const { data } = await ann.auth.POST("/rest/token", {
      body: { name: "laptop", ttl: 3600, scopes: ["account:read"] },
    });
    expect(data?.payload).toMatchObject({ name: "laptop", ttl: 3600 });
    expect(ann.network.statuses("/rest/token")).toEqual([401, 200]);
  });

  it("with a wrong password is not tried twice", async () => {
    const ann = await newClient();
    const { error, response } = await ann.auth.DELETE(USER, { body: { password: "not mine" } });
    expect([response.status, error?.message]).toEqual([401, "Wrong credentials"]);
    expect(ann.network.statuses(USER)).toEqual([401]);
    expect(ann.network.statuses(REFRESH)).toEqual([]);
  });
});

describe("clocks", () => {
  it("hours before or behind the service's change nothing", async () => {
    for (const hours of [-5, 5]) {
      const ann = await newClient();
      const now = Date.now();
      // The client's clock says so at the login, and at the call a minute later.
      await ann.store.save({ ...(await ann.tokens()), receivedAtMs: now - hours * 3_600_000 });
      vi.setSystemTime(now - hours * 3_600_000 + MINUTE_MS);
      const serviceNow = now + MINUTE_MS;
      ann.network.faults(USER, async (request, through) => {
        vi.setSystemTime(serviceNow);
        return through(request);
      });
      expect((await ann.auth.GET(USER)).response.status).toBe(200);
      expect(ann.network.statuses(REFRESH)).toEqual([]);
    }
  });

  it("set back by an hour: refreshed at once, and then as ever", async () => {
    const ann = await newClient();
    await ann.age(-60 * MINUTE_MS);
    await ann.auth.GET(USER);
    await ann.auth.GET(USER);
    expect(ann.network.statuses(REFRESH)).toEqual([200]);
  });
});

describe.each(["off", "on"])("where rotation is %s", (rotates) => {
  const settings = { ROTATE_REFRESH_TOKENS: rotates };

  it("an answer that is lost is asked for again", async () => {
    const ann = await newClient(settings);
    const { refresh } = await ann.tokens();
    await ann.age(6 * MINUTE_MS);
    ann.network.faults(REFRESH, lostAnswer, lostAnswer);
    expect((await ann.auth.GET(USER)).data?.payload.uuid).toBe(ann.user.id);
    expect(ann.network.statuses(REFRESH)).toEqual([0, 0, 200]);
    expect((await ann.tokens()).refresh === refresh).toBe(rotates === "off");
    // The log-in goes on from what was kept.
    vi.setSystemTime(Date.now() + 6 * MINUTE_MS);
    expect((await ann.auth.GET(USER)).response.status).toBe(200);
    expect(ann.loggedOut).toEqual([]);
  });

  it("an answer that never comes is not waited for", async () => {
    const ann = await newClient(settings);
    await ann.age(6 * MINUTE_MS);
    const { timeout } = AbortSignal;
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => timeout.call(AbortSignal, ms / 80));
    ann.network.faults(REFRESH, async (request, through) => {
      await through(request.clone());
      return new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason));
      });
    });
    expect((await ann.auth.GET(USER)).response.status).toBe(200);
    expect(ann.network.statuses(REFRESH)).toEqual([0, 200]);
  });

  it("the next refresh token is kept before anything is sent", async () => {
    const ann = await newClient(settings);
    await ann.age(6 * MINUTE_MS);
    const { save } = ann.store;
    const order: string[] = [];
    vi.spyOn(ann.store, "save").mockImplementation(async (tokens) => {
      await save(tokens);
      order.push("kept");
    });
    ann.network.faults(USER, async (request, through) => {
      order.push("sent");
      return through(request);
    });
    await ann.auth.GET(USER);
    expect(order).toEqual(["kept", "sent"]);
  });

  it("a service that asks for a moment is asked again, and nobody is logged out", async () => {
    const ann = await newClient(settings);
    await ann.age(6 * MINUTE_MS);
    ann.network.faults(REFRESH, retryLater(503, "0"), retryLater(503, "0"));
    expect((await ann.auth.GET(USER)).response.status).toBe(200);
    expect(ann.network.statuses(REFRESH)).toEqual([503, 503, 200]);
  });

  it("a log-in that has ended is told of once", async () => {
    const ann = await newClient(settings);
    await ann.auth.anonymous.POST("/oauth/revoke", {
      body: { token: (await ann.tokens()).refresh },
    });
    const answers = await hundred(ann);
    expect(answers.every(({ response }) => response.status === 401)).toBe(true);
    expect(ann.network.statuses(REFRESH)).toEqual([401]);
    expect(ann.loggedOut).toEqual(["logged out"]);
    expect(await ann.auth.isLoggedIn()).toBe(false);
  });
});

describe("where the service cannot refresh", () => {
  it.each([429, 503] as const)(
    "%i is what is waiting gets, until the time that it says",
    async (status) => {
      const ann = await newClient();
      await ann.age(6 * MINUTE_MS);
      ann.network.faults(REFRESH, retryLater(status, "30"));
      const answers = await hundred(ann);
      expect(answers.map(({ response }) => response.status)).toEqual(Array(100).fill(status));
      expect(answers[0]?.error).toEqual({ success: false, message: expect.any(String), status });
      expect(answers[0]?.response.headers.get("retry-after")).toBe("30");
      vi.setSystemTime(Date.now() + 29_000);
      expect((await ann.auth.GET(USER)).response.headers.get("retry-after")).toBe("1");
      expect(ann.network.statuses(REFRESH)).toEqual([status]);
      expect(ann.network.statuses(USER)).toEqual([]);
      vi.setSystemTime(Date.now() + 1_000);
      expect((await ann.auth.GET(USER)).response.status).toBe(200);
      expect(ann.loggedOut).toEqual([]);
    },
  );

  it("a token that has not ended yet is used on", async () => {
    const ann = await newClient();
    await ann.age(4.9 * MINUTE_MS);
    ann.network.faults(REFRESH, retryLater(503, "60"));
    expect((await ann.auth.GET(USER)).response.status).toBe(200);
    ann.network.faults(REFRESH, noAnswer, noAnswer, noAnswer);
    expect((await ann.auth.GET(USER)).response.status).toBe(200);
    expect(ann.network.statuses(REFRESH)).toEqual([503]);
  });

  it("a dead line is what fetch throws, and the login is kept", async () => {
    const ann = await newClient();
    await ann.age(6 * MINUTE_MS);
    ann.network.faults(REFRESH, noAnswer, noAnswer, noAnswer);
    await expect(hundred(ann)).rejects.toThrow("the line is dead");
    expect(ann.network.statuses(REFRESH)).toEqual([0, 0, 0]);
    expect((await ann.auth.GET(USER)).response.status).toBe(200);
  });
});

describe("log-out", () => {
  it("while a refresh is under way: what waited is not sent, and nothing comes back to life", async () => {
    const ann = await newClient({ ROTATE_REFRESH_TOKENS: "on" });
    const { refresh } = await ann.tokens();
    await ann.age(6 * MINUTE_MS);
    const released = Promise.withResolvers<void>();
    ann.network.faults(REFRESH, async (request, through) => {
      const answer = await through(request);
      await released.promise;
      return answer;
    });
    const waiting = hundred(ann);
    expect(await ann.auth.logOut()).toBe(true);
    released.resolve();
    expect((await waiting).every(({ error }) => error?.status === 401)).toBe(true);
    expect(ann.network.statuses(USER)).toEqual([]);
    expect(await ann.auth.isLoggedIn()).toBe(false);
    expect(ann.loggedOut).toEqual([]);
    const again = await ann.auth.anonymous.POST(REFRESH, { body: { refresh } });
    expect(again.response.status).toBe(401);
  });

  it("while requests are under way: they are refused, and refresh nothing", async () => {
    const ann = await newClient();
    const released = Promise.withResolvers<void>();
    ann.network.faults(USER, ...Array(100).fill(heldUntil(released.promise)));
    const waiting = hundred(ann);
    await ann.auth.logOut();
    released.resolve();
    expect((await waiting).map(({ response }) => response.status)).toEqual(Array(100).fill(401));
    expect(ann.network.statuses(REFRESH)).toEqual([]);
  });

  it("is final here where the service cannot be told", async () => {
    const ann = await newClient();
    ann.network.faults("/oauth/revoke", noAnswer, noAnswer, noAnswer);
    expect(await ann.auth.logOut()).toBe(false);
    expect((await ann.auth.GET(USER)).response.status).toBe(401);
    expect(ann.network.sent(USER).map((headers) => headers.has("authorization"))).toEqual([false]);
  });
});

describe("another user who logs in meanwhile", () => {
  it("never gets what was begun before", async () => {
    const [ann, ben] = [await newClient(), await newClient()];
    const released = Promise.withResolvers<void>();
    ann.network.faults("/rest/token", heldUntil(released.promise));
    const anns = ann.auth.POST("/rest/token", { body: { name: "Ann's" } });
    await ann.auth.logOut();
    await ann.auth.logIn(ben.user);
    released.resolve();
    expect((await anns).response.status).toBe(401);
    const { data } = await ann.auth.GET("/rest/token/list");
    expect(data?.payload).toEqual([]);
    expect((await ann.auth.GET(USER)).data?.payload.uuid).toBe(ben.user.id);
  });
});
