import type { Sent } from "../load.ts";
import { newPerson, type Person, several } from "../people.ts";
import { type Case, inTurn } from "./case.ts";

const login = (name: string, title: string, request: (person: Person) => Sent): Case => ({
  name,
  title,
  of: "Latchkey",
  server: "latchkey-0",
  requests: 15,
  connections: 1,
  bound: { times: 1.1, of: "hash" },
  async prepare(server) {
    const person = inTurn(await several(3, () => newPerson(server)));
    return async () => () => request(person());
  },
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
