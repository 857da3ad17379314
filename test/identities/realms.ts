import type { JWK } from "jose";
import * as v from "valibot";
import { inject } from "vitest";
import type { Order } from "./issuer.ts";

export const AUDIENCE = "our-client-id";

const Obeyed = v.object({
  token: v.string(),
  fetches: v.number(),
  published: v.array(v.custom<JWK>((value) => typeof value === "object")),
});

/** One of the OpenID issuers that `issuer.ts` runs, of this test's own. */
export function newRealm(name = "acme") {
  const url = `${inject("issuers")}/${crypto.randomUUID()}`;
  const jwks = `${url}/keys`;

  async function order(sent: Order) {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(sent) });
    return v.parse(Obeyed, await response.json());
  }

  return {
    issuer: url,
    jwks,
    header: `x-auth-${name}-token`,
    /** The row that makes it a way in. */
    row: { name, issuer: url, jwks, audience: [AUDIENCE] },
    /** The same, with a client of ours for log-ins by redirect. */
    redirecting: {
      name,
      issuer: url,
      jwks,
      audience: [AUDIENCE],
      client_id: AUDIENCE,
      client_secret: "their-secret",
    },
    order,
    /** An ID token that is right but for `claims` and `header`. */
    async idToken(claims: Readonly<Record<string, unknown>> = {}, header: object = {}) {
      const iat = Math.floor(Date.now() / 1000);
      const all = { iss: url, aud: AUDIENCE, sub: crypto.randomUUID(), iat, exp: iat + 3600 };
      return (await order({ sign: { claims: { ...all, ...claims }, header } })).token;
    },
    fetches: async () => (await order({})).fetches,
  };
}

export type Realm = ReturnType<typeof newRealm>;

/** The setting that takes these issuers. */
export const taking = (...realms: readonly Realm[]) => ({
  OPENID_ISSUERS: JSON.stringify(realms.map(({ row }) => row)),
});
