import autocannon from "autocannon";
import type { Server } from "./server.ts";

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
  /** Each request is asked for, so that each can be another. */
  readonly next: () => Sent;
}

export interface Measured {
  /** Of the server's process, by request. */
  readonly cpuMs: number;
  readonly perSecond: number;
}

/** @throws Error unless every request is answered 2xx */
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
      // It ends with a sample: at its own second, most of a short round would be waiting.
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

/** One request, for what must be there before measuring. @throws Error unless it is answered 2xx */
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
