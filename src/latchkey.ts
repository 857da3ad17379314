import { env, waitUntil } from "cloudflare:workers";
import { app, type Pages } from "./app.ts";
import { type Config, readConfig } from "./config.ts";
import { consolePages } from "./console/console.tsx";
import { openApiRoute } from "./console/docs/document.ts";
import { ha1bHashes } from "./crypto/ha1b.ts";
import { argon2Passwords, isolateArgon2id } from "./crypto/passwords.ts";
import { type Platform, type Services, servicesOver } from "./services.ts";

/** What only workerd has: its own modules, and WebAssembly that is imported as a module. */
export const platform: Platform = {
  waitUntil,
  passwords: argon2Passwords(),
  ha1bHashes: (issuer) => ha1bHashes(isolateArgon2id, issuer),
};

/** Pages for people. Separate from the rest, which also runs where there is no JSX. */
export function pages(services: Services, config: Config): Pages {
  return {
    console: consolePages({
      ...services,
      signUpIsOpen: config.signUpIsOpen,
      sendsMail: config.mail !== null,
      issuer: config.issuer,
    }),
    document: openApiRoute,
  };
}

export interface LatchkeyOptions {
  /** Whether to serve the console and the API document. Default: true. */
  readonly console?: boolean;
}

/**
 * The whole service as a Worker. Call it at module scope, so that a bad setting stops the start (and a
 * deployment) instead of each request.
 * @throws Error that lists every bad setting
 */
export function createLatchkey({ console: hasConsole = true }: LatchkeyOptions = {}) {
  const config = readConfig({ ...env });
  const services = servicesOver(env, config, platform);
  return {
    fetch: app(services, config, hasConsole ? pages(services, config) : null).fetch,

    /** A cron run. */
    async scheduled() {
      const report = await services.housekeeping(Date.now());
      console.log(JSON.stringify({ level: "info", task: "housekeeping", ...report }));
    },
  } satisfies ExportedHandler;
}
