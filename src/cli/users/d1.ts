import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { errorText, plainReason } from "../dev/plain-words.ts";
import { runWrangler } from "../dev/wrangler.ts";
import { Refused } from "./refused.ts";

/** The database, by way of `wrangler d1 execute`. */
export interface D1 {
  /** @returns the rows of statements */
  query<S extends v.GenericSchema>(statements: string, row: S): Promise<v.InferOutput<S>[]>;
  /** Runs statements without rows, however many they are. */
  run(statements: readonly string[]): Promise<void>;
}

export interface Target {
  readonly remote: boolean;
  /** Where the local database is kept, if not where wrangler keeps it by itself. */
  readonly persistTo: string | undefined;
  /** Arguments by which wrangler finds the project, if not by the working directory. */
  readonly project?: readonly string[];
  readonly configFile?: string | undefined;
  readonly environment?: string | undefined;
}

/** The account at Cloudflare has no database of that name. */
export class NoDatabase extends Refused {}

/** The database has not all that schema.sql declares. */
export class OldSchema extends Refused {
  constructor(message: string) {
    super(`${message}\nIts schema is older than schema.sql. Bring it up to date: npm run deploy`);
  }
}

/** @throws Refused with what wrangler says, from each method */
export function d1({ remote, persistTo, project = [] }: Target, stop: AbortSignal): D1 {
  const where = remote
    ? ["--remote"]
    : ["--local", ...(persistTo ? [`--persist-to=${persistTo}`] : [])];

  async function execute(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { code, said } = await runWrangler(
      ["d1", "execute", "DB", "--yes", "--json", ...where, ...project, ...args],
      { stop, output: "answer", env },
    );
    if (stop.aborted) throw new Refused("Stopped.");
    if (/Couldn't find a D1 DB/.test(said))
      throw new NoDatabase(`There is no database yet: ${shown(said)}`);
    if (code !== 0) {
      const reason = remote ? plainReason(said) : null;
      if (reason !== null) throw new Refused(reason);
      const Kind = /no such (?:table|column)|has no column named/.test(said) ? OldSchema : Refused;
      throw new Kind(`The database refused:\n${shown(said)}`);
    }
    return said;
  }

  return {
    async query(statements, row) {
      // With --file a remote database answers no rows, and --command would show in the process's arguments.
      const said = await inFile(statements, (LATCHKEY_COMMAND_FILE) =>
        execute([], { LATCHKEY_COMMAND_FILE }),
      );
      const answer = v.safeParse(
        v.pipe(v.string(), v.parseJson(), v.array(v.object({ results: v.array(row) }))),
        said.slice(said.search(/^\[/m)),
      );
      if (!answer.success) throw new Refused(`wrangler answered something else:\n${shown(said)}`);
      return answer.output.flatMap(({ results }) => results);
    },

    async run(statements) {
      await inFile(`${statements.join(";\n")};\n`, (file) => execute([`--file=${file}`]));
    },
  };
}

/** Has the text in a file that only its owner can read, and that is gone afterwards. */
async function inFile<T>(content: string, use: (file: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "latchkey-users-"));
  try {
    const file = join(directory, "statements.sql");
    await writeFile(file, content, { mode: 0o600 });
    return await use(file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Without the values that a statement held. */
function shown(said: string): string {
  return errorText(said).replace(/X'[0-9A-F]*'?/g, "X'…'");
}
