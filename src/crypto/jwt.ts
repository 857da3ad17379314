import * as v from "valibot";
import type { JwtClaims, Jwts, JwtType } from "../core/jwt.ts";
import { statusRefOf } from "../core/status-lists.ts";
import { SCOPES } from "../core/token.ts";
import { parseCanonicalJson, signCompact, verifyCompact } from "./jws.ts";
import type { KeyRing } from "./keys.ts";
import { statusListUri } from "./status-list.ts";
import { verifiedJwts } from "./verified-jwts.ts";

/** How far another location's clock may be ahead of this one's, in seconds. */
const CLOCK_SKEW = 5;

/** `typ` keeps the kinds apart before any claim is read (RFC 8725 section 3.11, RFC 9068 section 2.1). */
const TYP: Record<JwtType, string> = { access: "at+jwt", refresh: "refresh+jwt" };

/** First-party logins all come through one client, as RFC 9068 wants one named. */
const CLIENT_ID = "latchkey";

const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const Claims = v.object({
  iss: v.string(),
  aud: v.string(),
  token_type: v.picklist(["access", "refresh"]),
  jti: v.string(),
  sub: v.string(),
  user_id: v.string(),
  client_id: v.literal(CLIENT_ID),
  credential_version: seconds,
  auth_time: seconds,
  iat: seconds,
  exp: seconds,
  nbf: v.optional(seconds),
  sid: v.optional(v.string()),
  rotation: v.optional(seconds),
  api_token_version: v.optional(seconds),
  login_version: v.optional(seconds),
  root_jti: v.optional(v.string()),
  from_jti: v.optional(v.string()),
  parents: v.optional(v.array(v.string()), []),
  end: seconds,
  role: v.optional(v.string()),
  status_index: v.optional(seconds),
  scope: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(" ")),
      v.array(v.picklist(SCOPES)),
    ),
  ),
});

/** Our JWTs. The issuer is also the audience: the tokens are for the service's own surfaces. */
export function jwts(keys: KeyRing, issuer: string): Jwts {
  // Keys and issuer are the isolate's own: what was right under them stays right, but for the time.
  const verified = verifiedJwts<Own>();

  async function ownOf(jwt: string): Promise<Own | null> {
    const jws = await verifyCompact(jwt, keys);
    if (jws === null || !v.is(Header, jws.header)) return null;
    const type = jws.header.typ === TYP.access ? "access" : "refresh";
    return fromPayload(parseCanonicalJson(jws.payload), type, issuer);
  }

  return {
    sign: (claims) => signCompact(TYP[claims.type], toPayload(claims, issuer), keys),

    async verify(jwt, nowMs) {
      const known = verified.get(jwt);
      // guard: verified-jwt-still-expires
      if (known !== undefined) return isCurrent(known, nowMs) ? known.claims : null;
      const own = await ownOf(jwt);
      if (own === null || !isCurrent(own, nowMs)) return null;
      verified.add(jwt, own);
      return own.claims;
    },

    async hasExpired(jwt, nowMs) {
      const own = verified.get(jwt) ?? (await ownOf(jwt));
      return own !== null && own.claims.expiresAt * 1000 <= nowMs;
    },
  };
}

/** Exactly what we write: no key of its own, no link to one. */
const Header = v.strictObject({
  alg: v.string(),
  kid: v.string(),
  typ: v.picklist([TYP.access, TYP.refresh]),
});

/** Where an access JWT's status stands (draft-ietf-oauth-status-list section 6); a refresh JWT keeps the place for its successors. */
function statusOf({ type, statusIndex }: JwtClaims, issuer: string) {
  if (statusIndex === null) return {};
  const { list, idx } = statusRefOf(statusIndex);
  return {
    status_index: statusIndex,
    ...(type === "access" && {
      status: { status_list: { idx, uri: statusListUri(issuer, list) } },
    }),
  };
}

function toPayload(claims: JwtClaims, issuer: string) {
  return {
    token_type: claims.type,
    jti: claims.jti,
    sub: claims.userId,
    user_id: claims.userId,
    client_id: CLIENT_ID,
    credential_version: claims.credentialVersion,
    auth_time: claims.authTime,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    ...(claims.sid === null ? {} : { sid: claims.sid }),
    ...(claims.rotation === null ? {} : { rotation: claims.rotation }),
    ...(claims.apiTokenVersion === null ? {} : { api_token_version: claims.apiTokenVersion }),
    ...(claims.loginVersion === null ? {} : { login_version: claims.loginVersion }),
    end: claims.endsAt,
    ...(claims.rootJti === null ? {} : { root_jti: claims.rootJti }),
    ...(claims.fromJti === null ? {} : { from_jti: claims.fromJti }),
    ...(claims.parentIds.length === 0 ? {} : { parents: claims.parentIds }),
    ...(claims.statusIndex === null ? {} : statusOf(claims, issuer)),
    ...(claims.scopes === null ? {} : { scope: claims.scopes.join(" ") }),
    // The JWT of `GET /rest/auth` names its user as its origin does.
    ...(claims.role === null ? {} : { uuid: claims.userId, role: claims.role }),
    iss: issuer,
    aud: issuer,
  };
}

/** A JWT of ours, whatever the time is. */
interface Own {
  readonly claims: JwtClaims;
  readonly notBefore: number;
}

function isCurrent({ claims, notBefore }: Own, nowMs: number): boolean {
  // guard: jwt-has-its-time
  if (claims.expiresAt * 1000 <= nowMs || notBefore * 1000 > nowMs) return false;
  return claims.issuedAt <= nowMs / 1000 + CLOCK_SKEW;
}

function fromPayload(payload: unknown, type: JwtType, issuer: string): Own | null {
  const result = v.safeParse(Claims, payload);
  if (!result.success) return null;
  const claims = result.output;
  // guard: jwt-is-ours-and-for-us
  if (claims.iss !== issuer || claims.aud !== issuer) return null;
  // guard: jwt-is-of-one-type-and-user
  if (claims.token_type !== type || claims.sub !== claims.user_id) return null;
  return {
    claims: {
      type,
      jti: claims.jti,
      userId: claims.sub,
      credentialVersion: claims.credential_version,
      sid: claims.sid ?? null,
      rotation: claims.rotation ?? null,
      apiTokenVersion: claims.api_token_version ?? null,
      loginVersion: claims.login_version ?? null,
      rootJti: claims.root_jti ?? null,
      fromJti: claims.from_jti ?? null,
      parentIds: claims.parents,
      endsAt: claims.end,
      authTime: claims.auth_time,
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      role: claims.role ?? null,
      statusIndex: claims.status_index ?? null,
      scopes: claims.scope ?? null,
    },
    notBefore: claims.nbf ?? 0,
  };
}
