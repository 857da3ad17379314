import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    latchkey: D1Migration[];
    own: D1Migration[];
  }
}

declare global {
  namespace Cloudflare {
    interface Env {
      DB: D1Database;
    }
    interface GlobalProps {
      mainModule: typeof import("../src/index.ts");
    }
  }
}

await applyD1Migrations(env.DB, inject("latchkey"), "latchkey_migrations");
await applyD1Migrations(env.DB, inject("own"));
