import { KEYS_MAX_AGE_SECONDS } from "../../core/token.ts";
import { fixedText } from "../../http/conditional.ts";
import type { Route } from "../../http/surface.ts";
import text from "../assets/openapi.json";

/** The document as it is in the repository: nobody parses it on the way. */
const file = fixedText(text, "application/json");

export const openApiRoute: Route = {
  method: "GET",
  path: "/openapi.json",
  access: "open",
  handle: async () => file.answer(`public, max-age=${KEYS_MAX_AGE_SECONDS}`),
};
