import { execFileSync } from "node:child_process";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import * as v from "valibot";
import { users } from "../../src/cli/users.ts";
import type { D1 } from "../../src/cli/database.ts";
import type { RunningServer } from "./server.ts";

/** `npm run users -- …` against this server's database. @returns the exit code, and the lines that it printed */
export async function runUsers({ write }: RunningServer, args: readonly string[]) {
  const each = async (sql: string) =>
    (await Promise.all(splitSqlQuery(sql).map((one) => write(one)))).flat();
  const database: D1 = {
    query: async (sql, row) => (await each(sql)).map((found) => v.parse(row, found)),
    async run(statements) {
      for (const statement of statements) await write(statement);
    },
  };
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const code = await users(args, {
    nowMs: Date.now(),
    write: say,
    progress: say,
    writeError: say,
    stdin: async () => "",
    stop: new AbortController().signal,
    database: () => database,
  });
  return { code, said };
}

/** A program on standard input, with arguments. @returns the JSON that it prints */
export const printed = (command: string, args: readonly string[], program: string): unknown =>
  JSON.parse(execFileSync(command, args, { input: program, encoding: "utf8" }));
