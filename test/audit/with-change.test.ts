import { beforeAll, beforeEach, expect, it, vi } from "vitest";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { REFUSED } from "../faults/refused.ts";
import { type Case, GOOD, requestOf } from "../faults/requests.ts";
import { begin, buildWorld, readStores, type Stored, type World } from "../faults/world.ts";
import { cross } from "../support/thorough.ts";
import { storedKind } from "../../src/storage/event-rows.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });

/** What operators look at is an event by itself, and what they lift or replay is no part of an account. */
const NO_CHANGE =
  /^(?:GET \/rest\/admin|POST \/rest\/admin\/find|DELETE \/rest\/admin\/throttles|POST \/rest\/admin\/dead_letters)/;

const TRUTH = [
  "users",
  "tokens",
  "receipts",
  "contacts",
  "identities",
  "passkeys",
  "recovery_codes",
];

let world: World;
beforeAll(async () => {
  world = await buildWorld();
});
// Each injected failure is logged, as it should be.
beforeEach(() => void vi.spyOn(console, "error").mockReturnValue());

interface Seen {
  /** What D1 decides by, without when something was used. */
  readonly truth: string;
  /** Events, by what they say happened. */
  readonly done: readonly string[];
  readonly refused: readonly string[];
  readonly ids: readonly unknown[];
  /** Events that wait for their receiver. */
  readonly queued: readonly unknown[];
}

/** @param known what is in the stores, if they need not be read */
async function look(known?: Stored): Promise<Seen> {
  const { tables } = known ?? (await readStores(world.stored, new Set(["D1"])));
  const rows = TRUTH.flatMap((table) => tables[table] ?? []);
  // Of the fault itself, which is counted for operators and goes to no receiver.
  const all = (tables.events ?? []).filter(({ kind }) => kind !== storedKind("request.failed"));
  const events = (refused: number) =>
    all.filter((row) => row.refused === refused).map(({ kind }) => String(kind));
  return {
    truth: JSON.stringify(rows.map(({ used_at: _, ...row }) => row)),
    done: events(0),
    refused: events(1),
    ids: all.map(({ id }) => id),
    queued: (tables.deliveries ?? []).map(({ event_id }) => event_id),
  };
}

/** Every request there is, with each of its calls to D1 that writes an event hit by the same fault. */
async function run(each: Case, lag: number, fault: "none" | "before" | "after commit") {
  await begin(world);
  const before = await look(world.stored);
  const bindings = intercept(async (call, make) => {
    if (fault === "none" || !/\+ INSERT events/.test(call.label)) return make();
    if (fault === "after commit") await make();
    throw new Error("D1_ERROR: injected");
  });
  const settings = { ...each.settings, REVOCATION_LAG_SECONDS: String(lag) };
  const received: string[] = [];
  const on = ({ id }: { readonly id: string }) => void received.push(id);
  const place = isolate(settings, bindings, { options: { on } });
  const answer = await place.send(...requestOf(each, world));
  return { before, after: await look(), status: answer.status, received };
}

it("an event is there if, and only if, its change is, and a receiver gets it or it waits for one", async () => {
  let changed = 0;
  const cases = [...GOOD, ...REFUSED].filter(({ routeKey }) => !NO_CHANGE.test(routeKey));
  for (const [each, lag] of cross(cases, [0, 300])) {
    const name = `${each.routeKey} (${each.as}) at ${lag}`;
    for (const fault of ["none", "before", "after commit"] as const) {
      const { before, after, received } = await run(each, lag, fault);
      const written = after.ids.filter((id) => !before.ids.includes(id));
      expect([name, fault, [...received, ...after.queued].toSorted()]).toEqual([
        name,
        fault,
        written.toSorted(),
      ]);
      if (fault === "none") expect([name, after.queued]).toEqual([name, []]);
      // It enters its chain in a status list first, and notes the log-in after its answer, as GET /rest/auth does.
      // And a log-in with a passkey or by email uses up its challenge first, and is an event without any other change.
      if (/^POST \/(oauth\/token|rest\/login\/(passkey|email\b.*))$/.test(each.routeKey)) continue;
      const hasChanged = before.truth !== after.truth;
      expect([name, fault, after.done.length > before.done.length]).toEqual([
        name,
        fault,
        hasChanged,
      ]);
      if (fault === "before") expect([name, hasChanged]).toEqual([name, false]);
      if (fault === "none" && hasChanged) changed++;
    }
  }
  expect(changed).toBeGreaterThan(25);
});

it("of many that end the same thing at once, one is written down", async () => {
  const routeKeys = [
    "DELETE /tokens",
    "DELETE /rest/token/:token",
    "DELETE /api/action-tokens/:id",
  ];
  const cases = GOOD.filter(({ routeKey }) => routeKeys.includes(routeKey));
  expect(cases.length).toBeGreaterThan(4);
  for (const each of cases) {
    await begin(world);
    const before = await look(world.stored);
    const { send } = isolate({ REVOCATION_LAG_SECONDS: "0" });
    await Promise.all(Array.from({ length: 5 }, () => send(...requestOf(each, world))));
    const after = await look();
    expect([each.as, after.done.length - before.done.length]).toEqual([each.as, 1]);
  }
});
