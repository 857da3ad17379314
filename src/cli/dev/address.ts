import * as http from "node:http";
import * as https from "node:https";
import { createServer } from "node:net";
import { optionValues } from "./arguments.ts";
import { CannotStart } from "./cannot-start.ts";

/** Where the service is to listen. */
export interface Address {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = "8787";
const EVERY_INTERFACE = ["*", "0.0.0.0", "::"];

/** @throws CannotStart if `--port` is no port. Port 0 is none: the issuer names the port before the start. */
export function readAddress(args: readonly string[]): Address {
  const port = optionValues(args, "port").at(-1) ?? DEFAULT_PORT;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new CannotStart(`--port takes a number from 1 to 65535, not "${port}".`);
  }
  return {
    protocol: optionValues(args, "local-protocol").at(-1) ?? "http",
    host: optionValues(args, "ip").at(-1) ?? "localhost",
    port: Number(port),
  };
}

/** The origin by which a browser on this machine reaches the address. */
export function originOf(address: Address): string {
  return originAt(EVERY_INTERFACE.includes(address.host) ? "localhost" : address.host, address);
}

/** The origin by which it is reached under another name. */
export function originAt(name: string, { protocol, port }: Address): string {
  return new URL(`${protocol}://${name.includes(":") ? `[${name}]` : name}:${port}`).origin;
}

/** Whether the service there says that it is well. Its certificate is taken as it is: wrangler makes one itself. */
export async function isHealthy(address: Address): Promise<boolean> {
  const { get } = address.protocol === "https" ? https : http;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  get(`${originOf(address)}/health`, { rejectUnauthorized: false }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  }).once("error", () => resolve(false));
  return promise;
}

/** @throws CannotStart if the address cannot be listened on: wrangler would tell only seconds later */
export async function requireFree({ host, port }: Address): Promise<void> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ port, host: host === "*" ? "::" : host }, resolve);
  try {
    await promise;
  } catch (error) {
    throw new CannotStart(whyNot(error, host, port));
  } finally {
    server.close();
  }
}

function whyNot(error: unknown, host: string, port: number): string {
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    return `Port ${port} is taken. Stop what serves there, or choose another: npm run dev -- --port ${port + 1}`;
  }
  return `Cannot listen on ${host}, port ${port}: ${error instanceof Error ? error.message : error}`;
}
