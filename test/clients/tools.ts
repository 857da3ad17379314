import { spawnSync } from "node:child_process";

/** .ci/run brings all that recipes run in, and says so: there a tool that is missing is a failing test. */
const ALL = process.env.ALL_TOOLS !== undefined;

/**
 * The first of the commands that works, with these arguments to ask it. A developer may lack them all.
 * @returns a list, of none or one, of which tests are made
 */
export function present(commands: readonly string[], ...args: readonly string[]): string[] {
  const found = commands.find((each) => spawnSync(each, args).status === 0);
  return found === undefined ? commands.slice(0, ALL ? 1 : 0) : [found];
}
