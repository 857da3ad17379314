declare namespace Cloudflare {
  type Bindings = import("./services.ts").Bindings;

  /** What wrangler.toml binds. The same object has the settings, which `config.ts` lists and checks. */
  interface Env extends Bindings {
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

declare module "*/assets/docs.js" {
  const text: string;
  export default text;
}

declare module "*.svg" {
  const text: string;
  export default text;
}
