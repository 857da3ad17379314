import { expect } from "vitest";
import { type Answered, type Call, ORIGIN, PASSWORD, textAt } from "../support/client.ts";
import { DB } from "../support/database.ts";

/** The headers that a browser sends with a form of a page of ours. */
export const SAME_ORIGIN = { origin: ORIGIN, "sec-fetch-site": "same-origin" };

export const COOKIE = "__Host-latchkey";

/** Fields of a form; a list is several of one name. */
export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** A browser, as far as the pages can tell. */
export interface PageClient {
  readonly email: string;
  /** The session's token: what the cookie holds. */
  readonly secret: string;
  open(path: string, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  send(
    path: string,
    fields?: Fields,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answered>;
}

/** A new user, logged in. */
export async function newPageClient(call: Call): Promise<PageClient> {
  const email = `${crypto.randomUUID()}@example.com`;
  const answer = await call("POST", "/rest/user", { json: { email, password: PASSWORD } });
  expect(answer.status).toBe(201);
  return logIn(call, email);
}

/** The same, who is an operator. */
export async function newOperatorClient(call: Call): Promise<PageClient> {
  const client = await newPageClient(call);
  await DB.prepare("UPDATE users SET role = 'Admin' WHERE email = ?").bind(client.email).run();
  return client;
}

/** The same person in another browser. */
export async function logIn(call: Call, email: string): Promise<PageClient> {
  const answer = await call("POST", "/tokens", { json: { email_id: email, password: PASSWORD } });
  const secret = textAt(answer, "data", "token");
  const cookie = `${COOKIE}=${secret}`;
  return {
    email,
    secret,
    open: (path, headers = {}) => call("GET", path, { headers: { cookie, ...headers } }),
    send: (path, fields = {}, headers = SAME_ORIGIN) =>
      call("POST", path, { headers: { cookie, ...headers, ...FORM }, body: encoded(fields) }),
  };
}

export const FORM = { "content-type": "application/x-www-form-urlencoded" };

export function encoded(fields: Fields): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value]] : value.map((each) => [name, each]),
  );
  return new URLSearchParams(pairs).toString();
}
