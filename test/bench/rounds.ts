import type { Case, Rounds } from "./cases/case.ts";
import { measure } from "./load.ts";
import type { Server } from "./server.ts";
import type { Fleet } from "./servers.ts";
import { type Figure, figure, ratios } from "./statistics.ts";

export interface Result {
  readonly case: Case;
  /** CPU time of a request in ms. */
  readonly cpuMs: Figure;
  /** As a multiple of Hono's hello in the same round. */
  readonly toHello: Figure;
  /** As a multiple of what its bound names, in the same round. */
  readonly toBound: Figure | null;
  readonly perSecond: Figure;
}

export interface Run {
  readonly rounds: number;
  /** In each round; null: each case's own number. */
  readonly requests: number | null;
  readonly progress: (said: string) => void;
}

export interface Prepared {
  readonly each: Case;
  readonly server: Server;
  readonly next: Rounds;
}

export const CONNECTIONS = 8;

export async function prepare(
  cases: readonly Case[],
  fleet: Fleet,
  { progress }: Run,
): Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (const each of cases) {
    progress(`preparing: ${each.name}`);
    const server = await fleet.server(each.server);
    prepared.push({ each, server, next: await each.prepare(server, fleet.signer) });
  }
  return prepared;
}

/** Every case once in each round, so that what the machine does meanwhile meets them all. */
export async function runRounds(prepared: readonly Prepared[], run: Run): Promise<Result[]> {
  const cpu = new Map(prepared.map(({ each }) => [each.name, [] as number[]]));
  const perSecond = new Map(prepared.map(({ each }) => [each.name, [] as number[]]));
  // The first round warms up: V8 compiles what is hot.
  for (let round = 0; round <= run.rounds; round++) {
    const said = round === 0 ? "warming up" : `round ${round} of ${run.rounds}`;
    for (const { each, server, next } of prepared) {
      run.progress(`${said}: ${each.name}`);
      const connections = each.connections ?? CONNECTIONS;
      const requests = Math.max(connections, run.requests ?? each.requests);
      const load = { requests, connections, next: await next(requests) };
      const measured = await measure(server, load);
      if (round === 0) continue;
      cpu.get(each.name)?.push(measured.cpuMs);
      perSecond.get(each.name)?.push(measured.perSecond);
    }
  }
  const of = (name: string) => cpu.get(name) ?? [];
  return prepared.map(({ each }) => ({
    case: each,
    cpuMs: figure(of(each.name)),
    toHello: ratios(of(each.name), of("hello")),
    toBound: each.bound === undefined ? null : ratios(of(each.name), of(each.bound.of)),
    perSecond: figure(perSecond.get(each.name) ?? []),
  }));
}
