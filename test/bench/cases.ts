import {
  bearer,
  newAccess,
  newActionToken,
  newApiToken,
  newPerson,
  newRefresh,
  newSession,
  type Person,
  send,
  type Sent,
  several,
  textOf,
} from "./load.ts";
import { createSecrets } from "../../src/crypto/secrets.ts";
import { asserted, created, newAuthenticator } from "../simulation/authenticator.ts";
import { always, type Case, inTurn } from "./rounds.ts";
import { ISSUER, type PeerName, python, type Server } from "./servers.ts";

const reference = (
  name: string,
  title: string,
  requests: number,
  more: Partial<Case> & { readonly path?: string } = {},
): Case => ({
  name,
  title,
  server: "reference",
  requests,
  prepare: always({ path: more.path ?? `/${name}` }),
  ...more,
});

/** Baselines: a Hono route, a bare Worker, and the minimal work with storage. */
export const REFERENCES: readonly Case[] = [
  reference("hello", "Hono's hello", 6_000, { server: "hello", path: "/" }),
  reference("bare", "a bare Worker", 6_000, { server: "bare", path: "/" }),
  reference("d1", "one D1 read", 600),
  reference("kv-and-d1", "one KV read and one D1 read at once", 400),
  reference("kv-then-batch", "one KV read, then one D1 batch", 300),
  reference("hash", "one Argon2id hash", 15, { connections: 1 }),
];

const latchkey = (
  name: string,
  title: string,
  server: Case["server"],
  requests: number,
  prepare: Case["prepare"],
  more: Partial<Case> = {},
): Case => ({ name, title, server, requests, prepare, ...more });

const within = (times: number, of: string) => ({ bound: { times, of } });
const strict = within(1.25, "kv-and-d1");
const warm = within(2.5, "hello");

const verify = (token: string) =>
  ({ method: "POST", path: "/api/token/verify/", body: { token } }) as const;

/** Each request has a new JWT. */
const neverSeen: Case["prepare"] = async (server, signer) => {
  const more = await signer.like(await newAccess(server, await newPerson(server)));
  return async (requests) => {
    const token = inTurn(await more(requests));
    return () => verify(token());
  };
};

/** A hundred JWTs, each seen before. */
const seen: Case["prepare"] = async (server, signer) => {
  const more = await signer.like(await newAccess(server, await newPerson(server)));
  return async () => {
    const jwts = await more(100);
    for (const each of jwts) await send(server, verify(each));
    const token = inTurn(jwts);
    return () => verify(token());
  };
};

/** The same request with each of a number of values in turn, all of one user. */
const withEach =
  <T>(
    count: number,
    make: (server: Server, person: Person) => Promise<T>,
    request: (item: T) => Sent,
  ): Case["prepare"] =>
  async (server) => {
    const person = await newPerson(server);
    const item = inTurn(await several(count, () => make(server, person)));
    return async () => () => request(item());
  };

const refresh = withEach(5, newRefresh, (token) => ({
  method: "POST",
  path: "/api/token/refresh/",
  body: { refresh: token },
}));
const sessions = withEach(10, newSession, (token) => ({
  path: "/tokens",
  headers: { "x-token": token },
}));
const apiTokens = withEach(10, newApiToken, (token) => ({
  path: "/rest/user",
  headers: bearer(token),
}));

const AT_300 = "latchkey-300";
export const JWTS: readonly Case[] = [
  latchkey(
    "verify-new",
    "verify a JWT never seen before, lag 300",
    AT_300,
    2_500,
    neverSeen,
    within(3.8, "hello"),
  ),
  latchkey(
    "verify-seen",
    "verify a JWT seen before, lag 300",
    AT_300,
    4_000,
    seen,
    within(1.9, "hello"),
  ),
  latchkey(
    "verify-seen-logged",
    "the same, with a line in the log",
    "latchkey-300-logged",
    4_000,
    seen,
  ),
  latchkey("verify-0", "verify a JWT, lag 0", "latchkey-0", 500, seen, within(1.25, "d1")),
  latchkey("refresh", "refresh, lag 86,400", "latchkey-86400", 1_500, refresh, within(5, "hello")),
];

/** Without a caller, so that only the run is measured. */
const runs: Case["prepare"] = async (server) => {
  const [person, contact] = [await newPerson(server), await newPerson(server)];
  // No login before each round: garbage of the password hash would be counted.
  const issuer = await newApiToken(server, person);
  return async () => {
    const token = inTurn([
      await newActionToken(server, issuer, contact, 1_000),
      await newActionToken(server, issuer, contact, 1_000),
    ]);
    return () => ({ method: "POST", path: "/api/run-action-token", body: { token: token() } });
  };
};

export const OPAQUE: readonly Case[] = [
  latchkey("session-10", "read a session, lag 10, warm", "latchkey-10", 3_000, sessions, warm),
  latchkey("api-10", "check an API token, lag 10, warm", "latchkey-10", 3_000, apiTokens, warm),
  latchkey("session-0", "read a session, lag 0", "latchkey-0", 500, sessions, strict),
  latchkey("api-0", "check an API token, lag 0", "latchkey-0", 500, apiTokens, strict),
  latchkey(
    "run-action",
    "run an action token",
    "latchkey-0",
    250,
    runs,
    within(1.25, "kv-then-batch"),
  ),
];

const login = (name: string, title: string, request: (person: Person) => Sent): Case =>
  latchkey(name, title, "latchkey-0", 15, withEach(3, newPerson, request), {
    connections: 1,
    ...within(1.1, "hash"),
  });

const basic = ({ email, password }: Person) =>
  `Basic ${Buffer.from(`${email}:${password}`).toString("base64")}`;

export const LOGINS: readonly Case[] = [
  login("login-session", "log in for a session", ({ email, password }) => ({
    method: "POST",
    path: "/tokens",
    body: { email_id: email, password },
  })),
  login("login-jwt", "log in for a JWT pair", ({ email, password }) => ({
    method: "POST",
    path: "/api/token/",
    body: { email, password },
  })),
  login("login-basic", "log in by Basic", (person) => ({
    path: "/rest/auth",
    headers: { authorization: basic(person) },
  })),
];

/** What Workers' free plan gives a request. */
const FREE_PLAN_MS = 10;

const withoutPassword = (
  name: string,
  title: string,
  prepare: (server: Server) => Promise<(requests: number) => Promise<Sent[]>>,
): Case =>
  latchkey(
    name,
    title,
    "latchkey-0",
    150,
    async (server) => {
      const make = await prepare(server);
      return async (requests) => inTurn(await make(requests));
    },
    { limitMs: FREE_PLAN_MS },
  );

/** As if an email had been asked for each, of accounts that have proven theirs. */
const byEmail = (issue: string) => async (server: Server) => {
  const people = await several(3, () => newPerson(server));
  await server.sql(["UPDATE users SET verified_on = 1"]);
  return async (requests: number) => {
    const now = Date.now();
    const asked = await several(requests, async () => {
      const [{ id }, challenge] = [await secrets.create("action"), await secrets.create("action")];
      const digest = await secrets.keyedDigest(challenge.secret, CODE);
      return { id, challenge, digest };
    });
    const rows = asked.map(
      ({ id, challenge, digest }, index) =>
        `('${id}', '${challenge.id}', '${digest}', '${people[index % people.length]?.email}', 'bench', 0,
          '{"browser":null,"system":null,"country":null,"city":null}', ${now}, ${now + 600_000})`,
    );
    await server.sql([
      `INSERT INTO email_logins (id, challenge, code, email, address, credential_version, device, created_at, expires_at)
        VALUES ${rows.join()}`,
    ]);
    return asked.map(({ challenge }) => ({
      method: "POST" as const,
      path: "/rest/login/email/verify",
      body: { challenge: challenge.secret, code: CODE, issue },
    }));
  };
};

const CODE = "123456";
const secrets = createSecrets(["lk"]);

const optionsOf = (server: Server, path: string, headers = {}) =>
  textOf(server, "payload.challenge", { method: "POST", path, headers, body: {} });

const byPasskey = (issue: string) => async (server: Server) => {
  const person = await newPerson(server);
  const passkey = { ...newAuthenticator(issue.length), counts: false };
  const headers = { authorization: basic(person) };
  const path = "/rest/user/passkeys";
  const challenge = await optionsOf(server, `${path}/options`, headers);
  const body = { response: created(passkey, ISSUER, challenge) };
  await send(server, { method: "POST", path, headers, body });
  return (requests: number) =>
    several(requests, async () => {
      const challenge = await optionsOf(server, "/rest/login/passkey/options");
      const response = asserted(passkey, ISSUER, challenge, 0);
      return { method: "POST" as const, path: "/rest/login/passkey", body: { response, issue } };
    });
};

export const LOGINS_WITHOUT_PASSWORD: readonly Case[] = [
  withoutPassword("email-jwt", "log in by an email's code for a JWT", byEmail("jwt")),
  withoutPassword("email-session", "log in by an email's code for a session", byEmail("session")),
  withoutPassword("passkey-jwt", "log in by a passkey for a JWT", byPasskey("jwt")),
  withoutPassword("passkey-session", "log in by a passkey for a session", byPasskey("session")),
];

/** better-auth checks `Origin` where a browser would send it. */
const ORIGIN = { origin: "http://localhost" };
const PASSWORD = "correct horse battery";

interface SignedIn {
  readonly email: string;
  readonly token: string;
}

async function signUp(server: Server): Promise<SignedIn> {
  const email = `${crypto.randomUUID()}@example.com`;
  const response = await send(server, {
    method: "POST",
    path: "/api/auth/sign-up/email",
    headers: ORIGIN,
    body: { name: "Bench", email, password: PASSWORD },
  });
  const token = response.headers.get("set-auth-token");
  if (token === null) throw new Error("better-auth gave no bearer token");
  return { email, token };
}

const signIn = ({ email }: SignedIn): Sent => ({
  method: "POST",
  path: "/api/auth/sign-in/email",
  headers: ORIGIN,
  body: { email, password: PASSWORD },
});

const readSession = ({ token }: SignedIn): Sent => ({
  path: "/api/auth/get-session",
  headers: bearer(token),
});

const newJwt = ({ token }: SignedIn): Sent => ({
  path: "/api/auth/token",
  headers: bearer(token),
});

async function verifyJwt(server: Server, person: SignedIn): Promise<Sent> {
  const jwt = await textOf(server, "token", newJwt(person));
  return { path: "/verify", headers: bearer(jwt) };
}

const betterAuth = (
  name: string,
  title: string,
  requests: number,
  request: (server: Server, person: SignedIn) => Sent | Promise<Sent>,
): Case => ({
  name,
  title,
  server: "better-auth",
  requests,
  async prepare(server) {
    const person = await signUp(server);
    // Created in each round, because its JWTs live for 15 minutes.
    return async () => {
      const sent = await request(server, person);
      return () => sent;
    };
  },
});

export const BETTER_AUTH: readonly Case[] = [
  betterAuth("better-verify", "better-auth: verify a JWT", 300, verifyJwt),
  betterAuth("better-jwt", "better-auth: a JWT for a session", 200, (_, person) => newJwt(person)),
  betterAuth("better-session", "better-auth: read a session", 250, (_, p) => readSession(p)),
  {
    ...betterAuth("better-login", "better-auth: log in", 10, (_, person) => signIn(person)),
    connections: 1,
  },
];

/** The same two contracts as ours, each request with another JWT. */
const peer = (server: PeerName, title: string, requests: number): readonly Case[] => {
  const made =
    (type: "access" | "refresh", path: string, member: string): Case["prepare"] =>
    async (at) =>
    async (count) => {
      const answer = await send(at, { path: `/made/${type}/${count}` });
      const token = inTurn<string>(Object(await answer.json()).tokens);
      return () => ({ method: "POST", path, body: { [member]: token() } });
    };
  return [
    {
      name: `${server}-verify`,
      title: `${title}: verify a JWT`,
      server,
      requests,
      prepare: made("access", "/api/token/verify/", "token"),
    },
    {
      name: `${server}-refresh`,
      title: `${title}: refresh`,
      server,
      requests,
      prepare: made("refresh", "/api/token/refresh/", "refresh"),
    },
  ];
};

export const PEERS: readonly Case[] = [
  ...peer("express", "Express with jsonwebtoken", 1_500),
  ...(python() === null ? [] : peer("django", "Django with simplejwt", 300)),
];
