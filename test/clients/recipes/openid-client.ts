import * as openid from "openid-client";

const issuer = new URL(process.env.ISSUER ?? "https://auth.example.com");
const id = process.env.CLIENT_ID ?? "the API token's uuid";
const secret = process.env.CLIENT_SECRET ?? "the API token's secret";

const discovered = openid.discovery(issuer, id, undefined, openid.ClientSecretPost(secret), {
  // RFC 8414: there is no OpenID Connect here.
  algorithm: "oauth2",
  // Only for a service on this machine, where there is no TLS.
  execute: issuer.protocol === "http:" ? [openid.allowInsecureRequests] : [],
});

export async function introspect(token: string) {
  return openid.tokenIntrospection(await discovered, token);
}

export async function revoke(token: string) {
  await openid.tokenRevocation(await discovered, token);
}
