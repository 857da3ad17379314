import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { newKey } from "../../src/cli/keys/rotation.ts";
import type { JwtClaims } from "../../src/core/jwt.ts";
import { jwts } from "../../src/crypto/jwt.ts";
import { keyRing, parseKeySet } from "../../src/crypto/keys.ts";
import { build, type Bundle } from "./build.ts";
import { ROWS } from "./workers/reference-sql.ts";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { idsToBytes, rowToText } from "../support/ids.ts";

/**
 * Latchkey once for each revocation lag that is measured, and once with a log line per request. The others
 * write none, as a large deployment would.
 */
export type ServerName =
  | "bare"
  | "hello"
  | "reference"
  | `latchkey-${0 | 10 | 300 | 86400}`
  | "latchkey-300-logged"
  | "better-auth"
  | PeerName;

/** Servers that are no Workers. */
export type PeerName = "express" | "django";

/** Not on loopback, where answers contain what they cost. */
export const ISSUER = "https://auth.example.com";

type Settings = Readonly<Record<string, string>>;

/** Everything that was built and started, each once and only if it is used. */
export interface Fleet {
  /** The service's secret. */
  readonly jwtKeys: string;
  readonly signer: Signer;
  bundle(
    name: "latchkey" | "without-console" | "bare" | "hello" | "reference" | "better-auth",
  ): Promise<Bundle>;
  server(name: ServerName): Promise<Server>;
  /** The service with other settings and its own database. */
  latchkey(settings: Settings, directory?: string): Promise<Server>;
  stop(): Promise<void>;
}

export async function newFleet(): Promise<Fleet> {
  const jwtKeys = await newJwtKeys();
  const bundles = new Map<string, Promise<Bundle>>();
  const named = new Map<ServerName, Promise<Server>>();
  const started: Promise<Server>[] = [];
  const kept = (starting: Promise<Server>) => {
    started.push(starting);
    return starting;
  };
  const bundle: Fleet["bundle"] = (name) => {
    const more = name === "better-auth" ? ["--compatibility-flags", "nodejs_compat"] : [];
    const built = bundles.get(name) ?? (name === "latchkey" ? build() : build(`${name}.ts`, more));
    bundles.set(name, built);
    return built;
  };

  async function startLatchkey(settings: Settings, directory?: string): Promise<Server> {
    const server = await start({
      bundle: await bundle("latchkey"),
      settings: { ISSUER, JWT_KEYS: jwtKeys, ENCRYPTION_KEYS: btoa("x".repeat(32)), ...settings },
      hasStorage: true,
      ...(directory !== undefined && { directory }),
    });
    await server.sql(await schema());
    return server;
  }

  async function startBetterAuth(): Promise<Server> {
    const flags = ["nodejs_compat"];
    const server = await start({ bundle: await bundle("better-auth"), hasStorage: true, flags });
    await fetch(new URL("/migrate", server.origin));
    return server;
  }

  async function startNamed(name: ServerName): Promise<Server> {
    if (name === "better-auth") return startBetterAuth();
    if (name === "express") return startPeer(process.execPath, "express.js");
    if (name === "django") return startPeer(python() ?? "python3", "django_simplejwt.py");
    if (name === "bare" || name === "hello") return start({ bundle: await bundle(name) });
    if (name === "reference") {
      const server = await start({ bundle: await bundle(name), hasStorage: true });
      await server.sql([...(await schema()), ...ROWS]);
      await server.putKv("token", JSON.stringify({ kind: "session" }));
      return server;
    }
    const [, lag = "0", logged] = name.split("-");
    const LOG = logged === undefined ? "errors" : "requests";
    return startLatchkey({ REVOCATION_LAG_SECONDS: lag, LOG });
  }

  return {
    jwtKeys,
    signer: signer(jwtKeys, ISSUER),
    bundle,
    server(name) {
      const starting = named.get(name) ?? kept(startNamed(name));
      named.set(name, starting);
      return starting;
    },
    latchkey: (settings, directory) => kept(startLatchkey(settings, directory)),
    async stop() {
      const servers = await Promise.allSettled(started);
      const up = servers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      await Promise.all(up.map((server) => server.stop()));
    },
  };
}

export async function newJwtKeys(): Promise<string> {
  const key = await newKey("ES256", Date.now());
  return JSON.stringify({ keys: [{ ...key, state: "active" }] });
}

/** The statements of schema.sql. */
export const schema = async (): Promise<string[]> =>
  splitSqlQuery(await readFile(resolve(import.meta.dirname, "../../schema.sql"), "utf8"));

/** A Worker in its own workerd, with KV and D1 in the same process and no proxy in front. */
export interface Server {
  readonly origin: string;
  readonly pid: number;
  cpuMs(): number;
  residentMiB(): number;
  /** Runs statements on its database, one by one. */
  sql(statements: readonly string[]): Promise<void>;
  rows(query: string): Promise<Record<string, unknown>[]>;
  putKv(key: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

/** A Python that has Django REST framework and simplejwt; null where there is none. */
export function python(): string | null {
  const has = (command: string) => {
    try {
      execFileSync(command, ["-c", "import rest_framework_simplejwt"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  return ["python3", "/usr/bin/python3"].find(has) ?? null;
}

/** A program that prints its port, and makes JWTs for a measurement at `/made/<type>/<count>`. */
async function startPeer(command: string, file: string): Promise<Server> {
  const child = spawn(command, [join(import.meta.dirname, "peers", file)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  const { promise, resolve: found, reject } = Promise.withResolvers<number>();
  child.stdout.on("data", (said: Buffer) => found(Number(said)));
  child.on("error", reject);
  child.on("exit", (code) => reject(new Error(`${file} ended with ${code}`)));
  const [port, pid] = [await promise, child.pid ?? 0];
  const hasNone = () => Promise.reject(new Error(`${file} has no storage`));
  return {
    origin: `http://127.0.0.1:${port}`,
    pid,
    cpuMs: () => processCpuMs(pid),
    residentMiB: () => residentMiB(pid),
    sql: hasNone,
    rows: hasNone,
    putKv: hasNone,
    async stop() {
      end();
      process.removeListener("exit", end);
    },
  };
}

export interface Start {
  readonly bundle: Bundle;
  readonly settings?: Readonly<Record<string, string>>;
  readonly hasStorage?: boolean;
  readonly flags?: readonly string[];
  /** A directory for its storage, if it must outlive the server. */
  readonly directory?: string;
}

const COMPATIBILITY_DATE = "2026-10-23";

/** One start at a time: a new process is found by comparing with those before. */
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
      // Without rate limits: their simulation writes to a database for each request, whereas Cloudflare
      // counts in memory.
      ...(hasStorage === true && { kvNamespaces: ["KV"], d1Databases: ["DB"] }),
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      ...(directory !== undefined && { resourcePersistencePath: directory }),
      cf: false,
      // The Worker's time includes writing its log. Nobody needs to read it.
      handleStructuredLogs: () => undefined,
    }),
  );
  try {
    await miniflare.ready;
  } catch (error) {
    // Otherwise its processes would keep this one alive.
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
      for (const statement of statements) await database.prepare(idsToBytes(statement)).run();
    },
    async rows(query) {
      const { results } = await (await miniflare.getD1Database("DB")).prepare(query).all();
      return results.map(rowToText);
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

/** The child processes of all threads. Linux only. */
export function children(): Set<number> {
  const pids = readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return new Set(pids.map(Number));
}

/** CPU time of all running threads in ms, to the microsecond: `stat` counts in ticks of 10 ms. */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [onCpu = "0"] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    ns += Number(onCpu);
  }
  return ns / 1e6;
}

/** CPU time of the process in ms, to a tick of 10 ms, with threads that have ended: a server may have one per connection. */
function processCpuMs(pid: number): number {
  // The name, in parentheses, may contain blanks.
  const [, rest = ""] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  const [utime = 0, stime = 0] = rest.split(" ").slice(11, 13).map(Number);
  return (utime + stime) * 10;
}

/** The resident memory of the process in MiB. */
export function residentMiB(pid: number): number {
  const [, kib = "0"] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

/** Signs any number of JWTs that the service accepts. */
export interface Signer {
  /** More JWTs that differ only in IDs and times. */
  like(jwt: string): Promise<More>;
  /** An access JWT of a user who has not revoked anything. */
  access(userId: string): Promise<string>;
}

/** @param auth with a role and valid for a day, as from `GET /rest/auth` */
export type More = (count: number, auth?: { readonly role: string }) => Promise<string[]>;

/** @param jwtKeys the service's own secret */
export function signer(jwtKeys: string, issuer: string): Signer {
  const parsed = parseKeySet(jwtKeys);
  if ("wrong" in parsed) throw new Error(parsed.wrong);
  const { sign, verify } = jwts(keyRing(parsed), issuer);
  return {
    async like(jwt) {
      const claims = await verify(jwt, Date.now());
      if (claims === null) throw new Error("the service does not sign as it should");
      const lives = claims.expiresAt - claims.issuedAt;
      return (count, auth) => {
        const one = () =>
          sign({ ...claims, ...auth, ...fresh(auth === undefined ? lives : 86_400) });
        return Promise.all(Array.from({ length: count }, one));
      };
    },
    access: (userId) => sign(accessClaims(userId)),
  };
}

function fresh(lifetimeSeconds: number) {
  const issuedAt = Math.floor(Date.now() / 1000);
  return { jti: crypto.randomUUID(), issuedAt, expiresAt: issuedAt + lifetimeSeconds };
}

function accessClaims(userId: string): JwtClaims {
  const times = fresh(300);
  return {
    ...times,
    type: "access",
    userId,
    credentialVersion: 0,
    sid: null,
    apiTokenVersion: null,
    loginVersion: null,
    parentIds: [],
    rootJti: null,
    fromJti: null,
    endsAt: times.expiresAt,
    chainEndsAt: times.expiresAt,
    audience: null,
    rotation: null,
    authTime: times.issuedAt,
    loginAt: null,
    role: null,
    statusIndex: null,
    scopes: null,
  };
}
