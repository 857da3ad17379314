import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import { pages } from "../../src/latchkey.ts";
import { readConfig } from "../../src/config.ts";
import type { Passwords } from "../../src/core/passwords.ts";
import { type Bindings, servicesOver } from "../../src/services.ts";
import { type Answered, over, type Send } from "../support/client.ts";
import { noHa1b } from "../support/no-ha1b.ts";

/** Answers like a password hash and costs nothing; a string that begins with `old` is to be hashed anew. */
export const CHEAP: Passwords = {
  hash: async (password) => `new:${password}`,
  verify: async (password, phc) => {
    if (phc === `old:${password}`) return "stale";
    return phc === `new:${password}` ? "match" : "mismatch";
  },
  isCommon: () => false,
};

interface Parts {
  readonly passwords?: Passwords;
  readonly betweenRequests?: () => void;
}

/** One isolate of the Worker: its own memory, these bindings, these settings. */
export function isolate(
  bindings: Bindings,
  settings: Readonly<Record<string, string>>,
  { passwords = CHEAP, betweenRequests = () => {} }: Parts = {},
) {
  const config = readConfig({ ...env, ...settings });
  const background: Promise<unknown>[] = [];
  const waitUntil = (work: Promise<unknown>) => void background.push(work);
  const services = servicesOver(bindings, config, {
    waitUntil,
    passwords,
    ha1bHashes: noHa1b,
  });
  const { fetch } = app(services, config, pages(services, config));
  /** The answer, before the work that it leaves behind is done. */
  const answer = over((request) => fetch(request));

  /** What is left to do after the answers that went out. */
  async function settled(): Promise<void> {
    while (background.length > 0) await Promise.all(background.splice(0));
  }

  async function send(method: string, path: string, sent: Send = {}): Promise<Answered> {
    betweenRequests();
    const reply = await answer(method, path, sent);
    await settled();
    return reply;
  }

  return {
    services,
    answer,
    settled,
    send,
    /** Sends what must succeed. @returns the text at this path of the answer */
    text: async (at: string, method: string, path: string, sent: Send) =>
      pick((await send(method, path, sent)).json, at),
  };
}

/** The text at a path such as `payload.token`. */
export function pick(json: unknown, path: string): string {
  let value = json;
  for (const name of path.split(".")) {
    value = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  }
  if (typeof value !== "string") throw new Error(`no ${path} in ${JSON.stringify(json)}`);
  return value;
}
