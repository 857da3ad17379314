import type { JwtClaims, Jwts, JwtType } from "./jwt.ts";

/** What is read of a JWT of the system that the accounts came from. Times in seconds. */
export interface LegacyClaims {
  readonly type: JwtType;
  /** The user's id there, which is a uuid here or the account's `external_id`. */
  readonly userId: string | number;
  /** A uuid of everything that is signed, so that each JWT has one id whatever its signature looks like. */
  readonly id: string;
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** The keys of that system. */
export interface LegacyKeys {
  /** @returns null for anything that it did not sign, or that is of another type; it may have expired */
  read(jwt: string): Promise<LegacyClaims | null>;
  /** From then on none of its JWTs is accepted. */
  readonly untilMs: number;
}

/** An account that nothing has revoked since its import, and the log-in that stands for its old refresh JWT. */
export interface AdoptedLogin {
  readonly userId: string;
  /** Null for an access JWT. */
  readonly family: { readonly createdAtMs: number; readonly statusIndex: number | null } | null;
}

export interface LegacyStore {
  /**
   * Finds the account of an old JWT. The first time, a refresh JWT gets a family, as if it had been issued here, so
   * that it is rotated, revoked and listed like one.
   * @returns null where there is no such account, it has revoked its credentials since the import, or its second factor
   *   is older than the JWT: the other system has not asked for it
   */
  adopt(claims: LegacyClaims, nowMs: number): Promise<AdoptedLogin | null>;
}

/** Our JWTs, and until a date those of an earlier system, which become the claims that ours have. */
export function withLegacyJwts(jwts: Jwts, keys: LegacyKeys, store: LegacyStore): Jwts {
  async function verify(jwt: string, nowMs: number): Promise<JwtClaims | null> {
    // guard: legacy-jwts-end
    if (nowMs >= keys.untilMs) return null;
    const claims = await keys.read(jwt);
    // guard: legacy-jwt-has-its-time
    if (claims === null || claims.expiresAt * 1000 <= nowMs || claims.notBefore * 1000 > nowMs)
      return null;
    const adopted = await store.adopt(claims, nowMs);
    return adopted === null ? null : asOurs(claims, adopted);
  }

  return {
    sign: jwts.sign,
    verify: async (jwt, nowMs) => (await jwts.verify(jwt, nowMs)) ?? verify(jwt, nowMs),
    verifyToRevoke: async (jwt, nowMs) =>
      (await jwts.verifyToRevoke(jwt, nowMs)) ?? verify(jwt, nowMs),
    async hasExpired(jwt, nowMs) {
      if (await jwts.hasExpired(jwt, nowMs)) return true;
      const claims = await keys.read(jwt);
      return claims !== null && Math.min(claims.expiresAt * 1000, keys.untilMs) <= nowMs;
    },
  };
}

/** The versions are those of an account as it is imported: whatever raises one revokes the old JWTs too. */
function asOurs({ type, id, issuedAt, expiresAt }: LegacyClaims, { userId, family }: AdoptedLogin) {
  return {
    type,
    jti: id,
    userId,
    credentialVersion: 0,
    sid: family === null ? null : id,
    rotation: family === null ? null : 0,
    parentIds: [],
    apiTokenVersion: null,
    loginVersion: family === null ? 0 : null,
    rootJti: null,
    fromJti: null,
    endsAt: expiresAt,
    chainEndsAt: expiresAt,
    audience: null,
    // Never fresh: it says when it was issued, which a thief can repeat there, and not when its user logged in.
    // guard: legacy-jwts-are-never-fresh
    authTime: 0,
    // The absolute end of a log-in is counted from the move, so that none ends early because of it.
    loginAt: family === null ? issuedAt : Math.floor(family.createdAtMs / 1000),
    issuedAt,
    expiresAt,
    role: null,
    statusIndex: family?.statusIndex ?? null,
    scopes: null,
    isLegacy: true,
  } satisfies JwtClaims;
}
