import { env } from "cloudflare:workers";
import { app } from "./app.ts";
import { readConfig } from "./config.ts";
import { wire } from "./wire.ts";

// At module scope, so that a bad setting stops the start (and a deploy) instead of each request.
const config = readConfig({ ...env });

export default app(wire(env, config), config) satisfies ExportedHandler;
