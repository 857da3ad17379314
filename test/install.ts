import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";

/** Installs the packages that only one folder of tests needs, unless they are there as its lock file says. */
function install(folder: string): void {
  const cwd = join(import.meta.dirname, folder);
  const changedMs = (file: string) =>
    statSync(join(cwd, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // npm writes the second one last.
  if (changedMs("package-lock.json") <= changedMs("node_modules/.package-lock.json")) return;
  console.error(`Installing the packages of test/${folder}`);
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
}

/** Vitest calls it before the long suites, for those that install the packages. */
export default function setup(): void {
  install("clients");
  install("clients/generated");
  // Once, because several files install what it builds.
  execFileSync(process.execPath, ["src/cli/build-package.ts"], { stdio: "inherit" });
}

if (import.meta.main) {
  for (const folder of process.argv.slice(2)) install(folder);
}
