import { scopeTable } from "../core/scopes.ts";
import type { Route } from "../http/surface.ts";
import { actionTokensDoc } from "../surfaces/action-tokens.doc.ts";
import { actionTokenRoutes } from "../surfaces/action-tokens.ts";
import { jwtPairDoc } from "../surfaces/jwt-pair.doc.ts";
import { jwtPairRoutes } from "../surfaces/jwt-pair.ts";
import { oauthDoc } from "../surfaces/oauth.doc.ts";
import { oauthRoutes } from "../surfaces/oauth.ts";
import { adminRoutes } from "../surfaces/rest/admin.ts";
import { accountRoutes } from "../surfaces/rest/accounts.ts";
import { loginRoutes } from "../surfaces/rest/logins.ts";
import { apiTokenRoutes } from "../surfaces/rest/api-tokens.ts";
import { passkeyRoutes } from "../surfaces/rest/passkeys.ts";
import { emailLoginRoutes } from "../surfaces/rest/log-in.ts";
import { secondFactorRoutes } from "../surfaces/rest/second-factor.ts";
import { restDoc } from "../surfaces/rest/rest.doc.ts";
import { serviceDoc } from "../surfaces/service.doc.ts";
import { serviceRoutes } from "../surfaces/service.ts";
import { sessionTokensDoc } from "../surfaces/session-tokens.doc.ts";
import { sessionTokenRoutes } from "../surfaces/session-tokens.ts";
import type { DocumentedSurface, Operation, SurfaceDoc } from "./description.ts";

/** Stands in for every service: routes are read here and never called. The document has the built-in scopes. */
const scopes = scopeTable();
const unused = new Proxy(
  {},
  { get: (_, name) => (name === "scopes" ? scopes : () => undefined) },
) as never;

/** Its route belongs to the console, which imports the document that is generated here. */
const openApi = { method: "GET", path: "/openapi.json", access: "open" } as const;

/** In the order in which a reader meets them. */
export const SURFACES: readonly DocumentedSurface[] = [
  surface("rest-tokens", restDoc, [
    ...accountRoutes(unused),
    ...loginRoutes(unused),
    ...passkeyRoutes(unused),
    ...emailLoginRoutes(unused),
    ...secondFactorRoutes(unused),
    ...apiTokenRoutes(unused),
    ...adminRoutes(unused),
  ]),
  surface("session-tokens", sessionTokensDoc, sessionTokenRoutes(unused)),
  surface("jwt-pair", jwtPairDoc, jwtPairRoutes(unused, unused)),
  surface("action-tokens", actionTokensDoc, actionTokenRoutes(unused, unused, unused)),
  surface("oauth", oauthDoc, oauthRoutes(unused, "")),
  surface("service", serviceDoc, [...serviceRoutes(unused), openApi]),
];

/** The key of a route or an example in the document: a last slash makes no difference. */
export function documentedKey(routeKey: string): string {
  return routeKey.replace(/(?<=[^ ])\/$/, "");
}

function surface<Key extends string>(
  name: string,
  doc: SurfaceDoc<Key>,
  routes: readonly Pick<Route, "method" | "path" | "access" | "scope" | "body">[],
): DocumentedSurface {
  const docs: Readonly<Record<string, SurfaceDoc["operations"][string]>> = doc.operations;
  const operations: Record<string, Operation> = {};
  for (const { method, path, access, scope, body } of routes) {
    const key = documentedKey(`${method} ${path}`);
    const operation = docs[key];
    if (operation === undefined) throw new Error(`${key} has no documentation`);
    const { body: documented, ...rest } = operation;
    operations[key] = {
      ...rest,
      access,
      ...(scope !== undefined && { scope }),
      ...(body !== undefined && { body: { ...body, schema: documented ?? body.schema } }),
    };
  }
  return { ...doc, name, operations };
}
