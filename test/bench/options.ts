import { parseArgs } from "node:util";

export interface Options {
  /** What to measure, by name; all of it where none is named. */
  readonly chosen: readonly string[] | null;
  readonly rounds: number;
  /** For each case in a round; null: each case's own number. */
  readonly requests: number | null;
  readonly memory: boolean;
}

export const HELP = `npm run bench [-- --cases NAME,NAME --rounds N --requests N]
npm run bench -- --memory

Builds the production bundle, starts it in workerd with KV and D1 and no proxy, next to a bare Worker,
Hono's hello, the least work with storage and better-auth, and measures what each request costs. Linux only.

  --cases NAMES   what to measure, with commas between (see below); all of it without
  --rounds N      how often each is measured, in turn (5)
  --requests N    how many requests each case makes in a round (a number of its own)
  --memory        two million requests with 200,000 tokens instead: does memory stay level?
  --help          this

Writes test/bench/results/ if nothing was left out. Ends with 1 if a bound is missed beyond the spread.`;

/** @returns null where help is asked for. @throws Error with what is wrong */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: "string" },
      rounds: { type: "string", default: "5" },
      requests: { type: "string" },
      memory: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  return {
    chosen: values.cases?.split(",").filter(Boolean) ?? null,
    rounds: positive("rounds", values.rounds),
    requests: values.requests === undefined ? null : positive("requests", values.requests),
    memory: values.memory,
  };
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${name} must be a whole number from 1`);
  return Number(text);
}
