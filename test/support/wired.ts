import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import { pages } from "../../src/latchkey.ts";
import { readConfig } from "../../src/config.ts";
import type { Credential } from "../../src/core/authenticate.ts";
import type { Caller } from "../../src/core/caller.ts";
import { type Bindings, type Services, servicesOver } from "../../src/services.ts";
import { intercept } from "../revocation/storage.ts";
import { type Call, over } from "./client.ts";
import { rules } from "./guard.ts";
import { noHa1b } from "./no-ha1b.ts";

export interface Wired {
  readonly call: Call;
  /** What the pages for people call, for which there is no contract of JSON. */
  readonly services: Services;
  bearer(token: string): Promise<Caller>;
  session(token: string): Promise<Caller>;
  /** Waits for what goes on after answers have gone out. */
  settled(): Promise<void>;
}

/** One isolate: the service, and its core, over these bindings. Passwords cost nothing. */
export function wired(
  settings: Readonly<Record<string, string>> = {},
  bindings: Bindings = env,
): Wired {
  const config = readConfig({ ...env, ...settings });
  const work: Promise<unknown>[] = [];
  const patient = intercept(bindings, (_, run) => {
    rules.secondPasses();
    return run();
  });
  const services = servicesOver(patient, config, {
    waitUntil: (promise) => void work.push(promise),
    passwords: {
      hash: async (password) => `plain:${password}`,
      verify: async (password, phc) => (phc === `plain:${password}` ? "match" : "mismatch"),
      isCommon: () => false,
    },
    ha1bHashes: noHa1b,
  });
  const { fetch } = app(services, config, pages(services, config));
  const by = (credential: Credential) => services.authenticate(credential, Date.now());
  return {
    call: over((request) => fetch(request)),
    services,
    bearer: (token) => by({ method: "bearer", token }),
    session: (token) => by({ method: "session", token }),
    async settled() {
      while (work.length > 0) await Promise.all(work.splice(0));
    },
  };
}
