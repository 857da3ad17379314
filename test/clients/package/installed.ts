import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const bin = (name: string) => resolve("node_modules/.bin", name);

/** An empty project that has installed the package as `npm pack` makes it, without any network. */
export function installedPackage() {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-"));
  const modules = join(folder, "node_modules");
  const to = join(modules, "latchkey-client");
  mkdirSync(to, { recursive: true });
  const pack = ["pack", "./dist/client", "--json", "--pack-destination", folder];
  const packed = execFileSync("npm", pack, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename, files }] = JSON.parse(packed);
  execFileSync("tar", ["xzf", join(folder, filename), "--strip-components=1", "-C", to]);
  for (const name of ["openapi-fetch", "openapi-typescript-helpers"]) {
    symlinkSync(resolve("node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  copyFileSync("test/clients/package/consumer.ts", join(folder, "consumer.ts"));

  const run = (command: string, args: readonly string[]) =>
    execFileSync(command, args, { cwd: folder, encoding: "utf8" });
  return {
    files: files.map(({ path }: { path: string }) => path),
    node: (program: string) => run(process.execPath, ["--input-type=module", "--eval", program]),
    /** What `tsc` has to say of the consumer's file: nothing, where it fits. */
    typeCheck(moduleResolution: "nodenext" | "bundler", lib: string) {
      const module = moduleResolution === "nodenext" ? "nodenext" : "esnext";
      const flags = ["--noEmit", "--strict", "--exactOptionalPropertyTypes"];
      const how = ["--target", "es2022", "--lib", lib, "--types", ""];
      const all = [...flags, ...how, "--module", module, "--moduleResolution", moduleResolution];
      try {
        return run(bin("tsc"), [...all, "consumer.ts"]);
      } catch (error) {
        return error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
      }
    },
    /** One script for a browser, which has what it exports as the global `latchkeyClient`. */
    bundle() {
      writeFileSync(join(folder, "entry.js"), 'export * from "latchkey-client";');
      const flags = ["--bundle", "--minify", "--format=iife", "--global-name=latchkeyClient"];
      return run(bin("esbuild"), ["entry.js", "--platform=browser", "--target=es2022", ...flags]);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
