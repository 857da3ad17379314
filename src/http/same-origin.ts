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

/**
 * Whether a page of another site sent the request without CORS, as a form does: the browser may then
 * have put a password in it that it keeps for Basic, and the page needs none of the answer.
 */
export function isFormOfAnotherSite(request: HonoRequest): boolean {
  const [site, mode] = [request.header("sec-fetch-site"), request.header("sec-fetch-mode")];
  return (
    (site === "cross-site" || site === "same-site") && (mode === "navigate" || mode === "no-cors")
  );
}

/** A link on another site led here, so that the browser held the cookie back (SameSite=Strict). */
export function isFromAnotherSite(request: HonoRequest): boolean {
  return request.header("sec-fetch-site") === "cross-site";
}
