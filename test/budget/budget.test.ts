import { beforeAll, expect, it, vi } from "vitest";
import { isolate } from "../support/service.ts";
import { some } from "../support/thorough.ts";
import { type Case, GOOD, requestOf } from "../faults/requests.ts";
import { begin, buildWorld, type World } from "../faults/world.ts";
import { ROUTE_KEYS } from "../hostile/routes.ts";
import { BUDGET } from "./budget.ts";
import { BOUNDS, TRIPS } from "./trips.ts";
import { budgetRows, type Column, workOf } from "./costs.ts";
import { SHOWN } from "./latency.ts";
import { type Cost, meter, short } from "./measure.ts";
import { DB } from "../support/database.ts";

/** Where each column of the table was measured. Warm: the same request again in the same isolate. */
const COLUMNS: readonly (readonly [Column, ...Place[]])[] = [
  ["0", { lag: 0, warm: false }, { lag: 10, warm: false }],
  ["60", { lag: 60, warm: false }],
  ["300", { lag: 300, warm: false }, { lag: 86_400, warm: false }],
  ["10 warm", { lag: 10, warm: true }],
  ["300 warm", { lag: 300, warm: true }, { lag: 86_400, warm: true }],
];

interface Place {
  readonly lag: number;
  readonly warm: boolean;
}

const HOUR_MS = 3_600_000;

let world: World;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 });

beforeAll(async () => {
  // In the middle of an hour: the uses of a token, and of a device, are written down once an hour. And not soon after
  // midnight, because a user has a row for each day with events.
  const middle = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOUR_MS / 2;
  world = await buildWorld(middle % (24 * HOUR_MS) < 2 * HOUR_MS ? middle - 3 * HOUR_MS : middle);
});

/** What it costs, and how many round trips one after another its answer waits for. */
async function costOf(each: Case, lag: number, warm: boolean) {
  // What cannot be done twice is never warm.
  if (warm && each.again !== each.status) return { cost: "", trips: "", far: 0 };
  await begin(world);
  const { bindings, passwords, read, trips } = meter();
  const settings = { ...each.settings, REVOCATION_LAG_SECONDS: String(lag) };
  const { call, send, settled } = isolate(settings, bindings, { passwords });
  const request = requestOf(each, world);
  if (warm) {
    await send(...request);
    await begin(world);
    read();
  }
  expect((await call(...request)).status).toBe(each.status);
  const waited = trips();
  await settled();
  return { cost: short(read()), trips: String(waited.trips), far: waited.far };
}

const cellOf = (table: string, { routeKey, as }: Case, column: Column) =>
  budgetRows(table)
    .find(({ request }) => request === `${routeKey} (${as})`)
    ?.cell(column) ?? "";

it("has a line for every route", () => {
  const known = new Set(GOOD.map(({ routeKey }) => routeKey));
  expect(ROUTE_KEYS.map(({ name }) => name).filter((routeKey) => !known.has(routeKey))).toEqual([]);
});

it("every route costs exactly what is written down, and waits for so many trips", async () => {
  const head = ["", ...COLUMNS.map(([column]) => column)].join(" | ");
  const lines = [head];
  const trips = [head];
  for (const [index, each] of GOOD.entries()) {
    const costs: string[] = [];
    const waited: string[] = [];
    const far: Partial<Record<string, number>> = {};
    for (const [column, ...places] of COLUMNS) {
      const found = [];
      // In npm test at one of them in turn, unless they are to differ.
      const isOne = [BUDGET, TRIPS].every((table) => !cellOf(table, each, column).includes(" or "));
      const measured = isOne ? some(places, index, places.length) : places;
      for (const { lag, warm } of measured) found.push(await costOf(each, lag, warm));
      costs.push([...new Set(found.map(({ cost }) => cost))].join(" or "));
      waited.push([...new Set(found.map(({ trips }) => trips))].join(" or "));
      far[column] = Math.max(...found.map((one) => one.far));
    }
    const shown = SHOWN.find(({ request }) => request === `${each.routeKey} (${each.as})`);
    if (shown !== undefined) expect.soft(far, shown.request).toMatchObject(shown.far);
    lines.push([`${each.routeKey} (${each.as})`, ...costs].join(" | "));
    trips.push([`${each.routeKey} (${each.as})`, ...waited].join(" | "));
  }
  expect.soft(trips.join("\n")).toBe(aligned(TRIPS));
  expect(withoutChance(lines.join("\n"))).toBe(withoutChance(aligned(BUDGET)));
});

it("checks, refreshes, runs, log-ins and sign-ups wait for no more trips than they may", () => {
  for (const [of, below60, from60] of BOUNDS) {
    const rows = budgetRows(TRIPS).filter(({ request }) => of.test(request));
    expect(rows.length, String(of)).toBeGreaterThan(0);
    for (const { request, cell } of rows) {
      const most = (...columns: readonly Column[]) =>
        Math.max(...columns.flatMap((column) => cell(column).split(" or ").map(Number)));
      expect([request, most("0")]).toEqual([request, Math.min(most("0"), below60)]);
      expect([request, most("60", "300")]).toEqual([request, Math.min(most("60", "300"), from60)]);
    }
  }
});

it("with replicas, the nearest answers each check, and every other call stays as it is", async () => {
  const rows = new Map(budgetRows().map((row) => [row.request, row]));
  for (const [index, each] of GOOD.entries()) {
    const cost = async (lag: number): Promise<Cost> => {
      await begin(world);
      const beat = "INSERT OR REPLACE INTO heartbeat (only, at) VALUES (1, ?)";
      await DB.prepare(beat).bind(Date.now()).run();
      const { bindings, passwords, read } = meter();
      const settings = { REVOCATION_LAG_SECONDS: String(lag), READ_REPLICAS: "on" };
      const { send } = isolate({ ...each.settings, ...settings }, bindings, { passwords });
      expect((await send(...requestOf(each, world))).status).toBe(each.status);
      return read();
    };
    const route = `${each.routeKey} (${each.as})`;
    const [without, at60] = (["0", "60"] as const).map((column) =>
      workOf(rows.get(route)?.cell(column).split(" or ").at(-1) ?? ""),
    );
    // What KV may answer at 60, a replica may.
    const checks = (at60?.kvReads ?? 0) > (without?.kvReads ?? 0) ? 1 : 0;
    for (const lag of some([10, 60], index, 2)) {
      const { get, near, query, written } = await cost(lag);
      expect([route, lag, { get, near, query, written }]).toEqual([
        route,
        lag,
        {
          get: without?.kvReads,
          near: checks,
          query: (without?.queries ?? 0) - checks,
          written: without?.rowsWritten,
        },
      ]);
    }
  }
});

/**
 * Which entry of an index is met first depends on random ids, of keys and of new users: of these requests the rows
 * read may be one more or less, and all else is exact.
 */
function withoutChance(table: string): string {
  const rows = (line: string) =>
    line.replace(/ \d+r /g, " r ").replace(/(\| )([^|]+?) or \2(?= \||$)/g, "$1$2");
  return table
    .split("\n")
    .map((line) =>
      /^POST \/(?:api\/run-action-token \(\w+, with a key|rest\/login\/email\/verify \(new email)[,)]/.test(
        line,
      )
        ? rows(line)
        : line,
    )
    .join("\n");
}

/** Without the spaces that make columns of it. */
function aligned(table: string): string {
  return table
    .trim()
    .split("\n")
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .join(" | "),
    )
    .join("\n");
}
