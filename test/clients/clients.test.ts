import { createServer, type RequestListener, type Server } from "node:http";
import { text } from "node:stream/consumers";
import type { AxiosInstance } from "axios";
import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { expired, newApiToken, newPerson } from "./people.ts";
import { type RunningServer, startServer } from "./server.ts";

/** Each client as its recipe in docs/guides has it, past the running server. */
type Recipes = {
  jose: typeof import("./recipes/jose.ts");
  oauth4webapi: typeof import("./recipes/oauth4webapi.ts");
  openidClient: typeof import("./recipes/openid-client.ts");
  express: typeof import("./recipes/express.ts");
  axios: typeof import("./recipes/axios.ts");
  statusList: typeof import("./recipes/status-list.ts");
};

let server: RunningServer;
let recipes: Recipes;
let ann: Awaited<ReturnType<typeof newPerson>>;
let proxy: Server;
/** What has come past the proxy since the test began. */
let past = { refreshes: 0, refusals: 0, successes: 0 };
let othersDone = Promise.withResolvers<void>();

beforeEach(() => {
  past = { refreshes: 0, refusals: 0, successes: 0 };
  othersDone = Promise.withResolvers();
});

/**
 * The service behind a slow line: the last of ten refusals comes in when all others have long
 * had their answer, as it may in life.
 */
const slowLine: RequestListener = async (request, response) => {
  const { method = "", url = "", headers } = request;
  const isRefresh = url.startsWith("/api/token/refresh");
  const sent = await text(request);
  const real = await fetch(server.origin + url, {
    method,
    headers: {
      authorization: headers.authorization ?? "",
      "content-type": headers["content-type"] ?? "",
    },
    ...(sent !== "" && { body: sent }),
  });
  if (isRefresh) {
    past.refreshes++;
    if (!real.ok) othersDone.resolve();
  } else if (real.ok) {
    if (++past.successes === 9) othersDone.resolve();
  } else if (++past.refusals === 10) {
    await othersDone.promise;
  }
  response.writeHead(real.status, { "content-type": "application/json" }).end(await real.text());
};

beforeAll(async () => {
  server = await startServer();
  const { access } = await newPerson(server);
  const client = await newApiToken(server, access, ["introspect"]);
  process.env.ISSUER = server.origin;
  process.env.CLIENT_ID = client.uuid;
  process.env.CLIENT_SECRET = client.token;
  recipes = {
    jose: await import("./recipes/jose.ts"),
    oauth4webapi: await import("./recipes/oauth4webapi.ts"),
    openidClient: await import("./recipes/openid-client.ts"),
    express: await import("./recipes/express.ts"),
    statusList: await import("./recipes/status-list.ts"),
    axios: await importAxios(),
  };
  ann = await newPerson(server);
}, 60_000);
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await server.close();
});

async function importAxios() {
  [proxy, process.env.ISSUER] = await listen(slowLine);
  return import("./recipes/axios.ts");
}

/** One character of the signature is another one. */
function forged(jwt: string): string {
  const at = jwt.lastIndexOf(".") + 10;
  return jwt.slice(0, at) + (jwt[at] === "x" ? "y" : "x") + jwt.slice(at + 1);
}

/** JWTs that no relying party may take for an access token. */
const notAccess = async () => ({
  expired: await expired(server, ann.access),
  forged: forged(ann.access),
  "a refresh token": ann.refresh,
});

describe("jose", () => {
  it("verifies with the published keys", async () => {
    expect(await recipes.jose.claimsOf(ann.access)).toMatchObject({
      iss: server.origin,
      sub: ann.id,
      token_type: "access",
    });
    for (const [name, token] of Object.entries(await notAccess())) {
      await expect(recipes.jose.claimsOf(token), name).rejects.toThrow();
    }
  });
});

describe("a status list", () => {
  it("says which log-in was revoked, and reads no list of another issuer", async () => {
    const [staying, ending] = [await ann.pair(), await ann.pair()];
    await recipes.oauth4webapi.revoke(ending.refresh);
    const { claimsOf } = recipes.jose;
    const { isRevoked } = recipes.statusList;
    expect(await isRevoked(await claimsOf(staying.access))).toBe(false);
    expect(await isRevoked(await claimsOf(ending.access))).toBe(true);
    const { status: _, ...placeless } = await claimsOf(staying.access);
    expect(await isRevoked(placeless)).toBe(false);
    const foreign = { status_list: { uri: "https://evil.example/status-lists/0", idx: 0 } };
    await expect(isRevoked({ status: foreign })).rejects.toThrow("another issuer");
  });
});

describe("oauth4webapi", () => {
  const calling = (token: string) =>
    new Request("https://api.example.com/", { headers: { authorization: `Bearer ${token}` } });

  it("exchanges any credential for a narrower JWT, and says why not", async () => {
    const { claimsOf, exchange } = recipes.oauth4webapi;
    const { token } = await newApiToken(server, ann.access, ["account:read", "tokens:read"]);
    for (const subject of [token, ann.access]) {
      const issued = await exchange(subject, server.origin, "account:read");
      expect(issued).toMatchObject({ token_type: "bearer", scope: "account:read" });
      const claims = await claimsOf(calling(issued.access_token));
      expect(claims).toMatchObject({ sub: ann.id, scope: "account:read" });
      expect(await recipes.statusList.isRevoked(claims)).toBe(false);
    }
    await expect(exchange(token, server.origin, "tokens:write")).rejects.toMatchObject({
      error: "invalid_scope",
    });
  });

  it("discovers, and validates an access token by RFC 9068", async () => {
    const { claimsOf } = recipes.oauth4webapi;
    expect(await claimsOf(calling(ann.access))).toMatchObject({
      sub: ann.id,
      client_id: "latchkey",
    });
    for (const [name, token] of Object.entries(await notAccess())) {
      await expect(claimsOf(calling(token)), name).rejects.toThrow();
    }
  });

  it("introspects and revokes", async () => {
    const { introspect, revoke } = recipes.oauth4webapi;
    const { access, refresh } = await ann.pair();
    expect(await introspect(access)).toMatchObject({ active: true, sub: ann.id });
    await revoke(refresh);
    await revoke(refresh);
    await revoke("of nobody");
    for (const token of [access, refresh, "of nobody"]) {
      expect(await introspect(token)).toEqual({ active: false });
    }
  });
});

describe("openid-client", () => {
  it("discovers, introspects and revokes", async () => {
    const { introspect, revoke } = recipes.openidClient;
    const { uuid, token } = await newApiToken(server, ann.access, ["tokens:read"]);
    expect(await introspect(token)).toMatchObject({
      active: true,
      jti: uuid,
      scope: "tokens:read",
    });
    await revoke(token);
    await revoke("of nobody");
    expect(await introspect(token)).toEqual({ active: false });
  });
});

describe("express-oauth2-jwt-bearer, strict", () => {
  let api: Server;
  let url = "";
  beforeAll(async () => {
    [api, url] = await listen(recipes.express.api);
  });
  afterAll(() => api.close());
  const whoami = (token: string) =>
    fetch(`${url}/whoami`, { headers: { authorization: `Bearer ${token}` } });

  it("lets in who has an access token", async () => {
    const response = await whoami(ann.access);
    expect([response.status, await response.json()]).toEqual([200, { user: ann.id }]);
    expect((await fetch(`${url}/whoami`)).status).toBe(401);
    for (const [name, token] of Object.entries(await notAccess())) {
      expect((await whoami(token)).status, name).toBe(401);
    }
  });
});

describe("axios-auth-refresh", () => {
  const USER = v.object({ payload: v.object({ uuid: v.string() }) });

  const tenAtOnce = (api: AxiosInstance) =>
    Promise.allSettled(Array.from({ length: 10 }, () => api.get("/rest/user")));

  it("an expired access token, ten requests at once, one refresh", async () => {
    const { access, refresh } = await ann.pair();
    const tokens = { access: await expired(server, access), refresh };
    const answers = await tenAtOnce(recipes.axios.authorized(tokens));
    const users = answers.map((answer) =>
      answer.status === "fulfilled" ? v.parse(USER, answer.value.data).payload.uuid : answer.reason,
    );
    expect(users).toEqual(Array(10).fill(ann.id));
    expect(past).toEqual({ refreshes: 1, refusals: 10, successes: 10 });
    expect(tokens.refresh).toBe(refresh);
  });

  it("gives up where the refresh token has ended too", async () => {
    const { access, refresh } = await ann.pair();
    await recipes.oauth4webapi.revoke(refresh);
    const tokens = { access: await expired(server, access), refresh };
    const answers = await tenAtOnce(recipes.axios.authorized(tokens));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill("rejected"));
    expect(past).toMatchObject({ refusals: 10, successes: 0 });
  });
});

async function listen(listener: RequestListener): Promise<[Server, string]> {
  const listening = createServer(listener);
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return [listening, `http://127.0.0.1:${address.port}`];
}
