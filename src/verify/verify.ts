import { isMembers, isTime, type Members, signatures } from "./signatures.ts";
import { statusLists } from "./status-lists.ts";
import { timeout } from "./remote.ts";
import { VerifyError } from "./verify-error.ts";

export interface VerifierOptions {
  /** The service's own `ISSUER`, such as `https://auth.example.com`. */
  readonly issuer: string;
  /** Whom JWTs must be for. Default: the issuer. */
  readonly audience?: string;
  /**
   * What counts where a status list cannot be had: `closed` (default) is 503, `open` is as if nothing had
   * been revoked. `off` asks for none: a revoked JWT is good until it expires.
   */
  readonly statusList?: "closed" | "open" | "off";
  /** Without it, API tokens are refused, and JWTs of no status list are good until they expire. */
  readonly introspection?: {
    /** An API token with the scope `introspect`. */
    readonly token: string;
    /** Which JWTs are introspected beside all API tokens: those of no status list (default), all, or none. */
    readonly jwts?: "unlisted" | "all" | "none";
  };
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** Whom a token logs in. Times in Unix seconds. */
export interface VerifiedToken {
  readonly kind: "access" | "api";
  /** A JWT's `jti`, an API token's uuid. */
  readonly id: string;
  readonly userId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Null: everything that its user may do. */
  readonly scopes: readonly string[] | null;
  /** The JWT's claims, or what introspection answered. */
  readonly claims: Members;
}

export interface Needed {
  /** All of these must be the token's. */
  readonly scopes?: readonly string[];
}

export interface Verifier {
  /** @throws VerifyError */
  verify(token: string, needed?: Needed): Promise<VerifiedToken>;
  /** The same of a request's `Authorization` (RFC 6750 section 2.1). @throws VerifyError */
  verifyHeader(authorization: string | null | undefined, needed?: Needed): Promise<VerifiedToken>;
}

/** How far the service's clock may be ahead of this one's, in seconds. */
const CLOCK_SKEW = 5;

const API_TOKEN = /^[a-z][a-z0-9]{1,15}_api_[0-9A-Za-z]{49}$/;

/**
 * Checks the service's tokens elsewhere: access JWTs by its published keys and status lists, API tokens by
 * introspection. One for each API, at module scope: it keeps keys and lists.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { issuer, audience = issuer, statusList = "closed", introspection } = options;
  const { fetch = (url, init) => globalThis.fetch(url, init), now = () => Date.now() } = options;
  // Not URL.parse, which Node 20 lacks.
  if (new URL(issuer).origin !== issuer) throw new TypeError("issuer must be an origin");
  const verified = signatures({ issuer, fetch, now });
  const lists = statusLists({ issuer, fetch, now, verified });
  const invalid = () => new VerifyError("token_invalid");

  async function introspect(token: string, by: string): Promise<Members> {
    const headers = { authorization: `Bearer ${by}` };
    const body = new URLSearchParams({ token });
    const init: RequestInit = {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: timeout(),
    };
    const found = await answerOf(() => fetch(`${issuer}/oauth/introspect`, init));
    // guard: verifier-fails-closed
    if (!isMembers(found) || typeof found.active !== "boolean")
      throw new VerifyError("unavailable");
    if (!found.active || found.iss !== issuer) throw invalid();
    return found;
  }

  /** What introspection and JWTs have in common. */
  function tokenOf(kind: VerifiedToken["kind"], claims: Members): VerifiedToken {
    const { jti, sub, iat, exp, scope } = claims;
    if (typeof jti !== "string" || typeof sub !== "string" || !isTime(iat) || !isTime(exp)) {
      throw invalid();
    }
    if (scope !== undefined && typeof scope !== "string") throw invalid();
    // guard: verifier-asks-for-the-time
    if (exp * 1000 <= now() || iat > now() / 1000 + CLOCK_SKEW) throw invalid();
    const scopes = scope === undefined ? null : scope.split(" ").filter(Boolean);
    return { kind, id: jti, userId: sub, issuedAt: iat, expiresAt: exp, scopes, claims };
  }

  async function byJwt(jwt: string): Promise<VerifiedToken> {
    const claims = await verified(jwt, "at+jwt");
    if (claims === null) throw invalid();
    // guard: verifier-asks-whom-it-is-for
    if (claims.iss !== issuer || claims.aud !== audience) throw invalid();
    const { nbf = 0 } = claims;
    if (claims.token_type !== "access" || !isTime(nbf) || nbf > now() / 1000) throw invalid();
    const token = tokenOf("access", claims);
    const isListed = lists.isListed(claims);
    const { jwts = "unlisted", token: by } = introspection ?? { jwts: "none", token: "" };
    if (jwts === "all" || (jwts === "unlisted" && !isListed)) await introspect(jwt, by);
    else if (statusList !== "off" && isListed && (await isRevoked(claims))) throw invalid();
    return token;
  }

  async function isRevoked(claims: Members): Promise<boolean> {
    try {
      return await lists.isRevoked(claims);
    } catch (error) {
      const isUnknown = error instanceof VerifyError && error.code === "unavailable";
      // guard: verifier-fails-closed-without-a-list
      if (isUnknown && statusList === "open") return false;
      throw error;
    }
  }

  async function byApiToken(secret: string): Promise<VerifiedToken> {
    if (introspection === undefined) throw invalid();
    const found = await introspect(secret, introspection.token);
    if (found.token_kind !== "api") throw invalid();
    return tokenOf("api", found);
  }

  async function verify(shown: string, { scopes = [] }: Needed = {}): Promise<VerifiedToken> {
    const token = API_TOKEN.test(shown) ? await byApiToken(shown) : await byJwt(shown);
    // guard: verifier-asks-for-scopes
    if (token.scopes !== null && !scopes.every((scope) => token.scopes?.includes(scope))) {
      throw new VerifyError("scope_insufficient", { scopes });
    }
    return token;
  }

  return {
    verify,
    async verifyHeader(authorization, needed) {
      const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization ?? "") ?? [];
      if (token === undefined) throw new VerifyError("token_missing");
      return verify(token, needed);
    },
  };
}

/** Undefined for whatever is no answer 200 in JSON. */
async function answerOf(send: () => Promise<Response>): Promise<unknown> {
  try {
    const response = await send();
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}
