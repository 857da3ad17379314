import * as oauth from "oauth4webapi";

const issuer = new URL(process.env.ISSUER ?? "https://auth.example.com");
const client: oauth.Client = { client_id: process.env.CLIENT_ID ?? "the API token's uuid" };
const clientAuth = oauth.ClientSecretBasic(process.env.CLIENT_SECRET ?? "the API token's secret");
// Only for a service on this machine, where there is no TLS.
const options = { [oauth.allowInsecureRequests]: issuer.protocol === "http:" };

const discovered = oauth
  .discoveryRequest(issuer, { ...options, algorithm: "oauth2" })
  .then((response) => oauth.processDiscoveryResponse(issuer, response));

/** For an API that receives access tokens: the claims, or an error. */
export async function claimsOf(request: Request) {
  const server = await discovered;
  return oauth.validateJwtAccessToken(server, request, server.issuer, options);
}

/** What any token is, and whether it is active at this moment. */
export async function introspect(token: string) {
  const server = await discovered;
  const response = await oauth.introspectionRequest(server, client, clientAuth, token, options);
  return oauth.processIntrospectionResponse(server, client, response);
}

/** Revokes a token for anyone who holds it; no client is needed. */
export async function revoke(token: string) {
  const server = await discovered;
  const response = await oauth.revocationRequest(server, client, oauth.None(), token, options);
  await oauth.processRevocationResponse(response);
}

/** A JWT for one audience that may do less, and not for longer, than the token (RFC 8693). */
export async function exchange(token: string, audience: string, scope: string) {
  const server = await discovered;
  const grant = "urn:ietf:params:oauth:grant-type:token-exchange";
  const response = await oauth.genericTokenEndpointRequest(
    server,
    client,
    oauth.None(),
    grant,
    {
      subject_token: token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      audience,
      scope,
    },
    options,
  );
  return oauth.processGenericTokenEndpointResponse(server, client, response);
}
