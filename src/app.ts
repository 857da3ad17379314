import type { Hono } from "hono";
import type { Config } from "./config.ts";
import { consolePages } from "./console/console.tsx";
import { mount } from "./http/mount.ts";
import type { Surface } from "./http/surface.ts";
import { actionTokenRoutes } from "./routes/action-tokens.ts";
import { jwtPair } from "./routes/jwt-pair.ts";
import { oauth } from "./routes/oauth.ts";
import { restAudit } from "./routes/rest-audit.ts";
import { leaked } from "./routes/rest-leaks.ts";
import { restExport } from "./routes/rest-export.ts";
import { restRecovery } from "./routes/rest-recovery.ts";
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
    restTokens(services.accounts, services.jwtPairs, services.apiTokens, [
      ...restRecovery(services.recovery),
      leaked(services.leaks),
      ...restAudit(services.audit),
      ...restExport(services.personalData),
    ]),
    oauth(services.introspection, config.issuer),
    consolePages({
      ...services,
      signUpIsOpen: config.signUpIsOpen,
      sendsMail: config.mail !== null,
    }),
    service(config.issuer, services.publicKeys, services.statusLists),
  ];
}

export function app(services: Services, config: Config): Hono {
  return mount(surfaces(services, config), {
    authenticate: services.authenticate,
    issuers: config.issuers,
    credentialsInQuery: config.credentialsInQuery,
    corsOrigins: config.corsOrigins,
    refused: services.audit.refused,
  });
}
