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
    versionId = null,
    patienceMs = PATIENCE_MS,
  }: { fetch: Fetch; stop: AbortSignal; versionId?: string | null; patienceMs?: number },
): Promise<string | null> {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const wrong = await whatIsWrong(issuer, fetch, versionId);
    if (wrong === null || stop.aborted || Date.now() + EVERY_MS > untilMs) return wrong;
    await wait(EVERY_MS, null, { signal: stop }).catch(() => null);
  }
}

/** What Python's urllib calls itself, and with it PyJWT and simplejwt, which fetch our keys. */
const PYTHON = "Python-urllib/3.12";

/**
 * Asks once as Python does: the Browser Integrity Check of a zone refuses that before any Worker runs.
 * @returns what is wrong, or null
 */
export async function botsAreRefused(issuer: string, fetch: Fetch): Promise<string | null> {
  const url = `${issuer}/.well-known/jwks.json`;
  const init = { headers: { "user-agent": PYTHON }, signal: AbortSignal.timeout(10_000) };
  const answer = await fetch(url, init).catch(() => null);
  if (answer?.status !== 403) return null;
  return `${url} answers 403 to "${PYTHON}": programs in Python cannot verify a JWT. Something in front of the Worker takes them for bots, by default Browser Integrity Check. Switch it off for this host name (docs/operations/deploy.md).`;
}

const Health = v.object({ status: v.literal("ok"), version_id: v.optional(v.string()) });
const Metadata = v.object({ issuer: v.string() });

async function whatIsWrong(
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
    // Reads the database; there may be no list yet.
    const { status } = await get("/status-lists/0");
    return status === 200 || status === 404 ? null : `its database does not answer (${status})`;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return `${issuer}/health does not answer (${cause instanceof Error ? cause.message : cause})`;
  }
}
