import { request } from "node:http";
import { afterAll, beforeAll, expect, it as anywhere } from "vitest";
import { type Fleet, newFleet, type Server } from "../bench/servers.ts";
import { FORM_BODIES, HEADERS, JSON_BODIES, QUERIES } from "./large.ts";

/** Linux alone says what a process has cost. */
const it = anywhere.runIf(process.platform === "linux");

let fleet: Fleet;
let server: Server;

beforeAll(async () => {
  fleet = await newFleet();
  // workerd's own processor time, in a process of its own.
  server = await fleet.latchkey({ LOG: "errors" });
}, 120_000);
afterAll(() => fleet.stop());

interface Asked {
  readonly route: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: string;
}

function ask({ route, headers = {}, query = "", body }: Asked): Promise<void> {
  const [method, path] = route.split(" ");
  const { hostname, port } = new URL(server.origin);
  const all = { "sec-fetch-site": "same-origin", ...headers };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: `${path}${query}`, headers: all });
    sent.on("response", (answer) => answer.on("end", resolve).resume());
    sent.on("error", reject).end(body);
  });
}

async function costOf(asked: Asked, times: number): Promise<number> {
  for (let i = 0; i < 3; i++) await ask(asked);
  const before = server.cpuMs();
  for (let i = 0; i < times; i++) await ask(asked);
  return (server.cpuMs() - before) / times;
}

/** @returns those that cost more than three times the usual, a line each */
async function costly(usual: Asked, others: Readonly<Record<string, Asked>>): Promise<string[]> {
  const found: string[] = [];
  await costOf(usual, 100);
  // And as much as two runs of the same differ by on a busy machine.
  const most = 3 * (await costOf(usual, 100)) + 0.3;
  for (const [name, asked] of Object.entries(others)) {
    let cost = await costOf(asked, 15);
    // Once more before it is believed: other processes share the processor's caches.
    if (cost > most) cost = await costOf(asked, 60);
    if (cost > most) found.push(`${name}: ${cost.toFixed(2)} ms, not ${most.toFixed(2)}`);
  }
  return found;
}

const json = { "content-type": "application/json" };
const form = { "content-type": "application/x-www-form-urlencoded" };

it.each([
  ["POST /rest/leaked", { tokens: ["x"] }],
  ["POST /tokens", { email_id: "x" }],
  ["POST /api/token/verify/", { token: "x" }],
  ["POST /api/run-action-token", { token: "x" }],
  ["POST /oauth/revoke", { token: "x" }],
])(
  "%s costs no more for any JSON",
  async (route, usual) => {
    const bodies = Object.entries(JSON_BODIES).map(([name, body]) => [
      name,
      { route, headers: json, body },
    ]);
    const normal = { route, headers: json, body: JSON.stringify(usual) };
    expect(await costly(normal, Object.fromEntries(bodies))).toEqual([]);
  },
  60_000,
);

it.each([
  ["POST /oauth/revoke", "token=x"],
  ["POST /api/token/refresh/", ""],
  ["POST /console/login", "email=a&password="],
  ["POST /a/x", "run_key=x"],
])(
  "%s costs no more for any form",
  async (route, body) => {
    const bodies = Object.entries(FORM_BODIES).map(([name, [type, body]]) => [
      name,
      { route, headers: { "content-type": type }, body },
    ]);
    const normal = { route, headers: form, body };
    expect(await costly(normal, Object.fromEntries(bodies))).toEqual([]);
  },
  60_000,
);

it.each(["GET /console", "POST /oauth/introspect"])(
  "%s costs no more for any header",
  async (route) => {
    const others = Object.entries(HEADERS).map(([name, headers]) => [name, { route, headers }]);
    const normal = { route, headers: { cookie: "__Host-latchkey=x", authorization: "Bearer x" } };
    expect(await costly(normal, Object.fromEntries(others))).toEqual([]);
  },
  60_000,
);

it.each(["GET /tokens", "GET /console/login"])(
  "%s costs no more for any query",
  async (route) => {
    const others = Object.entries(QUERIES).map(([name, query]) => [
      name,
      { route, query: `?${query}` },
    ]);
    expect(await costly({ route, query: "?token=x" }, Object.fromEntries(others))).toEqual([]);
  },
  60_000,
);
