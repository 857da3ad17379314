import { createRemoteJWKSet, jwtVerify } from "jose";

const issuer = process.env.ISSUER ?? "https://auth.example.com";
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));

/** The claims of an access token, or an error. Asks the service for its keys and for nothing else. */
export async function claimsOf(token: string) {
  const { payload } = await jwtVerify(token, keys, {
    issuer,
    audience: issuer,
    typ: "at+jwt",
    algorithms: ["ES256"],
    requiredClaims: ["sub", "exp"],
  });
  return payload;
}
