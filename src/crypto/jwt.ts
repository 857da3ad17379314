import * as v from "valibot";
import { parseCanonicalJson } from "../core/compact-jws.ts";
import type { JwtClaims, Jwts, JwtType } from "../core/jwt.ts";
import { statusRefOf } from "../core/status-lists.ts";
import type { Json } from "../core/token.ts";
import { signCompact, verifyCompact } from "./jws.ts";
import type { KeyRing } from "./keys.ts";
import { statusListUri } from "./status-list.ts";

/** How far another location's clock may be ahead of this one's, in seconds. */
const CLOCK_SKEW = 5;

/** `typ` separates the kinds before any claim is read (RFC 8725 section 3.11, RFC 9068 section 2.1). */
const TYP: Record<JwtType, string> = { access: "at+jwt", refresh: "refresh+jwt" };

/** RFC 9068 requires a client. All first-party logins use this one. */
const CLIENT_ID = "latchkey";

const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const Claims = v.object({
  iss: v.string(),
  aud: v.pipe(v.string(), v.minLength(1)),
  token_type: v.picklist(["access", "refresh"]),
  jti: v.string(),
  sub: v.string(),
  user_id: v.union([v.string(), v.number()]),
  client_id: v.literal(CLIENT_ID),
  credential_version: seconds,
  auth_time: seconds,
  login_at: v.optional(seconds),
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
  chain_end: v.optional(seconds),
  role: v.optional(v.string()),
  status_index: v.optional(seconds),
  scope: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(" ")),
    ),
  ),
});

/** Our JWTs. The audience is the issuer where the service itself accepts them. */
export function jwts(keys: KeyRing, issuer: string, audiences: readonly string[] = []): Jwts {
  // The isolate's keys and issuer never change, so a JWT that was valid stays valid until it expires.
  const verified = verifiedJwts<Own>();

  async function ownOf(jwt: string): Promise<Own | null> {
    const jws = await verifyCompact(jwt, keys);
    if (jws === null || !v.is(Header, jws.header)) return null;
    const type = jws.header.typ === TYP.access ? "access" : "refresh";
    return fromPayload(parseCanonicalJson(jws.payload), type, issuer);
  }

  async function verifyToRevoke(jwt: string, nowMs: number): Promise<JwtClaims | null> {
    const known = verified.get(jwt);
    // guard: verified-jwt-still-expires
    if (known !== undefined) return isCurrent(known, nowMs) ? known.claims : null;
    const own = await ownOf(jwt);
    if (own === null || !isCurrent(own, nowMs)) return null;
    verified.add(jwt, own);
    return own.claims;
  }

  return {
    sign: (claims, own = {}) =>
      signCompact(TYP[claims.type], { ...own, ...toPayload(claims, issuer, own.user_id) }, keys),

    verifyToRevoke,

    async verify(jwt, nowMs) {
      const claims = await verifyToRevoke(jwt, nowMs);
      const audience = claims?.audience ?? null;
      // guard: jwt-is-for-a-known-audience
      return audience === null || audiences.includes(audience) ? claims : null;
    },

    async hasExpired(jwt, nowMs) {
      const own = verified.get(jwt) ?? (await ownOf(jwt));
      return own !== null && own.claims.expiresAt * 1000 <= nowMs;
    },
  };
}

/** Exactly the members that we write. A header that brings or links its own key is rejected. */
const Header = v.strictObject({
  alg: v.string(),
  kid: v.string(),
  typ: v.picklist([TYP.access, TYP.refresh]),
});

/**
 * Where an access JWT's status is published (draft-ietf-oauth-status-list section 6). A refresh JWT carries the
 * index for its successors.
 */
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

/** @param userId in the place of the uuid */
function toPayload(claims: JwtClaims, issuer: string, userId: Json = claims.userId) {
  return {
    token_type: claims.type,
    jti: claims.jti,
    sub: claims.userId,
    user_id: userId,
    client_id: CLIENT_ID,
    credential_version: claims.credentialVersion,
    auth_time: claims.authTime,
    ...(claims.loginAt === null ? {} : { login_at: claims.loginAt }),
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    ...(claims.sid === null ? {} : { sid: claims.sid }),
    ...(claims.rotation === null ? {} : { rotation: claims.rotation }),
    ...(claims.apiTokenVersion === null ? {} : { api_token_version: claims.apiTokenVersion }),
    ...(claims.loginVersion === null ? {} : { login_version: claims.loginVersion }),
    end: claims.endsAt,
    ...(claims.chainEndsAt === claims.endsAt ? {} : { chain_end: claims.chainEndsAt }),
    ...(claims.rootJti === null ? {} : { root_jti: claims.rootJti }),
    ...(claims.fromJti === null ? {} : { from_jti: claims.fromJti }),
    ...(claims.parentIds.length === 0 ? {} : { parents: claims.parentIds }),
    ...(claims.statusIndex === null ? {} : statusOf(claims, issuer)),
    ...(claims.scopes === null ? {} : { scope: claims.scopes.join(" ") }),
    // `GET /rest/auth` of the original API names the user by these two claims.
    ...(claims.role === null ? {} : { uuid: claims.userId, role: claims.role }),
    iss: issuer,
    aud: claims.audience ?? issuer,
  };
}

/** A JWT signed by us, which may have expired. */
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
  const audience = claims.aud === issuer ? null : claims.aud;
  // guard: jwt-is-ours-and-for-us
  if (claims.iss !== issuer || (type === "refresh" && audience !== null)) return null;
  // guard: jwt-is-of-one-type-and-user
  if (claims.token_type !== type || isOfAnother(claims)) return null;
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
      chainEndsAt: claims.chain_end ?? claims.end,
      audience,
      authTime: claims.auth_time,
      loginAt: claims.login_at ?? null,
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      role: claims.role ?? null,
      statusIndex: claims.status_index ?? null,
      scopes: claims.scope ?? null,
    },
    notBefore: claims.nbf ?? 0,
  };
}

/** `user_id` is the uuid again, or an id from an earlier system, which is none. */
const isOfAnother = ({ sub, user_id }: Pick<v.InferOutput<typeof Claims>, "sub" | "user_id">) =>
  user_id !== sub && v.is(v.pipe(v.string(), v.uuid()), user_id);

/** Bounded, because an isolate has 128 MB in total. */
const MAX_ENTRIES = 8_192;
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** The JWTs that this isolate has verified, by their exact text: another spelling is another JWT. */
export interface VerifiedJwts<T> {
  get(jwt: string): T | undefined;
  /** Evicts the oldest if there is no room. */
  add(jwt: string, value: T): void;
}

/**
 * A cache of verified signatures, which are most of what a check costs. The key is the text, because a digest
 * costs a third of a signature; it never leaves the isolate's memory. Callers still check each time
 * whether the JWT has expired or was revoked.
 */
export function verifiedJwts<T>(
  maxEntries = MAX_ENTRIES,
  maxCharacters = MAX_CHARACTERS,
): VerifiedJwts<T> {
  // A Map keeps its entries in insertion order. One iterator for good: a new one walks over all that was deleted.
  const known = new Map<string, T>();
  const oldest = known.keys();
  let characters = 0;

  function evict(jwt: string): void {
    if (known.delete(jwt)) characters -= jwt.length;
  }

  return {
    get: (jwt) => known.get(jwt),
    add(jwt, value) {
      evict(jwt);
      known.set(jwt, value);
      characters += jwt.length;
      while (known.size > maxEntries || characters > maxCharacters) {
        const { value } = oldest.next();
        if (value === undefined) break;
        evict(value);
      }
    },
  };
}
