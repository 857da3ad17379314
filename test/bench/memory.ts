import { createSecrets } from "../../src/crypto/secrets.ts";
import { bearer, measure, newAccess, newPerson, newRefresh, type Sent } from "./load.ts";
import { inTurn, type Run } from "./rounds.ts";
import type { Fleet, Server } from "./servers.ts";

const secrets = createSecrets(["lk"]);

/** A million requests until V8's heaps reach their working size, then a million in which nothing may grow. */
const REQUESTS = 2_000_000;
/** JWTs whose signature is cached; JWTs that are also looked up; and opaque tokens, of which KV has copies. */
const TOKENS = { refresh: 160_000, auth: 20_000, api: 20_000 };
const SAMPLES = 50;
/** The allowed growth from the third to the last quarter, in which no token is new. */
const LEVEL = 1.05;

export interface MemoryFindings {
  /** Number of requests, and MiB after them. */
  readonly series: readonly (readonly [requests: number, residentMiB: number])[];
  /** The mean of the last quarter divided by that of the third. */
  readonly growth: number;
  readonly isLevel: boolean;
}

/** Whether the isolate's caches are bounded at the longest revocation lag, at which they hold most. */
export async function measureMemory(fleet: Fleet, run: Run): Promise<MemoryFindings> {
  const server = await fleet.server("latchkey-86400");
  run.progress("making 200,000 tokens");
  const next = await mixture(server, fleet);
  const requests = run.requests ?? REQUESTS;
  const size = Math.ceil(requests / SAMPLES);
  const series: [number, number][] = [[0, server.residentMiB()]];
  for (let sent = size; sent <= requests; sent += size) {
    await measure(server, { requests: size, connections: 8, next });
    series.push([sent, server.residentMiB()]);
    run.progress(`${sent} of ${requests} requests: ${server.residentMiB().toFixed(0)} MiB`);
  }
  const growth = mean(series, 0.75, 1) / mean(series, 0.5, 0.75);
  return { series, growth, isLevel: growth <= LEVEL };
}

/** Of 25 requests, one sends an API token, one a JWT that is looked up, and the others refresh JWTs. */
async function mixture(server: Server, { signer }: Fleet): Promise<() => Sent> {
  const person = await newPerson(server);
  const moreRefresh = await signer.like(await newRefresh(server, person));
  const moreAccess = await signer.like(await newAccess(server, person));
  const refresh = inTurn(await moreRefresh(TOKENS.refresh));
  const auth = inTurn(await moreAccess(TOKENS.auth, { role: "User" }));
  const api = inTurn(await apiTokens(server, person.id, TOKENS.api));
  let sent = 0;
  return () => {
    sent++;
    if (sent % 25 === 0) return { path: "/rest/user", headers: bearer(api()) };
    const token = sent % 25 === 1 ? auth() : refresh();
    return { method: "POST", path: "/api/token/verify/", body: { token } };
  };
}

/** Written directly to the database: through the service each would cost a request, and users have a limit. */
export async function apiTokens(
  server: Server,
  userId: string,
  count: number,
  name = "filled",
): Promise<string[]> {
  const made = await Promise.all(Array.from({ length: count }, () => secrets.create("api")));
  const detail = JSON.stringify({ name, hint: "lk_api_…fill", scopes: ["account:read"] });
  // D1 limits a statement to 100 KB.
  for (let i = 0; i < made.length; i += 1_000) {
    const ids = JSON.stringify(made.slice(i, i + 1_000).map(({ id }) => id));
    await server.sql([
      `INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, detail)
        SELECT unhex(value, '-'), 'api', '${userId}', 0, 0, ${Date.now()}, ${Date.now()},
          ${Date.now() + 86_400_000}, '${detail}' FROM json_each('${ids}')`,
    ]);
  }
  return made.map(({ secret }) => secret);
}

function mean(series: MemoryFindings["series"], from: number, to: number): number {
  const part = series.slice(Math.floor(series.length * from), Math.ceil(series.length * to));
  return part.reduce((sum, [, mib]) => sum + mib, 0) / part.length;
}
