import { bearer, newActionToken, newApiToken, newPerson, newSession, several } from "../people.ts";
import { type Case, inTurn } from "./case.ts";

const sessions: Case["prepare"] = async (server) => {
  const person = await newPerson(server);
  const token = inTurn(await several(10, () => newSession(server, person)));
  return async () => () => ({ path: "/tokens", headers: { "x-token": token() } });
};

const apiTokens: Case["prepare"] = async (server) => {
  const person = await newPerson(server);
  const token = inTurn(await several(10, () => newApiToken(server, person)));
  return async () => () => ({ path: "/rest/user", headers: bearer(token()) });
};

/** Without a caller, so that it is the run alone that is measured. */
const runs: Case["prepare"] = async (server) => {
  const [person, contact] = [await newPerson(server), await newPerson(server)];
  // Not a log-in before each round: what a password hash leaves behind would be counted in it.
  const issuer = await newApiToken(server, person);
  return async () => {
    const token = inTurn([
      await newActionToken(server, issuer, contact, 1_000),
      await newActionToken(server, issuer, contact, 1_000),
    ]);
    return () => ({ method: "POST", path: "/api/run-action-token", body: { token: token() } });
  };
};

const latchkey = (
  name: string,
  title: string,
  server: Case["server"],
  requests: number,
  bound: Case["bound"] & object,
  prepare: Case["prepare"],
): Case => ({ name, title, of: "Latchkey", server, requests, bound, prepare });

const warm = { times: 2.5, of: "hello" };
const strict = { times: 1.25, of: "kv-and-d1" };

export const OPAQUE: readonly Case[] = [
  latchkey("session-10", "read a session, lag 10, warm", "latchkey-10", 3_000, warm, sessions),
  latchkey("api-10", "check an API token, lag 10, warm", "latchkey-10", 3_000, warm, apiTokens),
  latchkey("session-0", "read a session, lag 0", "latchkey-0", 500, strict, sessions),
  latchkey("api-0", "check an API token, lag 0", "latchkey-0", 500, strict, apiTokens),
  latchkey(
    "run-action",
    "run an action token",
    "latchkey-0",
    250,
    { times: 1.25, of: "kv-then-batch" },
    runs,
  ),
];
