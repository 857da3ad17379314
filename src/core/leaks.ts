import { callerRefOfJwt } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { RevocationStore } from "./introspection.ts";
import type { JwtClaims, Jwts } from "./jwt.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { Notices } from "./notices.ts";
import { opaqueIdOf, type Secrets } from "./token.ts";

/** How many tokens one report may name. */
export const LEAKS_MAX = 1_000;

export interface LeakResult {
  /** Whether it has the form of one of our tokens, its checksum or signature included. */
  readonly isOurs: boolean;
  /** Whether this report revoked it. */
  readonly wasRevoked: boolean;
}

/** Whether the key of that name signed these bytes; the signature as GitHub sends it, in base64. */
export type SignatureCheck = (id: string, signature: string, body: Uint8Array) => Promise<boolean>;

export type Leaks = ReturnType<typeof leaks>;

interface Deps {
  readonly jwts: Jwts;
  readonly secrets: Secrets;
  readonly tokens: RevocationStore;
  readonly notices: Notices;
  readonly limits: RateLimits;
  readonly isSignedByGithub: SignatureCheck;
}

/** Tokens that someone found in a public place. Anyone who shows one may revoke it, as by RFC 7009. */
export function leaks({ jwts, secrets, tokens, notices, limits, isSignedByGithub }: Deps) {
  const revokeJwt = (claims: JwtClaims, nowMs: number): Promise<boolean> =>
    tokens.revokeJwt(claims, callerRefOfJwt(claims), nowMs, true);

  return {
    /** A correct signature is never rate-limited. @throws FaultError `credentials_wrong`, `throttled` */
    async checkSignature(id: string, signature: string, body: Uint8Array): Promise<void> {
      if (await isSignedByGithub(id, signature, body)) return;
      await enforceRateLimit(limits, "credential");
      refuse({ code: "credentials_wrong" });
    },

    /** Of an unsigned report. @throws FaultError `throttled` */
    enforceRateLimit: (): Promise<void> => enforceRateLimit(limits, "leak"),

    /**
     * Revokes all that are active.
     * @returns one result for each, in the same order
     * @throws FaultError `unavailable`: what was revoked stays so, and the same report may be sent again
     */
    async report(texts: readonly string[], nowMs: number): Promise<readonly LeakResult[]> {
      const ids = await Promise.all(texts.map((each) => opaqueIdOf(secrets, each)));
      const opaque = ids.filter((id) => id !== null);
      const owners = new Set<string>();
      try {
        const wasRevoked =
          opaque.length === 0 ? [] : await tokens.revokeByHolder(opaque, null, nowMs, true);
        for (const { userId } of wasRevoked) owners.add(userId);
        // A token that is named twice is revoked once.
        const left = new Set(wasRevoked.map(({ id }) => id));
        const results: LeakResult[] = [];
        for (const [index, text] of texts.entries()) {
          const id = ids[index] ?? null;
          const jwt = id === null ? await jwts.verifyToRevoke(text, nowMs) : null;
          const isRevoked =
            id === null ? jwt !== null && (await revokeJwt(jwt, nowMs)) : left.delete(id);
          if (jwt !== null && isRevoked) owners.add(jwt.userId);
          results.push({ isOurs: id !== null || jwt !== null, wasRevoked: isRevoked });
        }
        return results;
      } finally {
        // Also for those before a failure; if this fails too, housekeeping sends the notices.
        notices.tell([...owners], nowMs);
      }
    },
  };
}
