import { type Case, GOOD } from "../faults/requests.ts";
import type { Send } from "../support/client.ts";
import type { World } from "../faults/world.ts";

/** Beyond the first good request of each route: what is answered in another way. */
const MORE = [
  "POST /api/token/refresh/ (refresh, rotating)",
  "POST /api/run-action-token (nobody, with a key)",
  "POST /api/run-action-token (password reset)",
  "POST /api/run-action-token (email verification)",
  "POST /oauth/introspect (access JWT)",
  "PATCH /rest/user (API token: password)",
  "DELETE /rest/token/:token (API token: refresh JWT)",
  "POST /rest/token/:token/rotate (API token: with a grace)",
];

/** Limits are by network. */
const ADDRESS = { "cf-connecting-ip": "192.0.2.1" };

/** Answers that would be long, cut as a client would. */
const SHORTER: Readonly<Record<string, Partial<Case>>> = {
  "GET /rest/audit": { path: () => "/rest/audit?limit=2" },
  "GET /rest/token/list": { path: () => "/rest/token/list?limit=2" },
  "GET /api/action-tokens": { path: () => "/api/action-tokens?limit=2" },
  "GET /rest/user/export": { send: ({ bob }) => ({ basic: bob }) },
};

export const GRANTED: readonly Case[] = GOOD.filter(
  ({ routeKey, as }, index) =>
    // It would be the whole document within itself.
    routeKey !== "GET /openapi.json" &&
    (GOOD.findIndex((each) => each.routeKey === routeKey) === index ||
      MORE.includes(`${routeKey} (${as})`)),
).map((each) => ({ ...each, ...SHORTER[each.routeKey] }));

/** What makes a request go wrong that is good by itself. */
export type Trouble = "no storage" | "broken code" | "many tries" | "slow body" | "many requests";

/** A request whose answer the API document shows, for each shape of refusal at least one. */
export interface Refused extends Pick<Case, "as" | "settings" | "path" | "send" | "status"> {
  /** A route's, or one that no route takes. */
  readonly operation: string;
  readonly trouble?: Trouble;
}

const byApi = ({ alice }: World): Send => ({ bearer: alice.api });
const login = ({ alice: { email, password } }: World): Send => ({ json: { email, password } });
const LARGE: Send = {
  headers: { "content-type": "application/json" },
  body: `{"a":"${"a".repeat(65_536)}"}`,
};
/** It never comes. */
const slow = (): Send => ({
  headers: { "content-type": "application/json" },
  body: new ReadableStream<Uint8Array>(),
});
const TEXT: Send = { headers: { "content-type": "text/plain" }, body: "text" };
const GZIP: Send = {
  headers: { "content-type": "application/json", "content-encoding": "gzip" },
  body: "gzip",
};
const ELSEWHERE: Send = {
  headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
  form: {},
};
const NO_JSON: Send = { headers: { "content-type": "application/json" }, body: "{" };
const ENDED = ({ ended }: World): Send => ({ bearer: ended.api });
const WRONG = ({ alice: { email } }: World): Send => ({ basic: { email, password: "wrong" } });

/** What every route that takes a body refuses, by one that does. */
const bodies = (operation: string, send: (world: World) => Send): readonly Refused[] => [
  { operation, as: "no JSON", send: (world) => ({ ...send(world), ...NO_JSON }), status: 400 },
  { operation, as: "slow", send: slow, status: 408, trouble: "slow body" },
  { operation, as: "too large", send: (world) => ({ ...send(world), ...LARGE }), status: 413 },
  { operation, as: "plain text", send: (world) => ({ ...send(world), ...TEXT }), status: 415 },
  { operation, as: "compressed", send: (world) => ({ ...send(world), ...GZIP }), status: 415 },
  { operation, as: "of another site", send: () => ELSEWHERE, status: 403 },
];

/** What goes wrong for us, by one route of each surface. */
const troubles = (operation: string, send: (world: World) => Send): readonly Refused[] => [
  { operation, as: "broken code", send, status: 500, trouble: "broken code" },
  { operation, as: "no storage", send, status: 503, trouble: "no storage" },
];

const elsewhere = (path: string, method: string, at: string): readonly Refused[] => [
  { operation: `GET ${path}`, as: "unknown path", send: () => ({}), status: 404 },
  { operation: `${method} ${at}`, as: "wrong method", send: () => ({}), status: 405 },
];

/** Its size is known from the statements that authenticate. */
const full = (operation: string, send: (world: World) => Send): Refused => ({
  operation,
  as: "full database",
  settings: { DATABASE_LIMIT_BYTES: "100000" },
  send,
  status: 507,
});

export const REFUSED: readonly Refused[] = [
  full("POST /rest/token", (world) => ({ ...byApi(world), json: { name: "another" } })),
  full("POST /api/generate-action-token", (world) => ({
    ...byApi(world),
    json: { action: "addContact", payload: { contact_id: world.alice.id } },
  })),
  ...elsewhere("/api/token/nothing/", "GET", "/api/token/"),
  ...bodies("POST /api/token/", () => ({})),
  ...troubles("POST /api/token/", login),
  {
    operation: "POST /api/token/",
    as: "missing fields",
    send: () => ({ json: {} }),
    status: 400,
  },
  {
    operation: "POST /api/token/",
    as: "wrong password",
    send: ({ alice: { email } }) => ({ json: { email, password: "wrong" } }),
    status: 401,
  },
  {
    operation: "POST /api/token/",
    as: "too many tries",
    send: ({ alice: { email } }) => ({ json: { email, password: "wrong" } }),
    status: 429,
    trouble: "many tries",
  },
  {
    operation: "POST /api/token/verify/",
    as: "ended login",
    send: ({ ended }) => ({ json: { token: ended.refresh } }),
    status: 401,
  },

  ...elsewhere("/api/nothing", "GET", "/api/run-action-token"),
  ...bodies("POST /api/run-action-token", () => ({})),
  ...troubles("GET /api/action-tokens", byApi),
  {
    operation: "GET /api/action-tokens",
    as: "two credentials",
    send: (world) => ({ ...byApi(world), xToken: world.session }),
    status: 400,
  },
  {
    operation: "GET /rest/user/export",
    as: "old log-in",
    send: ({ session }) => ({ xToken: session }),
    status: 401,
  },
  { operation: "GET /rest/user/export", as: "API token", send: byApi, status: 403 },
  { operation: "GET /api/action-tokens", as: "nobody", send: () => ({}), status: 401 },
  {
    operation: "GET /api/action-tokens",
    as: "too many tries",
    send: WRONG,
    status: 429,
    trouble: "many tries",
  },
  {
    operation: "POST /api/generate-action-token",
    as: "unknown action",
    send: (world) => ({ ...byApi(world), json: { action: "corporis" } }),
    status: 422,
  },
  {
    operation: "DELETE /api/action-tokens/:id",
    as: "unknown token",
    path: ({ target }) => `/api/action-tokens/${target.uuid}`,
    send: byApi,
    status: 404,
  },
  ...(["used", "revoked"] as const).map((as) => ({
    operation: "POST /api/run-action-token",
    as,
    send: ({ bob, ended }: World) => ({ bearer: bob.api, json: { token: ended[as] } }),
    status: 422,
  })),
  {
    operation: "POST /api/run-action-token",
    as: "missing fields",
    send: () => ({ json: {} }),
    status: 422,
  },

  ...elsewhere("/tokens/nothing", "PATCH", "/tokens"),
  ...bodies("POST /tokens", () => ({})).filter(({ as }) => as !== "plain text"),
  ...troubles("POST /tokens", ({ alice: { email, password } }) => ({
    json: { email_id: email, password },
  })),
  {
    operation: "POST /tokens",
    as: "wrong password",
    send: ({ alice: { email } }) => ({ json: { email_id: email, password: "wrong" } }),
    status: 400,
  },
  {
    operation: "POST /tokens",
    as: "too many tries",
    send: ({ alice: { email } }) => ({ json: { email_id: email, password: "wrong" } }),
    status: 429,
    trouble: "many tries",
  },
  {
    operation: "GET /tokens",
    as: "ended session",
    send: ({ ended }) => ({ xToken: ended.session }),
    status: 400,
  },
  {
    operation: "GET /tokens",
    as: "ended credential beside it",
    send: ({ session, ended }) => ({ xToken: session, bearer: ended.api }),
    status: 401,
  },

  ...elsewhere("/rest/nothing", "PUT", "/rest/user"),
  ...bodies("POST /rest/user", () => ({})),
  ...troubles("GET /rest/user", byApi),
  {
    operation: "POST /rest/user",
    as: "fields that do not fit",
    send: () => ({ json: { email: "carol", password: "short" } }),
    status: 400,
  },
  {
    operation: "POST /rest/user",
    as: "email of another account",
    send: ({ bob }) => ({ json: { email: bob.email, password: "another password" } }),
    status: 409,
  },
  {
    operation: "POST /rest/user",
    as: "sign-up is closed",
    settings: { SIGN_UP: "closed" },
    send: () => ({ json: { email: "carol@example.com", password: "carol's password" } }),
    status: 403,
  },
  { operation: "GET /rest/user", as: "nobody", send: () => ({}), status: 401 },
  { operation: "GET /rest/user", as: "ended token", send: ENDED, status: 401 },
  { operation: "GET /rest/user", as: "wrong password", send: WRONG, status: 401 },
  {
    operation: "GET /rest/user",
    as: "too many tries",
    send: WRONG,
    status: 429,
    trouble: "many tries",
  },
  {
    operation: "POST /rest/token/verify",
    as: "key of another request",
    send: ({ alice, metered }) => ({
      bearer: alice.api,
      json: { token: metered, cost: 1 },
      headers: { "idempotency-key": "another-request" },
    }),
    status: 422,
  },
  {
    operation: "PATCH /rest/token/:token",
    as: "unknown token",
    path: () => "/rest/token/nothing",
    send: (world) => ({ ...byApi(world), json: { name: "renamed" } }),
    status: 404,
  },

  ...elsewhere("/oauth/nothing", "GET", "/oauth/introspect"),
  ...bodies("POST /oauth/revoke", () => ({})),
  ...troubles("POST /oauth/revoke", ({ session }) => ({ form: { token: session } })),
  {
    operation: "POST /oauth/revoke",
    as: "too many requests",
    send: () => ({ form: { token: "lk_ses_" }, headers: ADDRESS }),
    status: 429,
    trouble: "many requests",
  },
  {
    operation: "POST /oauth/introspect",
    as: "no client",
    send: ({ session }) => ({ form: { token: session } }),
    status: 401,
  },

  ...elsewhere("/nothing", "POST", "/health"),
  ...troubles("GET /status-lists/:list", () => ({})).map((each) => ({
    ...each,
    path: () => "/status-lists/0",
  })),
  {
    operation: "GET /status-lists/:list",
    as: "too many requests",
    path: () => "/status-lists/0",
    send: () => ({ headers: ADDRESS }),
    status: 429,
    trouble: "many requests",
  },
  {
    operation: "GET /status-lists/:list",
    as: "unknown list",
    path: () => "/status-lists/999",
    send: () => ({}),
    status: 404,
  },
  ...[
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/oauth-protected-resource",
    "GET /status-lists/:list",
  ].map((operation) => ({
    operation,
    as: "unchanged",
    path: () => operation.slice("GET ".length).replace(":list", "0"),
    send: () => ({ headers: { "if-none-match": "*" } }),
    status: 304,
  })),
];

/** Refusals that take a token of a scope, or an ID token, which the world does not have. */
export const BY_SCOPE: readonly (readonly [operation: string, send: Send])[] = [
  ["GET /rest/user", {}],
  ["GET /api/user/get-contacts", {}],
  ["GET /api/user/contacts/followers", {}],
  ["POST /oauth/introspect", { form: { token: "lk_ses_" } }],
];
export const BY_IDENTITY = ["GET /rest/user", "GET /api/action-tokens", "GET /tokens"] as const;
