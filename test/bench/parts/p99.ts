import { JWTS } from "../cases/jwts.ts";
import { REFERENCES } from "../cases/references.ts";
import { p99At } from "../latency.ts";
import { measure } from "../load.ts";
import { CONNECTIONS, prepare } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import type { Part } from "./part.ts";

const PER_SECOND = 200;
/** V8 collects everything once in 20 to 30 seconds at this rate, and some ten requests wait: more than a hundredth of a short round, or nothing of it. */
const SECONDS = 20;
/** Before the first round, as fast as they go: V8 compiles what is hot, and its heap finds its size. */
const WARM_UP = 10_000;

const CASES = [...REFERENCES, ...JWTS].filter(({ name }) =>
  ["hello", "verify-new", "verify-seen", "refresh"].includes(name),
);

/** At saturation p99 is the garbage collector's, for a bare Worker too: so at a rate that all can serve. */
export const p99: Part = {
  name: "p99",
  title: `p99 at ${PER_SECOND} requests a second`,
  async measure(fleet, run) {
    const prepared = await prepare(CASES, fleet, run);
    const found = new Map(CASES.map(({ name }) => [name, [] as number[]]));
    const requests = run.requests ?? PER_SECOND * SECONDS;
    for (const { each, server, next } of prepared) {
      run.progress(`p99, warming up: ${each.name}`);
      const warmUp = Math.max(CONNECTIONS, run.requests ?? WARM_UP);
      const load = { requests: warmUp, connections: CONNECTIONS, next: await next(warmUp) };
      await measure(server, load);
    }
    for (let round = 1; round <= run.rounds; round++) {
      for (const { each, server, next } of prepared) {
        run.progress(`p99, round ${round} of ${run.rounds}: ${each.name}`);
        const load = { perSecond: PER_SECOND, requests, next: await next(requests) };
        found.get(each.name)?.push(await p99At(server, load));
      }
    }
    const verdicts = CASES.filter(({ name }) => name !== "hello").map(({ name, title }) => ({
      title: `${this.title}: ${title}`,
      measured: ratios(found.get(name) ?? [], found.get("hello") ?? []),
      limit: 1.5,
      of: "hello's",
    }));
    return { verdicts };
  },
};
