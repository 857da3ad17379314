import { budgetRows, type Column, dollars, type Work, workOf } from "../budget/costs.ts";
import { newJwt, readSession, signIn, signOut, signUp, verifyJwt } from "./cases.ts";
import { send, type Sent } from "./load.ts";
import type { Result } from "./rounds.ts";
import type { Fleet } from "./servers.ts";

/** What is priced per million: the row of the budget, and the case that measures its CPU time. */
const OURS: readonly (readonly [title: string, line: string, column: Column, cpu: string])[] = [
  ["verify a JWT, lag 0", "POST /api/token/verify/ (access JWT)", "0", "verify-0"],
  ["verify a JWT, lag 300", "POST /api/token/verify/ (access JWT)", "300", "verify-new"],
  ["read a session, lag 0", "GET /tokens (session)", "0", "session-0"],
  ["read a session, lag 10, warm", "GET /tokens (session)", "10 warm", "session-10"],
  ["read a session, lag 60", "GET /tokens (session)", "60", "session-0"],
  ["check an API token, lag 0", "GET /rest/user (API token)", "0", "api-0"],
  ["refresh, lag 0", "POST /api/token/refresh/ (refresh)", "0", "verify-0"],
  ["run an action token", "POST /api/run-action-token (nobody, with a key)", "0", "run-action"],
  ["log in for a session", "POST /tokens (login)", "0", "login-session"],
  ["log in for a JWT pair", "POST /api/token/ (login)", "0", "login-jwt"],
  ["revoke a session", "DELETE /tokens (session)", "0", "run-action"],
];

/** Rows of the table: the operation, and the cost of a million of it. */
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
  return [
    title,
    String(work.kvReads),
    String(work.kvWrites),
    String(work.queries),
    String(work.rowsRead),
    String(work.rowsWritten),
    cpuMs.toFixed(1),
    `$${dollars(work, cpuMs).toFixed(2)}`,
  ];
}

/** From the budget table, which tests enforce. */
function budgetOf(line: string, column: Column): Work {
  const row = budgetRows().find(({ request }) => request === line);
  if (row === undefined) throw new Error(`the budget has no ${line}`);
  return workOf(row.cell(column));
}

/** Sends each request once to warm up and once to count. */
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
    ["better-auth: revoke a session", await counted(signOut(person)), "better-session"],
  ] as const;
}
