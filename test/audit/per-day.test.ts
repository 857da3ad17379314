import { describe, expect, it } from "vitest";
import { AUDIT_COUNTED } from "../../src/core/events.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { DB } from "../support/database.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-11-22T09:00:00Z");
const TODAY = Date.parse("2026-11-22T00:00:00Z");

const { services } = isolate();

/** So many events of one instant, as the service would have written them. */
async function events(userId: string, atMs: number, outcome: string, count: number) {
  const time = atMs.toString(16).padStart(12, "0");
  await DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?4)
     INSERT INTO events (user_id, id, kind, refused)
     SELECT ?1, unhex(?3 || '-7' || substr(hex(randomblob(10)), 2), '-'), 2, ?2 = 'refused' FROM n`,
  )
    .bind(userId, outcome, `${time.slice(0, 8)}-${time.slice(8)}`, count)
    .run();
}

describe("events a day", () => {
  it("of the last 30 days by UTC, oldest first, empty ones too, and of nobody else", async () => {
    const user = crypto.randomUUID();
    await events(user, TODAY, "done", 2);
    await events(user, TODAY - 1, "done", 1);
    await events(user, TODAY - 1, "refused", 3);
    await events(user, TODAY - 29 * DAY_MS, "refused", 4);
    await events(user, TODAY - 29 * DAY_MS - 1, "done", 5);
    await events(crypto.randomUUID(), TODAY, "done", 6);
    const { days, isAll } = await services.audit.perDay(user, 30, NOW);
    expect(isAll).toBe(true);
    expect(days).toHaveLength(30);
    expect(days.map(({ startMs }) => startMs)).toEqual(
      Array.from({ length: 30 }, (_, i) => TODAY - (29 - i) * DAY_MS),
    );
    expect(days.at(-1)).toEqual({ startMs: TODAY, done: 2, refused: 0 });
    expect(days.at(-2)).toMatchObject({ done: 1, refused: 3 });
    expect(days[0]).toMatchObject({ done: 0, refused: 4 });
    expect(days.slice(1, -2).every(({ done, refused }) => done + refused === 0)).toBe(true);
  });

  it("counts so many and no more, the newest, and says so; by the primary key alone", async () => {
    const user = crypto.randomUUID();
    await events(user, TODAY - DAY_MS, "done", 3_000);
    await events(user, TODAY, "refused", AUDIT_COUNTED - 1_000);
    const statements: string[] = [];
    const watching = isolate(
      {},
      intercept((call, run) => {
        statements.push(...call.statements);
        return run();
      }),
    );
    const { days, isAll } = await watching.services.audit.perDay(user, 30, NOW);
    expect(isAll).toBe(false);
    expect(days.at(-1)).toMatchObject({ refused: AUDIT_COUNTED - 1_000 });
    expect(days.at(-2)).toMatchObject({ done: 1_000 });
    expect(statements).toHaveLength(1);
    const plan = await DB.prepare(`EXPLAIN QUERY PLAN ${statements[0]}`)
      .bind(DAY_MS, user, "0", 9)
      .all<{ detail: string }>();
    const details = plan.results.map(({ detail }) => detail).join("\n");
    expect(details).toMatch(/SEARCH events USING PRIMARY KEY \(user_id=\? AND id>\?\)/);
  });
});
