import { env } from "cloudflare:workers";
import { app } from "./app.ts";
import { readConfig } from "./config.ts";
import { pages } from "./pages.ts";
import { platform } from "./platform.ts";
import { wire } from "./wire.ts";

// At module scope, so that a bad setting stops the start (and a deploy) instead of each request.
const config = readConfig({ ...env });
const services = wire(env, config, platform);

export default {
  fetch: app(services, config, pages(services, config)).fetch,

  /** A cron trigger's run; what it could not finish, the next one does. */
  async scheduled() {
    const swept = await services.housekeeping(Date.now());
    console.log(JSON.stringify({ level: "info", task: "housekeeping", ...swept }));
  },
} satisfies ExportedHandler;
