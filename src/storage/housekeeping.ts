import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Database } from "./database.ts";
import type { Endings } from "./endings.ts";

/** Rows looked at in one step, and steps in one run: a run stays far under every limit of the platform. */
const ROWS_A_STEP = 1_000;
const STEPS_A_RUN = 20;
const MARKS_A_RUN = 200;

const DAY_MS = 86_400_000;
/** A JWT may hang on a token's row for a day after the token's own end, and one day is to spare. */
const TOKEN_KEPT_MS = 2 * DAY_MS;
/** As long as the token can be shown again, and a day for a late retry. */
const RECEIPT_KEPT_MS = 31 * DAY_MS;

interface Task {
  readonly table: Sql;
  readonly isOver: (nowMs: number) => Sql;
}

const TASKS: Readonly<Record<string, Task>> = {
  tokens: {
    table: sql`tokens`,
    isOver: (nowMs) => sql`expires_at < ${nowMs - TOKEN_KEPT_MS}`,
  },
  receipts: {
    table: sql`receipts`,
    isOver: (nowMs) => sql`run_at < ${nowMs - RECEIPT_KEPT_MS}`,
  },
};

export interface Swept {
  readonly deleted: number;
  readonly marksSettled: number;
}

/**
 * Deletes what has expired, and settles the marks that KV is owed. It walks each table by its
 * primary key, since an index on the end of life would cost every insert one more row written.
 * Each step saves where it stopped, so that the next run goes on from there; a step done twice does
 * no harm.
 */
export function housekeeping(db: Database, endings: Endings) {
  return async (nowMs: number): Promise<Swept> => {
    let marksSettled = 0;
    let deleted = 0;
    try {
      marksSettled = await endings.settle(MARKS_A_RUN, nowMs);
    } finally {
      // A mark that KV does not take keeps nothing from being deleted.
      for (const [name, task] of Object.entries(TASKS)) {
        deleted += await sweep(db, name, task, nowMs);
      }
    }
    return { deleted, marksSettled };
  };
}

async function sweep(db: Database, name: string, task: Task, nowMs: number): Promise<number> {
  let deleted = 0;
  for (let step = 0; step < STEPS_A_RUN; step++) {
    const { gone, wrapped } = await sweepStep(db, name, task, nowMs);
    deleted += gone;
    if (wrapped) break;
  }
  return deleted;
}

const cursorOf = (name: string): Sql =>
  sql`COALESCE((SELECT cursor FROM housekeeping WHERE task = ${name}), '')`;

async function sweepStep(
  db: Database,
  name: string,
  { table, isOver }: Task,
  nowMs: number,
): Promise<{ gone: number; wrapped: boolean }> {
  const stretch = sql`SELECT id FROM ${table} WHERE id > ${cursorOf(name)} ORDER BY id LIMIT ${ROWS_A_STEP}`;
  const [ends, gone = []] = await db.batch([
    sql`SELECT MAX(id) AS last, COUNT(*) AS seen FROM (${stretch})`,
    sql`DELETE FROM ${table} WHERE id IN (${stretch}) AND ${isOver(nowMs)} RETURNING id`,
  ]);
  const { last, seen } = v.parse(
    v.object({ last: v.nullable(v.string()), seen: v.number() }),
    ends?.[0],
  );
  const wrapped = seen < ROWS_A_STEP;
  await db.run(
    sql`INSERT INTO housekeeping (task, cursor) VALUES (${name}, ${wrapped ? "" : (last ?? "")})
      ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor`,
  );
  return { gone: gone.length, wrapped };
}
