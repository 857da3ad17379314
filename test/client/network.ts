import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import { type LoginTokens, latchkey, memoryStore } from "../../src/client/latchkey.ts";
import { readConfig } from "../../src/config.ts";
import { platform } from "../../src/latchkey.ts";
import { servicesOver } from "../../src/services.ts";
import { newUser, ORIGIN } from "../support/client.ts";

type Send = (request: Request) => Promise<Response>;

/** What may happen to a request on its way: `through` brings it to the service, any number of times. */
type Fault = (request: Request, pass: Send) => Promise<Response>;

export const REFRESH = "/api/token/refresh";
export const RUN = "/api/run-action-token";

/** The real service at the end of a line that counts, and on which things go wrong. */
export function network(settings: Readonly<Record<string, string>> = {}) {
  const config = readConfig({ ...env, ...settings });
  const service = app(servicesOver(env, config, platform), config);
  // As fetch does, it takes the body with it.
  const pass: Send = async (request) => service.fetch(new Request(request));
  const faults = new Map<string, Fault[]>();
  const log: { path: string; status: number; headers: Headers }[] = [];

  return {
    /** For the next request to the path, the one after it, and so on. */
    faults(path: string, ...next: readonly Fault[]) {
      faults.set(path, [...next]);
    },
    /** The statuses that came back from a path; 0 where none came. */
    statuses: (path: string) => log.filter((each) => each.path === path).map((each) => each.status),
    sent: (path: string) => log.filter((each) => each.path === path).map(({ headers }) => headers),
    fetch: async (request: Request) => {
      const path = new URL(request.url).pathname;
      const row = { path, status: 0, headers: new Headers(request.headers) };
      log.push(row);
      const fault = faults.get(path)?.shift();
      const response = await (fault === undefined ? pass(request) : fault(request, pass));
      row.status = response.status;
      return response;
    },
  };
}

/** The service does its work, and nobody hears of it. */
export const lostAnswer: Fault = async (request, pass) => {
  await pass(request.clone());
  throw new TypeError("the line went dead");
};

export const noAnswer: Fault = () => Promise.reject(new TypeError("the line is dead"));

export const retryLater =
  (status: 429 | 503, retryAfter: string): Fault =>
  async () =>
    Response.json({ detail: "later" }, { status, headers: { "retry-after": retryAfter } });

/** Waits for a word before it goes through. */
export const heldUntil =
  (released: Promise<void>): Fault =>
  async (request, pass) => {
    await released;
    return pass(request);
  };

/** A new user, logged in with a client of their own. */
export async function newClient(settings: Readonly<Record<string, string>> = {}) {
  const user = await newUser();
  const net = network(settings);
  const store = memoryStore();
  const loggedOut: string[] = [];
  const auth = latchkey({
    baseUrl: ORIGIN,
    store,
    fetch: net.fetch,
    onLoggedOut: () => loggedOut.push("logged out"),
  });
  await auth.logIn(user);
  return {
    user,
    network: net,
    store,
    auth,
    loggedOut,
    tokens: async (): Promise<LoginTokens> => {
      const tokens = await store.load();
      if (tokens === null) throw new Error("nobody is logged in");
      return tokens;
    },
    /** As if the access token had come so long ago. */
    async age(ms: number) {
      const tokens = await store.load();
      if (tokens !== null) {
        await store.save({ ...tokens, receivedAtMs: tokens.receivedAtMs - ms });
      }
    },
  };
}

export const MINUTE_MS = 60_000;
