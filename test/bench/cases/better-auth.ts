import { type Sent, send } from "../load.ts";
import { bearer, textOf } from "../people.ts";
import type { Server } from "../server.ts";
import type { Case } from "./case.ts";

/** Its check of origins wants one where a browser would send it. */
const ORIGIN = { origin: "http://localhost" };
const PASSWORD = "correct horse battery";

interface SignedIn {
  readonly email: string;
  readonly token: string;
}

export async function signUp(server: Server): Promise<SignedIn> {
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

export const signIn = ({ email }: SignedIn): Sent => ({
  method: "POST",
  path: "/api/auth/sign-in/email",
  headers: ORIGIN,
  body: { email, password: PASSWORD },
});

export const readSession = ({ token }: SignedIn): Sent => ({
  path: "/api/auth/get-session",
  headers: bearer(token),
});

export const newJwt = ({ token }: SignedIn): Sent => ({
  path: "/api/auth/token",
  headers: bearer(token),
});

export const signOut = ({ token }: SignedIn): Sent => ({
  method: "POST",
  path: "/api/auth/sign-out",
  headers: { ...ORIGIN, ...bearer(token) },
  body: {},
});

export async function verifyJwt(server: Server, person: SignedIn): Promise<Sent> {
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
  of: "better-auth",
  server: "better-auth",
  requests,
  async prepare(server) {
    const person = await signUp(server);
    // Anew in each round: its JWTs live for a quarter of an hour.
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
