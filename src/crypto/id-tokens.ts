import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import * as v from "valibot";
import { refuse } from "../core/fault.ts";
import { type Identity, type IdTokens, type Issuer, speaksFor } from "../core/issuers.ts";
import { isNewEmail } from "../core/text.ts";
import { domainOf, normalizeEmail } from "../core/user.ts";
import { isStrictCompact } from "./jws.ts";

/** The largest ID token that is looked at, in characters: Google's have some 1,200. */
const MAX_LENGTH = 8_192;
/** However long an issuer lets it live. */
const MAX_AGE_SECONDS = 86_400;
const CLOCK_TOLERANCE_SECONDS = 30;
/** How long published keys are used unasked. */
const KEYS_LIVE_MS = 600_000;
/** A key id that nobody knows makes us ask again, and then not for so long: anybody can invent one. */
const COOLDOWN_MS = 30_000;
/** After keys could not be had, how long nobody else waits for them. */
const PAUSE_MS = 5_000;

/** What of an ID token is used (OpenID Connect Core section 2). */
const Claims = v.object({
  sub: v.pipe(v.string(), v.regex(/^[\x20-\x7e]{1,255}$/)),
  // One audience: whoever else a token is for could show it here (section 3.1.3.7, rule 3).
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
});

/** ID tokens of those issuers that are configured. */
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
      // The same issuer may sign other things for the same audience, an access token as `at+jwt`.
      if ((protectedHeader.typ ?? "JWT").toUpperCase() !== "JWT") return null;
      const claims = v.safeParse(Claims, { email: null, ...payload });
      return claims.success ? identityOf(issuer, claims.output) : null;
    } catch (error) {
      // A TypeError: the issuer published a key that RS256 does not take.
      if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
      throw error;
    }
  };
}

function identityOf(issuer: Issuer, claims: v.InferOutput<typeof Claims>): Identity {
  const { sub, email, email_verified, hd, iat } = claims;
  // As text at Apple.
  const saysSo = email_verified === true || email_verified === "true";
  return {
    issuer: issuer.spellings[0],
    subject: sub,
    email: email?.email ?? null,
    emailVerified:
      saysSo && email !== null && isUnfolded(email) && speaksFor(issuer, domainOf(email.email), hd),
    issuedAtMs: iat * 1000,
  };
}

/** Two people's e-mails can be one after the fold: what it changed opens nobody's account. */
const isUnfolded = ({ sent, email }: { readonly sent: string; readonly email: string }) =>
  sent.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) === email;

/**
 * The issuer's keys: kept, had again when they are old or somebody names one that is not among them.
 * @throws FaultError `unavailable` where they cannot be had in time: that says nothing of the token
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

/** The keys were there, and the token names none of them that could be used. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
