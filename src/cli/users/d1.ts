import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { runWrangler } from "../dev/wrangler.ts";
import { Refused } from "./refused.ts";

/** The database, by way of `wrangler d1 execute`. */
export interface D1 {
  /** @returns the rows of one statement, which must hold nothing secret: other users see a process's arguments */
  query<S extends v.GenericSchema>(statement: string, row: S): Promise<v.InferOutput<S>[]>;
  /** Runs statements from a file that only its owner can read, and that is gone afterwards. */
  run(statements: readonly string[]): Promise<void>;
}

export interface Target {
  readonly remote: boolean;
  /** Where the local database is kept, if not where wrangler keeps it by itself. */
  readonly persistTo: string | undefined;
}

/** @throws Refused with what wrangler says, from each method */
export function d1({ remote, persistTo }: Target, stop: AbortSignal): D1 {
  const where = remote
    ? ["--remote"]
    : ["--local", ...(persistTo ? [`--persist-to=${persistTo}`] : [])];

  async function execute(...args: readonly string[]): Promise<string> {
    const { code, said } = await runWrangler(
      ["d1", "execute", "DB", "--yes", "--json", ...where, ...args],
      { stop, output: "answer" },
    );
    if (stop.aborted) throw new Refused("Stopped.");
    if (code !== 0) throw new Refused(`The database refused:\n${shown(said)}`);
    return said;
  }

  return {
    async query(statement, row) {
      const said = await execute(`--command=${statement}`);
      const answer = v.safeParse(
        v.pipe(v.string(), v.parseJson(), v.array(v.object({ results: v.array(row) }))),
        said.slice(said.search(/^\[/m)),
      );
      if (!answer.success) throw new Refused(`wrangler answered something else:\n${shown(said)}`);
      return answer.output.flatMap(({ results }) => results);
    },

    async run(statements) {
      const directory = await mkdtemp(join(tmpdir(), "latchkey-users-"));
      try {
        const file = join(directory, "statements.sql");
        await writeFile(file, `${statements.join(";\n")};\n`, { mode: 0o600 });
        await execute(`--file=${file}`);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

/** Without the values that a statement held. */
function shown(said: string): string {
  const hint = /no such (?:table|column)/.test(said)
    ? "\nApply the schema first: npx wrangler d1 execute DB --file=schema.sql (and --remote, where it is meant)"
    : "";
  return (
    said
      .trim()
      .replace(/X'[0-9A-F]*'?/g, "X'…'")
      .slice(0, 2_000) + hint
  );
}
