import type { Pages } from "./app.ts";
import type { Config } from "./config.ts";
import { consolePages } from "./console/console.tsx";
import { openApiRoute } from "./console/docs/openapi.ts";
import type { Services } from "./wire.ts";

/** What people see of the service. Apart from the rest, which runs without it where JSX does not. */
export function pages(services: Services, config: Config): Pages {
  return {
    console: consolePages({
      ...services,
      signUpIsOpen: config.signUpIsOpen,
      sendsMail: config.mail !== null,
      issuer: config.issuer,
    }),
    document: openApiRoute,
  };
}
