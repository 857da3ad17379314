import type { DatabaseSync } from "node:sqlite";
import type { LatchkeyEvent } from "../../src/core/deliveries.ts";
import { idAsText } from "../../src/core/uuid.ts";
import { queued } from "../../src/cli/users/accounts.ts";
import { storedKind } from "../../src/storage/event-rows.ts";
import type { Clock } from "./clock.ts";
import { Violation } from "./credential.ts";
import { count, type Figures } from "./figures.ts";
import type { Random } from "./random.ts";

/** What was committed, in D1's order, whatever is deleted later. */
export const COMMITTED = `
  CREATE TABLE committed_events (n INTEGER PRIMARY KEY, user_id TEXT NOT NULL, id TEXT NOT NULL UNIQUE);
  CREATE TRIGGER committed_event AFTER INSERT ON events WHEN new.kind <> ${storedKind("request.failed")} BEGIN
    INSERT INTO committed_events (user_id, id) VALUES (${idAsText("new.user_id")}, ${idAsText("new.id")}); END;
  CREATE TABLE committed_receipts (id TEXT NOT NULL PRIMARY KEY);
  CREATE TRIGGER committed_receipt AFTER INSERT ON receipts BEGIN
    INSERT INTO committed_receipts (id) VALUES (${idAsText("new.id")}); END;`;

/**
 * Somebody else's system, which hears of every event, and has an effect of its own for each run of an action. It
 * dies at random: before it has taken an event, after it, or while it is asked.
 */
export interface Receiver {
  on(event: LatchkeyEvent): Promise<void>;
  /** From now on it takes everything. */
  recover(): void;
  /** What an operator does with dead letters. */
  replay(nowMs: number): void;
  /** How many events wait. */
  waiting(): number;
  /** @throws Violation where a committed event or effect never reached it */
  checkAll(): void;
}

const NOBODY = "00000000-0000-0000-0000-000000000000";

export function receiver(
  sqlite: DatabaseSync,
  clock: Clock,
  random: () => Random,
  figures: Figures,
  violate: (violation: Violation) => void,
): Receiver {
  const accepted = new Set<string>();
  const effects = new Set<string>();
  /** They come behind what waited. */
  const replayed = new Set<string>();
  let isWell = false;
  const committed = sqlite.prepare("SELECT n FROM committed_events WHERE id = ? AND user_id = ?");
  // Those of one statement, which have the same beginning, go in the order of their ids.
  const earlier =
    sqlite.prepare(`SELECT id FROM committed_events AS c WHERE user_id = ? AND n < ? AND substr(id, 1, 24) <> ?
    AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE event_id = unhex(c.id, '-'))`);
  const receipt = sqlite.prepare("SELECT 1 FROM committed_receipts WHERE id = ?");

  function accept({ id, type, user_id, subject, outcome }: LatchkeyEvent): void {
    const userId = user_id ?? NOBODY;
    const row = committed.get(id, userId);
    if (row === undefined) {
      violate(new Violation(`${type} was sent, and never committed`));
      return;
    }
    if (!accepted.has(id)) {
      const isMissing = (other: string) => !accepted.has(other) && !replayed.has(other);
      const missing = earlier
        .all(userId, Number(row.n), id.slice(0, 24))
        .find((each) => isMissing(String(each.id)));
      if (missing !== undefined)
        violate(new Violation(`${type} overtook an earlier event of its user`));
    }
    accepted.add(id);
    if (type !== "action.run" || outcome !== "done" || subject === null) return;
    if (receipt.get(subject) === undefined) violate(new Violation("an effect without its run"));
    effects.add(subject);
  }

  return {
    async on(event) {
      const fate = isWell ? 15 : random().int(16);
      if (fate === 0) {
        count(figures.faults, "receiver refuses");
        throw new Error("down");
      }
      if (fate === 1) {
        count(figures.faults, "receiver hangs");
        return new Promise(() => undefined);
      }
      if (fate < 4) {
        count(figures.faults, "receiver slow");
        await new Promise<void>((resolve) => clock.after(1 + random().int(20_000), resolve));
      }
      accept(event);
      if (fate !== 4) return;
      count(figures.faults, "receiver lost");
      throw new Error("down");
    },
    recover() {
      isWell = true;
    },
    replay(nowMs) {
      const dead = sqlite
        .prepare(`SELECT ${idAsText("event_id")} AS event_id FROM dead_letters`)
        .all();
      for (const { event_id } of dead) replayed.add(String(event_id));
      sqlite.exec(queued("(SELECT * FROM dead_letters)", nowMs));
      sqlite.exec("DELETE FROM dead_letters");
    },
    waiting: () => Number(sqlite.prepare("SELECT COUNT(*) AS n FROM deliveries").get()?.n),
    checkAll() {
      for (const { id } of sqlite.prepare("SELECT id FROM committed_events").all()) {
        if (!accepted.has(String(id))) throw new Violation(`event ${id} was never delivered`);
      }
      for (const { id } of sqlite.prepare("SELECT id FROM committed_receipts").all()) {
        if (!effects.has(String(id))) throw new Violation(`the run ${id} never had its effect`);
      }
    },
  };
}
