import { execFile } from "node:child_process";
import { join } from "node:path";
import { newProject } from "../dev/project.ts";

const FILES = ["package.json", "node_modules", "wrangler.toml", "schema.sql", "src"];
const USERS = join(import.meta.dirname, "../../../src/cli/users.ts");

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Told of all that was written so far, and how to ask the command to stop. */
export type OnOut = (out: string, kill: () => void) => void;

/** A project of its own with an empty database. */
export async function operatedProject(files: Readonly<Record<string, string>> = {}) {
  const directory = await newProject(FILES, files);
  const wrangler = (...args: readonly string[]) =>
    spawned(directory, join(directory, "node_modules/wrangler/bin/wrangler.js"), [
      ..."d1 execute DB --local --yes --json".split(" "),
      ...args,
    ]);
  const applied = await wrangler("--file=schema.sql");
  if (applied.code !== 0) throw new Error(applied.err + applied.out);
  return {
    directory,
    /** `npm run users -- …` */
    users: (args: readonly string[], stdin = "", onOut?: OnOut) =>
      spawned(directory, USERS, args, stdin, onOut),
    async sql(statement: string): Promise<unknown[]> {
      const { out } = await wrangler(`--command=${statement}`);
      return JSON.parse(out.slice(out.search(/^\[/m)))[0].results;
    },
  };
}

function spawned(
  cwd: string,
  script: string,
  args: readonly string[],
  stdin = "",
  onOut?: OnOut,
): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" };
    const child = execFile(
      process.execPath,
      ["--no-warnings", script, ...args],
      { cwd, env, maxBuffer: 1e8 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
      },
    );
    let written = "";
    child.stdout?.on("data", (bytes) => {
      written += bytes;
      onOut?.(written, () => child.kill("SIGTERM"));
    });
    child.stdin?.end(stdin);
  });
}
