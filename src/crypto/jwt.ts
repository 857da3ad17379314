import { errors, jwtVerify, SignJWT } from "jose";
import * as v from "valibot";
import type { JwtClaims, Jwts, JwtType } from "../core/ports.ts";
import type { KeyRing } from "./keys.ts";

/** The largest JWT that is looked at, in characters: ours are under 1,200. */
const MAX_LENGTH = 4_096;
/** How far another location's clock may be ahead of this one's, in seconds. */
const CLOCK_SKEW = 5;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** `typ` keeps the kinds apart before any claim is read (RFC 8725 section 3.11, RFC 9068 section 2.1). */
const TYP: Record<JwtType, string> = { access: "at+jwt", refresh: "refresh+jwt" };

/** First-party logins all come through one client, as RFC 9068 wants one named. */
const CLIENT_ID = "latchkey";

const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const Claims = v.object({
  token_type: v.picklist(["access", "refresh"]),
  jti: v.string(),
  sub: v.string(),
  user_id: v.string(),
  client_id: v.literal(CLIENT_ID),
  epoch: seconds,
  auth_time: seconds,
  iat: seconds,
  exp: seconds,
  sid: v.optional(v.string()),
  rotation: v.optional(seconds),
  api_epoch: v.optional(seconds),
  root_jti: v.optional(v.string()),
  role: v.optional(v.string()),
});

/** Our JWTs by jose. The issuer is also the audience: the tokens are for the service's own surfaces. */
export function jwts(keys: KeyRing, issuer: string): Jwts {
  return {
    async sign(claims) {
      const { key, kid, alg } = await keys.signing();
      return new SignJWT(toPayload(claims))
        .setProtectedHeader({ alg, kid, typ: TYP[claims.type] })
        .setIssuer(issuer)
        .setAudience(issuer)
        .sign(key);
    },

    async verify(jwt, nowMs) {
      if (jwt.length > MAX_LENGTH || !isStrictCompact(jwt)) return null;
      const header = readHeader(jwt);
      if (header === null) return null;
      const key = await keys.verifying(header.kid);
      if (key === null) return null;
      try {
        const { payload } = await jwtVerify(jwt, key.key, {
          // Pinned to the key, never taken from the header (RFC 8725 section 3.1).
          algorithms: [key.alg],
          issuer,
          audience: issuer,
          typ: TYP[header.type],
          requiredClaims: ["exp", "iat", "jti", "sub"],
          currentDate: new Date(nowMs),
        });
        // jose lets the last of two claims of one name win, where others take the first.
        if (JSON.stringify(payload) !== textOf(jwt.split(".")[1])) return null;
        return fromPayload(payload, header.type, nowMs);
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}

/**
 * jose takes what RFC 8725 would not: padding, line breaks, and bits past the last byte, with which
 * one token can be written in many ways. Ours is taken in exactly the form that was issued.
 */
function isStrictCompact(jwt: string): boolean {
  return COMPACT.test(jwt) && jwt.split(".").every(hasNoTrailingBits);
}

function hasNoTrailingBits(part: string): boolean {
  const last = BASE64URL.indexOf(part.charAt(part.length - 1));
  switch (part.length % 4) {
    case 0:
      return true;
    case 2:
      return (last & 0b1111) === 0;
    case 3:
      return (last & 0b11) === 0;
    default:
      return false;
  }
}

const Header = v.strictObject({
  alg: v.string(),
  kid: v.string(),
  typ: v.picklist([TYP.access, TYP.refresh]),
});

function readHeader(jwt: string): { kid: string; type: JwtType } | null {
  try {
    const text = textOf(jwt.split(".")[0]);
    const header: unknown = JSON.parse(text);
    const result = v.safeParse(Header, header);
    if (!result.success || JSON.stringify(header) !== text) return null;
    const { kid, typ } = result.output;
    return { kid, type: typ === TYP.access ? "access" : "refresh" };
  } catch {
    return null;
  }
}

function textOf(part = ""): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(part, { alphabet: "base64url" }));
}

function toPayload(claims: JwtClaims) {
  return {
    token_type: claims.type,
    jti: claims.jti,
    sub: claims.userId,
    user_id: claims.userId,
    client_id: CLIENT_ID,
    epoch: claims.epoch,
    auth_time: claims.authTime,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    ...(claims.sid === null ? {} : { sid: claims.sid }),
    ...(claims.rotation === null ? {} : { rotation: claims.rotation }),
    ...(claims.apiEpoch === null ? {} : { api_epoch: claims.apiEpoch }),
    ...(claims.rootJti === null ? {} : { root_jti: claims.rootJti }),
    // The JWT of `GET /rest/auth` names its user as its origin does.
    ...(claims.role === null ? {} : { uuid: claims.userId, role: claims.role }),
  };
}

function fromPayload(payload: unknown, type: JwtType, nowMs: number): JwtClaims | null {
  const result = v.safeParse(Claims, payload);
  if (!result.success) return null;
  const claims = result.output;
  if (claims.token_type !== type || claims.sub !== claims.user_id) return null;
  if (claims.iat > nowMs / 1000 + CLOCK_SKEW) return null;
  return {
    type,
    jti: claims.jti,
    userId: claims.sub,
    epoch: claims.epoch,
    sid: claims.sid ?? null,
    rotation: claims.rotation ?? null,
    apiEpoch: claims.api_epoch ?? null,
    rootJti: claims.root_jti ?? null,
    authTime: claims.auth_time,
    issuedAt: claims.iat,
    expiresAt: claims.exp,
    role: claims.role ?? null,
  };
}
