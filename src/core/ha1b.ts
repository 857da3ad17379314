import { refuse, UNKNOWN_SUBJECT } from "./fault.ts";
import { type LoginAttemptStore, type RateLimits, reserveAttempt } from "./login-throttle.ts";
import type { FirstFactor } from "./passwords.ts";
import type { UserWithPassword } from "./user.ts";

/** How HA1B tokens are computed and hashed. */
export interface Ha1bHashes {
  /** `md5(<email>:<domain of the email>:<password>)` in lowercase hex. */
  digest(email: string, password: string): Promise<string>;
  /** One password hash of work. The same for the same digest, so that an account is found by it. */
  hash(digest: string): Promise<string>;
  /** False where `hash` would return another one by now. */
  isCurrent(hash: string): Promise<boolean>;
}

export interface Ha1bStore {
  byHa1b(hash: string): Promise<UserWithPassword | null>;
  /** Stores it if the email and the password are still those that it was computed from. Never fails. */
  keepHa1b(user: UserWithPassword, hash: string): Promise<void>;
}

export type Ha1b = ReturnType<typeof ha1b>;

interface Deps {
  readonly users: Ha1bStore;
  readonly hashes: Ha1bHashes;
  readonly attempts: LoginAttemptStore;
  readonly limits: RateLimits;
}

/** Wrong tokens name no user, so they are counted by network alone: no one can lock out others. */
const ANYONE = { anyone: "ha1b" } as const;

/**
 * Opentact's HA1B: an MD5 of email, domain and password that is sent instead of the password, and is as
 * powerful. What is stored is an Argon2id hash of the digest.
 */
export function ha1b({ users, hashes, attempts, limits }: Deps) {
  /** The hash to store for this email (in its normal form) and password: one password hash of work. */
  const hashOf = async (email: string, password: string): Promise<string> =>
    hashes.hash(await hashes.digest(email, password));

  return {
    hashOf,

    /**
     * One password hash and two reads, whatever is wrong.
     * @throws FaultError `credentials_wrong`, `throttled`, `unavailable`
     */
    async login(token: string, nowMs: number): Promise<UserWithPassword> {
      const taken = await reserveAttempt({ attempts, limits }, ANYONE, nowMs);
      const user = await users.byHa1b(await hashes.hash(token.toLowerCase()));
      if (user === null) return refuse({ code: "credentials_wrong", attempted: UNKNOWN_SUBJECT });
      attempts.release(taken.counters, nowMs);
      return user;
    },

    /** The same log-in by password, after which the account has its HA1B hash. */
    withHa1bUpgrade:
      (byPassword: FirstFactor): FirstFactor =>
      async (email, password, nowMs) => {
        const user = await byPassword(email, password, nowMs);
        if (user.ha1bHash === null || !(await hashes.isCurrent(user.ha1bHash))) {
          await users.keepHa1b(user, await hashOf(user.email, password));
        }
        return user;
      },
  };
}
