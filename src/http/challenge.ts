import type { HonoRequest } from "hono";
import type { Scope } from "../core/token.ts";

const REALM = 'realm="latchkey"';
const BASIC = `Basic ${REALM}, charset="UTF-8"`;

/**
 * The value of `WWW-Authenticate` (RFC 7617, RFC 6750 section 3). Where nothing was sent, both
 * schemes and no `error`: curl --anyauth looks for each. A browser's script is never offered
 * Basic, or a password box pops up over the page.
 */
export function challenges(request: HonoRequest, shown: "nothing" | "token" | "password"): string {
  const bearer = shown === "token" ? `Bearer ${REALM}, error="invalid_token"` : `Bearer ${REALM}`;
  const mode = request.header("sec-fetch-mode");
  return mode === undefined || mode === "navigate" ? `${BASIC}, ${bearer}` : bearer;
}

/** The caller is known, and its token may not do this: which scope it would take. */
export function scopeChallenge(scope: Scope): string {
  return `Bearer ${REALM}, error="insufficient_scope", scope="${scope}"`;
}
