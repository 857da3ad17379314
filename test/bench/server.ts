import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { Bundle } from "./build.ts";
import { children, cpuMs, residentMiB } from "./process.ts";

/** A Worker in a workerd of its own, with its KV and its D1 in the same process, and no proxy before it. */
export interface Server {
  readonly origin: string;
  readonly pid: number;
  cpuMs(): number;
  residentMiB(): number;
  /** Runs statements on its database, one after the other. */
  sql(statements: readonly string[]): Promise<void>;
  rows(query: string): Promise<Record<string, unknown>[]>;
  putKv(key: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

export interface Start {
  readonly bundle: Bundle;
  readonly settings?: Readonly<Record<string, string>>;
  readonly hasStorage?: boolean;
  readonly flags?: readonly string[];
  /** Where its storage lies, so that it outlives the server. */
  readonly directory?: string;
}

const COMPATIBILITY_DATE = "2026-10-23";

/** One at a time: which process is whose is told by what there was before. */
let turn: Promise<unknown> = Promise.resolve();

export function start(options: Start): Promise<Server> {
  const started = turn.then(() => startNow(options));
  turn = started.catch(() => {});
  return started;
}

async function startNow({
  bundle,
  settings = {},
  hasStorage,
  flags,
  directory,
}: Start): Promise<Server> {
  const before = children();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "bench",
      modules: bundle.modules.map(({ name, type, contents }) => ({ type, path: name, contents })),
      compatibilityDate: COMPATIBILITY_DATE,
      compatibilityFlags: [...(flags ?? ["nodejs_als"])],
      bindings: settings,
      // Not the rate limits: their simulation writes to a database at each request, while
      // Cloudflare's count in memory.
      ...(hasStorage === true && { kvNamespaces: ["KV"], d1Databases: ["DB"] }),
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      ...(directory !== undefined && { resourcePersistencePath: directory }),
      cf: false,
      // What a Worker logs is paid for by the Worker; it need not be read.
      handleStructuredLogs: () => undefined,
    }),
  );
  try {
    await miniflare.ready;
  } catch (error) {
    // What it has started would keep this process from ending.
    await miniflare.dispose();
    throw error;
  }
  const [pid, another] = [...children()].filter((child) => !before.has(child));
  if (pid === undefined || another !== undefined) {
    throw new Error("cannot tell which process is the Worker's");
  }
  let stopped = false;
  const { origin } = await miniflare.unsafeGetDirectURL();
  return {
    origin,
    pid,
    cpuMs: () => cpuMs(pid),
    residentMiB: () => residentMiB(pid),
    async sql(statements) {
      const database = await miniflare.getD1Database("DB");
      for (const statement of statements) await database.prepare(statement).run();
    },
    async rows(query) {
      const { results } = await (await miniflare.getD1Database("DB")).prepare(query).all();
      return results;
    },
    async putKv(key, value) {
      await (await miniflare.getKVNamespace("KV")).put(key, value);
    },
    async stop() {
      if (!stopped) await miniflare.dispose();
      stopped = true;
    },
  };
}
