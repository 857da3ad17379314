declare namespace Cloudflare {
  /** What wrangler.toml binds and `wrangler secret put` sets. Settings are text that nobody has checked yet. */
  interface Env {
    readonly KV: KVNamespace;
    readonly DB: D1Database;
    readonly LOGIN_LIMIT?: RateLimit;
    readonly SIGN_UP_LIMIT?: RateLimit;
    readonly TOKEN_LIMIT?: RateLimit;
    readonly METRICS?: AnalyticsEngineDataset;
    readonly ISSUER?: string;
    readonly JWT_KEYS?: string;
    readonly SIGN_UP?: string;
    readonly REVOCATION_LAG_SECONDS?: string;
    readonly GOOGLE_CLIENT_ID?: string;
    readonly FACEBOOK_APP_ID?: string;
    readonly OPENID_ISSUERS?: string;
    readonly HA1B?: string;
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
