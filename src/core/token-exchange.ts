import type { Authenticate } from "./authenticate.ts";
import { FaultError, refuse } from "./fault.ts";
import type { IssuedJwt, JwtPairs } from "./jwt-pairs.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { Scope } from "./scopes.ts";
import type { Secrets } from "./token.ts";

/** The value of `grant_type`. */
export const EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";

export interface ExchangeRequest {
  /** An API token, a session token or an access JWT for this service. */
  readonly subjectToken: string;
  /** Null: this service. */
  readonly audience: string | null;
  /** Null: all that the subject token has. */
  readonly scopes: readonly Scope[] | null;
  readonly ttlSeconds: number | null;
}

export type TokenExchange = ReturnType<typeof tokenExchange>;

interface Deps {
  readonly authenticate: Authenticate;
  readonly jwtPairs: Pick<JwtPairs, "narrowed">;
  readonly secrets: Pick<Secrets, "kindOf">;
  readonly limits: RateLimits;
  readonly issuer: string;
}

/** Token exchange (RFC 8693): any active credential for a JWT that can do less, for one audience. */
export const tokenExchange =
  ({ authenticate, jwtPairs, secrets, limits, issuer }: Deps) =>
  /**
   * @throws FaultError `subject_invalid`, `audience_unknown`, `scope_exceeded`, `derivation_refused`,
   *   `throttled`, `unavailable`
   */
  async (request: ExchangeRequest, nowMs: number): Promise<IssuedJwt> => {
    await enforceRateLimit(limits, "token");
    const { subjectToken: token, audience, scopes, ttlSeconds } = request;
    const method = secrets.kindOf(token) === "session" ? "session" : "bearer";
    try {
      const caller = await authenticate({ method, token }, nowMs);
      const wanted = { audience: audience ?? issuer, scopes, ttlSeconds };
      return await jwtPairs.narrowed(caller, wanted, nowMs);
    } catch (error) {
      const fault = error instanceof FaultError ? error.fault : null;
      if (fault?.code !== "token_invalid") throw error;
      const { attempted } = fault;
      return refuse({ code: "subject_invalid", ...(attempted && { attempted }) });
    }
  };
