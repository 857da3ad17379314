import type { Caller, CallerRef } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { Page, PageRequest } from "./page.ts";

/** Where a user is logged in: a session, or a login on the JWT surface with all that follows from it. */
export interface Login {
  readonly kind: "session" | "family";
  readonly id: string;
  readonly createdAtMs: number;
  /** When it was last extended or refreshed. */
  readonly modifiedAtMs: number;
  readonly expiresAtMs: number;
  /** From where, in the form in which an address may be kept; null where it may not. */
  readonly address: string | null;
}

export interface OthersRevoked {
  readonly ended: number;
  /** False where there are more than one request may end. */
  readonly isAll: boolean;
}

export interface LoginStore {
  list(caller: CallerRef, page: PageRequest, nowMs: number): Promise<Page<Login>>;
  /** Of the caller's own. @returns true for exactly one of many callers */
  revoke(id: string, caller: CallerRef, nowMs: number): Promise<boolean>;
  /**
   * Ends her others, newest first, as many as can be refused everywhere within the promise.
   * @param kept the login that is spared
   */
  revokeOthers(caller: CallerRef, kept: string | null, nowMs: number): Promise<OthersRevoked>;
}

export type Logins = ReturnType<typeof logins>;

/** What a user sees of where she is logged in, and how she ends it. */
export function logins(store: LoginStore) {
  return {
    /** Those that stand, newest first. */
    async list(
      caller: Caller,
      page: PageRequest,
      nowMs: number,
    ): Promise<Page<Login & { readonly isCurrent: boolean }>> {
      const { items, next } = await store.list(caller, page, nowMs);
      const current = loginOf(caller);
      return { items: items.map((each) => ({ ...each, isCurrent: each.id === current })), next };
    },

    /**
     * A login takes all JWTs with it that hang on it.
     * @throws FaultError `token_not_found`, `unavailable`
     */
    async revoke(caller: Caller, id: string, nowMs: number): Promise<void> {
      if (!(await store.revoke(id, caller, nowMs))) refuse({ code: "token_not_found" });
    },

    /** All but the one that the caller shows. API and action tokens are no logins, and stay. */
    revokeOthers(caller: Caller, nowMs: number): Promise<OthersRevoked> {
      return store.revokeOthers(caller, loginOf(caller), nowMs);
    },
  };
}

/** The login behind what the caller shows; of a JWT the one that it hangs on. */
function loginOf({ by, tokenId }: Caller): string | null {
  return by.method === "jwt" ? by.claims.sid : tokenId;
}
