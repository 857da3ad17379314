import { decodeJwt, importJWK, SignJWT } from "jose";
import * as v from "valibot";
import type { RunningServer } from "./server.ts";

const Pair = v.object({ access: v.string(), refresh: v.string() });
const SignedUp = v.object({ payload: v.object({ uuid: v.string() }) });
const ApiToken = v.object({ payload: v.object({ uuid: v.string(), token: v.string() }) });

async function post(url: string, json: object, bearer?: string): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(json),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** A user who has signed up and logged in on the running server. */
export async function newPerson(
  { origin }: RunningServer,
  email = `${crypto.randomUUID()}@example.com`,
) {
  const login = { email, password: "correct horse battery" };
  const { payload } = v.parse(SignedUp, await post(`${origin}/rest/user`, login));
  const pair = async () => v.parse(Pair, await post(`${origin}/api/token/`, login));
  return { id: payload.uuid, pair, ...(await pair()) };
}

export async function newApiToken(
  { origin }: RunningServer,
  bearer: string,
  scopes: readonly string[],
): Promise<{ uuid: string; token: string }> {
  const json = { name: "client", ttl: 600, scopes };
  return v.parse(ApiToken, await post(`${origin}/rest/token`, json, bearer)).payload;
}

/** The same access token as the service would have issued it ten minutes ago. */
export async function expired({ signingKey }: RunningServer, access: string): Promise<string> {
  const claims = decodeJwt(access);
  const [iat = 0, exp = 0] = [claims.iat, claims.exp];
  return new SignJWT({ ...claims, iat: iat - 600, exp: exp - 600, auth_time: iat - 600 })
    .setProtectedHeader({ alg: signingKey.alg, kid: signingKey.kid, typ: "at+jwt" })
    .sign(await importJWK(signingKey, signingKey.alg));
}
