import { type LimitPolicy, refuse } from "./fault.ts";
import type { UserWithPassword } from "./user.ts";

/** Whose secret is tried: by an e-mail in the form in which it compares, or by a user's id. */
export type AccountRef =
  | { readonly email: string }
  | {
      readonly userId: string;
      /** Somebody logged in tries it: the credential that was shown, by the id that ends it. */
      readonly credentialId: string | null;
    }
  /** A secret that names no account: it is counted by network alone. */
  | { readonly anyone: "ha1b" };

export type LoginAttempt =
  | {
      readonly isAllowed: true;
      readonly user: UserWithPassword | null;
      /** Which counters it was counted in. */
      readonly counters: readonly string[];
      /** The credential that was shown has no further try. */
      readonly isLast: boolean;
      /**
       * Where the network is known and the account's own counter is full: what a wrong try is told,
       * as it would be from any other network. Null: that it was wrong.
       */
      readonly wrongRetryAfterSeconds: number | null;
    }
  | { readonly isAllowed: false; readonly retryAfterSeconds: number };

/** How often an account's secrets may be tried: by account, by account and network, and by the credential shown. */
export interface LoginAttemptStore {
  /**
   * Reads the account and counts a try, in one go: of many at once no more get one than are left.
   * What is not there is counted in the same way.
   */
  reserve(account: AccountRef, nowMs: number): Promise<LoginAttempt>;
  /** It was right: it counts no longer, and its network is known from now on. After the answer, and without failing it. */
  release(counters: readonly string[], nowMs: number): void;
  /** How long this isolate has told the account, from this network, to wait; asks no store. */
  toldToWait(account: AccountRef, nowMs: number): number;
}

/** What is limited by network, or by client: each has a limit of its own in wrangler.toml, with this many requests a minute. */
export const LIMITS = {
  /** Whatever tries a secret that people choose. */
  login: 300,
  sign_up: 30,
  password_reset: 30,
  /** Reports of leaked tokens that nobody has signed. */
  leak: 30,
  /** Verify and refresh. */
  token: 3_000,
  revoke: 300,
  status_list: 600,
  /** Credentials that were refused and name nobody. */
  credential: 300,
  /** What a back end asks for its users, with a credential of its own: by that, wherever it stands. */
  client: 60_000,
} as const;

export type RouteClass = keyof typeof LIMITS;

export interface RateLimits {
  /**
   * Whether too many requests of the class came from the network that this one came from.
   * @param clientId counted in place of the network
   */
  isRateLimited(routeClass: RouteClass, clientId?: string): Promise<boolean>;
}

/** The period of the limits in wrangler.toml. */
const PERIOD_SECONDS = 60;

/** Of wrong tries at one account from one network. */
const ATTEMPTS_POLICY: LimitPolicy = { name: "password", quota: 20, windowSeconds: 18_000 };

/**
 * @param clientId counted in place of the network
 * @param alsoSeconds another wait that applies: the longest is told
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
 * Counts a try at an account, where the network still has one.
 * @throws FaultError `throttled`, with the longest of the waits that apply
 */
export async function reserveAttempt(
  { attempts, limits }: Deps,
  account: AccountRef,
  nowMs: number,
) {
  // guard: log-ins-are-limited-by-network
  await enforceRateLimit(limits, "login", undefined, () => attempts.toldToWait(account, nowMs));
  const reserved = await attempts.reserve(account, nowMs);
  return reserved.isAllowed ? reserved : refuseAttempt(reserved.retryAfterSeconds);
}

const refuseAttempt = (retryAfterSeconds: number): never =>
  refuse({ code: "throttled", retryAfterSeconds, policy: ATTEMPTS_POLICY });

interface Deps {
  readonly attempts: LoginAttemptStore;
  readonly limits: RateLimits;
}

/**
 * The one way to try a secret that can be guessed, for every surface and method: it is counted
 * before any work is done on it, and found right it was not counted.
 * @param isRight does the same work whether or not there is an account
 * @param onLast ends the credential that was shown, where it has guessed too often
 * @throws FaultError `credentials_wrong`, `throttled`, `unavailable`
 */
export type VerifySecret = (
  account: AccountRef,
  isRight: (user: UserWithPassword | null) => Promise<boolean>,
  nowMs: number,
  onLast?: () => Promise<unknown>,
) => Promise<UserWithPassword>;

export function verifySecret(deps: Deps): VerifySecret {
  return async (account, isRight, nowMs, onLast) => {
    const { user, counters, isLast, wrongRetryAfterSeconds } = await reserveAttempt(
      deps,
      account,
      nowMs,
    );
    if (!(await isRight(user)) || user === null) {
      if (isLast) await onLast?.();
      if (wrongRetryAfterSeconds !== null) return refuseAttempt(wrongRetryAfterSeconds);
      const attempted = { userId: user?.id ?? null, credentialId: null };
      return refuse({ code: "credentials_wrong", attempted });
    }
    deps.attempts.release(counters, nowMs);
    return user;
  };
}
