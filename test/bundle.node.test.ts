import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** In bytes; a KB as wrangler counts it. */
const KB = 1024;
const WITHOUT_CONSOLE = 196 * KB;
const ALL = 321 * KB;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latchkey-bundle-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What is uploaded, each file compressed on its own; without the map, which no Worker loads. */
async function compressedSize(of: string): Promise<number> {
  const files = (await readdir(of)).filter((file) => /\.(?:js|json|wasm|css)$/.test(file));
  const sizes = files.map(async (file) => gzipSync(await readFile(join(of, file))).length);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

it("the bundle as it is deployed stays within 321 KB, and loads no more of the platform than it needs", {
  timeout: 60_000,
}, async () => {
  const args = ["deploy", "--dry-run", "--outdir", folder];
  await promisify(execFile)(join(ROOT, "node_modules/.bin/wrangler"), args, { cwd: ROOT });
  const size = await compressedSize(folder);
  expect(size).toBeGreaterThan(10_000);
  expect(size).toBeLessThanOrEqual(ALL);
  // Each module of the platform's is loaded before the first answer.
  const entry = await readFile(join(folder, "index.js"), "utf8");
  const platform = [...entry.matchAll(/\bimport\b[^"()]*?\bfrom ?"((?!\.)[^"]+)"/g)].map(
    ([, name]) => name,
  );
  expect(new Set(platform)).toEqual(new Set(["cloudflare:workers", "node:async_hooks"]));
});

it("the service without its console stays within 196 KB", { timeout: 60_000 }, async () => {
  const outdir = join(folder, "service");
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/without-console.ts"],
    outdir,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2024",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    alias: { crypto: "./src/crypto/no-node-crypto.ts" },
    loader: { ".wasm": "copy" },
    logLevel: "error",
  });
  const size = await compressedSize(outdir);
  expect(size).toBeGreaterThan(10_000);
  expect(size).toBeLessThanOrEqual(WITHOUT_CONSOLE);
});
