import type { ApiTokenStore } from "../core/api-tokens.ts";
import type { ActiveToken } from "../core/authenticate.ts";
import { type JwtClaims, revocationTarget } from "../core/jwt.ts";
import type { Token } from "../core/token.ts";
import type { User } from "../core/user.ts";
import type { Background } from "./background.ts";
import type { D1Tokens, TokenStore } from "./d1-tokens.ts";
import type { KvTokens } from "./kv-tokens.ts";
import type { Cache } from "./cache.ts";
import type { RevocationPolicy } from "./revocation-policy.ts";

const HOUR_MS = 3_600_000;

export interface Caches {
  readonly tokens: Cache<ActiveToken>;
  readonly jwts: Cache<{ user: User | null }>;
  /** Copies put into KV lately because it had none. */
  readonly copies: Cache<true>;
  /** Uses noted in this hour: no second write for them. */
  readonly uses: Cache<true>;
}

interface Deps {
  readonly d1: D1Tokens;
  readonly kv: KvTokens;
  readonly background: Background;
  readonly policy: RevocationPolicy;
  readonly caches: Caches;
  readonly revokeApiTokens: ApiTokenStore["revokeApiTokens"];
}

/**
 * KV carries the token, D1 says whether it stands. A yes may come from memory or KV within the
 * promise; a no for want of a copy is always asked of D1. Every write goes to D1 first; the copy
 * in KV follows, and a token whose copy failed still stands, because D1 has it.
 */
export function tokens({ d1, kv, background, policy, caches, revokeApiTokens }: Deps): TokenStore {
  async function activeInKv(
    id: string,
    nowMs: number,
  ): Promise<ActiveToken | "revoked" | "unsure" | null> {
    const token = await kv.findActive(id);
    if (token === null || typeof token === "string") return token;
    // It may have been extended where this location has not seen it.
    // guard: copy-expires-by-itself
    return token.expiresAtMs > nowMs ? { token, user: null } : null;
  }

  async function askActive(id: string, nowMs: number): Promise<ActiveToken | null> {
    const found = policy.readsFromKv ? await activeInKv(id, nowMs) : null;
    if (found === "revoked") return null;
    if (found !== null && found !== "unsure") return found;
    const active = await d1.findActive(id, nowMs);
    const isMissed = policy.readsFromKv && found === null && active !== null;
    // KV goes on showing a miss for a while: one copy is enough for that long.
    if (isMissed && caches.copies.get(id, nowMs) === null) {
      caches.copies.set(id, true, nowMs);
      copy(active.token, nowMs);
    }
    return active;
  }

  function copy(token: Token, nowMs: number): void {
    background.afterResponse("copy a token to KV", kv.put(token, nowMs));
  }

  /** Also where the answer was lost: it may have happened. */
  async function invalidating<T>(id: string, end: Promise<T>): Promise<T> {
    try {
      return await end;
    } finally {
      // guard: revoked-token-leaves-the-cache
      caches.tokens.delete(id);
      // A JWT may hang on what was ended.
      // guard: revoked-parent-leaves-the-cache
      caches.jwts.clear();
    }
  }

  async function askJwt(claims: JwtClaims, nowMs: number): Promise<{ user: User | null } | null> {
    const answer = policy.readsFromKv ? await kv.jwt(claims) : "unsure";
    if (answer === "unsure") return d1.findActiveJwt(claims, nowMs);
    return answer === "active" ? { user: null } : null;
  }

  function needsNoQuestion({ issuedAt, expiresAt }: JwtClaims): boolean {
    // guard: signature-alone-only-for-short-jwts
    return (expiresAt - issuedAt) * 1000 <= policy.signatureOnlyMaxLifeMs;
  }

  return {
    async findActive(id, nowMs) {
      const known = caches.tokens.get(id, nowMs);
      if (known !== null && known.token.expiresAtMs > nowMs) return known;
      const found = await askActive(id, nowMs);
      if (found !== null) caches.tokens.set(id, found, nowMs);
      return found;
    },

    async findActiveJwt(claims, nowMs) {
      if (needsNoQuestion(claims)) return { user: null };
      const known = caches.jwts.get(claims.jti, nowMs);
      if (known !== null) return known;
      const found = await askJwt(claims, nowMs);
      if (found !== null) caches.jwts.set(claims.jti, found, nowMs);
      return found;
    },

    async isActiveUntil(claims, untilSeconds, nowMs) {
      // guard: refresh-asks-whether-it-is-active
      if ((untilSeconds - claims.issuedAt) * 1000 < policy.signatureOnlyMaxLifeMs) return true;
      return d1.isActiveUntil(claims, nowMs);
    },

    async confirm(caller, nowMs) {
      // At 0 the caller's own check has just asked.
      const { user } = caller;
      // guard: auth-asks-again
      const isFresh = policy.signatureOnlyMaxLifeMs === 0 && user !== null;
      return isFresh ? { user, endMs: Number.POSITIVE_INFINITY } : d1.confirm(caller, nowMs);
    },

    noteIssued(caller, jti, nowMs) {
      const loginId = caller.tokenId ?? caller.parentIds[0] ?? null;
      const hourMs = nowMs - (nowMs % HOUR_MS);
      const key = `${loginId ?? caller.userId}/jwt`;
      if (caches.uses.get(key, nowMs)) return;
      caches.uses.set(key, true, hourMs);
      background.afterResponse(
        "note that a JWT was issued",
        d1.noteIssued(caller, loginId, jti, nowMs),
      );
    },

    async insertSession(token, caller) {
      const inserted = await d1.insertSession(token, caller);
      if (inserted !== null) {
        await background.copy("copy a token to KV", kv.put(inserted, inserted.createdAtMs));
      }
      return inserted;
    },

    async insertApiToken(token, caller, derivation) {
      const inserted = await d1.insertApiToken(token, caller, derivation);
      if (typeof inserted !== "string") {
        await background.copy("copy a token to KV", kv.put(inserted, inserted.createdAtMs));
      }
      return inserted;
    },

    insertFamily: (family, caller) => d1.insertFamily(family, caller),

    async extendSession(id, nowMs) {
      const extended = await d1.extendSession(id, nowMs);
      if (extended === null) return null;
      caches.tokens.delete(id);
      copy(extended.token, nowMs);
      return { email: extended.email, expiresAtMs: extended.expiresAtMs };
    },

    async revokeSession(id, nowMs) {
      const wasActive = await invalidating(id, d1.revokeSession(id, nowMs));
      if (wasActive) background.afterResponse("delete a session's copy", kv.evict(id));
      return wasActive;
    },

    listApiTokens: (caller, page, nowMs) => d1.listApiTokens(caller, page, nowMs),

    async changeApiToken(id, caller, change, limits, nowMs) {
      const changed = await invalidating(id, d1.changeApiToken(id, caller, change, limits, nowMs));
      if (typeof changed !== "string" && "id" in changed) copy(changed, nowMs);
      return changed;
    },

    revokeApiTokens,

    async revokeApiToken(id, caller, nowMs) {
      const ended = await invalidating(id, d1.revokeApiToken(id, caller, nowMs));
      if (ended !== null) background.afterResponse("delete an API token's copy", kv.evict(id));
      return ended;
    },

    async rotateApiToken(id, next, caller, derivation, oldEndsAtMs, nowMs) {
      const replaced = d1.rotateApiToken(id, next, caller, derivation, oldEndsAtMs, nowMs);
      const token = await invalidating(id, replaced);
      if (typeof token !== "string") {
        await background.copy("copy a token to KV", kv.put(token, nowMs));
        background.afterResponse("delete an API token's copy", kv.evict(id));
      }
      return token;
    },

    async revokeByHolder(ids, issuerId, nowMs, areLeaked) {
      try {
        const ended = await d1.revokeByHolder(ids, issuerId, nowMs, areLeaked);
        // The marks end them; the copies run out by themselves.
        const [only] = ended;
        if (only !== undefined && ended.length === 1) {
          background.afterResponse("delete a token's copy", kv.evict(only.id));
        }
        return ended;
      } finally {
        for (const id of ids) caches.tokens.delete(id);
        caches.jwts.clear();
      }
    },

    revokeJwt: (claims, caller, nowMs, isLeaked) =>
      invalidating(revocationTarget(claims), d1.revokeJwt(claims, caller, nowMs, isLeaked)),

    rotateFamily: (claims, jti, nowMs) =>
      invalidating(claims.sid, d1.rotateFamily(claims, jti, nowMs)),

    touch(token, nowMs) {
      const hourMs = nowMs - (nowMs % HOUR_MS);
      if ((token.lastUsedAtMs ?? 0) >= hourMs || caches.uses.get(token.id, nowMs)) return;
      caches.uses.set(token.id, true, hourMs);
      background.afterResponse("note the use of a token", d1.noteUse(token.id, hourMs));
    },
  };
}
