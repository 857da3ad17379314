import { setTimeout as wait } from "node:timers/promises";
import * as v from "valibot";
import type { D1 } from "../database.ts";

/** A new domain, or a new name under workers.dev, takes a while. */
const HEALTH_PATIENCE_MS = 90_000;
const HEALTH_INTERVAL_MS = 2_000;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Waits until the service answers at its issuer, names the same issuer, and reaches its database.
 * @returns null, or the last problem
 */
export async function untilHealthy(
  issuer: string,
  {
    fetch,
    stop,
    versionId = null,
    patienceMs = HEALTH_PATIENCE_MS,
  }: { fetch: Fetch; stop: AbortSignal; versionId?: string | null; patienceMs?: number },
): Promise<string | null> {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const problem = await findProblem(issuer, fetch, versionId);
    if (problem === null || stop.aborted || Date.now() + HEALTH_INTERVAL_MS > untilMs)
      return problem;
    await wait(HEALTH_INTERVAL_MS, null, { signal: stop }).catch(() => null);
  }
}

/** The user agent of Python's urllib, with which PyJWT and simplejwt fetch our keys. */
const PYTHON = "Python-urllib/3.12";

/**
 * Asks once as Python does: a zone's Browser Integrity Check refuses that before any Worker runs.
 * @returns what to do, or null
 */
export async function botsAreRefused(issuer: string, fetch: Fetch): Promise<string | null> {
  const url = `${issuer}/.well-known/jwks.json`;
  const init = { headers: { "user-agent": PYTHON }, signal: AbortSignal.timeout(10_000) };
  const answer = await fetch(url, init).catch(() => null);
  if (answer?.status !== 403) return null;
  return `${url} answers 403 to "${PYTHON}": Python programs cannot verify JWTs. Something in front of the Worker, by default Browser Integrity Check, takes them for bots. Turn it off for this host name (docs/operations/deploy.md).`;
}

const Health = v.object({ status: v.literal("ok"), version_id: v.optional(v.string()) });
const Metadata = v.object({ issuer: v.string() });

async function findProblem(
  issuer: string,
  fetch: Fetch,
  versionId: string | null,
): Promise<string | null> {
  const get = (path: string) =>
    fetch(issuer + path, { redirect: "manual", signal: AbortSignal.timeout(10_000) });
  try {
    const health = await get("/health");
    const found = health.status === 200 ? v.safeParse(Health, await health.json()) : null;
    if (!found?.success) return `${issuer}/health answers ${health.status}`;
    const { version_id } = found.output;
    if (versionId !== null && version_id !== undefined && version_id !== versionId) {
      return `${issuer} is still served by version ${version_id}`;
    }
    const metadata = await get("/.well-known/oauth-authorization-server");
    const said = v.safeParse(Metadata, await metadata.json());
    if (!said.success || said.output.issuer !== issuer) {
      return `${issuer} is served by something with another ISSUER`;
    }
    // This route reads the database. There may be no list yet.
    const { status } = await get("/status-lists/0");
    return status === 200 || status === 404 ? null : `its database does not answer (${status})`;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return `${issuer}/health does not answer (${cause instanceof Error ? cause.message : cause})`;
  }
}

/** Below this lag no version reads KV (src/storage/revocation.ts). */
export const KV_IS_READ_FROM_SECONDS = 60;

/** The cron trigger runs every minute, and writes some hundred tombstones per run. */
const FLUSH_PATIENCE_MS = 150_000;
const FLUSH_INTERVAL_MS = 5_000;
/** In one statement. */
const MAX_KEYS = 500;

const Key = v.object({ key: v.string() });
const Count = v.object({ count: v.number() });

/**
 * Waits until KV has the tombstones of everything revoked so far. A version that reads KV would accept
 * what a version that does not read it has revoked, as long as the tombstone is pending.
 * @returns 0, or how many of those looked at are still pending
 */
export async function untilFlushed(
  database: D1,
  stop: AbortSignal,
  patienceMs = FLUSH_PATIENCE_MS,
): Promise<number> {
  const untilMs = Date.now() + patienceMs;
  // In the order of their keys, once each: on a busy service something new is always pending.
  for (let after = "''"; ; ) {
    const pending = await database.query(
      `SELECT key FROM pending_revocations WHERE key > ${after} ORDER BY key LIMIT ${MAX_KEYS}`,
      Key,
    );
    const keys = pending.map(({ key }) => `'${key.replaceAll("'", "''")}'`);
    const last = keys.at(-1);
    if (last === undefined) return 0;
    let left = keys.length;
    while (left > 0) {
      if (stop.aborted || Date.now() + FLUSH_INTERVAL_MS > untilMs) return left;
      await wait(FLUSH_INTERVAL_MS, null, { signal: stop }).catch(() => null);
      const sql = `SELECT COUNT(*) AS count FROM pending_revocations WHERE key IN (${keys.join(", ")})`;
      left = (await database.query(sql, Count))[0]?.count ?? 0;
    }
    after = last;
  }
}
