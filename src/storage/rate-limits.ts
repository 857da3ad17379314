import type { RateLimits, RouteClass } from "../core/password-tries.ts";
import type { Background } from "./background.ts";
import type { Deadline } from "./deadline.ts";

/** Each has a limit of its own in wrangler.toml; one that is not bound limits nothing. */
export type Limiters = Readonly<Record<RouteClass, RateLimit | undefined>>;

/**
 * Cloudflare's rate limits: quick and permissive, each location counts for itself. So they keep
 * most of a flood off, and are not what an account's safety rests on: where one fails or is late,
 * the request goes on.
 * @param network that the present request came from; empty where it is not known
 */
export function rateLimits(
  limiters: Limiters,
  network: () => string,
  background: Background,
  withDeadline: Deadline,
): RateLimits {
  return {
    async isOver(routeClass) {
      const limiter = limiters[routeClass];
      if (limiter === undefined) return false;
      const key = network();
      if (key === "") return false;
      let isOver = false;
      const asked = withDeadline("rate limiter", () => limiter.limit({ key })).then((outcome) => {
        isOver = !outcome.success;
      });
      await background.try("ask the rate limiter", asked);
      return isOver;
    },
  };
}
