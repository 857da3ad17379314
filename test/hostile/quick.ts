import { platform } from "../../src/latchkey.ts";
import { service } from "../support/service.ts";

/** The service with every password wrong at once: for probes that would only wait for its hash. */
export const quick = service(
  {},
  {
    passwords: {
      ...platform.passwords,
      hash: async () => "never stored",
      verify: async () => "mismatch",
    },
  },
);
