import { connect } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { build } from "../bench/build.ts";

interface Line {
  readonly route: string;
  readonly level: string;
  readonly outcome: string;
  readonly status: number;
}

const lines: Line[] = [];
let miniflare: Miniflare;
let url: URL;

beforeAll(async () => {
  const { modules } = await build();
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: "test", alg: "ES256", state: "active" };
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "dropped",
      modules: modules.map(({ name, type, contents }) => ({ type, path: name, contents })),
      compatibilityDate: "2026-10-23",
      compatibilityFlags: ["nodejs_als"],
      bindings: {
        ISSUER: "http://localhost",
        JWT_KEYS: JSON.stringify({ keys: [key] }),
        ENCRYPTION_KEYS: btoa("x".repeat(32)),
      },
      kvNamespaces: ["KV"],
      d1Databases: ["DB"],
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      cf: false,
      handleStructuredLogs: ({ message }) => void lines.push(JSON.parse(message)),
    }),
  );
  url = await miniflare.unsafeGetDirectURL();
}, 60_000);
afterAll(() => miniflare.dispose());

/** Sends the head of a request and half of its body, and then hangs up. */
async function drop(method: string, path: string, framing: string, half: string): Promise<void> {
  const socket = connect(Number(url.port), url.hostname);
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const head = [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    "Content-Type: application/json",
    "Expect: 100-continue",
    framing,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  // "100 Continue": the body is being read.
  await new Promise<unknown>((resolve) => socket.once("data", resolve));
  await new Promise<unknown>((resolve) => socket.write(half, resolve));
  socket.destroy();
}

it.each([
  ["POST", "/tokens"],
  ["POST", "/rest/user"],
  ["POST", "/api/token/"],
  ["POST", "/api/run-action-token"],
  ["POST", "/oauth/revoke"],
])(
  "a client that hangs up in its body is a line of its own, and no error: %s %s",
  async (method, path) => {
    for (const [framing, half] of [
      ["Content-Length: 40", '{"a":'],
      ["Transfer-Encoding: chunked", '5\r\n{"a":\r\n'],
    ] as const) {
      lines.length = 0;
      await drop(method, path, framing, half);
      await vi.waitFor(() => expect(lines).toHaveLength(1), { timeout: 5_000 });
      expect(lines[0], framing).toMatchObject({
        route: path,
        level: "info",
        outcome: "client_closed",
        status: 499,
      });
    }
  },
);
