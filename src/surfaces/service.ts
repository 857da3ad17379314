import type { Scopes } from "../core/scopes.ts";
import type { SignedStatusList, StatusLists } from "../core/status-lists.ts";
import { EXCHANGE_GRANT } from "../core/token-exchange.ts";
import { type Json, KEYS_MAX_AGE_SECONDS, STATUS_LIST_MAX_AGE_SECONDS } from "../core/token.ts";
import { cacheable, fixedText, versionOf } from "../http/conditional.ts";
import { refusals } from "../http/refusals.ts";
import { refuseRequest } from "../http/request-fault.ts";
import { defineRoutes, type HttpResult, ok, type Route, type Surface } from "../http/surface.ts";

/** The release. As in package.json: a test compares. */
export const VERSION = "0.1.0";

/** Clients keep it for as long as keys are published before they sign. */
export function published(body: Json): () => Promise<HttpResult> {
  const file = fixedText(JSON.stringify(body), "application/json");
  return async () => file.answer(`public, max-age=${KEYS_MAX_AGE_SECONDS}`);
}

/** Each answer is signed again, so only its meaning can be compared: a weak tag. */
const statusList = ({ jwt, version }: SignedStatusList): HttpResult =>
  cacheable({
    text: jwt,
    type: "application/statuslist+jwt",
    cacheControl: `public, max-age=${STATUS_LIST_MAX_AGE_SECONDS}`,
    etag: `W/"${versionOf(version)}"`,
  });

/** Routes that belong to no contract, and every path that no other surface owns; errors are RFC 9457 problems. */
export const service = (deps: ServiceDeps, more: readonly Route[]): Surface => ({
  name: "service",
  owns: () => true,
  refuse,
  routes: [...serviceRoutes(deps), ...more],
});

export interface ServiceDeps {
  readonly issuer: string;
  readonly publicKeys: Json;
  readonly statusLists: StatusLists;
  readonly versionId: string | null;
  readonly scopes: Scopes;
}

export function serviceRoutes({ issuer, publicKeys, statusLists, versionId, scopes }: ServiceDeps) {
  const health = {
    status: "ok",
    version: VERSION,
    ...(versionId !== null && { version_id: versionId }),
  };
  return defineRoutes([
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
          ? await statusLists.read(Number(number), nowMs)
          : null;
        return list === null ? refuseRequest({ code: "path_not_found" }) : statusList(list);
      },
    },
    {
      method: "GET",
      path: "/.well-known/oauth-authorization-server",
      access: "open",
      handle: published(metadata(issuer, scopes)),
    },
    {
      method: "GET",
      path: "/.well-known/oauth-protected-resource",
      access: "open",
      handle: published(resource(issuer, scopes)),
    },
  ]);
}

/**
 * RFC 8414 section 2. There is no authorization endpoint: the list of response types is empty,
 * because leaving it out would claim the protocol's default.
 */
function metadata(issuer: string, scopes: Scopes): Json {
  const client = ["client_secret_basic", "client_secret_post"];
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: client,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: ["none", ...client],
    scopes_supported: scopes.names,
    response_types_supported: [],
    token_endpoint: `${issuer}/oauth/token`,
    token_endpoint_auth_methods_supported: ["none", ...client],
    grant_types_supported: [EXCHANGE_GRANT],
  };
}

/** RFC 9728: where to get what this API takes as a bearer. */
function resource(issuer: string, scopes: Scopes): Json {
  return {
    resource: issuer,
    authorization_servers: [issuer],
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    scopes_supported: scopes.names,
    bearer_methods_supported: ["header"],
    resource_documentation: `${issuer}/docs`,
  };
}

const refuse = refusals({
  contentType: "application/problem+json",
  toBody: (title, status) => ({ type: "about:blank", title, status }),
  // Its routes take no body and no credential.
  texts: {
    path_not_found: "Not Found",
    method_not_allowed: "Method Not Allowed",
    throttled: "Too Many Requests",
    unavailable: "Service Unavailable",
    internal: "Internal Server Error",
  },
});
