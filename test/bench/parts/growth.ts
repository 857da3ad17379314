import { type Case, inTurn } from "../cases/case.ts";
import { REFERENCES } from "../cases/references.ts";
import { barChart } from "../chart.ts";
import { type Filling, fill } from "../filled.ts";
import { bearer, textOf } from "../people.ts";
import { type Prepared, prepare, type Result, type Run, runRounds } from "../rounds.ts";
import type { Server } from "../server.ts";
import type { Fleet } from "../servers.ts";
import type { Signer } from "../signer.ts";
import type { Verdict } from "../verdict.ts";
import type { Part } from "./part.ts";

const FEW: Filling = { name: "100 users with 10 tokens each", holders: 100, each: 10, others: 0 };
export const FILLINGS: readonly Filling[] = [
  FEW,
  { name: "a user with 100,000 tokens", holders: 2, each: 100_000, others: 98 },
  { name: "1,000,000 users", holders: 100, each: 10, others: 999_900 },
];

/** Who does it, one after the other: half of the holders end all that they have, and no others. */
interface Actors {
  readonly server: Server;
  readonly signer: Signer;
  readonly keepers: readonly string[];
  readonly enders: readonly string[];
}

export const DEEDS: Readonly<
  Record<string, { requests: number; rounds: (actors: Actors) => Promise<Prepared["next"]> }>
> = {
  "check an API token": {
    requests: 300,
    async rounds({ server, signer, keepers }) {
      const [keeper = ""] = keepers;
      const token = await textOf(server, "payload.token", {
        method: "POST",
        path: "/rest/token",
        headers: bearer(await signer.access(keeper)),
        body: { name: "hers" },
      });
      return async () => () => ({ path: "/rest/user", headers: bearer(token) });
    },
  },
  "verify a JWT": {
    requests: 300,
    rounds:
      async ({ signer, keepers }) =>
      async () => {
        const token = await perPerson(signer, keepers);
        return () => ({ method: "POST", path: "/api/token/verify/", body: { token: token() } });
      },
  },
  "list a page of tokens": {
    requests: 300,
    rounds:
      async ({ signer, keepers }) =>
      async () => {
        const token = await perPerson(signer, keepers);
        return () => ({ path: "/rest/token/list?limit=5", headers: bearer(token()) });
      },
  },
  "revoke one token": {
    requests: 150,
    rounds:
      async ({ server, signer, keepers }) =>
      async (requests) => {
        await server.sql(["UPDATE tokens SET revoked_at = NULL WHERE revoked_at IS NOT NULL"]);
        const headers = new Map<string, Record<string, string>>();
        for (const id of keepers) headers.set(id, bearer(await signer.access(id)));
        const owners = JSON.stringify(keepers);
        const held = await server.rows(
          `SELECT id, user_id FROM tokens WHERE kind = 'api' AND detail LIKE '%filled%'
          AND user_id IN (SELECT value FROM json_each('${owners}')) LIMIT ${requests}`,
        );
        const token = inTurn(held);
        return () => {
          const { id, user_id: owner } = token();
          const path = `/rest/token/${id}`;
          return { method: "DELETE", path, headers: headers.get(String(owner)) ?? {} };
        };
      },
  },
  "revoke all tokens": {
    requests: 150,
    rounds:
      async ({ server, signer, enders }) =>
      async () => {
        await server.sql(["UPDATE users SET api_token_version = 0 WHERE api_token_version > 0"]);
        const token = await perPerson(signer, enders);
        return () => ({ method: "DELETE", path: "/rest/token/all", headers: bearer(token()) });
      },
  },
};

async function perPerson(signer: Signer, ids: readonly string[]): Promise<() => string> {
  return inTurn(await Promise.all(ids.map((id) => signer.access(id))));
}

async function filled(fleet: Fleet, filling: Filling) {
  const directory = await fleet.directory();
  const settings = { REVOCATION_LAG_SECONDS: "0" };
  // The first start makes the tables.
  await (await fleet.latchkey(settings, directory)).stop();
  const ids = await fill(directory, filling);
  return { ids, server: await fleet.latchkey(settings, directory) };
}

/** Each deed in each database, in turn. */
export async function measureGrowth(fleet: Fleet, run: Run): Promise<readonly Result[]> {
  const prepared: Prepared[] = [];
  for (const filling of FILLINGS) {
    run.progress(`filling a database: ${filling.name}`);
    const { server, ids } = await filled(fleet, filling);
    const half = ids.length / 2;
    const actors = {
      server,
      signer: fleet.signer,
      keepers: ids.slice(0, half),
      enders: ids.slice(half),
    };
    for (const [deed, { requests, rounds }] of Object.entries(DEEDS)) {
      prepared.push({ each: caseOf(deed, filling, requests), server, next: await rounds(actors) });
    }
  }
  const inTurnByDeed = Object.keys(DEEDS).flatMap((deed) =>
    prepared.filter(({ each }) => each.name.startsWith(deed)),
  );
  const hello = await prepare(
    REFERENCES.filter(({ name }) => name === "hello"),
    fleet,
    run,
  );
  return runRounds([...hello, ...inTurnByDeed], run);
}

const nameOf = (deed: string, filling: Filling) => `${deed}, ${filling.name}`;

const caseOf = (deed: string, filling: Filling, requests: number): Case => ({
  name: nameOf(deed, filling),
  title: nameOf(deed, filling),
  of: "Latchkey",
  server: "latchkey-0",
  requests,
  ...(filling !== FEW && { bound: { times: 1.25, of: nameOf(deed, FEW) } }),
  prepare: () => Promise.reject(new Error("prepared with its database")),
});

const chartOf = (results: readonly Result[]) =>
  barChart({
    title: "CPU time of a request with more data, lag 0",
    unit: "multiple of Hono's hello",
    groups: Object.keys(DEEDS).map((deed) => ({
      label: deed,
      bars: FILLINGS.flatMap((filling) =>
        results
          .filter(({ case: { name } }) => name === nameOf(deed, filling))
          .map(({ toHello }) => ({ series: filling.name, value: toHello })),
      ),
    })),
  });

export const growth: Part = {
  name: "growth",
  title: "the same cost with 100,000 tokens, and with 1,000,000 users",
  async measure(fleet, run) {
    const results = await measureGrowth(fleet, run);
    const verdicts = results.flatMap(({ case: { title, bound }, toBound }): Verdict[] =>
      bound === undefined || toBound === null
        ? []
        : [{ title, measured: toBound, limit: bound.times, of: "the same with few" }],
    );
    return { verdicts, charts: { "growth.svg": chartOf(results) } };
  },
};
