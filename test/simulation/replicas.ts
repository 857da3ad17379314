import { DatabaseSync, type Session } from "node:sqlite";
import type { Clock } from "./clock.ts";
import { count, type Figures } from "./figures.ts";
import type { Random } from "./random.ts";

/** Read replicas of one database, each of which shows a prefix of its history, however old. */
export interface Replicas {
  /** To be called when something may have been written. */
  commit(): void;
  /** @param which by default another one each time. @throws Error if it is gone */
  nearest(random: Random, which?: number): DatabaseSync;
}

const COUNT = 3;

export interface ReplicaHabits {
  /** How far behind one may be, until it is something else: 1e12 stalls. */
  readonly lagsMs: readonly number[];
  readonly phasesMs: readonly number[];
  readonly goneChance: number;
}

/** As bad as it gets. */
const HARSH: ReplicaHabits = {
  lagsMs: [0, 0, 40, 900, 4_000, 9_000, 50_000, 1e12, 1e12, 1e12],
  phasesMs: [5_000, 90_000, 1_000_000],
  goneChance: 0.05,
};

interface Replica {
  readonly sqlite: DatabaseSync;
  /** How much of the history it has. */
  applied: number;
  lagMs: number;
  isGone: boolean;
  untilMs: number;
}

let databases: readonly DatabaseSync[] | undefined;
let session: Session | undefined;

/** Which begin empty, as the primary does. */
export function replicasOf(
  primary: DatabaseSync,
  schema: string,
  clock: Clock,
  figures: Figures,
  { lagsMs, phasesMs, goneChance }: ReplicaHabits = HARSH,
): Replicas {
  // Databases take longer to make than to empty.
  databases ??= Array.from({ length: COUNT }, () => {
    const sqlite = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
    sqlite.exec(schema);
    // The history has what the primary's triggers wrote.
    const triggers = sqlite.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all();
    for (const { name } of triggers) sqlite.exec(`DROP TRIGGER ${String(name)}`);
    return sqlite;
  });
  const [first] = databases;
  const tables = first === undefined ? [] : tablesOf(first);
  for (const each of databases) for (const table of tables) each.exec(`DELETE FROM ${table}`);
  const isKnown = (table: string) => tables.includes(table);

  const history: { readonly changes: Uint8Array; readonly atMs: number }[] = [];
  const all = databases.map((sqlite): Replica => {
    return { sqlite, applied: 0, lagMs: 0, isGone: false, untilMs: 0 };
  });
  session?.close();
  session = primary.createSession();

  function advance(replica: Replica): void {
    const upToMs = clock.now() - replica.lagMs;
    for (; replica.applied < history.length; replica.applied++) {
      const next = history[replica.applied];
      if (next === undefined || next.atMs > upToMs) return;
      if (!replica.sqlite.applyChangeset(next.changes, { filter: isKnown }))
        throw new Error("a replica has another history");
    }
  }

  return {
    commit() {
      const changes = session?.changeset();
      if (changes === undefined || changes.length === 0) return;
      history.push({ changes, atMs: clock.now() });
      session?.close();
      session = primary.createSession();
    },
    nearest(random, which = random.int(COUNT)) {
      const replica = all[which % COUNT];
      if (replica === undefined) throw new Error("no replica");
      if (clock.now() >= replica.untilMs) {
        replica.lagMs = lagsMs[random.int(lagsMs.length)] ?? 0;
        replica.isGone = random.chance(goneChance);
        replica.untilMs = clock.now() + random.int(phasesMs[random.int(phasesMs.length)] ?? 0);
      }
      if (replica.isGone) {
        count(figures.faults, "replica gone");
        throw new Error("D1_ERROR: Network connection lost.");
      }
      advance(replica);
      if (replica.applied < history.length) count(figures.faults, "replica behind");
      return replica.sqlite;
    },
  };
}

export const tablesOf = (sqlite: DatabaseSync): string[] =>
  sqlite
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map(({ name }) => String(name));
