import { BUDGET } from "../budget/budget.ts";
import { newJwt, readSession, signIn, signOut, signUp, verifyJwt } from "./cases/better-auth.ts";
import { type Sent, send } from "./load.ts";
import type { Result } from "./rounds.ts";
import type { Fleet } from "./servers.ts";

/** Cloudflare's prices in dollars (Workers Paid, beyond what is included): of a million each. */
const PRICES = {
  request: 0.3,
  cpuMs: 0.02,
  kvRead: 0.5,
  kvWrite: 5,
  rowRead: 0.001,
  rowWritten: 1,
} as const;

interface Work {
  readonly kvReads: number;
  readonly kvWrites: number;
  readonly queries: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

type Column = "0" | "60" | "300" | "10 warm" | "300 warm";

/** What is done a million times: the service's line in its budget, and the case that has its CPU time. */
const OURS: readonly (readonly [title: string, line: string, column: Column, cpu: string])[] = [
  ["verify a JWT, promise 0", "POST /api/token/verify/ (access JWT)", "0", "verify-0"],
  ["verify a JWT, promise 300", "POST /api/token/verify/ (access JWT)", "300", "verify-new"],
  ["read a session, promise 0", "GET /tokens (session)", "0", "session-0"],
  ["read a session, promise 10, warm", "GET /tokens (session)", "10 warm", "session-10"],
  ["read a session, promise 60", "GET /tokens (session)", "60", "session-0"],
  ["check an API token, promise 0", "GET /rest/user (API token)", "0", "api-0"],
  ["refresh, promise 0", "POST /api/token/refresh/ (refresh)", "0", "verify-0"],
  ["run an action token", "POST /api/run-action-token (nobody, with a key)", "0", "run-action"],
  ["log in for a session", "POST /tokens (login)", "0", "login-session"],
  ["log in for a JWT pair", "POST /api/token/ (login)", "0", "login-jwt"],
  ["end a session", "DELETE /tokens (session)", "0", "run-action"],
];

/** Rows of the table: the work, and what a million of it costs. */
export async function millionRows(
  fleet: Fleet,
  results: readonly Result[],
): Promise<readonly (readonly string[])[]> {
  const cpuOf = (name: string) =>
    results.find((result) => result.case.name === name)?.cpuMs.median ?? 0;
  const ours = OURS.map(([title, line, column, cpu]) =>
    row(title, budgetOf(line, column), cpuOf(cpu)),
  );
  const theirs = await betterAuthWork(fleet);
  return [...ours, ...theirs.map(([title, work, cpu]) => row(title, work, cpuOf(cpu)))];
}

function row(title: string, work: Work, cpuMs: number): readonly string[] {
  const dollars =
    PRICES.request +
    PRICES.cpuMs * cpuMs +
    PRICES.kvRead * work.kvReads +
    PRICES.kvWrite * work.kvWrites +
    PRICES.rowRead * work.rowsRead +
    PRICES.rowWritten * work.rowsWritten;
  return [
    title,
    String(work.kvReads),
    String(work.kvWrites),
    String(work.queries),
    String(work.rowsRead),
    String(work.rowsWritten),
    cpuMs.toFixed(1),
    `$${dollars.toFixed(2)}`,
  ];
}

/** From the table that the tests hold the service to. */
function budgetOf(line: string, column: Column): Work {
  const [head = "", ...lines] = BUDGET.trim().split("\n");
  const cells = (text: string) => text.split("|").map((cell) => cell.trim());
  // The heading begins with the bar that the others have after their name.
  const index = cells(head).indexOf(column);
  const cost = lines.map(cells).find(([name]) => name === line)?.[index];
  if (cost === undefined) throw new Error(`the budget has no ${line} under ${column}`);
  const count = (unit: string) => Number(new RegExp(`(\\d+)${unit}\\b`).exec(cost)?.[1] ?? 0);
  return {
    kvReads: count("g"),
    kvWrites: count("p") + count("d"),
    queries: count("q"),
    rowsRead: count("r"),
    rowsWritten: count("w"),
  };
}

/** Each request once to warm up and once to count. */
async function betterAuthWork(fleet: Fleet) {
  const server = await fleet.countingBetterAuth();
  const person = await signUp(server);
  const counted = async (sent: Sent): Promise<Work> => {
    await (await send(server, { path: "/count" })).json();
    await send(server, sent);
    const count: unknown = await (await send(server, { path: "/count" })).json();
    const of = (name: string) => Number(Reflect.get(Object(count), name));
    return {
      kvReads: 0,
      kvWrites: 0,
      queries: of("queries"),
      rowsRead: of("read"),
      rowsWritten: of("written"),
    };
  };
  const warm = async (sent: Sent) => {
    await send(server, sent);
    return counted(sent);
  };
  return [
    ["better-auth: verify a JWT", await warm(await verifyJwt(server, person)), "better-verify"],
    ["better-auth: read a session", await warm(readSession(person)), "better-session"],
    ["better-auth: a JWT for a session", await warm(newJwt(person)), "better-jwt"],
    ["better-auth: log in", await warm(signIn(person)), "better-login"],
    ["better-auth: end a session", await counted(signOut(person)), "better-session"],
  ] as const;
}
