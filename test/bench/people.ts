import { type Sent, send } from "./load.ts";
import type { Server } from "./server.ts";

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

/** Sends what must succeed. @returns the text at this path of the answer, such as `payload.token` */
export async function textOf(server: Server, at: string, sent: Sent): Promise<string> {
  let value: unknown = await (await send(server, sent)).json();
  for (const name of at.split(".")) {
    value = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  }
  if (typeof value !== "string") throw new Error(`no ${at} in the answer to ${sent.path}`);
  return value;
}

export async function newPerson(server: Server): Promise<Person> {
  const account = {
    email: `${crypto.randomUUID()}@example.com`,
    password: "correct horse battery",
  };
  const signUp = { method: "POST", path: "/rest/user", body: account } as const;
  return { id: await textOf(server, "payload.uuid", signUp), ...account };
}

const jwt = (server: Server, which: "access" | "refresh", { email, password }: Person) =>
  textOf(server, which, { method: "POST", path: "/api/token/", body: { email, password } });

export const newAccess = (server: Server, person: Person) => jwt(server, "access", person);
export const newRefresh = (server: Server, person: Person) => jwt(server, "refresh", person);

export const newSession = (server: Server, { email, password }: Person) =>
  textOf(server, "data.token", {
    method: "POST",
    path: "/tokens",
    body: { email_id: email, password },
  });

export const newApiToken = async (server: Server, person: Person) =>
  textOf(server, "payload.token", {
    method: "POST",
    path: "/rest/token",
    headers: bearer(await newAccess(server, person)),
    body: { name: "bench" },
  });

/**
 * An action token that runs for whoever shows it.
 * @param credential of its issuer, as a Bearer token
 */
export const newActionToken = async (
  server: Server,
  credential: string,
  contact: Person,
  maxUses: number,
) =>
  textOf(server, "token.token", {
    method: "POST",
    path: "/api/generate-action-token",
    headers: bearer(credential),
    body: { action: "addContact", payload: { contact_id: contact.id }, max_uses: maxUses },
  });

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** So many of them, made one after the other. */
export async function several<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(await make());
  return made;
}
