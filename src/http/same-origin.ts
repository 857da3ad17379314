import type { HonoRequest } from "hono";

/**
 * Whether a page of this origin sent the request: every browser since 2023 says so in
 * `Sec-Fetch-Site` (Fetch Metadata), which no script can set, and those before it by `Origin`.
 * What says neither is not taken.
 */
export function isSameOrigin(request: HonoRequest): boolean {
  const site = request.header("sec-fetch-site");
  if (site !== undefined) return site === "same-origin";
  return request.header("origin") === new URL(request.url).origin;
}

/** A link on another site led here, so that the browser held the cookie back (SameSite=Strict). */
export function isFromAnotherSite(request: HonoRequest): boolean {
  return request.header("sec-fetch-site") === "cross-site";
}
