import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BuiltModule, Bundle } from "./build.ts";
import { cpuMs } from "./process.ts";
import { removeDirectory, temporaryDirectory } from "./temporary.ts";

/** workerd comes with Miniflare, as the same release. */
const require = createRequire(import.meta.resolve("miniflare"));
const { default: workerd }: { default: string } = require("workerd");

export interface ColdStart {
  /** From the start of the process to the end of its first answer. */
  readonly wallMs: number;
  readonly cpuMs: number;
}

export interface Image {
  /** Starts a process of its own and sends it one request. @throws Error unless it is answered 2xx */
  start(path: string, init?: RequestInit): Promise<ColdStart>;
  remove(): Promise<void>;
}

/** A Worker as one file that workerd reads at its start, without Miniflare. Its KV and D1 answer nothing. */
export async function image(
  bundle: Bundle,
  settings: Readonly<Record<string, string>>,
): Promise<Image> {
  const directory = await temporaryDirectory();
  for (const { name, contents } of bundle.modules) await writeFile(join(directory, name), contents);
  await writeFile(join(directory, "config.capnp"), capnp(bundle.modules, settings));
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

function capnp(modules: readonly BuiltModule[], settings: Readonly<Record<string, string>>) {
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
      compatibilityFlags = ["nodejs_als"],
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

/** A capnp string is quoted as in C, which JSON's is as well. */
const text = (value: string) => JSON.stringify(value);
