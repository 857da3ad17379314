import type { RateLimits, RouteClass } from "../core/login-throttle.ts";
import type { Background } from "./background.ts";
import type { Deadline } from "./deadline.ts";

/** Each has a limit of its own in wrangler.toml; one that is not bound limits nothing. */
export type Limiters = Readonly<Record<RouteClass, RateLimit | undefined>>;

/**
 * Cloudflare's rate limits: quick and permissive, each location counts for itself. So they keep
 * most of a flood off, and are not what an account's safety rests on: where one fails or is late,
 * the request goes on.
 * @param networks that the present request came from, the narrowest first; none where they are not known
 */
export function rateLimits(
  limiters: Limiters,
  networks: () => readonly string[],
  background: Background,
  withDeadline: Deadline,
): RateLimits {
  /** @returns null where the limit did not answer: another key would fare no better */
  async function ask(limiter: RateLimit, key: string): Promise<boolean | null> {
    let isRateLimited: boolean | null = null;
    const asked = withDeadline("rate limiter", () => limiter.limit({ key })).then((outcome) => {
      isRateLimited = !outcome.success;
    });
    await background.bestEffort("ask the rate limiter", asked);
    return isRateLimited;
  }

  return {
    async isRateLimited(routeClass, clientId) {
      const limiter = limiters[routeClass];
      if (limiter === undefined) return false;
      // One after the other: what a narrow network has too many of is not counted against its neighbors.
      for (const key of clientId === undefined ? networks() : [clientId]) {
        const isRateLimited = await ask(limiter, key);
        if (isRateLimited !== false) return isRateLimited ?? false;
      }
      return false;
    },
  };
}
