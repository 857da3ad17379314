import type { Fault } from "../core/fault.ts";
import type { SignedStatusList, StatusLists } from "../core/status-lists.ts";
import {
  type Json,
  KEYS_MAX_AGE_SECONDS,
  SCOPES,
  STATUS_LIST_MAX_AGE_SECONDS,
} from "../core/token.ts";
import { type HttpResult, ok } from "../http/answer.ts";
import { cacheable, fixedText, versionOf } from "../http/conditional.ts";
import { type RequestFault, refuseRequest } from "../http/request-fault.ts";
import type { Route, Surface } from "../http/surface.ts";
import { VERSION } from "../http/version.ts";

/** Made once, and kept by clients for as long as keys are published before they sign. */
function published(body: Json): () => Promise<HttpResult> {
  const file = fixedText(JSON.stringify(body), "application/json");
  return async () => file.answer(`public, max-age=${KEYS_MAX_AGE_SECONDS}`);
}

/** Signed anew each time, so that only its meaning can be compared: a weak tag. */
const statusList = ({ jwt, version }: SignedStatusList): HttpResult =>
  cacheable({
    text: jwt,
    type: "application/statuslist+jwt",
    cacheControl: `public, max-age=${STATUS_LIST_MAX_AGE_SECONDS}`,
    etag: `W/"${versionOf(version)}"`,
  });

/** What belongs to no contract, and every path that nobody else owns; errors are RFC 9457 problems. */
export function service(
  issuer: string,
  publicKeys: Json,
  lists: StatusLists,
  more: readonly Route[],
  versionId: string | null,
): Surface {
  const health = {
    status: "ok",
    version: VERSION,
    ...(versionId !== null && { version_id: versionId }),
  };
  return {
    name: "service",
    owns: () => true,
    refuse: refusal,
    routes: [
      {
        method: "GET",
        path: "/health",
        access: "open",
        handle: async () => ok(health),
      },
      {
        method: "GET",
        path: "/.well-known/jwks.json",
        access: "open",
        handle: published(publicKeys),
      },
      {
        method: "GET",
        path: "/status-lists/:list",
        access: "open",
        async handle({ request, nowMs }) {
          const number = request.param("list") ?? "";
          const list = /^(?:0|[1-9]\d{0,8})$/.test(number)
            ? await lists.read(Number(number), nowMs)
            : null;
          return list === null ? refuseRequest({ code: "path_not_found" }) : statusList(list);
        },
      },
      {
        method: "GET",
        path: "/.well-known/oauth-authorization-server",
        access: "open",
        handle: published(metadata(issuer)),
      },
      ...more,
    ],
  };
}

/**
 * RFC 8414 section 2. There is no authorization endpoint and no token endpoint: the lists of grants
 * and response types stand empty, because leaving them out would claim the protocol's defaults.
 */
function metadata(issuer: string): Json {
  const client = ["client_secret_basic", "client_secret_post"];
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: client,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: ["none", ...client],
    scopes_supported: SCOPES,
    response_types_supported: [],
    grant_types_supported: [],
  };
}

function refusal(fault: Fault | RequestFault): HttpResult {
  const problem = (
    status: number,
    title: string,
    headers?: Record<string, string>,
  ): HttpResult => ({
    status,
    body: { type: "about:blank", title, status },
    headers: { "content-type": "application/problem+json", ...headers },
  });
  switch (fault.code) {
    case "path_not_found":
      return problem(404, "Not Found");
    case "method_not_allowed":
      return problem(405, "Method Not Allowed", { allow: fault.allow.join(", ") });
    case "throttled":
      return problem(429, "Too Many Requests", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    case "unavailable":
      return problem(503, "Service Unavailable", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    // Its routes take no body and ask nobody.
    default:
      return problem(500, "Internal Server Error");
  }
}
