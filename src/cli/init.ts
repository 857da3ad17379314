import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parsedArguments, runCommand } from "./arguments.ts";
import { CliError, UsageError } from "./cli-error.ts";

const HELP = `Usage: npx latchkey init <folder> [--latchkey <spec>]

Writes a project into a new folder, named like the Worker that it becomes: the Worker, an action of its own with
its table and its test, and the settings. Then, in that folder: npm install && npm run dev

  --latchkey <spec>  where npm gets latchkey from, if not by its version: a file such as ../latchkey-0.1.0.tgz

Exit codes: 0 success, 1 failure, 2 invalid arguments.`;

const OPTIONS = {
  latchkey: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const STARTER = fileURLToPath(new URL("../../src/starter", import.meta.url));
/** The starter's name of its Worker, in each of its files. */
const PLACEHOLDER = "my-auth";

/** @returns the exit code */
export function command(args: readonly string[]): Promise<number> {
  const writeError = (line: string) => console.error(line);
  return runCommand("init", { args, flags: OPTIONS, writeError }, async () => {
    const { values, positionals } = parsedArguments(args, OPTIONS);
    if (values.help || args.length === 0) {
      console.log(HELP);
      return 0;
    }
    const [folder, ...more] = positionals;
    if (folder === undefined || more.length > 0) throw new UsageError("init takes one folder.");
    writeStarter(folder, values.latchkey);
    const cd = relative(".", folder);
    console.log(`Wrote ${resolve(folder)}. Its README.md says what is where. Next:
${cd === "" ? "" : `  cd ${cd}\n`}  npm install
  npm run dev`);
    return 0;
  });
}

/** @throws CliError for a name that Cloudflare refuses, and for a folder with anything in it */
export function writeStarter(folder: string, spec?: string): void {
  const name = basename(resolve(folder));
  if (!/^[a-z0-9](?:[a-z0-9-]{0,52}[a-z0-9])?$/.test(name)) {
    throw new CliError(
      `"${name}" cannot be a Worker's name: use 1 to 54 lower-case letters, digits and dashes.`,
    );
  }
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new CliError(`${resolve(folder)} is not empty. Nothing was written.`);
  }
  cpSync(STARTER, folder, { recursive: true });
  // npm would leave them out of the package under their own names.
  for (const name of ["gitignore", "npmrc"])
    renameSync(join(folder, name), join(folder, `.${name}`));
  for (const { name: file, parentPath } of readdirSync(folder, {
    recursive: true,
    withFileTypes: true,
  }).filter((entry) => entry.isFile())) {
    const path = join(parentPath, file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(PLACEHOLDER, name));
  }
  if (spec === undefined) return;
  const path = join(folder, "package.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  const isFile = existsSync(spec);
  manifest.dependencies.latchkey = isFile ? `file:${relative(folder, spec)}` : spec;
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}
