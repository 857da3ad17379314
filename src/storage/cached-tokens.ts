import type { ApiTokenStore } from "../core/api-tokens.ts";
import type { ActiveToken, TokenCheckStore } from "../core/authenticate.ts";
import { callerRefOfJwt } from "../core/caller.ts";
import type { RevocationStore } from "../core/introspection.ts";
import type { RefreshFamilyStore } from "../core/jwt-pairs.ts";
import { type JwtClaims, revocationTarget } from "../core/jwt.ts";
import type { LoginStore } from "../core/logins.ts";
import type { SessionStore } from "../core/sessions.ts";
import type { ChargeStore } from "../core/token-verification.ts";
import type { Token } from "../core/token.ts";
import type { User } from "../core/user.ts";
import type { StorageContext } from "./context.ts";
import type { Fresh } from "./replicas.ts";
import { activeJwt, activeToken, toActiveJwt, toActiveToken, type TokensInD1 } from "./tokens.ts";

const HOUR_MS = 3_600_000;

export interface TokenStore
  extends TokenCheckStore,
    SessionStore,
    ApiTokenStore,
    ChargeStore,
    RefreshFamilyStore,
    RevocationStore,
    LoginStore {}

interface Checked<T> extends Fresh<T> {
  /** From KV: a user in it may be as old as the lag already, and is not kept for longer. */
  readonly isCopy?: true;
}

/** The others are asked for at D1 each time: a copy could be used elsewhere, or more often. */
// guard: restricted-token-always-asks-d1
const isCopied = (token: Token): boolean =>
  token.kind !== "api" || (token.isEnabled && token.restrictions === null);

const evictCopy = ({ background, kv }: StorageContext, id: string): void =>
  background.afterResponse("delete a token's copy", kv.evict(id));

/** What this isolate and KV know of a token, when it is changed. */
export function invalidation(context: StorageContext) {
  const { caches } = context;

  /** Also where the answer was lost: it may have happened. */
  async function invalidating<T>(ids: readonly string[], change: Promise<T>): Promise<T> {
    try {
      return await change;
    } finally {
      // guard: revoked-token-leaves-the-cache
      for (const id of ids) caches.tokens.delete(id);
      for (const id of ids) caches.changed.set(id, true, Date.now());
      // A JWT may be derived from what was revoked.
      // guard: revoked-parent-leaves-the-cache
      caches.jwts.clear();
    }
  }

  /** A token or log-in whose tombstone is what revokes it. */
  async function revoking<T>(id: string, change: Promise<T>): Promise<T> {
    const revoked = await invalidating([id], change);
    if (revoked) evictCopy(context, id);
    return revoked;
  }

  return { invalidating, revoking };
}

/**
 * KV carries the token, D1 decides whether it is active. A yes may come from the cache or KV within
 * the revocation lag; a no for want of a copy is always asked of D1. Every write goes to D1 first. A
 * token whose copy failed is still active, because D1 has it.
 */
export function cachedTokens(
  d1: TokensInD1 & ApiTokenStore & ChargeStore,
  context: StorageContext,
): TokenStore {
  const { kv, background, policy, caches, replicas, invalidatingUser, served } = context;

  /** What this isolate changed itself, it shows at once, although a replica may lag behind. */
  const isUnchanged = (nowMs: number, ...ids: readonly string[]) =>
    ids.every((id) => caches.changed.get(id, nowMs) === null);

  async function activeInKv(
    id: string,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<ActiveToken | "revoked" | "unsure" | null> {
    const found = await kv.findActive(id, wantsUser);
    if (found === null || typeof found === "string") return found;
    // It may have been extended where this location has not seen it.
    // guard: copy-expires-by-itself
    return found.token.expiresAtMs > nowMs ? found : null;
  }

  async function askActive(
    id: string,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<Checked<ActiveToken>> {
    const fresh = await replicas.ask(
      (also) => activeToken(id, nowMs, also),
      toActiveToken,
      // guard: replica-answers-for-what-no-one-changed-here
      ({ token }) =>
        isCopied(token) &&
        isUnchanged(nowMs, id, token.userId, ...("parentIds" in token ? token.parentIds : [])),
      () => d1.findActive(id, nowMs),
      nowMs,
    );
    return fresh ?? askFurther(id, nowMs, wantsUser);
  }

  async function askFurther(
    id: string,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<Checked<ActiveToken>> {
    const found = policy.readsFromKv ? await activeInKv(id, nowMs, wantsUser) : null;
    if (found === "revoked") return { found: null };
    if (found !== null && found !== "unsure") return { found, isCopy: true };
    const active = await d1.findActive(id, nowMs);
    const isMissed =
      policy.readsFromKv && found === null && active !== null && isCopied(active.token);
    // KV goes on showing a miss for a while: one copy is enough for that long.
    if (isMissed && caches.copies.get(id, nowMs) === null) {
      caches.copies.set(id, true, nowMs);
      copyLater(active.token, nowMs);
    }
    return { found: active };
  }

  async function askJwt(
    claims: JwtClaims,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<Checked<{ user: User | null }>> {
    const { userId, credentialIds, parentIds } = callerRefOfJwt(claims);
    const fresh = await replicas.ask(
      (also) => activeJwt(claims, nowMs, also),
      toActiveJwt,
      () => isUnchanged(nowMs, userId, ...credentialIds, ...parentIds),
      () => d1.findActiveJwt(claims, nowMs),
      nowMs,
    );
    if (fresh !== null) return fresh;
    const answer = policy.readsFromKv ? await kv.jwt(claims, wantsUser) : "unsure";
    if (answer === "unsure") return { found: await d1.findActiveJwt(claims, nowMs) };
    return answer === "revoked" ? { found: null } : { found: answer, isCopy: true };
  }

  function isAcceptedUnasked({ issuedAt, expiresAt }: JwtClaims): boolean {
    // guard: signature-alone-only-for-short-jwts
    return (expiresAt - issuedAt) * 1000 <= policy.signatureOnlyMaxLifeMs;
  }

  /** At every revocation lag, so that it is there when the lag is raised. No check needs it: without one, D1 is asked. */
  const copyLater = (token: Token, nowMs: number) => {
    if (isCopied(token)) background.afterResponse("copy a token to KV", kv.put(token, nowMs));
  };

  const evictLater = (id: string) => evictCopy(context, id);

  const { invalidating, revoking } = invalidation(context);

  return {
    ...d1,

    async findActive(id, nowMs, wantsUser = false) {
      const known = caches.tokens.get(id, nowMs);
      if (known !== null && known.token.expiresAtMs > nowMs) return known;
      const { found, untilMs, isCopy } = await askActive(id, nowMs, wantsUser);
      if (found !== null && isCopied(found.token))
        caches.tokens.set(id, isCopy ? { ...found, user: null } : found, nowMs, untilMs);
      return found;
    },

    async findActiveJwt(claims, nowMs, wantsUser = false) {
      if (isAcceptedUnasked(claims)) return { user: null };
      const known = caches.jwts.get(claims.jti, nowMs);
      if (known !== null) return known;
      const { found, untilMs, isCopy } = await askJwt(claims, nowMs, wantsUser);
      if (found !== null)
        caches.jwts.set(claims.jti, isCopy ? { user: null } : found, nowMs, untilMs);
      return found;
    },

    async isActiveUntil(claims, untilSeconds, nowMs, wantsUser) {
      const isShort = (untilSeconds - claims.issuedAt) * 1000 < policy.signatureOnlyMaxLifeMs;
      // guard: refresh-asks-whether-it-is-active
      if (isShort && !wantsUser) return { user: null };
      return d1.isActiveUntil(claims, nowMs, wantsUser);
    },

    async confirm(caller, nowMs) {
      // At a lag of 0 the caller's own check has just asked.
      const { user } = caller;
      // guard: auth-asks-the-primary
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

    noteLogin(userId, way, nowMs) {
      const key = `${userId}/${JSON.stringify(served.device())}/${way}/${served.attemptNetwork().name}`;
      if (caches.uses.get(key, nowMs)) return;
      caches.uses.set(key, true, nowMs - (nowMs % HOUR_MS));
      const noted = d1.noteLogin(userId, way, nowMs).catch((error: unknown) => {
        // Its user is to be told of it: the next request tries again.
        caches.uses.delete(key);
        throw error;
      });
      background.afterResponse("note a log-in", noted);
    },

    touch(token, nowMs) {
      const hourMs = nowMs - (nowMs % HOUR_MS);
      if ((token.lastUsedAtMs ?? 0) >= hourMs || caches.uses.get(token.id, nowMs)) return;
      caches.uses.set(token.id, true, hourMs);
      background.afterResponse("note the use of a token", d1.noteUse(token.id, hourMs));
    },

    async insertSession(token, who, way) {
      const inserted = await d1.insertSession(token, who, way);
      if (inserted !== null) copyLater(inserted.token, token.createdAtMs);
      return inserted;
    },

    async extendSession(id, nowMs) {
      const extended = await d1.extendSession(id, nowMs);
      if (extended === null) return null;
      caches.tokens.delete(id);
      caches.changed.set(id, true, Date.now());
      copyLater(extended.token, nowMs);
      return { email: extended.email, expiresAtMs: extended.expiresAtMs };
    },

    async confirmSession(id, ifCredentialVersion, nowMs) {
      const token = await d1.confirmSession(id, ifCredentialVersion, nowMs);
      if (token === null) return false;
      caches.tokens.delete(id);
      copyLater(token, nowMs);
      return true;
    },

    revokeSession: (id, nowMs) => revoking(id, d1.revokeSession(id, nowMs)),

    async insertApiToken(token, caller, derivation, isExempt) {
      const inserted = await d1.insertApiToken(token, caller, derivation, isExempt);
      if (typeof inserted !== "string") copyLater(inserted, token.createdAtMs);
      return inserted;
    },

    async changeApiToken(id, caller, change, limits, nowMs) {
      const changing = d1.changeApiToken(id, caller, change, limits, nowMs);
      const changed = await invalidating([id], changing);
      if (typeof changed !== "string" && "id" in changed) {
        if (isCopied(changed)) copyLater(changed, nowMs);
        else evictLater(id);
      }
      return changed;
    },

    revokeApiToken: (id, caller, nowMs) => revoking(id, d1.revokeApiToken(id, caller, nowMs)),

    revokeApiTokens: (caller, nowMs) =>
      invalidatingUser(caller.userId, d1.revokeApiTokens(caller, nowMs)),

    async rotateApiToken(id, next, caller, derivation, oldEndsAtMs, nowMs) {
      const rotated = d1.rotateApiToken(id, next, caller, derivation, oldEndsAtMs, nowMs);
      const token = await invalidating([id], rotated);
      if (typeof token !== "string") {
        copyLater(token, nowMs);
        evictLater(id);
      }
      return token;
    },

    rotateFamily: (claims, jti, nowMs, wantsUser) =>
      invalidating([claims.sid], d1.rotateFamily(claims, jti, nowMs, wantsUser)),

    revokeJwt: (claims, caller, nowMs, isLeaked) =>
      invalidating([revocationTarget(claims)], d1.revokeJwt(claims, caller, nowMs, isLeaked)),

    async revokeByHolder(ids, issuerId, nowMs, areLeaked) {
      const change = d1.revokeByHolder(ids, issuerId, nowMs, areLeaked);
      const revoked = await invalidating(ids, change);
      // The tombstones are what revokes them; of many, the copies just expire.
      const [only] = revoked;
      if (only !== undefined && revoked.length === 1) evictLater(only.id);
      return revoked;
    },

    revokeLogin: (id, caller, nowMs) => revoking(id, d1.revokeLogin(id, caller, nowMs)),

    revokeOtherLogins: (caller, kept, nowMs) =>
      d1.revokeOtherLogins(caller, kept, nowMs).finally(() => {
        caches.tokens.clear();
        caches.jwts.clear();
        caches.changed.set(caller.userId, true, Date.now());
      }),
  };
}
