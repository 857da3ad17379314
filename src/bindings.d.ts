declare namespace Cloudflare {
  /** What wrangler.toml binds and `wrangler secret put` sets. Settings are text that nobody has checked yet. */
  interface Env {
    readonly KV: KVNamespace;
    readonly DB: D1Database;
    readonly ISSUER?: string;
    readonly JWT_KEYS?: string;
    readonly SIGN_UP?: string;
    readonly REVOCATION_LAG_SECONDS?: string;
  }

  /** Types `exports` of "cloudflare:workers", by which tests call the Worker. */
  interface GlobalProps {
    mainModule: typeof import("./index.ts");
  }
}
