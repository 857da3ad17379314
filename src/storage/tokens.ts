import { endedWith } from "../core/authenticate.ts";
import type { JwtClaims, Standing, Tokens } from "../core/ports.ts";
import type { Token } from "../core/token.ts";
import type { User } from "../core/user.ts";
import type { Background } from "./background.ts";
import type { D1Tokens } from "./d1-tokens.ts";
import type { KvTokens } from "./kv-tokens.ts";
import type { Memory } from "./memory.ts";
import type { CheckPlan } from "./promise.ts";

const HOUR_MS = 3_600_000;

export interface Memories {
  readonly tokens: Memory<Standing>;
  readonly jwts: Memory<{ user: User | null }>;
  /** Copies put into KV lately because it had none. */
  readonly copies: Memory<true>;
  /** Uses noted in this hour: no second write for them. */
  readonly uses: Memory<true>;
}

interface Deps {
  readonly d1: D1Tokens;
  readonly kv: KvTokens;
  readonly background: Background;
  readonly plan: CheckPlan;
  readonly memories: Memories;
}

/**
 * KV carries the token, D1 says whether it stands. A yes may come from memory or KV within the
 * promise; a no for want of a copy is always asked of D1. Every write goes to D1 first; the copy
 * in KV follows, and a token whose copy failed still stands, because D1 has it.
 */
export function tokens({ d1, kv, background, plan, memories }: Deps): Tokens {
  async function standingInKv(
    id: string,
    nowMs: number,
  ): Promise<Standing | "ended" | "unsure" | null> {
    const token = await kv.standing(id);
    if (token === null || typeof token === "string") return token;
    // It may have been extended where this location has not seen it.
    // guard: copy-expires-by-itself
    return token.expiresAtMs > nowMs ? { token, user: null } : null;
  }

  async function askStanding(id: string, nowMs: number): Promise<Standing | null> {
    const found = plan.kvAnswers ? await standingInKv(id, nowMs) : null;
    if (found === "ended") return null;
    if (found !== null && found !== "unsure") return found;
    const standing = await d1.standing(id, nowMs);
    const isMissed = plan.kvAnswers && found === null && standing !== null;
    // KV goes on showing a miss for a while: one copy is enough for that long.
    if (isMissed && memories.copies.get(id, nowMs) === null) {
      memories.copies.set(id, true, nowMs);
      copy(standing.token, nowMs);
    }
    return standing;
  }

  function copy(token: Token, nowMs: number): void {
    background.later("copy a token to KV", kv.put(token, nowMs));
  }

  /** Also where the answer was lost: it may have happened. */
  async function forgetting<T>(id: string, end: Promise<T>): Promise<T> {
    try {
      return await end;
    } finally {
      // guard: revoked-token-leaves-the-cache
      memories.tokens.delete(id);
      // A JWT may hang on what was ended.
      // guard: revoked-parent-leaves-the-cache
      memories.jwts.clear();
    }
  }

  async function askJwt(claims: JwtClaims, nowMs: number): Promise<{ user: User | null } | null> {
    const answer = plan.kvAnswers ? await kv.jwt(claims) : "unsure";
    if (answer === "unsure") return d1.standingOfJwt(claims, nowMs);
    return answer === "active" ? { user: null } : null;
  }

  function needsNoQuestion({ issuedAt, expiresAt }: JwtClaims): boolean {
    // guard: signature-alone-only-for-short-jwts
    return (expiresAt - issuedAt) * 1000 <= plan.unaskedMs;
  }

  return {
    async standing(id, nowMs) {
      const known = memories.tokens.get(id, nowMs);
      if (known !== null && known.token.expiresAtMs > nowMs) return known;
      const standing = await askStanding(id, nowMs);
      if (standing !== null) memories.tokens.set(id, standing, nowMs);
      return standing;
    },

    async standingOfJwt(claims, nowMs) {
      if (needsNoQuestion(claims)) return { user: null };
      const known = memories.jwts.get(claims.jti, nowMs);
      if (known !== null) return known;
      const standing = await askJwt(claims, nowMs);
      if (standing !== null) memories.jwts.set(claims.jti, standing, nowMs);
      return standing;
    },

    async standsFor(claims, untilSeconds, nowMs) {
      // guard: refresh-asks-whether-it-is-active
      if ((untilSeconds - claims.issuedAt) * 1000 < plan.unaskedMs) return true;
      return d1.standsFor(claims, nowMs);
    },

    async confirm(caller, nowMs) {
      // At 0 the caller's own check has just asked.
      const { user } = caller;
      // guard: auth-asks-again
      const isFresh = plan.unaskedMs === 0 && user !== null;
      return isFresh ? { user, endMs: Number.POSITIVE_INFINITY } : d1.confirm(caller, nowMs);
    },

    noteIssued(caller, jti, nowMs) {
      const loginId = caller.tokenId ?? caller.parentIds[0] ?? null;
      const hourMs = nowMs - (nowMs % HOUR_MS);
      const key = `${loginId ?? caller.userId}/jwt`;
      if (memories.uses.get(key, nowMs)) return;
      memories.uses.set(key, true, hourMs);
      background.later("note that a JWT was issued", d1.noteIssued(caller, loginId, jti, nowMs));
    },

    async insert(token, caller) {
      const inserted = await d1.insert(token, caller);
      if (inserted !== null) {
        await background.copy("copy a token to KV", kv.put(inserted, inserted.createdAtMs));
      }
      return inserted;
    },

    async insertApi(token, caller, derivation) {
      const inserted = await d1.insertApi(token, caller, derivation);
      if (typeof inserted !== "string") {
        await background.copy("copy a token to KV", kv.put(inserted, inserted.createdAtMs));
      }
      return inserted;
    },

    insertFamily: (family, caller) => d1.insertFamily(family, caller),

    async extendSession(id, nowMs) {
      const extended = await d1.extendSession(id, nowMs);
      if (extended === null) return null;
      memories.tokens.delete(id);
      copy(extended.token, nowMs);
      return { email: extended.email, expiresAtMs: extended.expiresAtMs };
    },

    async endSession(id, nowMs) {
      const wasStanding = await forgetting(id, d1.endSession(id, nowMs));
      if (wasStanding) background.later("delete a session's copy", kv.forget(id));
      return wasStanding;
    },

    listApi: (caller, page, nowMs) => d1.listApi(caller, page, nowMs),

    async changeApi(id, caller, change, limits, nowMs) {
      const changed = await forgetting(id, d1.changeApi(id, caller, change, limits, nowMs));
      if (typeof changed !== "string" && "id" in changed) copy(changed, nowMs);
      return changed;
    },

    async endApi(id, caller, nowMs) {
      const ended = await forgetting(id, d1.endApi(id, caller, nowMs));
      if (ended !== null) background.later("delete an API token's copy", kv.forget(id));
      return ended;
    },

    async replaceApi(id, next, caller, derivation, oldEndsAtMs, nowMs) {
      const replaced = d1.replaceApi(id, next, caller, derivation, oldEndsAtMs, nowMs);
      const token = await forgetting(id, replaced);
      if (typeof token !== "string") {
        await background.copy("copy a token to KV", kv.put(token, nowMs));
        background.later("delete an API token's copy", kv.forget(id));
      }
      return token;
    },

    async endHeld(ids, issuerId, nowMs, areLeaked) {
      try {
        const ended = await d1.endHeld(ids, issuerId, nowMs, areLeaked);
        // The marks end them; the copies run out by themselves.
        const [only] = ended;
        if (only !== undefined && ended.length === 1) {
          background.later("delete a token's copy", kv.forget(only.id));
        }
        return ended;
      } finally {
        for (const id of ids) memories.tokens.delete(id);
        memories.jwts.clear();
      }
    },

    endJwt: (claims, caller, nowMs, isLeaked) =>
      forgetting(endedWith(claims), d1.endJwt(claims, caller, nowMs, isLeaked)),

    rotate: (claims, jti, nowMs) => forgetting(claims.sid, d1.rotate(claims, jti, nowMs)),

    touch(token, nowMs) {
      const hourMs = nowMs - (nowMs % HOUR_MS);
      if ((token.lastUsedAtMs ?? 0) >= hourMs || memories.uses.get(token.id, nowMs)) return;
      memories.uses.set(token.id, true, hourMs);
      background.later("note the use of a token", d1.noteUse(token.id, hourMs));
    },
  };
}
