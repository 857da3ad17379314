import type { HonoBase } from "hono/hono-base";
import type { BlankEnv } from "hono/types";
import type { Config } from "./config.ts";
import { withLanCookies } from "./http/dev.ts";
import { mount } from "./http/mount.ts";
import type { Route, Surface } from "./http/surface.ts";
import { actionTokens } from "./surfaces/action-tokens.ts";
import { jwtPair } from "./surfaces/jwt-pair.ts";
import { oauth } from "./surfaces/oauth.ts";
import { restTokens } from "./surfaces/rest/rest.ts";
import { service } from "./surfaces/service.ts";
import { siteFiles } from "./surfaces/site-files.ts";
import { sessionTokens } from "./surfaces/session-tokens.ts";
import type { Options } from "./options.ts";
import type { Services } from "./services.ts";

/** What there is for people beside what there is for programs. */
export interface Pages {
  readonly console: Surface;
  /** `GET /openapi.json` */
  readonly document: Route;
}

/**
 * Every surface, one line each. The first that owns an unknown path answers for it; the last owns
 * them all.
 */
export function surfaces(
  services: Services,
  config: Config,
  pages: Pages | null,
): readonly Surface[] {
  return [
    jwtPair(services.jwtPairs, services.introspection),
    actionTokens(services.actionTokens, services.actionUses, services.contacts),
    sessionTokens(services.sessions),
    restTokens(services),
    oauth(services, config.issuer),
    ...(pages === null ? [] : [pages.console]),
    service({ ...services, issuer: config.issuer, versionId: config.versionId }, [
      ...(pages === null ? [] : [pages.document]),
      ...siteFiles(config),
    ]),
  ];
}

export function app(
  services: Services,
  config: Config,
  pages: Pages | null = null,
  options: Pick<Options, "fallback"> = {},
): Pick<HonoBase<BlankEnv>, "fetch"> {
  const { fetch } = mount(surfaces(services, config, pages), {
    authenticate: services.authenticate,
    issuers: config.issuers,
    credentialsInQuery: config.credentialsInQuery,
    authHeaderTypes: config.authHeaderTypes,
    corsOrigins: config.corsOrigins,
    refused: services.audit.refused,
    limits: services.limits,
    report: services.report,
    isLocal: config.isLocal,
    dev: config.dev,
    issuer: config.issuer,
    fallback: options.fallback ?? null,
  });
  return { fetch: config.dev === "lan" ? withLanCookies(fetch) : fetch };
}
