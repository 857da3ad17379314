import { env, WorkerEntrypoint, waitUntil } from "cloudflare:workers";
import { app, type Pages } from "./app.ts";
import { type Config, readConfig } from "./config.ts";
import { consolePages } from "./console/console.tsx";
import { apiDocument } from "./console/docs/document.ts";
import { ha1bHashes } from "./crypto/ha1b.ts";
import { argon2Passwords, isolateArgon2id } from "./crypto/passwords.ts";
import { checkOptions, DEFAULT_OPTIONS, type LatchkeyOptions, type Options } from "./options.ts";
import { type Platform, type Services, servicesOver } from "./services.ts";
import { type Rpc, rpc, type VerifyOptions } from "./surfaces/rpc.ts";

/** What only workerd has: its own modules, and WebAssembly that is imported as a module. */
export const platform: Platform = {
  waitUntil,
  passwords: argon2Passwords(),
  ha1bHashes: (issuer) => ha1bHashes(isolateArgon2id, issuer),
};

/** Pages for people. Separate from the rest, which also runs where there is no JSX. */
export function pages(
  services: Services,
  config: Config,
  options: Options = DEFAULT_OPTIONS,
): Pages | null {
  if (!options.console) return null;
  const { route, reader } = apiDocument(services.scopes, services.withOwnActions);
  return {
    console: consolePages({
      ...services,
      signUpIsOpen: config.signUpIsOpen,
      sendsMail: config.mail !== null,
      passwords: config.passwords,
      issuer: config.issuer,
      brand: options.brand,
      ownsRoot: options.fallback === undefined,
      reader,
    }),
    document: route,
  };
}

/** Of the Worker's own `createLatchkey`, of which there is one. */
let current: Rpc | null = null;

function ownRpc(): Rpc {
  if (current === null) {
    throw new Error(
      "Call createLatchkey() at module scope in the Worker that exports LatchkeyService",
    );
  }
  return current;
}

/**
 * What another Worker of the account calls over a service binding (`entrypoint = "LatchkeyService"`), without
 * HTTP and without a client secret. Errors have a `code`: `unavailable` where storage does not answer,
 * which says neither yes nor no, `arguments_invalid`, or `internal`.
 */
export class LatchkeyService extends WorkerEntrypoint<Cloudflare.Env> {
  /** Whether the token logs somebody in and has these scopes, within the revocation lag. */
  verify(token: string, options?: VerifyOptions) {
    return ownRpc().verify(token, options);
  }

  /** What a token of any kind is at this instant, whatever the revocation lag. */
  introspect(token: string) {
    return ownRpc().introspect(token);
  }

  /** The account with this id, as old as the revocation lag; null where there is none. */
  user(id: string) {
    return ownRpc().user(id);
  }
}

/**
 * The whole service as a Worker. Call it at module scope, so that a bad setting or option stops the start
 * (and a deployment) instead of each request.
 * @throws Error that lists every bad setting and option
 */
export function createLatchkey(given: LatchkeyOptions = {}) {
  const { options, wrong } = checkOptions(given);
  const config = readConfig({ ...env }, wrong);
  const services = servicesOver(env, config, platform, options);
  current = rpc({ ...services, issuer: config.issuer });
  return {
    fetch: app(services, config, pages(services, config, options), options).fetch,

    /** A cron run. */
    async scheduled() {
      const { level, ...report } = await services.housekeeping(Date.now());
      console.log(JSON.stringify({ level, task: "housekeeping", ...report }));
    },

    /** Messages of `EVENTS_QUEUE`, where it is bound. */
    queue: ({ messages }: MessageBatch) => services.deliver(messages.map(({ body }) => body)),
  } satisfies ExportedHandler<Cloudflare.Env>;
}
