import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { beforeEach, onTestFinished } from "vitest";
import { keys } from "../../../src/cli/keys.ts";

export const NOW_MS = Date.parse("2026-11-22T12:00:00Z");
export const DAY_MS = 86_400_000;
export const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "k"];

export let directory: string;
export let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "latchkey-keys-"));
  file = join(directory, ".dev.vars");
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
});

export async function run(
  line: string,
  { nowMs = NOW_MS, isTerminal = false, variables = {} } = {},
) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await keys(line.split(" ").filter(Boolean), {
    file,
    nowMs,
    write: (each) => out.push(each),
    writeError: (each) => err.push(each),
    variables: async () => variables,
    isTerminal,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

export type Members = Readonly<Record<string, string>>;

export async function stored(where = file): Promise<readonly Members[]> {
  return JSON.parse(parseEnv(await readFile(where, "utf8")).JWT_KEYS ?? "").keys;
}

export async function write(...set: readonly object[]): Promise<void> {
  await writeFile(file, `JWT_KEYS='${JSON.stringify({ keys: set })}'\n`);
}

/** An active key, and a standby key that is old enough to be promoted. */
export async function twoKeys() {
  await run("add", { nowMs: NOW_MS - 2 * DAY_MS });
  await run("add", { nowMs: NOW_MS - DAY_MS });
  const [active, standby] = await stored();
  if (!active?.kid || !standby?.kid) throw new Error("two keys were to be made");
  return { active, standby, first: active.kid, second: standby.kid };
}
