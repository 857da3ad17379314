import { expect } from "vitest";
import { type Answered, claimsOf, type Send } from "../support/client.ts";
import type { Isolate } from "../support/service.ts";
import { CREDENTIALS, type CredentialName, type Credentials } from "./credentials.ts";

export interface Way {
  readonly by: (version: Isolate, held: Credentials) => Promise<unknown>;
  readonly revokes: readonly CredentialName[];
}

const API = ["apiToken", "authByApiToken"] as const;
const SESSION = ["session", "authBySession"] as const;
const CHAIN = ["access", "authByAccess", "authByAuth"] as const;
const FAMILY = ["refresh", ...CHAIN] as const;

const post = async ({ call }: Isolate, path: string, json: unknown) => call("POST", path, { json });
const held = (name: CredentialName, revokes: readonly CredentialName[]) => ({
  [`a report of ${name}`]: {
    by: (version: Isolate, { [name]: token }: Credentials) =>
      post(version, "/rest/leaked", { tokens: [token] }),
    revokes,
  },
  [`/oauth/revoke of ${name}`]: {
    by: (version: Isolate, { [name]: token }: Credentials) =>
      post(version, "/oauth/revoke", { token }),
    revokes,
  },
});

/** By password, so that the caller is none of what is revoked. */
const byPassword =
  (method: string, path: (held: Credentials) => string, json?: (held: Credentials) => unknown) =>
  ({ call }: Isolate, held: Credentials): Promise<Answered> =>
    call(method, path(held), {
      basic: held.person,
      ...(json !== undefined && { json: json(held) }),
    });

const ofApiToken = ({ apiTokenId }: Credentials) => `/rest/token/${apiTokenId}`;

/** As the page of log-ins does it. */
const endLogin =
  (idOf: (held: Credentials) => string) => async (version: Isolate, held: Credentials) =>
    version.services.logins.revoke(await version.bearer(held.access), idOf(held), Date.now());

/** Every way to revoke, and what it revokes of one credential of each kind. */
export const WAYS: Readonly<Record<string, Way>> = {
  "DELETE of an API token": {
    by: byPassword("DELETE", ofApiToken),
    revokes: API,
  },
  "DELETE of an API token by its secret": {
    by: byPassword("DELETE", ({ apiToken }) => `/rest/token/${apiToken}`),
    revokes: API,
  },
  "DELETE of all API tokens": {
    by: byPassword("DELETE", () => "/rest/token/all"),
    revokes: API,
  },
  "a rotation without grace": {
    by: byPassword(
      "POST",
      ({ apiTokenId }) => `/rest/token/${apiTokenId}/rotate`,
      () => ({}),
    ),
    revokes: API,
  },
  "disabling an API token": {
    by: byPassword("PATCH", ofApiToken, () => ({ enabled: false })),
    revokes: API,
  },
  "a restriction of an API token": {
    by: byPassword("PATCH", ofApiToken, () => ({ remaining: 5 })),
    revokes: ["authByApiToken"],
  },
  ...held("apiToken", API),
  "a log-out": {
    by: ({ call }, { session }) => call("DELETE", "/tokens", { xToken: session }),
    revokes: SESSION,
  },
  ...held("session", SESSION),
  "DELETE of a JWT": {
    by: byPassword("DELETE", ({ access }) => `/rest/token/${access}`),
    revokes: CHAIN,
  },
  "DELETE of the last JWT of a chain": {
    by: byPassword("DELETE", ({ authByAuth }) => `/rest/token/${authByAuth}`),
    revokes: ["authByAccess", "authByAuth"],
  },
  ...held("authByApiToken", ["authByApiToken"]),
  ...held("authBySession", ["authBySession"]),
  ...held("authByAccess", ["authByAccess", "authByAuth"]),
  "DELETE of a refresh JWT": {
    by: byPassword("DELETE", ({ refresh }) => `/rest/token/${refresh}`),
    revokes: FAMILY,
  },
  ...held("refresh", FAMILY),
  "the end of a log-in": {
    by: endLogin(({ refresh }) => String(claimsOf(refresh).sid)),
    revokes: FAMILY,
  },
  "the end of all other log-ins": {
    by: async (version, { access }) =>
      version.services.logins.revokeOthers(await version.bearer(access), Date.now()),
    revokes: SESSION,
  },
  "a new password": {
    by: byPassword(
      "PATCH",
      () => "/rest/user",
      ({ person }) => ({ password: "another password", current_password: person.password }),
    ),
    revokes: CREDENTIALS,
  },
  "the deletion of the account": {
    by: byPassword(
      "DELETE",
      () => "/rest/user",
      ({ person }) => ({ password: person.password }),
    ),
    revokes: CREDENTIALS,
  },
};

/** A new password spares what gave it; but of a JWT not the credential that the JWT was obtained with. */
const sparing = (
  spared: CredentialName | null,
  by: (held: Credentials) => Send,
): Readonly<Record<string, Way>> => ({
  [`a new password, sparing ${spared}`]: {
    by({ call }, held) {
      const json = { password: "another password", current_password: held.person.password };
      return call("PATCH", "/rest/user", { ...by(held), json });
    },
    revokes: CREDENTIALS.filter((name) => name !== spared),
  },
});
export const SPARING: Readonly<Record<string, Way>> = {
  ...sparing("session", ({ session }) => ({ xToken: session })),
  ...sparing("apiToken", ({ apiToken }) => ({ bearer: apiToken })),
  ...sparing(null, ({ authBySession }) => ({ bearer: authBySession })),
};

/** @returns when it was revoked, in milliseconds */
export async function revoke(
  way: Way,
  version: Isolate,
  credentials: Credentials,
): Promise<number> {
  const answer = await way.by(version, credentials);
  if (answer !== undefined)
    expect(answer).not.toHaveProperty("status", expect.not.toBeOneOf([200]));
  await version.settled();
  return Date.now();
}
