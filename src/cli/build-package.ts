import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { bundledTypes } from "./build-package/bundled-types.ts";

/**
 * `npm run build:package`: the packages `latchkey` (this folder) and `latchkey-client` (dist/client) as they are
 * packed, so that whoever installs them needs no alias, no rule and no loader.
 */
process.chdir(new URL("../..", import.meta.url).pathname);
const { version, dependencies, repository } = JSON.parse(readFileSync("package.json", "utf8"));
const CLIENT = "dist/client";
/** In the package itself: one to save the Worker from loading Node's crypto, one for its WebAssembly. */
const BUNDLED = ["bcryptjs", "argon2id"];

rmSync("dist", { recursive: true, force: true });
const tsc = (config: string) =>
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", config], {
    stdio: "inherit",
  });

const common: BuildOptions = {
  bundle: true,
  format: "esm",
  target: "es2024",
  external: [...Object.keys(dependencies), "cloudflare:*", "node:*"],
};

/** What the Worker imports as text is text for every build, by the name of its folder. */
const assets: Plugin = {
  name: "assets",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]assets[\\/]/ }, ({ path }) => ({
      contents: readFileSync(path),
      loader: "text",
    }));
  },
};

await build({
  ...common,
  entryPoints: { latchkey: "src/exports.ts", "without-console": "src/without-console.ts" },
  outdir: "dist",
  // An action of one is an action of the other.
  splitting: true,
  platform: "neutral",
  mainFields: ["module", "main"],
  alias: { crypto: "./src/crypto/no-node-crypto.ts" },
  loader: { ".wasm": "copy" },
  assetNames: "[name]",
  plugins: [assets],
});
await build({
  ...common,
  entryPoints: { verify: "src/verify/exports.ts" },
  outdir: "dist",
  platform: "neutral",
});
await build({
  ...common,
  entryPoints: ["latchkey", "local-d1-process", "wrangler-preload"].map(
    (name) => `src/cli/${name}.ts`,
  ),
  outdir: "dist/cli",
  platform: "node",
  packages: "external",
  splitting: true,
});
// Where the tour finds them, as in src.
mkdirSync("dist/openapi");
copyFileSync("src/openapi/examples.json", "dist/openapi/examples.json");
const licenses = BUNDLED.map(
  (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`,
);
writeFileSync("dist/LICENSES", licenses.join(`\n${"-".repeat(80)}\n\n`));
tsc("tsconfig.package.json");
writeFileSync("dist/latchkey.d.ts", bundledTypes("dist/types", "exports.d.ts"));
writeFileSync("dist/verify.d.ts", bundledTypes("dist/types", "verify/exports.d.ts"));
rmSync("dist/types", { recursive: true });

mkdirSync(CLIENT);
tsc("tsconfig.client.json");
const manifest = JSON.parse(readFileSync("src/client/package.json", "utf8"));
// The release workflow sets `repository`, which npm compares with where a package was built.
const named = { version, repository, ...manifest };
writeFileSync(`${CLIENT}/package.json`, `${JSON.stringify(named, null, 2)}\n`);
copyFileSync("LICENSE", `${CLIENT}/LICENSE`);
copyFileSync("src/client/README.md", `${CLIENT}/README.md`);
