import { refuse } from "./fault.ts";
import type { UserWithPassword } from "./user.ts";

/** Whose secret is tried: by an e-mail in the form in which it compares, or by a user's id. */
export type AccountRef = { readonly email: string } | { readonly userId: string };

export type PasswordTry =
  | {
      readonly isLeft: true;
      readonly user: UserWithPassword | null;
      /** Which counters it was counted in. */
      readonly counters: readonly string[];
    }
  | { readonly isLeft: false; readonly retryAfterSeconds: number };

/** How often an account's secrets may be tried: by account, and by account and network. */
export interface PasswordTries {
  /**
   * Reads the account and counts a try, in one go: of many at once no more get one than are left.
   * What is not there is counted in the same way.
   */
  take(account: AccountRef, nowMs: number): Promise<PasswordTry>;
  /** It was right: it counts no longer, and its network is known from now on. After the answer, and without failing it. */
  giveBack(counters: readonly string[], nowMs: number): void;
}

/** `login`: whatever tries a secret that people choose. `token`: verify and refresh. */
export type RouteClass = "login" | "sign_up" | "token";

export interface RateLimits {
  /** Whether too many requests of the class came from the network that this one came from. */
  isOver(routeClass: RouteClass): Promise<boolean>;
}

/** The period of the limits in wrangler.toml. */
const PERIOD_SECONDS = 60;

/** @throws FaultError `throttled` */
export async function admit(limits: RateLimits, routeClass: RouteClass): Promise<void> {
  if (await limits.isOver(routeClass)) {
    refuse({ code: "throttled", retryAfterSeconds: PERIOD_SECONDS });
  }
}

interface Deps {
  readonly tries: PasswordTries;
  readonly limits: RateLimits;
}

/**
 * The one way to try a secret that can be guessed, for every surface and method: it is counted
 * before any work is done on it, and found right it was not counted.
 * @param isRight does the same work whether or not there is an account
 * @throws FaultError `credentials_wrong`, `throttled`, `unavailable`
 */
export type TrySecret = (
  account: AccountRef,
  isRight: (user: UserWithPassword | null) => Promise<boolean>,
  nowMs: number,
) => Promise<UserWithPassword>;

export function trySecret({ tries, limits }: Deps): TrySecret {
  return async (account, isRight, nowMs) => {
    await admit(limits, "login");
    const taken = await tries.take(account, nowMs);
    if (!taken.isLeft) {
      return refuse({ code: "throttled", retryAfterSeconds: taken.retryAfterSeconds });
    }
    const { user, counters } = taken;
    if (!(await isRight(user)) || user === null) {
      const named = { userId: user?.id ?? null, credentialId: null };
      return refuse({ code: "credentials_wrong", named });
    }
    tries.giveBack(counters, nowMs);
    return user;
  };
}
