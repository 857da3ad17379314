import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../..");
const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");

/** A Worker's modules as a deploy uploads them; the first is the entry. */
export interface Bundle {
  readonly modules: readonly BuiltModule[];
}

export interface BuiltModule {
  readonly name: string;
  readonly type: "ESModule" | "CompiledWasm" | "Text";
  readonly contents: Buffer;
}

/**
 * Builds like `wrangler deploy`, with the project's wrangler.toml, so that the measured code is the deployed code.
 * @param entry another Worker than the project's
 */
export async function build(entry?: string, more: readonly string[] = []): Promise<Bundle> {
  const script = entry === undefined ? [] : [join(import.meta.dirname, "workers", entry)];
  const args = [...script, ...more, "--dry-run"];
  const outdir = await temporaryDirectory();
  try {
    const command = ["--no-warnings", wrangler, "deploy", ...args, "--outdir", outdir];
    await promisify(execFile)(process.execPath, command, {
      cwd: root,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" },
    });
    return { modules: await modulesIn(outdir) };
  } finally {
    await removeDirectory(outdir);
  }
}

async function modulesIn(directory: string): Promise<BuiltModule[]> {
  const names = (await readdir(directory)).filter((name) => !/\.map$|^README\.md$/.test(name));
  const modules = await Promise.all(
    names.map(async (name) => ({
      name,
      type: typeOf(name),
      contents: await readFile(join(directory, name)),
    })),
  );
  return modules.sort((a, b) => Number(b.type === "ESModule") - Number(a.type === "ESModule"));
}

/** Files that the console serves have a digest before their names, and are text whatever their extension. */
function typeOf(name: string): BuiltModule["type"] {
  if (name.endsWith(".js") && !/^[\da-f]{40}-/.test(name)) return "ESModule";
  return name.endsWith(".wasm") ? "CompiledWasm" : "Text";
}

const made = new Set<string>();

// Also if a signal ends the process, when `finally` does not run.
process.on("exit", () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** A new directory that is deleted at the latest when this process ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "latchkey-bench-"));
  made.add(directory);
  return directory;
}

export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  made.delete(directory);
}
