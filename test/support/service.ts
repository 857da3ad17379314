import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import type { Credential } from "../../src/core/caller.ts";
import type { Passwords } from "../../src/core/passwords.ts";
import { pages, platform } from "../../src/latchkey.ts";
import { checkOptions, type LatchkeyOptions } from "../../src/options.ts";
import { type Bindings, type Platform, servicesOver } from "../../src/services.ts";
import { track } from "./background.ts";
import { type Answered, type Call, ORIGIN, over, peopleOf, type Send, textAt } from "./client.ts";
import { rules } from "./guard.ts";
import { intercept } from "./stores.ts";

export type Settings = Readonly<Record<string, string | undefined>>;

/** Other parts of the runtime, and the options of `createLatchkey`. */
export type Parts = Partial<Platform> & { readonly options?: LatchkeyOptions };

/** Answers like a password hash and costs nothing. */
export const CHEAP: Passwords = {
  hash: async (password) => `plain:${password}`,
  verify: async (password, phc) => (phc === `plain:${password}` ? "match" : "mismatch"),
  isCommon: () => false,
};

/** As if each write to KV came a second after the last: a test would otherwise take all those seconds. */
const patient = (bindings: Bindings) =>
  intercept((_, run) => {
    rules.secondPasses();
    return run();
  }, bindings);

/**
 * One isolate of the service, with a cache of its own, over these bindings. Where they bring no rate
 * limits there are none; passwords cost nothing.
 */
export const isolate = (
  settings: Settings = {},
  bindings: Bindings = { KV: env.KV, DB: env.DB },
  parts: Parts = {},
) => build(settings, { ...bindings, ...patient(bindings) }, { passwords: CHEAP, ...parts });

/** The Worker as it is configured, with other settings (undefined takes one away), or with other parts. */
export const service = (settings: Settings, parts: Parts = {}): Call =>
  build(settings, env, { waitUntil: platform.waitUntil, ...parts }).call;

function build(settings: Settings, bindings: Bindings, { options: given, ...parts }: Parts) {
  const { options, wrong } = checkOptions(given ?? {});
  const config = readConfig({ ...env, ...settings }, wrong);
  const background: Promise<unknown>[] = [];
  const { waitUntil = (work) => void background.push(work) } = parts;
  const parted = {
    ...platform,
    ...parts,
    waitUntil: (work: Promise<unknown>) => waitUntil(track(work)),
  };
  const services = servicesOver(bindings, config, parted, options);
  const { fetch } = app(services, config, pages(services, config, options), options);
  const by = (credential: Credential) => services.authenticate(credential, Date.now());
  /** The answer, before the work that it leaves behind is done. */
  let text: string | undefined;
  const document = async () => {
    text ??= await (await fetch(new Request(`${ORIGIN}/openapi.json`))).text();
    return text;
  };
  const addsToDocument = given?.scopes !== undefined || options.actions.length > 0;
  const call = over((request) => fetch(request), addsToDocument ? document : undefined);

  /** Waits for what goes on after answers have gone out. */
  async function settled(): Promise<void> {
    while (background.length > 0) await Promise.all(background.splice(0));
  }

  async function send(method: string, path: string, sent: Send = {}): Promise<Answered> {
    const answer = await call(method, path, sent);
    await settled();
    return answer;
  }

  return {
    ...peopleOf(call),
    /** What the pages for people call, for which there is no contract of JSON. */
    services,
    call,
    send,
    settled,
    /** Sends what must succeed. @returns the text at this path of the answer, such as `payload.token` */
    text: async (at: string, method: string, path: string, sent: Send) =>
      textAt(await send(method, path, sent), ...at.split(".")),
    housekeeping: () => services.housekeeping(Date.now()),
    bearer: (token: string) => by({ method: "bearer", token }),
    session: (token: string) => by({ method: "session", token }),
  };
}

export type Isolate = ReturnType<typeof isolate>;
