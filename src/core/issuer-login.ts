import { type Caller, requireFresh } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { IdentityLogin, IdentityStore } from "./identities.ts";
import type { Identity, IdTokens } from "./issuers.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { Notices } from "./notices.ts";
import type { UserWithPassword } from "./user.ts";

/** The authorization code flow at an OpenID issuer. `secret` is this log-in's: state, nonce and PKCE verifier follow from it. */
export interface IssuerRedirects {
  /** Those with a client of ours, as they are called on a button. */
  readonly issuers: readonly { readonly name: string; readonly label: string }[];
  /** Where the browser goes. @throws FaultError `unavailable` */
  authorizationUrl(issuer: string, secret: string): Promise<string>;
  /**
   * The ID token for what the browser brought back, not yet verified by its signature.
   * @returns `denied` where the issuer says no; `wrong` where it is no answer to this log-in
   * @throws FaultError `unavailable` where the issuer does not answer
   */
  idToken(
    issuer: string,
    secret: string,
    answer: URLSearchParams,
  ): Promise<{ readonly idToken: string } | "denied" | "wrong">;
}

/** Signs a text that a browser keeps for us. */
export interface SignedState {
  sign(text: string): Promise<string>;
  /** @returns the text, or null if it was not signed here */
  read(signed: string): Promise<string | null>;
}

export interface UsedStateStore {
  /** @returns true for exactly one of all who show it */
  use(state: string, expiresAtMs: number): Promise<boolean>;
}

export type IssuerLoginResult =
  | {
      readonly outcome: "done";
      readonly user: UserWithPassword;
      readonly identity: Identity;
      readonly next: string;
    }
  /** It opens the caller's account from now on. */
  | { readonly outcome: "linked" }
  /** Not started in this browser, too long ago, or finished before. */
  | { readonly outcome: "unknown" }
  | { readonly outcome: "denied" | "wrong" };

/** From the start of a log-in until the browser is back. */
export const ISSUER_LOGIN_SECONDS = 600;

interface Deps {
  readonly redirects: IssuerRedirects;
  readonly states: SignedState;
  readonly used: UsedStateStore;
  readonly identityLogin: IdentityLogin;
  readonly idTokens: IdTokens;
  readonly identities: Pick<IdentityStore, "link">;
  readonly notices: Pick<Notices, "tell">;
  readonly limits: RateLimits;
}

export type IssuerLogin = ReturnType<typeof issuerLogin>;

/** Logs in with an OpenID issuer by redirect (OpenID Connect Core section 3.1). */
export function issuerLogin({
  redirects,
  states,
  used,
  identityLogin,
  idTokens,
  identities,
  notices,
  limits,
}: Deps) {
  async function link(issuer: string, idToken: string, caller: Caller, nowMs: number) {
    const identity = await idTokens.verify(issuer, idToken, nowMs);
    if (identity === null) return { outcome: "wrong" } as const;
    switch (await identities.link(identity, caller, nowMs)) {
      case "linked":
        notices.tell([caller.userId], nowMs);
        return { outcome: "linked" } as const;
      case "taken":
        return refuse({ code: "identity_conflict" });
      case "caller_gone":
        return refuse({ code: "token_invalid" });
    }
  }

  return {
    issuers: redirects.issuers,

    /**
     * @param next the page to open afterwards
     * @param owner who wants to link what they log in with to their account; null to log in
     * @returns where to send the browser, and what it must bring back
     * @throws FaultError `login_not_fresh`, `throttled`, `unavailable`
     */
    async start(
      issuer: string,
      next: string,
      owner: Caller | null,
      nowMs: number,
    ): Promise<{ url: string; state: string }> {
      if (owner !== null) requireFresh(owner, nowMs);
      await enforceRateLimit(limits, "login");
      const secret = crypto.getRandomValues(new Uint8Array(32)).toHex();
      const started: Started = [
        issuer,
        secret,
        nowMs + ISSUER_LOGIN_SECONDS * 1000,
        next,
        owner?.userId ?? null,
      ];
      const url = await redirects.authorizationUrl(issuer, secret);
      return { url, state: await states.sign(JSON.stringify(started)) };
    },

    /**
     * @param state what `start` gave this browser; null for none
     * @param caller who is logged in here now; null for nobody
     * @throws FaultError as `identityLogin`
     */
    async finish(
      issuer: string,
      state: string | null,
      answer: URLSearchParams,
      caller: Caller | null,
      nowMs: number,
    ): Promise<IssuerLoginResult> {
      const text = state === null ? null : await states.read(state);
      if (text === null) return { outcome: "unknown" };
      const [startedAt, secret, expiresAtMs, next, ownerId]: Started = JSON.parse(text);
      // Two issuers never share a log-in (RFC 9700 section 4.4).
      // guard: issuer-login-stays-with-its-issuer
      if (startedAt !== issuer || expiresAtMs <= nowMs) return { outcome: "unknown" };
      // What one person's log-in shows is linked to no other's account.
      // guard: identity-is-linked-to-who-asked
      if (ownerId !== null && caller?.userId !== ownerId) return { outcome: "unknown" };
      await enforceRateLimit(limits, "login");
      const got = await redirects.idToken(issuer, secret, answer);
      if (typeof got === "string") return { outcome: got };
      // Written only for a code that the issuer has accepted, so that nobody can make us write at will.
      // guard: issuer-login-is-used-once
      if (!(await used.use(secret, expiresAtMs))) return { outcome: "unknown" };
      if (ownerId !== null && caller !== null) return link(issuer, got.idToken, caller, nowMs);
      const { user, identity } = await identityLogin(issuer, got.idToken, nowMs);
      return { outcome: "done", user, identity, next };
    },
  };
}

type Started = readonly [
  issuer: string,
  secret: string,
  expiresAtMs: number,
  next: string,
  ownerId: string | null,
];
