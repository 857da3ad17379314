import { type Answered, call } from "../support/client.ts";
import { service } from "../support/service.ts";
import type { Credentials, Kind } from "./credential-kinds.ts";

/** A place where a secret can be sent, and the kinds that it takes: no other kind opens it. */
export interface Place {
  readonly name: string;
  readonly takes: readonly Kind[];
  readonly method: string;
  readonly path: string;
  readonly show: (secret: string, whose: Credentials) => Promise<Answered>;
  readonly refusal: number;
}

const inQuery = service({ QUERY_CREDENTIALS: "on" });
const JWTS: readonly Kind[] = ["access", "refresh", "auth"];
export const LOGS_IN: readonly Kind[] = ["access", "auth", "api"];
const WHO = { method: "GET", path: "/rest/user", refusal: 401 };

export const POSITIONS: readonly Place[] = [
  {
    ...WHO,
    name: "Authorization: Bearer",
    takes: LOGS_IN,
    show: (bearer) => call("GET", "/rest/user", { bearer }),
  },
  {
    ...WHO,
    name: "X-Auth-Token",
    takes: LOGS_IN,
    show: (xAuthToken) => call("GET", "/rest/user", { xAuthToken }),
  },
  {
    ...WHO,
    name: "x-token",
    takes: ["session"],
    show: (xToken) => call("GET", "/rest/user", { xToken }),
  },
  {
    ...WHO,
    name: "Basic, as the password",
    takes: ["password"],
    show: (password, { user: { email } }) =>
      call("GET", "/rest/user", { basic: { email, password } }),
  },
  {
    ...WHO,
    name: "Basic, as the user",
    takes: [],
    show: (email) => call("GET", "/rest/user", { basic: { email, password: "" } }),
  },
  ...["google", "facebook", "ha1b"].map((provider) => ({
    ...WHO,
    name: `X-Auth-${provider}-Token`,
    takes: [],
    show: (secret: string) =>
      call("GET", "/rest/user", { headers: { [`x-auth-${provider}-token`]: secret } }),
  })),
  ...["jwt", "bearer"].flatMap((parameter) => [
    {
      ...WHO,
      name: `?${parameter}=, turned on`,
      takes: LOGS_IN,
      show: (secret: string) =>
        inQuery("GET", `/rest/user?${parameter}=${encodeURIComponent(secret)}`),
    },
    {
      ...WHO,
      name: `?${parameter}=, turned off`,
      takes: [],
      show: (secret: string) =>
        call("GET", `/rest/user?${parameter}=${encodeURIComponent(secret)}`),
    },
  ]),
  {
    name: "password of POST /api/token/",
    takes: ["password"],
    method: "POST",
    path: "/api/token/",
    show: (password, { user: { email } }) =>
      call("POST", "/api/token/", { json: { email, password } }),
    refusal: 401,
  },
  {
    name: "refresh of POST /api/token/refresh/",
    takes: ["refresh"],
    method: "POST",
    path: "/api/token/refresh/",
    show: (refresh) => call("POST", "/api/token/refresh/", { json: { refresh } }),
    refusal: 401,
  },
  {
    name: "token of POST /api/token/verify/",
    takes: JWTS,
    method: "POST",
    path: "/api/token/verify/",
    show: (token) => call("POST", "/api/token/verify/", { json: { token } }),
    refusal: 401,
  },
  {
    name: "token of POST /api/run-action-token",
    takes: ["action"],
    method: "POST",
    path: "/api/run-action-token",
    show: (token) => call("POST", "/api/run-action-token", { json: { token } }),
    refusal: 422,
  },
  {
    name: "password of POST /tokens",
    takes: ["password"],
    method: "POST",
    path: "/tokens",
    show: (password, { user }) =>
      call("POST", "/tokens", { json: { email_id: user.email, password } }),
    refusal: 400,
  },
  {
    name: "token of PUT /tokens",
    takes: ["session"],
    method: "PUT",
    path: "/tokens",
    show: (token) => call("PUT", "/tokens", { json: { token, extend: true } }),
    refusal: 400,
  },
  {
    name: "x-token of PUT /tokens",
    takes: ["session"],
    method: "PUT",
    path: "/tokens",
    show: (xToken) => call("PUT", "/tokens", { json: { extend: true }, xToken }),
    refusal: 400,
  },
  {
    name: "token of GET /tokens",
    takes: ["session"],
    method: "GET",
    path: "/tokens",
    show: (token) => call("GET", `/tokens?token=${encodeURIComponent(token)}`),
    refusal: 400,
  },
  {
    name: "x-token of GET /tokens",
    takes: ["session"],
    method: "GET",
    path: "/tokens",
    show: (xToken) => call("GET", "/tokens", { xToken }),
    refusal: 400,
  },
  {
    name: "current_password of PATCH /rest/user",
    takes: ["password"],
    method: "PATCH",
    path: "/rest/user",
    show: (current_password, { bearer }) =>
      call("PATCH", "/rest/user", {
        bearer,
        json: { email: `${crypto.randomUUID()}@example.com`, current_password },
      }),
    refusal: 401,
  },
  {
    name: "password of DELETE /rest/user",
    // And the password itself, which would end the one who shows it: see rest-tokens' own suite.
    takes: [],
    method: "DELETE",
    path: "/rest/user",
    show: (secret, { bearer, secrets: { password } }) =>
      call("DELETE", "/rest/user", {
        bearer,
        json: { password: secret === password ? `${secret} ` : secret },
      }),
    refusal: 401,
  },
  {
    name: "DELETE /api/action-tokens/{id}",
    takes: [],
    method: "DELETE",
    path: "/api/action-tokens/x",
    show: (secret, { bearer }) =>
      call("DELETE", `/api/action-tokens/${encodeURIComponent(secret)}`, { bearer }),
    refusal: 404,
  },
  ...["/oauth/introspect", "/oauth/revoke"].flatMap((path) => [
    {
      name: `client_secret of POST ${path}`,
      takes: ["api"] as const,
      method: "POST",
      path,
      show: (client_secret: string) =>
        call("POST", path, { form: { token: "of nobody", client_secret } }),
      refusal: 401,
    },
    {
      name: `Authorization: Bearer of POST ${path}`,
      takes: ["api"] as const,
      method: "POST",
      path,
      show: (bearer: string) => call("POST", path, { bearer, form: { token: "of nobody" } }),
      refusal: 401,
    },
  ]),
  // These end what they are shown, and so come last.
  {
    name: "DELETE /rest/token/{token}",
    takes: ["api", ...JWTS],
    method: "DELETE",
    path: "/rest/token/x",
    show: (secret, { bearer }) =>
      call("DELETE", `/rest/token/${encodeURIComponent(secret)}`, { bearer }),
    refusal: 404,
  },
  {
    name: "token of DELETE /tokens",
    takes: ["session"],
    method: "DELETE",
    path: "/tokens",
    show: (token) => call("DELETE", `/tokens?token=${encodeURIComponent(token)}`),
    refusal: 400,
  },
  {
    name: "refresh of POST /api/token/blacklist/",
    // The one refresh JWT was ended by the place before: see the suite of jwt-pair.
    takes: [],
    method: "POST",
    path: "/api/token/blacklist/",
    show: (refresh) => call("POST", "/api/token/blacklist/", { json: { refresh } }),
    refusal: 401,
  },
];
