import { withActions } from "./actions/api-document.ts";
import type { Pages } from "./app.ts";
import type { Config } from "./config.ts";
import { consolePages } from "./console/console.tsx";
import { apiDocument } from "./console/docs/document.ts";
import { DEFAULT_OPTIONS, type LatchkeyOptions, type Options } from "./options.ts";
import type { Services } from "./services.ts";
import { worker } from "./worker.ts";

export { LatchkeyService, platform } from "./worker.ts";

/** Pages for people. Separate from the rest, which also runs where there is no JSX. */
export function pages(
  services: Services,
  config: Config,
  options: Options = DEFAULT_OPTIONS,
): Pages {
  const { actions } = options;
  const { route, reader } = apiDocument(services.scopes, (document) =>
    actions.length === 0 ? document : JSON.stringify(withActions(JSON.parse(document), actions)),
  );
  return {
    console: consolePages({
      ...services,
      signUpIsOpen: config.signUpIsOpen,
      sendsMail: config.mail !== null,
      passwords: config.passwords,
      issuer: config.issuer,
      brand: options.brand,
      ownsRoot: options.fallback === undefined,
      reader,
    }),
    document: route,
  };
}

/**
 * The whole service as a Worker. Call it at module scope, so that a bad setting or option stops the start
 * (and a deployment) instead of each request.
 * @throws Error that lists every bad setting and option
 */
export const createLatchkey = (options: LatchkeyOptions = {}) => worker(options, pages);
