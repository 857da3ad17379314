import type { HonoRequest } from "hono";
import type { Issuer } from "../core/issuers.ts";
import { credentialHeaders } from "./credentials.ts";
import type { HttpResult } from "./surface.ts";

const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:[/?]|$)/;
/** Whether plain HTTP is asked for on this machine itself. */
export const isLoopback = (url: string) => LOOPBACK.test(url);

const HSTS = "max-age=31536000";

const EXPOSED =
  "Allow, ETag, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Auth-Scope, X-Auth-User, X-Request-Id";

/** More than any browser asks for at once. */
const MAX_ASKED_HEADERS = 100;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/;

/** Plain HTTP is sent to HTTPS, for every method; only loopback is exempt. */
export function httpsRedirect(url: string): Response | null {
  if (!url.startsWith("http:") || isLoopback(url)) return null;
  return new Response(null, {
    status: 301,
    headers: { location: url.replace(/^http:/, "https:"), "cache-control": "no-store" },
  });
}

/** Origins that a browser's script may call from: `*`, or a list of them. */
export type CorsOrigins = "*" | readonly string[];

/**
 * Makes the Response, and its headers in the same go: setting them afterwards costs more than all else here.
 * @param origins null where no other origin may read the answer
 */
export function toResponse(
  answer: HttpResult,
  request: HonoRequest,
  origins: CorsOrigins | null,
): Response {
  const { status, body } = answer;
  const headers: Record<string, string> = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(origins !== null && allowOrigin(request, origins)),
  };
  if (request.url.startsWith("https:")) headers["strict-transport-security"] = HSTS;
  if (body !== null) headers["content-type"] = "application/json";
  const vary = [headers.vary, answer.headers?.vary].filter((each) => each !== undefined);
  Object.assign(headers, answer.headers);
  if (vary.length > 1) headers.vary = vary.join(", ");
  const content = answer.text ?? (body === null ? null : JSON.stringify(body));
  const response = new Response(content, { status, headers });
  for (const cookie of answer.cookies ?? []) response.headers.append("set-cookie", cookie);
  return response;
}

/**
 * `OPTIONS` on a path that exists: what it takes, and for browsers from where. A header that is asked for
 * is allowed: without credentials a list would protect nothing, and clients bring headers of their own.
 * @param origins null where no other origin may call
 */
export function preflight(
  allow: readonly string[],
  request: HonoRequest,
  issuers: readonly Issuer[],
  origins: CorsOrigins | null,
): HttpResult {
  const methods = allow.join(", ");
  if (origins === null) return { status: 204, body: null, headers: { allow: methods } };
  const asked = request.header("access-control-request-headers");
  const names =
    asked === undefined
      ? ["Content-Type", "Idempotency-Key", ...credentialHeaders(issuers)]
      : asked
          .split(",", MAX_ASKED_HEADERS)
          .map((name) => name.trim())
          .filter((name) => HEADER_NAME.test(name));
  return {
    status: 204,
    body: null,
    headers: {
      allow: methods,
      "access-control-allow-methods": methods,
      "access-control-allow-headers": names.join(", "),
      "access-control-max-age": "7200",
      ...(asked !== undefined && { vary: "Access-Control-Request-Headers" }),
    },
  };
}

function allowOrigin(request: HonoRequest, origins: CorsOrigins): Record<string, string> {
  const exposed = { "access-control-expose-headers": EXPOSED };
  if (origins === "*") return { ...exposed, "access-control-allow-origin": "*" };
  const origin = request.header("origin");
  const vary = { ...exposed, vary: "Origin" };
  return origin !== undefined && origins.includes(origin)
    ? { ...vary, "access-control-allow-origin": origin }
    : vary;
}
