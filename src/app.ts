import type { Hono } from "hono";
import type { Config } from "./config.ts";
import { mount } from "./http/mount.ts";
import type { Surface } from "./http/surface.ts";
import { actionTokenRoutes } from "./routes/action-tokens.ts";
import { jwtPair } from "./routes/jwt-pair.ts";
import { oauth } from "./routes/oauth.ts";
import { restTokens } from "./routes/rest-tokens.ts";
import { service } from "./routes/service.ts";
import { sessionTokens } from "./routes/session-tokens.ts";
import type { Services } from "./wire.ts";

/** Every surface, one line each. The first that owns an unknown path answers for it; the last owns them all. */
export function surfaces(services: Services, config: Config): readonly Surface[] {
  return [
    jwtPair(services.jwtPairs),
    actionTokenRoutes(services.actionTokens, services.contacts),
    sessionTokens(services.sessions),
    restTokens(services.accounts, services.jwtPairs, services.apiTokens),
    oauth(services.introspection, config.issuer),
    service(config.issuer, services.publicKeys, services.statusLists),
  ];
}

export function app(services: Services, config: Config): Hono {
  return mount(surfaces(services, config), {
    authenticate: services.authenticate,
    credentialsInQuery: config.credentialsInQuery,
    corsOrigins: config.corsOrigins,
  });
}
