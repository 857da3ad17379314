import autocannon from "autocannon";
import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "./servers.ts";

export interface Sent {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: unknown;
}

export interface Load {
  readonly requests: number;
  readonly connections: number;
  /** Called for each request, so that each can differ. */
  readonly next: () => Sent;
}

export interface Measured {
  /** CPU time of the server's process per request. */
  readonly cpuMs: number;
  readonly perSecond: number;
}

/** @throws Error unless every answer is 2xx */
export async function measure(server: Server, load: Load): Promise<Measured> {
  const { requests, connections, next } = load;
  const cpuBefore = server.cpuMs();
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>();
  autocannon(
    {
      url: server.origin,
      amount: requests,
      connections,
      timeout: 30,
      // autocannon ends with a sample. At its default of one second, a short round would be mostly waiting.
      sampleInt: 20,
      requests: [{ setupRequest: (request) => ({ ...request, ...asRaw(next()) }) }],
    },
    (error, result) => (error ? reject(error) : resolve(result)),
  );
  const result = await promise;
  const cpu = server.cpuMs() - cpuBefore;
  if (result["2xx"] !== requests) {
    throw new Error(
      `${result["2xx"]} of ${requests} requests were answered 2xx, and ${result.errors} not at all: ${JSON.stringify(result.statusCodeStats)}`,
    );
  }
  return {
    cpuMs: cpu / requests,
    perSecond: requests / result.duration,
  };
}

function asRaw({ method = "GET", path, headers = {}, body }: Sent) {
  if (body === undefined) return { method, path, headers: { ...headers } };
  const withType = { "content-type": "application/json", ...headers };
  return { method, path, headers: withType, body: JSON.stringify(body) };
}

/** One request that prepares a measurement. @throws Error unless the answer is 2xx */
export async function send(server: Server, sent: Sent): Promise<Response> {
  const { method, path, headers, body } = asRaw(sent);
  const response = await fetch(new URL(path, server.origin), {
    method,
    headers,
    body: body ?? null,
  });
  if (!response.ok) {
    throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
  }
  return response;
}

interface OpenLoop {
  readonly perSecond: number;
  readonly requests: number;
  readonly next: () => Sent;
}

/**
 * Sends at a constant rate, without waiting for earlier answers.
 * @returns the 99th percentile of the time to an answer, in ms
 */
export async function p99At(server: Server, load: OpenLoop): Promise<number> {
  const { perSecond, requests, next } = load;
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  try {
    const began = performance.now();
    const answers: Promise<number>[] = [];
    for (let i = 0; i < requests; i++) {
      const waitMs = began + (i * 1000) / perSecond - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      answers.push(timed(server, agent, next()));
    }
    const times = (await Promise.all(answers)).sort((a, b) => a - b);
    return times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN;
  } finally {
    agent.destroy();
  }
}

function timed(server: Server, agent: Agent, sent: Sent) {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const began = performance.now();
  const { method, path, headers, body } = asRaw(sent);
  const request = httpRequest(server.origin + path, { agent, method, headers });
  request.on("error", reject);
  request.on("response", (response) => {
    response.resume();
    response.on("end", () => {
      if (response.statusCode === 200) resolve(performance.now() - began);
      else reject(new Error(`${method} ${path} was answered ${response.statusCode}`));
    });
  });
  request.end(body);
  return promise;
}

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

/** Sends a request that must succeed. @returns the string at this path of the answer, such as `payload.token` */
export async function textOf(server: Server, at: string, sent: Sent): Promise<string> {
  const body: unknown = await (await send(server, sent)).json();
  const value = at.split(".").reduce((each, name) => Object(each)[name], body);
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
 * An action token that anyone can use.
 * @param credential the issuer's Bearer token
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

/** Creates a number of values, one after the other. */
export async function several<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(await make());
  return made;
}
