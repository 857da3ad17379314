import { type Caller, type CallerRef, requireFresh } from "./caller.ts";
import { refuse, UNKNOWN_SUBJECT } from "./fault.ts";
import type { Identity, IdentityRef, IdTokens } from "./issuers.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { Notices } from "./notices.ts";
import type { UserWithPassword } from "./user.ts";

/** An OpenID identity that opens an account beside its password. */
export interface LinkedIdentity extends IdentityRef {
  /** Derived from issuer and subject: the same whenever it is linked. */
  readonly id: string;
  /** The account's email when it was linked; null where that is unknown. */
  readonly email: string | null;
  readonly linkedAtMs: number;
  /** To the hour. */
  readonly lastUsedAtMs: number | null;
}

export interface IdentityStore {
  /** Notes the use: after the answer, and never fails. */
  find(identity: Identity, nowMs: number): Promise<UserWithPassword | null>;
  /**
   * First use, in one batch: links the identity to the account that has its email, if both sides have
   * proven it, or creates an account. Idempotent, also for two at once. An ID token that was issued
   * before the account's identities were removed links none.
   * @param newUserId of the account to create, or null where none may be
   * @returns the account that the identity opens now; `conflict` where its email has an account
   *   that it may not be linked to; null where there is none
   */
  open(
    identity: Identity & { readonly email: string },
    newUserId: string | null,
    nowMs: number,
  ): Promise<UserWithPassword | "conflict" | null>;
  /**
   * Links it to the caller's account, whatever its email. Idempotent.
   * @returns `taken` where it opens another account, or the account has another one of this issuer
   */
  link(
    identity: Identity,
    caller: CallerRef,
    nowMs: number,
  ): Promise<"linked" | "taken" | "caller_gone">;
  /** Of one user, who has at most one of an issuer. */
  list(userId: string): Promise<readonly LinkedIdentity[]>;
  /** Removes one of the caller's own, unless nothing else opens the account. */
  remove(id: string, caller: CallerRef, nowMs: number): Promise<WayInRemoval>;
}

export type IdentityLogin = (
  issuer: string,
  idToken: string,
  nowMs: number,
) => Promise<{ readonly user: UserWithPassword; readonly identity: Identity }>;

interface Deps {
  readonly idTokens: IdTokens;
  readonly store: Pick<IdentityStore, "find" | "open">;
  readonly limits: RateLimits;
  /** Asked each time: a full database takes no new accounts. */
  readonly signUpIsOpen: () => boolean;
  readonly notices: Pick<Notices, "tell">;
}

/**
 * An ID token to the account that it opens. Its first use links it to an account only where the
 * issuer says that the email is verified and the account has proven the same one; otherwise it
 * creates a new account, without a password.
 * @throws FaultError `credentials_wrong`, `identity_conflict`, `throttled`, `unavailable`
 */
export function identityLogin({
  idTokens,
  store,
  limits,
  signUpIsOpen,
  notices,
}: Deps): IdentityLogin {
  return async (issuer, idToken, nowMs) => {
    await enforceRateLimit(limits, "login");
    const identity = await idTokens.verify(issuer, idToken, nowMs);
    if (identity === null) return refuse({ code: "credentials_wrong", attempted: UNKNOWN_SUBJECT });
    const known = await store.find(identity, nowMs);
    if (known !== null) return { user: known, identity };
    const { email } = identity;
    if (email === null) return refuse({ code: "credentials_wrong" });
    const newUserId = signUpIsOpen() ? crypto.randomUUID() : null;
    const opened = await store.open({ ...identity, email }, newUserId, nowMs);
    if (opened === "conflict") return refuse({ code: "identity_conflict" });
    if (opened !== null) notices.tell([opened.id], nowMs);
    return opened === null ? refuse({ code: "credentials_wrong" }) : { user: opened, identity };
  };
}

export type LinkedIdentities = ReturnType<typeof linkedIdentities>;

export type WayInRemoval = "removed" | "unknown" | "last" | "caller_gone";

/** @throws FaultError `not_found`, `last_way_in` or `token_invalid`, unless it was removed */
export function checkRemoval(removal: WayInRemoval, what: "Identity" | "Passkey"): void {
  if (removal === "unknown") refuse({ code: "not_found", what });
  if (removal === "last") refuse({ code: "last_way_in" });
  if (removal === "caller_gone") refuse({ code: "token_invalid" });
}

/** The OpenID identities that open a user's account, and how they remove one. */
export function linkedIdentities(
  store: Pick<IdentityStore, "list" | "remove">,
  notices: Pick<Notices, "tell">,
) {
  return {
    list: ({ userId }: Caller): Promise<readonly LinkedIdentity[]> => store.list(userId),

    /**
     * It links again without being asked only with an ID token that is issued from now on.
     * @throws FaultError `login_not_fresh`, `not_found`, `last_way_in`, `token_invalid`, `unavailable`
     */
    async remove(caller: Caller, id: string, nowMs: number): Promise<void> {
      // guard: removal-of-an-identity-needs-a-fresh-log-in
      requireFresh(caller, nowMs);
      checkRemoval(await store.remove(id, caller, nowMs), "Identity");
      notices.tell([caller.userId], nowMs);
    },
  };
}
