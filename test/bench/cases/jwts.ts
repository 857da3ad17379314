import { send } from "../load.ts";
import { inTurn, type Case } from "./case.ts";
import { newAccess, newPerson, newRefresh, several } from "../people.ts";

const verify = (token: string) =>
  ({ method: "POST", path: "/api/token/verify/", body: { token } }) as const;

/** Each request has a JWT that nobody has seen. */
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

const refresh: Case["prepare"] = async (server) => {
  const person = await newPerson(server);
  const token = inTurn(await several(5, () => newRefresh(server, person)));
  return async () => () => ({
    method: "POST",
    path: "/api/token/refresh/",
    body: { refresh: token() },
  });
};

const toHello = (times: number) => ({ times, of: "hello" });

export const JWTS: readonly Case[] = [
  {
    name: "verify-new",
    title: "verify a JWT never seen before, lag 300",
    of: "Latchkey",
    server: "latchkey-300",
    requests: 2_500,
    bound: toHello(3.8),
    prepare: neverSeen,
  },
  {
    name: "verify-seen",
    title: "verify a JWT seen before, lag 300",
    of: "Latchkey",
    server: "latchkey-300",
    requests: 4_000,
    bound: toHello(1.9),
    prepare: seen,
  },
  {
    name: "verify-seen-logged",
    title: "the same, with a line in the log",
    of: "Latchkey",
    server: "latchkey-300-logged",
    requests: 4_000,
    prepare: seen,
  },
  {
    name: "verify-0",
    title: "verify a JWT, lag 0",
    of: "Latchkey",
    server: "latchkey-0",
    requests: 500,
    bound: { times: 1.25, of: "d1" },
    prepare: seen,
  },
  {
    name: "refresh",
    title: "refresh, lag 86,400",
    of: "Latchkey",
    server: "latchkey-86400",
    requests: 1_500,
    bound: toHello(5),
    prepare: refresh,
  },
];
