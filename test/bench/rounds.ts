import { figure, type Figure, ratios } from "./figures.ts";
import { measure, type Sent } from "./load.ts";
import type { Fleet, Server, ServerName, Signer } from "./servers.ts";

export interface Case {
  /** As `--cases` names it. */
  readonly name: string;
  readonly title: string;
  readonly server: ServerName;
  /** Requests per round: enough for a third of a second of server time. */
  readonly requests: number;
  readonly connections?: number;
  /** The limit of its CPU time, as a multiple of another case's in the same round. */
  readonly bound?: { readonly times: number; readonly of: string };
  /** The limit of its CPU time as it is, on a machine that may be slower or faster than Cloudflare's. */
  readonly limitMs?: number;
  prepare(server: Server, signer: Signer): Promise<Rounds>;
}

/** Called before each round with the number of requests. It is not measured. */
export type Rounds = (requests: number) => Promise<() => Sent>;

/** The same request every time. */
export const always =
  (sent: Sent): Case["prepare"] =>
  async () =>
  async () =>
  () =>
    sent;

/** The requests in turn, then from the first again. */
export function inTurn<T>(items: readonly T[]): () => T {
  let next = 0;
  return () => {
    const item = items[next++ % items.length];
    if (item === undefined) throw new Error("there is nothing to send");
    return item;
  };
}

export interface Result {
  readonly case: Case;
  /** CPU time of a request in ms. */
  readonly cpuMs: Figure;
  /** As a multiple of Hono's hello in the same round. */
  readonly toHello: Figure;
  /** As a multiple of the case that its bound names, in the same round. */
  readonly toBound: Figure | null;
  readonly perSecond: Figure;
}

export interface Run {
  readonly rounds: number;
  /** Requests per round; null for each case's own number. */
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

/** Every case once per round, so that a disturbance of the machine affects all of them. */
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
