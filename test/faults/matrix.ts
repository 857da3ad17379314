import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ROUTE_KEYS } from "../hostile/routes.ts";
import { type Reference, stage } from "./cell.ts";
import { type Cell, flawsOf, type Row, rowOf } from "./expectations.ts";
import { FAULTS, holdDeadlines } from "./injections.ts";
import { REFUSED } from "./refused.ts";
import { type Case, GOOD } from "./requests.ts";
import { isSame } from "./state.ts";
import { buildWorld } from "./world.ts";

declare module "vitest" {
  interface TaskMeta {
    /** For `npm run faults`, which prints them. */
    rows?: Row[];
  }
}

/** Every route with every fault at every call that it makes, under one promise. */
export function matrix(lag: number): void {
  let at: ReturnType<typeof stage>;
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

  beforeAll(async () => {
    at = stage(await buildWorld());
  });
  beforeEach(() => {
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(console, "warn").mockReturnValue();
    holdDeadlines();
  });

  it("has a good request for every route", () => {
    const known = new Set(GOOD.map(({ routeKey }) => routeKey));
    expect(ROUTE_KEYS.map(({ name }) => name).filter((routeKey) => !known.has(routeKey))).toEqual(
      [],
    );
  });

  async function flawsOfCase(each: Case, refused: boolean, rows: Row[]): Promise<string[]> {
    const reference = await at.reference(each, lag);
    const flaws = flawsOfReference(each, reference, refused);
    const surface = ROUTE_KEYS.find(({ name }) => name === each.routeKey)?.surface.name ?? "";
    for (const [index, call] of reference.calls.entries()) {
      for (const fault of FAULTS.filter((candidate) => candidate.hits(call))) {
        const cell: Cell = { case: each, surface, lag, call, fault, refused };
        const outcome = await at.cell(each, lag, index, fault);
        const row = rowOf(cell, index + 1, outcome, reference);
        rows.push(row);
        for (const flaw of flawsOf(cell, outcome, reference)) {
          flaws.push(`${row.call} ${row.fault}: ${flaw}`);
        }
      }
    }
    return flaws;
  }

  // A revocation lag of less than a minute asks D1 as 0 does: KV answers from 60 on.
  describe.each([
    { what: "every call of every route fails in every way", cases: GOOD, refused: false },
    { what: "no fault lets pass what must be refused", cases: REFUSED, refused: true },
  ])(`$what, REVOCATION_LAG_SECONDS ${lag}`, ({ cases, refused }) => {
    it.for(cases)("$routeKey ($as)", async (each, { task }) => {
      const rows: Row[] = [];
      task.meta.rows = rows;
      expect(await flawsOfCase(each, refused, rows)).toEqual([]);
    });
  });
}

function flawsOfReference({ status, again }: Case, to: Reference, refused: boolean): string[] {
  const answered = `${to.answer.status}, again ${to.again.status}`;
  const flaws: string[] = [];
  if (answered !== `${status}, again ${again}`) flaws.push(`without a fault: ${answered}`);
  if (refused && to.answer.status === 200) flaws.push("is let pass");
  // A second run that has its effect too is a new thing (a login); any other must change nothing.
  if (status !== again && !isSame(to.after, to.afterAgain)) flaws.push("refused, and yet changed");
  return flaws;
}
