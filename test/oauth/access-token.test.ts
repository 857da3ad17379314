import { decodeJwt, decodeProtectedHeader } from "jose";
import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  call,
  newApiToken,
  newCaller,
  newPair,
  newSession,
  ORIGIN,
  type Send,
  type TestUser,
  textAt,
} from "../support/client.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

let user: TestUser;
beforeAll(async () => {
  user = await newCaller();
});

const auth = async (send: Send) =>
  textAt(await call("GET", "/rest/auth", send), "payload", "token");

/** Every way to get an access token, and how long it lives at most. */
const WAYS: Record<string, { readonly get: () => Promise<string>; readonly lives: number }> = {
  "POST /api/token/": { get: async () => (await newPair(user)).access, lives: 300 },
  "POST /api/token/refresh/": {
    async get() {
      const { refresh } = await newPair(user);
      const answer = await call("POST", "/api/token/refresh/", { json: { refresh } });
      return textAt(answer, "access");
    },
    lives: 300,
  },
  "GET /rest/auth by Basic": { get: () => auth({ basic: user }), lives: 86_400 },
  "GET /rest/auth by a JWT": {
    get: async () => auth({ bearer: (await newPair(user)).access }),
    lives: 86_400,
  },
  "GET /rest/auth by a session": {
    get: async () => auth({ xToken: await newSession(user) }),
    lives: 3_600,
  },
  "GET /rest/auth by an API token": {
    get: async () =>
      auth({ bearer: (await newApiToken((await newPair(user)).access, "x", 600)).secret }),
    lives: 600,
  },
};

describe.each(Object.entries(WAYS))("the access token of %s", (way, { get, lives }) => {
  it("is one by RFC 9068, and one for simplejwt's relying parties", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2030, 0, 1) + 999 });
    const nowSeconds = Date.UTC(2030, 0, 1) / 1000;
    const jwt = await get();
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: "ES256", kid: "test", typ: "at+jwt" });
    expect(decodeJwt(jwt)).toMatchObject({
      iss: ORIGIN,
      aud: ORIGIN,
      sub: user.id,
      client_id: "latchkey",
      jti: expect.stringMatching(UUID),
      // Whole seconds, rounded down.
      iat: nowSeconds,
      exp: nowSeconds + lives,
      // No one need be there when a program uses its API token.
      auth_time: way.endsWith("API token") ? 0 : nowSeconds,
      token_type: "access",
      user_id: user.id,
    });
  });

  it("has an id of its own", async () => {
    expect(decodeJwt(await get()).jti).not.toBe(decodeJwt(await get()).jti);
  });
});

it("a refresh token is not of its type", async () => {
  const { refresh } = await newPair(user);
  expect(decodeProtectedHeader(refresh).typ).toBe("refresh+jwt");
  expect(decodeJwt(refresh).token_type).toBe("refresh");
});

it("a token that may do less says in `scope` what", async () => {
  const { access } = await newPair(user);
  expect(decodeJwt(access).scope).toBeUndefined();
  const { secret } = await newApiToken(access, "x", 60, ["account:read", "tokens:read"]);
  expect(decodeJwt(await auth({ bearer: secret })).scope).toBe("account:read tokens:read");
});
