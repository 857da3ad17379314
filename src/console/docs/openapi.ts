import { KEYS_MAX_AGE_SECONDS } from "../../core/token.ts";
import type { Route } from "../../http/surface.ts";
import text from "../assets/openapi.json";

/** The document as it is in the repository: nobody parses it on the way. */
export const openApiRoute: Route = {
  method: "GET",
  path: "/openapi.json",
  access: "open",
  handle: async () => ({
    status: 200,
    body: null,
    text,
    headers: {
      "content-type": "application/json",
      "cache-control": `public, max-age=${KEYS_MAX_AGE_SECONDS}`,
    },
  }),
};
