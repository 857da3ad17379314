import { holderOf } from "./authenticate.ts";
import type { Later, Mailer } from "./mail.ts";
import { admit, type RateLimits } from "./password-tries.ts";
import type { Held, JwtClaims, Jwts, Secrets, Tokens, Users } from "./ports.ts";
import { kindOf } from "./token.ts";

/** How many tokens one report may name. */
export const LEAKS_MAX = 1_000;

export interface Verdict {
  /** Whether it has the form of one of our tokens, its checksum or signature included. */
  readonly isOurs: boolean;
  /** Whether this report ended it. */
  readonly ended: boolean;
}

/** Whether the key of that name signed these bytes; the signature as GitHub sends it, in base64. */
export type SignatureCheck = (id: string, signature: string, body: Uint8Array) => Promise<boolean>;

export type Leaks = ReturnType<typeof leaks>;

interface Deps {
  readonly jwts: Jwts;
  readonly secrets: Secrets;
  readonly tokens: Tokens;
  readonly users: Pick<Users, "emailsOf">;
  readonly mailer: Mailer;
  readonly later: Later;
  readonly limits: RateLimits;
  readonly isSignedByGithub: SignatureCheck;
}

/** Tokens that somebody has found where they should not be. Whoever shows one may end it, as by RFC 7009. */
export function leaks({
  jwts,
  secrets,
  tokens,
  users,
  mailer,
  later,
  limits,
  isSignedByGithub,
}: Deps) {
  async function opaqueId(shown: string): Promise<string | null> {
    const kind = kindOf(shown);
    return kind === null ? null : secrets.idOf(kind, shown);
  }

  const endJwt = (claims: JwtClaims, nowMs: number): Promise<boolean> =>
    tokens.endJwt(claims, holderOf(claims), nowMs);

  async function tell(ended: readonly Held[]): Promise<void> {
    const byOwner = Map.groupBy(ended, ({ userId }) => userId);
    const emails = await users.emailsOf([...byOwner.keys()]);
    const mails = [...emails].map(([userId, to]) =>
      mailer.send({
        id: crypto.randomUUID(),
        type: "tokens_leaked",
        to,
        tokenIds: (byOwner.get(userId) ?? []).map(({ id }) => id),
      }),
    );
    await Promise.all(mails);
  }

  return {
    isSignedByGithub,

    /**
     * Ends whatever of these is alive.
     * @returns one verdict for each, in the same order
     * @throws FaultError `throttled`; `unavailable`: what was ended stays so, and the same report may come again
     */
    async report(shown: readonly string[], nowMs: number): Promise<readonly Verdict[]> {
      await admit(limits, "sign_up");
      const ids = await Promise.all(shown.map(opaqueId));
      const opaque = ids.filter((id) => id !== null);
      const ended: Held[] = [];
      try {
        if (opaque.length > 0) ended.push(...(await tokens.endHeld(opaque, null, nowMs)));
        // A token that is named twice is ended once.
        const left = new Set(ended.map(({ id }) => id));
        const verdicts: Verdict[] = [];
        for (const [index, text] of shown.entries()) {
          const id = ids[index] ?? null;
          const jwt = id === null ? await jwts.verify(text, nowMs) : null;
          const isEnded =
            id === null ? jwt !== null && (await endJwt(jwt, nowMs)) : left.delete(id);
          if (jwt !== null && isEnded) ended.push({ id: jwt.jti, userId: jwt.userId });
          verdicts.push({ isOurs: id !== null || jwt !== null, ended: isEnded });
        }
        return verdicts;
      } finally {
        // Also of those before a failure.
        if (ended.length > 0) later("tell the owners of leaked tokens", tell(ended));
      }
    },
  };
}
