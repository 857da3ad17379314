import { UNKNOWN_SUBJECT, refuse } from "./fault.ts";
import type { Identities, Identity, IdTokens } from "./identity-ports.ts";
import type { Notices } from "./notices.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { UserWithPassword } from "./user.ts";

export type IdentityLogin = (
  issuer: string,
  idToken: string,
  nowMs: number,
) => Promise<{ readonly user: UserWithPassword; readonly identity: Identity }>;

interface Deps {
  readonly idTokens: IdTokens;
  readonly identities: Identities;
  readonly limits: RateLimits;
  readonly signUpIsOpen: boolean;
  readonly notices: Pick<Notices, "tell">;
}

/**
 * An ID token to the account that it opens. Its first use links it to an account only where the
 * issuer says that the e-mail is verified and the account has proven the same one; else it makes a
 * new account, without a password.
 * @throws FaultError `credentials_wrong`, `identity_conflict`, `throttled`, `unavailable`
 */
export function identityLogin({
  idTokens,
  identities,
  limits,
  signUpIsOpen,
  notices,
}: Deps): IdentityLogin {
  return async (issuer, idToken, nowMs) => {
    await enforceRateLimit(limits, "login");
    const identity = await idTokens.verify(issuer, idToken, nowMs);
    if (identity === null) return refuse({ code: "credentials_wrong", attempted: UNKNOWN_SUBJECT });
    const known = await identities.find(identity, nowMs);
    if (known !== null) return { user: known, identity };
    const { email } = identity;
    if (email === null) return refuse({ code: "credentials_wrong" });
    const newUserId = signUpIsOpen ? crypto.randomUUID() : null;
    const opened = await identities.open({ ...identity, email }, newUserId, nowMs);
    if (opened === "conflict") return refuse({ code: "identity_conflict" });
    if (opened !== null) notices.tell([opened.id], nowMs);
    return opened === null ? refuse({ code: "credentials_wrong" }) : { user: opened, identity };
  };
}
