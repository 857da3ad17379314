import { type Case, ROTATES } from "./requests.ts";
import type { World } from "./world.ts";

/** What must be refused: whatever fails, it is never let pass. */
export const REFUSED: readonly Case[] = [
  {
    routeKey: "POST /oauth/introspect",
    as: "ended client",
    send: ({ ended, session }) => ({ bearer: ended.api, form: { token: session } }),
    status: 401,
    again: 401,
  },
  {
    routeKey: "GET /tokens",
    as: "ended session",
    send: ({ ended }) => ({ xToken: ended.session }),
    status: 400,
    again: 400,
  },
  ...(["api", "auth"] as const).map((kind) => ({
    routeKey: "GET /rest/user",
    as: `ended ${kind === "api" ? "API token" : "JWT"}`,
    send: ({ ended }: World) => ({ bearer: ended[kind] }),
    status: 401,
    again: 401,
  })),
  {
    routeKey: "POST /api/token/verify/",
    as: "ended family",
    send: ({ ended }) => ({ json: { token: ended.refresh } }),
    status: 401,
    again: 401,
  },
  {
    routeKey: "POST /api/token/refresh/",
    as: "spent, rotating",
    settings: ROTATES,
    send: ({ spent }) => ({ json: { refresh: spent } }),
    status: 401,
    again: 401,
  },
  ...(["used", "revoked"] as const).map((kind) => ({
    routeKey: "POST /api/run-action-token",
    as: `${kind} token`,
    send: ({ bob, ended }: World) => ({ bearer: bob.api, json: { token: ended[kind] } }),
    status: 422,
    again: 422,
  })),
];
