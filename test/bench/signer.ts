import type { JwtClaims } from "../../src/core/jwt.ts";
import { JWT_LIFETIMES } from "../../src/core/token.ts";
import { jwts } from "../../src/crypto/jwt.ts";
import { keyRing, parseKeySet } from "../../src/crypto/keys.ts";

/** Makes JWTs that the service takes for its own, as many as are wanted. */
export interface Signer {
  /** More that are the same but for their ids and times. */
  like(jwt: string): Promise<More>;
  /** An access JWT of a user who has ended nothing yet. */
  access(userId: string): Promise<string>;
}

/** @param auth with a role and for a day, as `GET /rest/auth` makes them */
export type More = (count: number, auth?: { readonly role: string }) => Promise<string[]>;

/** @param jwtKeys the service's own secret */
export function signer(jwtKeys: string, issuer: string): Signer {
  const parsed = parseKeySet(jwtKeys);
  if ("wrong" in parsed) throw new Error(parsed.wrong);
  const { sign, verify } = jwts(keyRing(parsed), issuer);
  return {
    async like(jwt) {
      const claims = await verify(jwt, Date.now());
      if (claims === null) throw new Error("the service does not sign as it should");
      const lives = claims.expiresAt - claims.issuedAt;
      return (count, auth) => {
        const one = () =>
          sign({ ...claims, ...auth, ...fresh(auth === undefined ? lives : JWT_LIFETIMES.auth) });
        return Promise.all(Array.from({ length: count }, one));
      };
    },
    access: (userId) => sign(accessClaims(userId)),
  };
}

function fresh(lifetimeSeconds: number) {
  const issuedAt = Math.floor(Date.now() / 1000);
  return { jti: crypto.randomUUID(), issuedAt, expiresAt: issuedAt + lifetimeSeconds };
}

function accessClaims(userId: string): JwtClaims {
  const times = fresh(JWT_LIFETIMES.access);
  return {
    ...times,
    type: "access",
    userId,
    credentialVersion: 0,
    sid: null,
    apiTokenVersion: null,
    loginVersion: null,
    parentIds: [],
    rootJti: null,
    fromJti: null,
    endsAt: times.expiresAt,
    rotation: null,
    authTime: times.issuedAt,
    role: null,
    statusIndex: null,
    scopes: null,
  };
}
