import { setTimeout as wait } from "node:timers/promises";
import * as v from "valibot";

/** A new domain, or a new name under workers.dev, takes its time. */
const PATIENCE_MS = 90_000;
const EVERY_MS = 2_000;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Waits until the service answers at its issuer, says the same issuer itself, and its database answers it.
 * @returns null, or what was wrong the last time
 */
export async function untilHealthy(
  issuer: string,
  {
    fetch,
    stop,
    patienceMs = PATIENCE_MS,
  }: { fetch: Fetch; stop: AbortSignal; patienceMs?: number },
): Promise<string | null> {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const wrong = await whatIsWrong(issuer, fetch);
    if (wrong === null || stop.aborted || Date.now() + EVERY_MS > untilMs) return wrong;
    await wait(EVERY_MS, null, { signal: stop }).catch(() => null);
  }
}

const Health = v.object({ status: v.literal("ok") });
const Metadata = v.object({ issuer: v.string() });

async function whatIsWrong(issuer: string, fetch: Fetch): Promise<string | null> {
  const get = (path: string) =>
    fetch(issuer + path, { redirect: "manual", signal: AbortSignal.timeout(10_000) });
  try {
    const health = await get("/health");
    if (health.status !== 200 || !v.is(Health, await health.json())) {
      return `${issuer}/health answers ${health.status}`;
    }
    const metadata = await get("/.well-known/oauth-authorization-server");
    const said = v.safeParse(Metadata, await metadata.json());
    if (!said.success || said.output.issuer !== issuer) {
      return `${issuer} is served by something with another ISSUER`;
    }
    // Reads the database; there may be no list yet.
    const { status } = await get("/status-lists/0");
    return status === 200 || status === 404 ? null : `its database does not answer (${status})`;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return `${issuer}/health does not answer (${cause instanceof Error ? cause.message : cause})`;
  }
}
