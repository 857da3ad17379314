import type { Caller, CallerRef, WayIn } from "./caller.ts";
import type { Device } from "./devices.ts";
import { refuse } from "./fault.ts";
import type { Page, PageRequest } from "./page.ts";

/** Where a user is logged in: a session, or a refresh family with all that was derived from it. */
export interface Login extends Device {
  readonly kind: "session" | "family";
  readonly id: string;
  readonly createdAtMs: number;
  /** When it was last extended or refreshed. */
  readonly modifiedAtMs: number;
  readonly expiresAtMs: number;
  /** The client's address, in the form in which it may be stored; null where it may not. */
  readonly address: string | null;
  readonly way: WayIn | null;
  /** When the account first logged in from such a device; null where that is too long ago. */
  readonly deviceSinceMs: number | null;
}

/** A device that has logged in, also only for a JWT or with a password beside each request, which has no row. */
export interface KnownDevice extends Device {
  /** Of the last log-in; one of WAYS_IN, or of another version. */
  readonly way: string;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
}

export interface LoginList<T extends Login> extends Page<T> {
  /** On the first page; the last one that logged in comes first. */
  readonly devices: readonly KnownDevice[];
}

export interface OwnLogin extends Login {
  /** Whether it is the caller's. */
  readonly isCurrent: boolean;
}

export interface OthersRevoked {
  readonly revoked: number;
  /** False where there are more than one request may revoke. */
  readonly isAll: boolean;
}

export interface LoginStore {
  /** @param own the caller's log-in, which comes first */
  listLogins(
    caller: CallerRef,
    page: PageRequest,
    own: string | null,
    nowMs: number,
  ): Promise<LoginList<Login>>;
  /** Of the caller's own. @returns true for exactly one of many callers */
  revokeLogin(id: string, caller: CallerRef, nowMs: number): Promise<boolean>;
  /**
   * Revokes the user's others, newest first, as many as can be refused everywhere within the revocation lag.
   * @param kept the log-in that is spared
   */
  revokeOtherLogins(caller: CallerRef, kept: string | null, nowMs: number): Promise<OthersRevoked>;
}

export type Logins = ReturnType<typeof logins>;

/** Where a user is logged in, and how they log out there. */
export function logins(store: LoginStore) {
  return {
    /** Active ones: the caller's own, then the newest first. */
    async list(caller: Caller, page: PageRequest, nowMs: number): Promise<LoginList<OwnLogin>> {
      const current = loginOf(caller);
      const { items, ...more } = await store.listLogins(caller, page, current, nowMs);
      return { items: items.map((each) => ({ ...each, isCurrent: each.id === current })), ...more };
    },

    /**
     * Revokes a log-in with all JWTs that were derived from it.
     * @throws FaultError `token_not_found`, `unavailable`
     */
    async revoke(caller: Caller, id: string, nowMs: number): Promise<void> {
      if (!(await store.revokeLogin(id, caller, nowMs))) refuse({ code: "token_not_found" });
    },

    /** All but the caller's own. API and action tokens are no log-ins, and stay. */
    revokeOthers(caller: Caller, nowMs: number): Promise<OthersRevoked> {
      return store.revokeOtherLogins(caller, loginOf(caller), nowMs);
    },
  };
}

/** The log-in of the caller; of a JWT, the one that it was obtained with. */
function loginOf({ by, tokenId }: Caller): string | null {
  return by.method === "jwt" ? by.claims.sid : tokenId;
}
