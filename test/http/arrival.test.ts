import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { app } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { pages, platform } from "../../src/latchkey.ts";
import { servicesOver } from "../../src/services.ts";
import { ROUTE_KEYS, PAGES, pathOf } from "../hostile/routes.ts";
import { captureLines } from "../log/line.ts";
import { newCaller, ORIGIN, over } from "../support/client.ts";
import { DB } from "../support/database.ts";

const DEADLINE_MS = 30_000;

const config = readConfig({ ...env, LOG: "requests", ADMIN_SECOND_FACTOR: "off" });
const services = servicesOver(env, config, platform);
const worker = app(services, config, pages(services, config));
/** The document is asked whether it has the answer too. */
const call = over((request) => worker.fetch(request));

/** Every route that reads a body, of surfaces and of pages. */
const READERS = [
  ...ROUTE_KEYS.filter(
    ({ route: { method, path } }) =>
      method !== "GET" && (method !== "DELETE" || path === "/rest/user"),
  ).map(({ route, surface }) => ({ route, surface: surface.name })),
  ...PAGES.filter(({ method }) => method === "POST").map((route) => ({
    route,
    surface: "console",
  })),
].map((each) => ({ ...each, name: `${each.route.method} ${each.route.path}` }));

const WAYS = [
  ["in pieces", {}],
  ["of a known length", { "content-length": "40" }],
] as const;

let bearer = "";
beforeAll(async () => {
  const operator = await newCaller();
  bearer = operator.access;
  await DB.prepare("UPDATE users SET role = 'Admin' WHERE id = ?").bind(operator.id).run();
});

type Reader = (typeof READERS)[number];

function sentTo({ route, surface }: Reader, headers: Readonly<Record<string, string>>) {
  return {
    ...(route.access === "caller" && { authorization: `Bearer ${bearer}` }),
    ...(surface === "console"
      ? { origin: ORIGIN, "content-type": "application/x-www-form-urlencoded" }
      : { "content-type": "application/json" }),
    ...headers,
  };
}

/** Half of a body, and then nothing; `asked` once the rest is waited for. */
function stalling() {
  const asked = Promise.withResolvers<void>();
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (pulls++ === 0) return controller.enqueue(new TextEncoder().encode('{"a":'));
        asked.resolve();
        return new Promise<void>(() => {});
      },
    },
    { highWaterMark: 0 },
  );
  return { body, asked: asked.promise };
}

/** Half of a body, and then the connection is gone. */
const dropping = () =>
  new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"a":')),
      pull: (controller) => controller.error(new Error("Network connection lost.")),
    },
    { highWaterMark: 0 },
  );

describe.each(WAYS)("a body %s", (_, headers) => {
  it.each(READERS)("whose client goes away is no error of ours: $name", async (reader) => {
    const lines = captureLines();
    const { route } = reader;
    const request = new Request(ORIGIN + pathOf(route), {
      method: route.method,
      headers: sentTo(reader, headers),
      body: dropping(),
    });
    const { status } = await worker.fetch(request);
    expect(status).toBe(499);
    expect(lines).toEqual([
      expect.objectContaining({
        level: "info",
        status: 499,
        outcome: "client_closed",
        route: route.path,
      }),
    ]);
  });

  it.each(READERS)("that does not come is waited for 30 s: $name", async (reader) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const lines = captureLines();
    const { route } = reader;
    const { body, asked } = stalling();
    let isAnswered = false;
    const answering = call(route.method, pathOf(route), {
      headers: sentTo(reader, headers),
      body,
    }).finally(() => {
      isAnswered = true;
    });
    await asked;
    await vi.advanceTimersByTimeAsync(DEADLINE_MS - 1);
    expect(isAnswered).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const answer = await answering;
    expect(answer.status).toBe(408);
    expect(answer.headers.get("cache-control")).toMatch(/^no-store/);
    expect(lines).toEqual([
      expect.objectContaining({ level: "info", status: 408, outcome: "body_late" }),
    ]);
  });
});
