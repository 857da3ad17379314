import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import * as v from "valibot";
import { refuse } from "../core/fault.ts";
import { type Identity, type IdTokens, type Issuer, speaksFor } from "../core/issuers.ts";
import { isNewEmail } from "../core/text.ts";
import { domainOf, normalizeEmail } from "../core/user.ts";
import { isStrictCompact } from "../core/compact-jws.ts";

/** Longer ID tokens are rejected unread, in characters. Google's have about 1,200. */
const MAX_LENGTH = 8_192;
/** An ID token is rejected at this age, even if its `exp` is later. */
const MAX_AGE_SECONDS = 86_400;
const CLOCK_TOLERANCE_SECONDS = 30;
/** How long fetched keys are used before they are fetched again. */
const KEYS_LIVE_MS = 600_000;
/** An unknown key id triggers a fetch, but at most one per this time: anyone can invent key ids. */
const COOLDOWN_MS = 30_000;
/** After a failed fetch, requests fail at once for this long instead of each waiting for the deadline. */
const PAUSE_MS = 5_000;

/** The claims that are used (OpenID Connect Core section 2). */
const Claims = v.object({
  sub: v.pipe(v.string(), v.regex(/^[\x20-\x7e]{1,255}$/)),
  // Only one audience: any other one could present the token here (section 3.1.3.7, rule 3).
  aud: v.union([v.string(), v.pipe(v.array(v.string()), v.length(1))]),
  email: v.fallback(
    v.nullable(
      v.pipe(
        v.string(),
        v.transform((sent) => ({ sent, email: normalizeEmail(sent) })),
        v.check(({ email }) => /^[^\s@]+@[^\s@]+$/.test(email)),
        v.check(({ sent, email }) => isNewEmail(sent.trim()) && isNewEmail(email)),
        v.check(({ email }) => [...email].length >= 5 && [...email].length <= 80),
      ),
    ),
    null,
  ),
  email_verified: v.optional(v.unknown()),
  hd: v.optional(v.unknown()),
  iat: v.number(),
  auth_time: v.optional(v.pipe(v.number(), v.minValue(0))),
});

/** Verifies ID tokens of the configured issuers. */
export function idTokens(issuers: readonly Issuer[], deadlineMs: number): IdTokens {
  const verifiers = new Map(
    issuers
      .filter(({ audience }) => audience.length > 0)
      .map((issuer) => [issuer.name, verifier(issuer, deadlineMs)] as const),
  );
  return {
    verify: async (issuer, token, nowMs) => (await verifiers.get(issuer)?.(token, nowMs)) ?? null,
  };
}

function verifier(issuer: Issuer, deadlineMs: number) {
  const keys = publishedKeys(issuer, deadlineMs);
  return async (token: string, nowMs: number): Promise<Identity | null> => {
    if (token.length > MAX_LENGTH || !isStrictCompact(token)) return null;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        algorithms: ["RS256"],
        issuer: [...issuer.spellings],
        audience: [...issuer.audience],
        requiredClaims: ["sub", "exp", "iat"],
        maxTokenAge: MAX_AGE_SECONDS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(nowMs),
      });
      // The issuer may sign other JWTs for the same audience, for example access tokens (`at+jwt`).
      if ((protectedHeader.typ ?? "JWT").toUpperCase() !== "JWT") return null;
      const claims = v.safeParse(Claims, { email: null, ...payload });
      return claims.success ? identityOf(issuer, claims.output) : null;
    } catch (error) {
      // TypeError: the issuer published a key that does not work with RS256.
      if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
      throw error;
    }
  };
}

function identityOf(issuer: Issuer, claims: v.InferOutput<typeof Claims>): Identity {
  const { sub, email, email_verified, hd, iat, auth_time } = claims;
  // Apple sends a string.
  const saysSo = email_verified === true || email_verified === "true";
  return {
    issuer: issuer.spellings[0],
    subject: sub,
    email: email?.email ?? null,
    emailVerified:
      saysSo && email !== null && isUnfolded(email) && speaksFor(issuer, domainOf(email.email), hd),
    issuedAtMs: iat * 1000,
    // guard: identity-is-as-fresh-as-its-log-in
    authTimeMs: Math.min(iat, auth_time ?? iat) * 1000,
  };
}

/** Different people's emails can become equal by normalization. So a changed email never counts as verified. */
const isUnfolded = ({ sent, email }: { readonly sent: string; readonly email: string }) =>
  sent.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) === email;

/**
 * The issuer's keys, cached, and fetched again when they are old or a token names an unknown one.
 * @throws FaultError `unavailable` if they cannot be fetched in time, which says nothing about the token
 */
function publishedKeys({ name, jwks }: Issuer, deadlineMs: number): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(jwks), {
    timeoutDuration: deadlineMs,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: KEYS_LIVE_MS,
  });
  let pausedUntilMs = 0;
  const unavailable = (cause: unknown) =>
    refuse(
      { code: "unavailable", retryAfterSeconds: PAUSE_MS / 1000 },
      new Error(`the keys of ${name} cannot be had`, { cause }),
    );

  return async (header, token) => {
    if (typeof header.kid !== "string") throw new errors.JWKSNoMatchingKey();
    if (Date.now() < pausedUntilMs) {
      const known = remote.jwks()?.keys.some(({ kid }) => kid === header.kid);
      if (!remote.fresh || !known) return unavailable("they could not be had a moment ago");
    }
    try {
      return await remote(header, token);
    } catch (error) {
      if (isOfToken(error)) throw error;
      pausedUntilMs = Date.now() + PAUSE_MS;
      return unavailable(error);
    }
  };
}

/** Whether the keys were fetched, and the token names none of them that can be used. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
