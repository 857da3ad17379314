import { env, WorkerEntrypoint, waitUntil } from "cloudflare:workers";
import { app, type Pages } from "./app.ts";
import { type Config, readConfig } from "./config.ts";
import { ha1bHashes } from "./crypto/ha1b.ts";
import { argon2Passwords, isolateArgon2id } from "./crypto/passwords.ts";
import { checkOptions, type LatchkeyOptions, type Options } from "./options.ts";
import { type Platform, type Services, servicesOver } from "./services.ts";
import { type Rpc, rpc, type VerifyOptions } from "./surfaces/rpc.ts";

/** What only workerd has: its own modules, and WebAssembly that is imported as a module. */
export const platform: Platform = {
  waitUntil,
  passwords: argon2Passwords(),
  ha1bHashes: (issuer) => ha1bHashes(isolateArgon2id, issuer),
};

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

/** @throws Error that lists every bad setting and option */
export function worker(
  given: LatchkeyOptions,
  pages: ((services: Services, config: Config, options: Options) => Pages) | null,
) {
  const { options, wrong } = checkOptions(given);
  const config = readConfig({ ...env }, wrong);
  const services = servicesOver(env, config, platform, options);
  current = rpc({ ...services, issuer: config.issuer });
  return {
    fetch: app(services, config, pages?.(services, config, options) ?? null, options).fetch,

    /** A cron run. */
    async scheduled() {
      const { level, ...report } = await services.housekeeping(Date.now());
      console.log(JSON.stringify({ level, task: "housekeeping", ...report }));
    },

    /** Messages of `EVENTS_QUEUE`, where it is bound. */
    queue: ({ messages }: MessageBatch) => services.deliver(messages.map(({ body }) => body)),
  } satisfies ExportedHandler<Cloudflare.Env>;
}
