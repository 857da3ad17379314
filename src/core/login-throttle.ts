import { type LimitPolicy, refuse } from "./fault.ts";
import type { UserWithPassword } from "./user.ts";

/** The account whose secret is checked: by an email in its normal form, or by a user's id. */
export type AccountRef =
  | { readonly email: string }
  | {
      readonly userId: string;
      /** Of a caller who is logged in: the credential that was presented, by the id that revokes it. */
      readonly credentialId: string | null;
    }
  /** A code of the account's second factor; those that can be guessed have a limit a day. */
  | { readonly userId: string; readonly factor: "totp" | "recovery_code" }
  /** A secret that names no account, counted by network alone. */
  | { readonly anyone: "ha1b" };

export type LoginAttempt =
  | {
      readonly isAllowed: true;
      readonly user: UserWithPassword | null;
      /** The counters that it was counted in. */
      readonly counters: readonly string[];
      /** The credential that was presented has no further attempt. */
      readonly isLast: boolean;
      /**
       * Where the network is known and the account's own counter is full: the wait that a wrong attempt is
       * told, as from any other network. Null: it is told that it was wrong.
       */
      readonly wrongRetryAfterSeconds: number | null;
    }
  | { readonly isAllowed: false; readonly retryAfterSeconds: number };

/** Limits attempts at an account's secrets: by account, by account and network, and by the credential presented. */
export interface LoginAttemptStore {
  /**
   * Reads the account and counts an attempt in one transaction, so that many at once cannot exceed the
   * limit. Accounts that do not exist are counted in the same way.
   */
  reserve(account: AccountRef, nowMs: number): Promise<LoginAttempt>;
  /**
   * It was right: it no longer counts, and its network is known from now on. After the answer, and never fails.
   * @param attempts how many of them no longer count; 1 by default
   */
  release(counters: readonly string[], nowMs: number, attempts?: number): void;
  /** How long this isolate told this account, from this network, to wait; asks no store. */
  toldToWait(account: AccountRef, nowMs: number): number;
}

/** Rate limits by network, or by client, in requests a minute: each has its own limit in wrangler.toml. */
export const LIMITS = {
  /** Everything that checks a secret that people choose. */
  login: 300,
  sign_up: 30,
  password_reset: 30,
  /** Unsigned reports of leaked tokens. */
  leak: 30,
  /** Verify and refresh. */
  token: 3_000,
  revoke: 300,
  status_list: 600,
  /** Refused credentials that name no user. */
  credential: 300,
  /** Requests of a backend for its users, with a credential of its own: by that, wherever it runs. */
  client: 60_000,
} as const;

export type RouteClass = keyof typeof LIMITS;

export interface RateLimits {
  /**
   * Whether too many requests of the class came from this request's network.
   * @param clientId counted instead of the network
   */
  isRateLimited(routeClass: RouteClass, clientId?: string): Promise<boolean>;
}

/** The period of the limits in wrangler.toml. */
const PERIOD_SECONDS = 60;

/** Of failed attempts at one account from one network. */
const ATTEMPTS_POLICY: LimitPolicy = { name: "password", quota: 20, windowSeconds: 18_000 };

/**
 * @param clientId counted instead of the network
 * @param alsoSeconds another wait that applies; the longest one is told
 * @throws FaultError `throttled`
 */
export async function enforceRateLimit(
  limits: RateLimits,
  routeClass: RouteClass,
  clientId?: string,
  alsoSeconds: () => number = () => 0,
): Promise<void> {
  if (!(await limits.isRateLimited(routeClass, clientId))) return;
  const policy = { name: routeClass, quota: LIMITS[routeClass], windowSeconds: PERIOD_SECONDS };
  refuse({
    code: "throttled",
    retryAfterSeconds: Math.max(PERIOD_SECONDS, alsoSeconds()),
    policy,
  });
}

/**
 * Counts an attempt at an account, if the network still has one.
 * @throws FaultError `throttled`, with the longest of the waits that apply
 */
export async function reserveAttempt(
  { attempts, limits }: Throttles,
  account: AccountRef,
  nowMs: number,
) {
  // guard: log-ins-are-limited-by-network
  await enforceRateLimit(limits, "login", undefined, () => attempts.toldToWait(account, nowMs));
  const reserved = await attempts.reserve(account, nowMs);
  return reserved.isAllowed ? reserved : refuseAttempt(reserved.retryAfterSeconds);
}

export const refuseAttempt = (retryAfterSeconds: number): never =>
  refuse({ code: "throttled", retryAfterSeconds, policy: ATTEMPTS_POLICY });

export interface Throttles {
  readonly attempts: LoginAttemptStore;
  readonly limits: RateLimits;
}
