declare namespace Cloudflare {
  /** What wrangler.toml binds. The settings stand in the same object; `config.ts` has them all, and checks them. */
  interface Env {
    readonly KV: KVNamespace;
    readonly DB: D1Database;
    readonly LOGIN_LIMIT?: RateLimit;
    readonly SIGN_UP_LIMIT?: RateLimit;
    readonly RESET_LIMIT?: RateLimit;
    readonly LEAK_LIMIT?: RateLimit;
    readonly TOKEN_LIMIT?: RateLimit;
    readonly REVOKE_LIMIT?: RateLimit;
    readonly STATUS_LIST_LIMIT?: RateLimit;
    readonly CREDENTIAL_LIMIT?: RateLimit;
    readonly CLIENT_LIMIT?: RateLimit;
    readonly METRICS?: AnalyticsEngineDataset;
    readonly JWT_KEYS?: string;
  }

  /** Types `exports` of "cloudflare:workers", by which tests call the Worker. */
  interface GlobalProps {
    mainModule: typeof import("./index.ts");
  }
}

/** What the flag `nodejs_als` gives of Node's module. */
declare module "node:async_hooks" {
  export class AsyncLocalStorage<T> {
    run<R>(store: T, work: () => R): R;
    getStore(): T | undefined;
  }
}

/** Files under assets/ are imported as their text: see the rules in wrangler.toml. */
declare module "*.css" {
  const text: string;
  export default text;
}

declare module "*/assets/openapi.json" {
  const text: string;
  export default text;
}

declare module "*/assets/console.js" {
  const text: string;
  export default text;
}

declare module "*.svg" {
  const text: string;
  export default text;
}
