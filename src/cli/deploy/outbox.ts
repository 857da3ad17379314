import { setTimeout as wait } from "node:timers/promises";
import * as v from "valibot";
import type { D1 } from "../users/d1.ts";

/** Below this lag no version reads KV (src/storage/revocation-policy.ts). */
export const KV_IS_READ_FROM_SECONDS = 60;

/** The cron trigger runs each minute, and puts some hundred tombstones in one run. */
const PATIENCE_MS = 150_000;
const EVERY_MS = 5_000;
const LOOKED_AT = 500;

const Key = v.object({ key: v.string() });
const Count = v.object({ count: v.number() });

/**
 * Waits until KV has been told of everything that was revoked up to now. A version that reads KV
 * would accept again what a version that does not has revoked, and whose tombstone is still owed.
 * @returns how many are left after the patience; 0 is good
 */
export async function untilFlushed(
  database: D1,
  stop: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<number> {
  const untilMs = Date.now() + patienceMs;
  const owed = await database.query(`SELECT key FROM pending_revocations LIMIT ${LOOKED_AT}`, Key);
  // Those, and not what is revoked meanwhile: a busy service never has none.
  const keys = owed.map(({ key }) => `'${key.replaceAll("'", "''")}'`).join(", ");
  let left = owed.length;
  while (left > 0 && !stop.aborted && Date.now() + EVERY_MS <= untilMs) {
    await wait(EVERY_MS, null, { signal: stop }).catch(() => null);
    const sql = `SELECT COUNT(*) AS count FROM pending_revocations WHERE key IN (${keys})`;
    left = (await database.query(sql, Count))[0]?.count ?? 0;
  }
  return left;
}
