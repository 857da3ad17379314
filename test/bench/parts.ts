import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { type BuiltModule, type Bundle, removeDirectory, temporaryDirectory } from "./build.ts";
import { BETTER_AUTH, JWTS, PEERS } from "./cases.ts";
import { figure, ratios, type Verdict } from "./figures.ts";
import { measure, p99At } from "./load.ts";
import { CONNECTIONS, prepare, type Run } from "./rounds.ts";
import { cpuMs, type Fleet, ISSUER } from "./servers.ts";

/** A measurement that is not a case. */
export interface Part {
  /** As `--cases` names it. */
  readonly name: string;
  readonly title: string;
  measure(fleet: Fleet, run: Run): Promise<readonly Verdict[]>;
}

const PER_SECOND = 200;
/** At this rate V8 has a full collection every 20 to 30 s, and about ten requests wait: in a short round that is over 1%, or none. */
const SECONDS = 20;
/** Warm-up before the first round, at full speed: V8 compiles hot code, and its heap reaches its size. */
const WARM_UP = 10_000;

const ALL = [...JWTS, ...PEERS, ...BETTER_AUTH];
const CASES = ALL.filter(({ server }) => server !== "django").filter(({ name }) =>
  /^(?:verify-new|verify-seen|refresh|express-\w+|better-verify|better-jwt)$/.test(name),
);
/** Ours, and whose time it may take so many times. */
const LIMITS = [
  ["verify-new", "express-verify", 1.5],
  ["verify-seen", "express-verify", 1.5],
  ["refresh", "express-refresh", 1.5],
  ["verify-new", "better-verify", 0.6],
  ["refresh", "better-jwt", 0.6],
] as const;

/** A rate that all can serve: at saturation, garbage collection decides the p99, even for a bare Worker. */
export const p99: Part = {
  name: "p99",
  title: `p99 at ${PER_SECOND} requests a second`,
  async measure(fleet, run) {
    const prepared = await prepare(CASES, fleet, run);
    const found = new Map(CASES.map(({ name }) => [name, [] as number[]]));
    const requests = run.requests ?? PER_SECOND * SECONDS;
    for (const { each, server, next } of prepared) {
      run.progress(`p99, warming up: ${each.name}`);
      const warmUp = Math.max(CONNECTIONS, run.requests ?? WARM_UP);
      const load = { requests: warmUp, connections: CONNECTIONS, next: await next(warmUp) };
      await measure(server, load);
    }
    for (let round = 1; round <= run.rounds; round++) {
      for (const { each, server, next } of prepared) {
        run.progress(`p99, round ${round} of ${run.rounds}: ${each.name}`);
        const load = { perSecond: PER_SECOND, requests, next: await next(requests) };
        found.get(each.name)?.push(await p99At(server, load));
      }
    }
    const titleOf = (name: string) => CASES.find((each) => each.name === name)?.title ?? name;
    return LIMITS.map(([own, other, limit]) => ({
      title: `${this.title}: ${titleOf(own)}`,
      measured: ratios(found.get(own) ?? [], found.get(other) ?? []),
      limit,
      of: titleOf(other),
    }));
  },
};

/** Starts per round; each takes about 50 ms. */
const STARTS = 4;

/** From the start of workerd, without Miniflare, to the end of its first answer. */
export const firstAnswer: Part = {
  name: "first-answer",
  title: "first answer of a fresh process",
  async measure({ bundle, jwtKeys }, { rounds, progress }) {
    // workerd loads what writes a log line to a terminal with the first one. Cloudflare's log is no terminal.
    const settings = {
      ISSUER,
      JWT_KEYS: jwtKeys,
      ENCRYPTION_KEYS: btoa("x".repeat(32)),
      LOG: "errors",
    };
    const images = {
      bare: await image(await bundle("bare"), {}),
      own: await image(await bundle("latchkey"), settings),
      small: await image(await bundle("without-console"), settings),
      better: await image(await bundle("better-auth"), {}, "nodejs_compat"),
    };
    const found: Record<keyof typeof images, number[]> = {
      bare: [],
      own: [],
      small: [],
      better: [],
    };
    try {
      for (let start = 0; start < rounds * STARTS; start++) {
        progress(`${this.title}: start ${start + 1} of ${rounds * STARTS}`);
        found.bare.push((await images.bare.start("/")).cpuMs);
        found.own.push((await images.own.start("/health")).cpuMs);
        found.small.push((await images.small.start("/health")).cpuMs);
        found.better.push((await images.better.start("/ready")).cpuMs);
      }
    } finally {
      await Promise.all(Object.values(images).map(({ remove }) => remove()));
    }
    const title = `${this.title}, CPU`;
    const small = `${title}, without the console`;
    return [
      { title, measured: ratios(found.own, found.bare), limit: 1.9, of: "a bare Worker's" },
      {
        title: small,
        measured: ratios(found.small, found.bare),
        limit: 1.9,
        of: "a bare Worker's",
      },
      { title, measured: ratios(found.own, found.better), limit: 0.5, of: "better-auth's" },
    ];
  },
};

/** The workerd of the installed Miniflare. */
const require = createRequire(import.meta.resolve("miniflare"));
const { default: workerd }: { default: string } = require("workerd");

export interface ColdStart {
  /** From the start of the process to the end of its first answer. */
  readonly wallMs: number;
  readonly cpuMs: number;
}

export interface Image {
  /** Starts a new process and sends it one request. @throws Error unless the answer is 2xx */
  start(path: string, init?: RequestInit): Promise<ColdStart>;
  remove(): Promise<void>;
}

/** A Worker as one file for workerd without Miniflare. Its KV and D1 never answer. */
export async function image(
  bundle: Bundle,
  settings: Readonly<Record<string, string>>,
  flag = "nodejs_als",
): Promise<Image> {
  const directory = await temporaryDirectory();
  for (const { name, contents } of bundle.modules) await writeFile(join(directory, name), contents);
  await writeFile(join(directory, "config.capnp"), capnp(bundle.modules, settings, flag));
  const { stdout } = await promisify(execFile)(
    workerd,
    ["compile", "--config-only", join(directory, "config.capnp")],
    { encoding: "buffer", maxBuffer: 64 * 1024 * 1024 },
  );
  const compiled = join(directory, "config.bin");
  await writeFile(compiled, stdout);
  return {
    start: (path, init) => startOnce(compiled, path, init),
    remove: () => removeDirectory(directory),
  };
}

async function startOnce(config: string, path: string, init?: RequestInit): Promise<ColdStart> {
  const began = performance.now();
  const child = spawn(workerd, ["serve", "--binary", "--experimental", "--control-fd=3", config], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  try {
    const port = await listening(child);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    await response.arrayBuffer();
    const wallMs = performance.now() - began;
    if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
    return { wallMs, cpuMs: cpuMs(child.pid ?? 0) };
  } finally {
    end();
    process.removeListener("exit", end);
  }
}

function listening(child: ReturnType<typeof spawn>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let said = "";
  child.stdio[3]?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    const [, port] = /"event":"listen".*"port":(\d+)/.exec(said) ?? [];
    if (port !== undefined) resolve(Number(port));
  });
  child.on("error", reject);
  child.on("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  return promise;
}

function capnp(
  modules: readonly BuiltModule[],
  settings: Readonly<Record<string, string>>,
  flag: string,
) {
  const kinds = { ESModule: "esModule", CompiledWasm: "wasm", Text: "text" } as const;
  const list = modules.map(
    ({ name, type }) => `(name = ${text(name)}, ${kinds[type]} = embed ${text(name)})`,
  );
  const bindings = [
    ...Object.entries(settings).map(
      ([name, value]) => `(name = ${text(name)}, text = ${text(value)})`,
    ),
    '(name = "KV", kvNamespace = "nothing")',
    '(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "nothing")]))',
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [${list.join(", ")}],
      bindings = [${bindings.join(", ")}],
      compatibilityDate = "2026-10-23",
      compatibilityFlags = [${text(flag)}],
    )),
    (name = "nothing", worker = (
      serviceWorkerScript = "addEventListener('fetch', (e) => e.respondWith(new Response(null, { status: 500 })))",
      compatibilityDate = "2026-10-23",
    )),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}

/** Cap'n Proto quotes strings as C does, and JSON's quoting is compatible. */
const text = (value: string) => JSON.stringify(value);

/** The size of the upload, gzipped as Cloudflare counts it. */
export const bundle: Part = {
  name: "bundle",
  title: "bundle, gzipped",
  async measure(fleet, { progress }) {
    progress(this.title);
    const withConsole = await fleet.bundle("latchkey");
    return [
      verdict("without the console", await fleet.bundle("without-console"), 95),
      verdict("with the console", withConsole, 160),
    ];
  },
};

const verdict = (which: string, built: Bundle, limit: number) => ({
  title: `bundle ${which}, gzipped`,
  measured: figure([gzippedKiB(built)]),
  limit,
  of: "KiB",
});

const gzippedKiB = ({ modules }: Bundle) =>
  modules.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0) / 1024;
