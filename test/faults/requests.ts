import { claimsOf, type Send } from "../support/client.ts";
import type { World } from "./world.ts";

/** One request of a route, sent in the world of `world.ts`. */
export interface Case {
  /** The route's method and path, as `DOORS` names it. */
  readonly routeKey: string;
  readonly as: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** The path to send it to, where it is not the route's own. */
  readonly path?: (world: World) => string;
  readonly send: (world: World) => Send;
  readonly status: number;
  /** What the same request gets once it has had its effect. */
  readonly again: number;
  /** Or this, if its effect is known to D1 only. */
  readonly orAgain?: number;
}

const byApi = ({ alice }: World): Send => ({ bearer: alice.api });
const byApiWith = (json: unknown) => (world: World) => ({ ...byApi(world), json });
const byAuth = ({ auth }: World): Send => ({ bearer: auth });
const login = ({ alice: { email, password } }: World) => ({ email, password });
const target = ({ target: { uuid } }: World) => `/rest/token/${uuid}`;
const byAccess = ({ access }: World): Send => ({ bearer: access });
const passkey = ({ passkey: { id } }: World) => `/rest/user/passkeys/${id}`;
const OK = { status: 200, again: 200 };
const KEY = { headers: { "idempotency-key": "a-key" } };
export const ROTATES = { ROTATE_REFRESH_TOKENS: "on" };

const jwtPair = (path: string): readonly Case[] => [
  {
    routeKey: `POST ${path}/`,
    as: "login",
    send: (world) => ({ json: login(world) }),
    ...OK,
  },
  {
    routeKey: `POST ${path}/refresh/`,
    as: "refresh",
    send: ({ refresh }) => ({ json: { refresh } }),
    ...OK,
  },
  {
    routeKey: `POST ${path}/refresh/`,
    as: "refresh, rotating",
    settings: ROTATES,
    send: ({ refresh }) => ({ json: { refresh } }),
    ...OK,
  },
  {
    routeKey: `POST ${path}/verify/`,
    as: "refresh JWT",
    send: ({ refresh }) => ({ json: { token: refresh } }),
    ...OK,
  },
  {
    routeKey: `POST ${path}/verify/`,
    as: "access JWT",
    send: ({ access }) => ({ json: { token: access } }),
    ...OK,
  },
  {
    routeKey: `POST ${path}/blacklist/`,
    as: "refresh JWT",
    send: ({ refresh }) => ({ json: { refresh } }),
    status: 200,
    again: 401,
  },
];

/** The routes also answer without their last slash, by the same handlers. */
const withoutSlash = (each: Case): Case => ({ ...each, routeKey: each.routeKey.slice(0, -1) });

const CREDENTIALS: readonly (readonly [string, (world: World) => Send])[] = [
  ["API token", byApi],
  ["session", ({ session }) => ({ xToken: session })],
  ["JWT", byAuth],
  ["access JWT", ({ access }) => ({ bearer: access })],
  ["Basic", ({ alice }) => ({ basic: alice })],
];

/** A token of each kind, as introspection and revocation take it. */
const SHOWN: readonly (readonly [string, (world: World) => string])[] = [
  ["API token", ({ target }) => target.secret],
  ["session", ({ session }) => session],
  ["action token", ({ openAction }) => openAction],
  ["access JWT", ({ access }) => access],
  ["refresh JWT", ({ refresh }) => refresh],
];

/** What token exchange takes. */
const SUBJECTS: readonly (readonly [string, (world: World) => string])[] = [
  ["API token", ({ alice }) => alice.api],
  ["session", ({ session }) => session],
  ["access JWT", ({ access }) => access],
  ["JWT of Basic", ({ auth }) => auth],
];
const EXCHANGE = {
  grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
  subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
};

const byOperator = ({ operator }: World): Send => ({ bearer: operator });
const ofAlice =
  (rest = "") =>
  ({ alice }: World) =>
    `/rest/admin/users/${alice.id}${rest}`;
const changed = (as: string, json: unknown): Case => ({
  routeKey: "PATCH /rest/admin/users/:id",
  as,
  path: ofAlice(),
  send: (world) => ({ ...byOperator(world), json }),
  ...OK,
});

/** What operators do, with an account of another user's. */
const OPERATORS: readonly Case[] = [
  ...(
    [
      ["email", ({ alice }) => alice.email],
      ["id", ({ alice }) => alice.id],
      ["API token", ({ target }) => target.secret],
      ["access JWT", ({ access }) => access],
    ] as readonly (readonly [string, (world: World) => string])[]
  ).map(([as, query]) => ({
    routeKey: "POST /rest/admin/find",
    as,
    send: (world: World) => ({ ...byOperator(world), json: { query: query(world) } }),
    ...OK,
  })),
  ...["", "/logins", "/tokens", "/export"].map((rest) => ({
    routeKey: `GET /rest/admin/users/:id${rest}`,
    as: "operator",
    path: ofAlice(rest),
    send: byOperator,
    ...OK,
  })),
  { routeKey: "GET /rest/admin/events", as: "operator", send: byOperator, ...OK },
  {
    routeKey: "GET /rest/admin/events",
    as: "of a user",
    path: ({ alice }) => `/rest/admin/events?user=${alice.id}&what=session.created`,
    send: byOperator,
    ...OK,
  },
  {
    routeKey: "GET /rest/admin/events",
    as: "all",
    path: () => "/rest/admin/events?all=true&outcome=refused",
    send: byOperator,
    ...OK,
  },
  ...["throttles", "dead_letters", "status"].map((name) => ({
    routeKey: `GET /rest/admin/${name}`,
    as: "operator",
    send: byOperator,
    ...OK,
  })),
  changed("disabled", { disabled: true }),
  changed("enabled", { disabled: false }),
  changed("role", { role: "Admin" }),
  changed("metadata", { metadata: { plan: "pro" } }),
  {
    routeKey: "DELETE /rest/admin/users/:id/credentials",
    as: "operator",
    path: ofAlice("/credentials"),
    send: byOperator,
    ...OK,
  },
  ...(["login", "token"] as const).map((kind) => ({
    routeKey: `DELETE /rest/admin/users/:id/${kind}s/:${kind}`,
    as: "operator",
    path: ({ alice, refresh, target: { uuid } }: World) =>
      `/rest/admin/users/${alice.id}/${kind}s/${kind === "token" ? uuid : String(claimsOf(refresh).sid)}`,
    send: byOperator,
    ...OK,
  })),
  {
    routeKey: "DELETE /rest/admin/users/:id/second_factor",
    as: "operator",
    path: ofAlice("/second_factor"),
    send: byOperator,
    ...OK,
  },
  {
    routeKey: "POST /rest/admin/users/:id/password_reset",
    as: "operator",
    path: ofAlice("/password_reset"),
    send: byOperator,
    status: 200,
    again: 429,
  },
  {
    routeKey: "DELETE /rest/admin/users/:id",
    as: "operator",
    path: ofAlice(),
    send: byOperator,
    status: 200,
    again: 404,
  },
  {
    routeKey: "DELETE /rest/admin/throttles/:id",
    as: "operator",
    path: ({ throttled }) => `/rest/admin/throttles/${throttled}`,
    send: byOperator,
    ...OK,
  },
  {
    routeKey: "POST /rest/admin/dead_letters/replay",
    as: "operator",
    send: (world) => ({ ...byOperator(world), json: { event_uuids: null } }),
    ...OK,
  },
];

/** At least one good request for every route there is. */
export const GOOD: readonly Case[] = [
  { routeKey: "GET /health", as: "anybody", send: () => ({}), ...OK },
  { routeKey: "GET /.well-known/jwks.json", as: "anybody", send: () => ({}), ...OK },
  {
    routeKey: "GET /.well-known/oauth-authorization-server",
    as: "anybody",
    send: () => ({}),
    ...OK,
  },
  {
    routeKey: "GET /.well-known/oauth-protected-resource",
    as: "anybody",
    send: () => ({}),
    ...OK,
  },
  { routeKey: "GET /openapi.json", as: "anybody", send: () => ({}), ...OK },
  {
    routeKey: "GET /status-lists/:list",
    as: "anybody",
    path: () => "/status-lists/0",
    send: () => ({}),
    ...OK,
  },
  {
    routeKey: "POST /rest/leaked",
    as: "API token and session",
    send: ({ target: { secret }, session }) => ({ json: { tokens: [secret, session] } }),
    ...OK,
  },
  {
    routeKey: "POST /rest/leaked",
    as: "refresh JWT",
    send: ({ refresh }) => ({ json: { tokens: [refresh] } }),
    ...OK,
  },
  ...SHOWN.map(([as, token]) => ({
    routeKey: "POST /oauth/introspect",
    as,
    send: (world: World) => ({ bearer: world.alice.api, form: { token: token(world) } }),
    ...OK,
  })),
  ...SHOWN.map(([as, token]) => ({
    routeKey: "POST /oauth/revoke",
    as,
    send: (world: World) => ({ form: { token: token(world) } }),
    ...OK,
  })),
  ...SUBJECTS.map(([as, subject_token]) => ({
    routeKey: "POST /oauth/token",
    as,
    send: (world: World) => ({ form: { ...EXCHANGE, subject_token: subject_token(world) } }),
    ...OK,
  })),

  ...jwtPair("/api/token"),
  ...jwtPair("/api/token").map(withoutSlash),

  {
    routeKey: "POST /api/generate-action-token",
    as: "API token",
    send: (world) =>
      byApiWith({ action: "addContact", payload: { contact_id: world.alice.id } })(world),
    ...OK,
  },
  {
    routeKey: "POST /api/run-action-token",
    as: "caller",
    send: ({ bob, action }) => ({ bearer: bob.api, json: { token: action.secret } }),
    status: 200,
    again: 422,
  },
  {
    routeKey: "POST /api/run-action-token",
    as: "caller, with a key",
    send: ({ bob, action }) => ({ bearer: bob.api, json: { token: action.secret }, ...KEY }),
    ...OK,
  },
  {
    routeKey: "POST /api/run-action-token",
    as: "nobody, with a key",
    send: ({ openAction }) => ({ json: { token: openAction }, ...KEY }),
    ...OK,
  },
  {
    routeKey: "POST /api/run-action-token",
    as: "password reset",
    send: ({ reset }) => ({ json: { token: reset, input: { password: "another password" } } }),
    status: 200,
    again: 422,
  },
  {
    routeKey: "POST /api/run-action-token",
    as: "email verification",
    send: ({ auth, verification }) => ({ bearer: auth, json: { token: verification } }),
    status: 200,
    again: 422,
  },
  { routeKey: "GET /api/action-tokens", as: "API token", send: byApi, ...OK },
  {
    routeKey: "GET /api/action-tokens",
    as: "API token: searched",
    path: () => "/api/action-tokens?state=all&sort=-used",
    send: byApi,
    ...OK,
  },
  { routeKey: "GET /api/action-tokens/uses", as: "API token", send: byApi, ...OK },
  {
    routeKey: "GET /api/action-tokens/:id/uses",
    as: "API token",
    path: ({ action }) => `/api/action-tokens/${action.id}/uses`,
    send: byApi,
    ...OK,
  },
  {
    routeKey: "DELETE /api/action-tokens/:id",
    as: "API token",
    path: ({ action }) => `/api/action-tokens/${action.id}`,
    send: byApi,
    status: 204,
    again: 404,
  },
  { routeKey: "GET /api/user/get-contacts", as: "API token", send: byApi, ...OK },
  { routeKey: "GET /api/user/contacts/followers", as: "API token", send: byApi, ...OK },
  {
    routeKey: "DELETE /api/user/contacts/:id",
    as: "API token",
    path: ({ bob }) => `/api/user/contacts/${bob.id}`,
    send: ({ bob }) => ({ bearer: bob.api }),
    status: 204,
    again: 204,
  },

  {
    routeKey: "POST /tokens",
    as: "login",
    send: ({ alice: { email, password } }) => ({ json: { email_id: email, password } }),
    ...OK,
  },
  { routeKey: "GET /tokens", as: "session", send: ({ session }) => ({ xToken: session }), ...OK },
  {
    routeKey: "PUT /tokens",
    as: "session",
    send: ({ session }) => ({ xToken: session, json: { extend: true } }),
    ...OK,
  },
  {
    routeKey: "DELETE /tokens",
    as: "session",
    send: ({ session }) => ({ xToken: session }),
    status: 200,
    again: 400,
  },

  { routeKey: "GET /rest/auth", as: "API token", send: byApi, ...OK },
  {
    routeKey: "POST /rest/user",
    as: "anybody",
    send: () => ({ json: { email: "carol@example.com", password: "carol's password" } }),
    status: 201,
    again: 409,
  },
  {
    routeKey: "POST /rest/user/password_reset",
    as: "anybody",
    send: ({ bob }) => ({ json: { email: bob.email } }),
    ...OK,
  },
  {
    routeKey: "POST /rest/login/email",
    as: "anybody",
    send: ({ alice }) => ({ json: { email: alice.email } }),
    ...OK,
  },
  ...(
    [
      ["proven email", "proven"],
      ["proven email, session", "proven", "session"],
      ["proven email, pair", "proven", "pair"],
      ["unproven email", "unproven"],
      ["unproven email, session", "unproven", "session"],
      ["new email", "new"],
      ["new email, pair", "new", "pair"],
    ] as const
  ).map(([as, of, issue = "jwt"]) => ({
    routeKey: "POST /rest/login/email/verify",
    as,
    send: ({ emailLogins }: World) => ({ json: { ...emailLogins[of], issue } }),
    status: 200,
    again: 401,
  })),
  { routeKey: "POST /rest/user/verify_email", as: "JWT", send: byAuth, ...OK },
  ...CREDENTIALS.map(([as, send]) => ({ routeKey: "GET /rest/user", as, send, ...OK })),
  {
    routeKey: "PATCH /rest/user",
    as: "API token: name",
    send: byApiWith({ first_name: "Alicia" }),
    ...OK,
  },
  {
    routeKey: "PATCH /rest/user",
    as: "API token: email",
    send: ({ alice }) => ({
      bearer: alice.api,
      json: { email: "alicia@example.com", current_password: alice.password },
    }),
    ...OK,
  },
  {
    routeKey: "PATCH /rest/user",
    as: "API token: password",
    send: ({ alice }) => ({
      bearer: alice.api,
      json: { password: "another password", current_password: alice.password },
    }),
    status: 200,
    again: 401,
  },
  {
    routeKey: "DELETE /rest/user",
    as: "JWT",
    send: (world) => ({ ...byAuth(world), json: { password: world.alice.password } }),
    status: 200,
    again: 401,
  },

  {
    routeKey: "GET /rest/user/identities",
    as: "API token",
    send: ({ bob }) => ({ bearer: bob.api }),
    ...OK,
  },
  {
    routeKey: "DELETE /rest/user/identities/:id",
    as: "Basic",
    path: ({ identity }) => `/rest/user/identities/${identity}`,
    send: ({ bob }) => ({ basic: bob }),
    status: 200,
    again: 404,
  },
  { routeKey: "GET /rest/user/logins", as: "access JWT", send: byAccess, ...OK },
  { routeKey: "DELETE /rest/user/logins", as: "access JWT", send: byAccess, ...OK },
  {
    routeKey: "DELETE /rest/user/logins/:id",
    as: "API token",
    path: ({ refresh }) => `/rest/user/logins/${String(claimsOf(refresh).sid)}`,
    send: byApi,
    status: 200,
    again: 404,
  },
  { routeKey: "POST /rest/user/passkeys/options", as: "access JWT", send: byAccess, ...OK },
  {
    routeKey: "POST /rest/user/passkeys",
    as: "access JWT",
    send: (world) => ({ ...byAccess(world), json: { response: world.passkey.registration } }),
    status: 201,
    again: 400,
  },
  { routeKey: "GET /rest/user/passkeys", as: "API token", send: byApi, ...OK },
  {
    routeKey: "PATCH /rest/user/passkeys/:id",
    as: "API token",
    path: passkey,
    send: byApiWith({ name: "My phone" }),
    ...OK,
  },
  {
    routeKey: "DELETE /rest/user/passkeys/:id",
    as: "access JWT",
    path: passkey,
    send: byAccess,
    status: 200,
    again: 404,
  },
  {
    routeKey: "POST /rest/login/passkey/options",
    as: "anybody",
    send: ({ alice }) => ({ json: { email: alice.email } }),
    ...OK,
  },
  ...["jwt", "session", "pair"].map((issue) => ({
    routeKey: "POST /rest/login/passkey",
    as: issue,
    send: ({ passkey: { assertion } }: World) => ({ json: { response: assertion, issue } }),
    status: 200,
    again: 401,
  })),
  { routeKey: "GET /rest/user/totp", as: "API token", send: byApi, ...OK },
  {
    routeKey: "POST /rest/user/totp",
    as: "access JWT",
    send: byAccess,
    ...OK,
  },
  {
    routeKey: "POST /rest/user/totp/confirm",
    as: "API token",
    send: ({ bob, pendingOtp }) => ({ bearer: bob.api, json: { otp: pendingOtp } }),
    status: 200,
    again: 409,
  },
  {
    routeKey: "DELETE /rest/user/totp",
    as: "access JWT",
    send: ({ withFactor }) => ({ bearer: withFactor }),
    status: 200,
    again: 404,
  },
  {
    routeKey: "POST /rest/user/recovery_codes",
    as: "access JWT",
    send: ({ withFactor }) => ({ bearer: withFactor }),
    ...OK,
  },
  { routeKey: "GET /rest/user/export", as: "access JWT", send: byAccess, ...OK },
  { routeKey: "GET /rest/audit", as: "API token", send: byApi, ...OK },
  {
    routeKey: "GET /rest/audit",
    as: "API token: searched",
    path: ({ target: { uuid } }) => `/rest/audit?about=${uuid}&outcome=done`,
    send: byApi,
    ...OK,
  },

  { routeKey: "POST /rest/token", as: "API token", send: byApiWith({ name: "another" }), ...OK },
  ...(["API token", "session", "access JWT"] as const).map((as) => ({
    routeKey: "POST /rest/token/verify",
    as,
    send: (world: World) =>
      byApiWith({ token: SHOWN.find(([name]) => name === as)?.[1](world) })(world),
    ...OK,
  })),
  {
    routeKey: "POST /rest/token/verify",
    as: "counted API token",
    send: (world) => byApiWith({ token: world.metered, ip: "192.0.2.1" })(world),
    ...OK,
  },
  {
    routeKey: "POST /rest/token/verify",
    as: "counted API token, with a key",
    send: (world) => ({ ...byApiWith({ token: world.metered, cost: 2 })(world), ...KEY }),
    ...OK,
  },
  { routeKey: "GET /rest/token/list", as: "API token", send: byApi, ...OK },
  {
    routeKey: "GET /rest/token/list",
    as: "API token: searched",
    path: () => "/rest/token/list?search=e&sort=name",
    send: byApi,
    ...OK,
  },
  { routeKey: "DELETE /rest/token/all", as: "JWT", send: byAuth, ...OK },
  { routeKey: "DELETE /rest/token/all", as: "API token", send: byApi, status: 200, again: 401 },
  {
    routeKey: "PATCH /rest/token/:token",
    as: "API token: shorter",
    path: target,
    send: byApiWith({ name: "shorter", ttl: 3_600 }),
    ...OK,
  },
  {
    routeKey: "PATCH /rest/token/:token",
    as: "API token: disabled",
    path: target,
    send: byApiWith({ enabled: false }),
    ...OK,
  },
  {
    routeKey: "PATCH /rest/token/:token",
    as: "API token: counted",
    path: target,
    send: byApiWith({ remaining: 1_000 }),
    ...OK,
  },
  {
    routeKey: "PATCH /token/:token",
    as: "JWT: longer",
    path: ({ target: { uuid } }) => `/token/${uuid}`,
    send: (world) => ({ ...byAuth(world), json: { ttl: 31_536_000 } }),
    ...OK,
  },
  {
    routeKey: "DELETE /rest/token/:token",
    as: "API token: uuid",
    path: target,
    send: byApi,
    status: 200,
    again: 404,
  },
  {
    routeKey: "DELETE /rest/token/:token",
    as: "API token: itself",
    path: ({ alice }) => `/rest/token/${alice.api}`,
    send: byApi,
    status: 200,
    again: 401,
    // Where KV has not been told yet, it is D1 that finds nothing to end.
    orAgain: 404,
  },
  {
    routeKey: "DELETE /rest/token/:token",
    as: "API token: refresh JWT",
    path: ({ refresh }) => `/rest/token/${refresh}`,
    send: byApi,
    status: 200,
    again: 404,
  },
  {
    routeKey: "POST /rest/token/:token/rotate",
    as: "API token",
    path: (world) => `${target(world)}/rotate`,
    send: byApiWith({}),
    status: 200,
    again: 404,
  },
  {
    routeKey: "POST /rest/token/:token/rotate",
    as: "API token: with a grace",
    path: (world) => `${target(world)}/rotate`,
    send: byApiWith({ grace_seconds: 3_600 }),
    status: 200,
    again: 409,
  },
  ...OPERATORS,
];

export function requestOf({ routeKey, path, send }: Case, world: World): [string, string, Send] {
  const [method = "", route = ""] = routeKey.split(" ");
  return [method, path?.(world) ?? route, send(world)];
}
