import type { Action, ActionPlan, Condition } from "./action.ts";
import type { Scope } from "./scope.ts";
import type { ActionToken, ApiToken, Json, RefreshFamily, SessionToken, Token } from "./token.ts";
import type { Profile, User, UserWithPassword } from "./user.ts";

/**
 * What the core needs from outside. Every method may throw FaultError `unavailable`, and then
 * it is not known whether it happened; no other error is expected from them.
 */

/** Where a request came from, for what is counted and what is written down of it. */
export interface ClientInfo {
  /** The client's IP address; empty where it is not known. */
  readonly address: string;
  readonly requestId: string;
}

/** Who is writing. Every write asks again, in its own statement, whether this caller still stands. */
export interface CallerRef {
  readonly userId: string;
  readonly credentialVersion: number;
  /**
   * The session or API token that was shown. Its own row says whether it stands: credential version may have
   * been read before a new password that spared it.
   */
  readonly tokenId: string | null;
  /** Of a JWT: its own id and those of the JWTs that it was obtained with, none of which may have been revoked. */
  readonly credentialIds: readonly string[];
  /** Of a JWT: the log-in, session or API token that it was obtained with, and that one's parents. Each must be active. */
  readonly parentIds: readonly string[];
  /** Of a JWT that was obtained with an API token: "revoke all API tokens" ends it too. */
  readonly apiTokenVersion: number | null;
  /** Of a JWT that was obtained with a password alone: "log out everywhere else" ends it. */
  readonly loginVersion: number | null;
}

/** A caller who is active at this instant. */
export interface Confirmed {
  readonly user: User;
  /** When the token that was shown expires; infinite where none was. */
  readonly endMs: number;
}

/** What a new credential is derived from. */
export interface Derivation {
  /** Empty where it has no parent: it was created by a person who is logged in. */
  readonly parentIds: readonly string[];
  /** It ends no later; infinite where it has no parent. */
  readonly endMs: number;
  /** The JWT among the parents. It gets a row, by which what is derived from it finds it. */
  readonly jwtId: string | null;
}

export interface Cursor {
  readonly createdAtMs: number;
  readonly id: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly after: Cursor | null;
  /** How many to leave out first. */
  readonly skip?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: Cursor | null;
}

export interface UserChange extends Partial<Profile> {
  readonly email?: string;
  /** Wanted, and compared with nothing until it is proven; null for none any more. */
  readonly pendingEmail?: string | null;
  /** A new hash raises the credential version; of opaque tokens only the caller's own is carried over. */
  readonly passwordHash?: string;
  /** With a new password: the identity that was shown for it, which alone stays. */
  readonly keptIdentity?: { readonly issuer: string; readonly subject: string } | null;
  /** Of the new e-mail and password; a change of either without it takes the old one away. */
  readonly ha1bHash?: string;
}

export interface UserStore {
  /** @returns false where the e-mail is taken */
  insert(user: UserWithPassword): Promise<boolean>;
  byEmail(email: string): Promise<UserWithPassword | null>;
  byId(id: string): Promise<UserWithPassword | null>;
  /** For showing only: may be as old as the promise allows. */
  profile(id: string): Promise<User | null>;
  /**
   * @param ifCredentialVersion the credential version whose password was shown, or null where none had to be: what was
   *   confirmed with one password does not happen under the next
   */
  update(
    caller: CallerRef,
    change: UserChange,
    ifCredentialVersion: number | null,
    nowMs: number,
  ): Promise<User | "email_taken" | null>;
  /** Replaces a hash whose parameters are no longer the current ones, if it is still `oldHash`. */
  rehash(id: string, oldHash: string, newHash: string): Promise<void>;
  /** @returns false where the caller no longer stands */
  remove(caller: CallerRef, ifCredentialVersion: number, nowMs: number): Promise<boolean>;
  /** @returns false where the caller no longer stands */
  revokeApiTokens(caller: CallerRef, nowMs: number): Promise<boolean>;
}

/** A token that stands, and its user where the check happened to read her row. */
export interface ActiveToken<T extends Token = Token> {
  readonly token: T;
  readonly user: User | null;
}

export interface SessionState {
  readonly expiresAtMs: number;
  readonly email: string;
}

export interface ApiTokenChange {
  readonly name?: string;
  readonly expiresAtMs?: number;
}

/** Whose token it is. */
export interface TokenOwner {
  readonly id: string;
  readonly userId: string;
}

export interface TokenStore {
  /** Answers within the promise: see `storage/revocation-policy.ts`. Null for all that does not stand. */
  findActive(id: string, nowMs: number): Promise<ActiveToken | null>;
  /** Null where the JWT, what it hangs on, or its user was ended; expiry was checked before. */
  findActiveJwt(claims: JwtClaims, nowMs: number): Promise<{ user: User | null } | null>;
  /**
   * Whether a credential that ends at `untilSeconds` may come of it. Not asked where that is within
   * the promise, counted from the JWT's own issue: before that nothing behind it was ended.
   */
  isActiveUntil(claims: RefreshClaims, untilSeconds: number, nowMs: number): Promise<boolean>;
  /**
   * Asked of D1 whatever the promise is: what issues a credential never trusts an older answer. Null
   * where the caller is no longer active.
   */
  confirm(
    caller: CallerRef & { readonly user: User | null },
    nowMs: number,
  ): Promise<Confirmed | null>;
  /** Notes that a JWT was obtained: once an hour for each log-in, after the answer. */
  noteIssued(caller: CallerRef, jti: string, nowMs: number): void;

  /** @returns null where the caller no longer stands, else the token's final form */
  insert(token: SessionToken, caller: CallerRef): Promise<SessionToken | null>;
  /** `taken`: there is a token of that secret already. */
  insertApi(
    token: ApiToken,
    caller: CallerRef,
    derivation: Derivation,
  ): Promise<ApiToken | DerivationRefusal | "taken">;
  /**
   * Replaces the family's refresh token by one that `jti` names. Every racer is told of the same
   * successor for ROTATION_GRACE_SECONDS; whoever comes later ends the family. Null where it does
   * not stand, or does not any more.
   */
  rotate(claims: RefreshClaims, jti: string, nowMs: number): Promise<Rotation | null>;
  /** @returns its place in the status lists, or null where the caller no longer stands */
  insertFamily(family: RefreshFamily, caller: CallerRef): Promise<number | null>;

  extendSession(id: string, nowMs: number): Promise<SessionState | null>;
  /** @returns true for exactly one of many callers */
  revokeSession(id: string, nowMs: number): Promise<boolean>;

  listApi(caller: CallerRef, page: PageRequest, nowMs: number): Promise<Page<ApiToken>>;
  /**
   * @param limits what the caller may give: no later end, and no scope that it does not have
   * @returns why not, where nothing was changed
   */
  changeApi(
    id: string,
    caller: CallerRef,
    change: ApiTokenChange,
    limits: Pick<Derivation, "endMs" | "parentIds"> & { readonly scopes: readonly Scope[] },
    nowMs: number,
  ): Promise<ApiToken | "not_found" | "replaced" | "outlives" | { readonly beyond: Scope }>;
  /** @returns the token for exactly one of many callers */
  revokeApiToken(id: string, caller: CallerRef, nowMs: number): Promise<ApiToken | null>;
  /**
   * Revokes opaque tokens of any kind, for whoever holds them; an action token of several uses, which
   * many hold, only for its issuer. @returns those that were active
   */
  revokeByHolder(
    ids: readonly string[],
    issuerId: string | null,
    nowMs: number,
    /** A mail to each owner is queued. */
    areLeaked?: boolean,
  ): Promise<readonly TokenOwner[]>;
  /**
   * Replaces an API token by `next`, which takes its name and scopes, and its end unless `next` has
   * an earlier one. The old one ends at `oldEndsAtMs`, and never later than it would have.
   * @param derivation of whatever the caller derives: none of its parents may have been replaced
   * @returns why not, where nothing was changed
   */
  rotateApiToken(
    id: string,
    next: Pick<ApiToken, "id" | "hint" | "parentIds"> & { readonly endMs: number },
    caller: CallerRef,
    derivation: Derivation,
    oldEndsAtMs: number,
    nowMs: number,
  ): Promise<ApiToken | "not_found" | "replaced" | "too_deep">;
  /**
   * Revokes a JWT with its chain, or a refresh JWT with its family. @returns false where it was not active
   * @param isLeaked a mail to its owner is queued
   */
  revokeJwt(
    claims: JwtClaims,
    caller: CallerRef,
    nowMs: number,
    isLeaked?: boolean,
  ): Promise<boolean>;
  /** Notes the use of an API token: to the hour, after the answer, and without failing it. */
  touch(token: ApiToken, nowMs: number): void;
}

/** Why a caller may derive nothing. */
export type DerivationRefusal = "caller_gone" | "replaced" | "too_deep" | "too_many";

export interface ConsumeRequest {
  readonly receiptId: string;
  readonly token: ActionToken;
  readonly action: string;
  readonly runnerId: string;
  readonly caller: CallerRef | null;
  readonly conditions: readonly Condition[];
  readonly plan: ActionPlan;
  /** The key that the request came with, and what the request was; null for no key. */
  readonly once: { readonly key: string; readonly requestDigest: string } | null;
  readonly nowMs: number;
}

export interface Receipt {
  readonly id: string;
  readonly tokenId: string;
  readonly action: string;
  readonly runBy: string;
  readonly runAtMs: number;
  readonly data: Json;
}

export type ConsumeOutcome =
  | { readonly outcome: "done"; readonly receipt: Receipt }
  /** This very request came before: the receipt of that run. */
  | { readonly outcome: "repeated"; readonly receipt: Receipt }
  /** The key was used for another request: by this caller, or with this token. */
  | { readonly outcome: "key_taken" }
  | { readonly outcome: "unknown" | "revoked" | "expired" | "used" | "caller_gone" }
  | { readonly outcome: "rejected"; readonly message: string };

export interface ActionTokenStore {
  /** Inserts if the caller, the audience and the conditions stand. @returns its final form, or what did not */
  insert(
    token: ActionToken,
    caller: CallerRef,
    derivation: Derivation,
    conditions: readonly Condition[],
  ): Promise<ActionToken | Condition | "caller_gone" | "replaced" | "audience_unknown">;
  /** What was issued; whether it still stands is decided by `claim`. */
  find(id: string): Promise<ActionToken | null>;
  /** The same with its uses so far. */
  findNow(id: string): Promise<ActionToken | null>;
  /** What `claim` would refuse at this instant, or has granted before to the same key; else null. */
  check(consume: Omit<ConsumeRequest, "plan">): Promise<ConsumeOutcome | null>;
  /** One batch: claim, effect and receipt, all of it or none. */
  consume(consume: ConsumeRequest): Promise<ConsumeOutcome>;
  list(caller: CallerRef, page: PageRequest, nowMs: number): Promise<Page<ActionToken>>;
  /** @returns true for exactly one of many callers */
  revoke(id: string, caller: CallerRef, nowMs: number): Promise<boolean>;
}

export interface Contact {
  readonly id: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly createdAtMs: number;
}

export interface ContactStore {
  list(userId: string, page: PageRequest): Promise<Page<Contact>>;
  /** Takes the link away in both directions, whoever made it. @returns false where the caller no longer stands */
  remove(caller: CallerRef, contactId: string, nowMs: number): Promise<boolean>;
}

export interface Passwords {
  /** @returns a PHC string */
  hash(password: string): Promise<string>;
  /** The same work for every input, null (no such account) included. `stale`: right, but to be hashed anew. */
  verify(password: string, phc: string | null): Promise<"match" | "stale" | "mismatch">;
  isCommon(password: string): boolean;
}

export type JwtType = "access" | "refresh";

export interface JwtClaims {
  readonly type: JwtType;
  readonly jti: string;
  readonly userId: string;
  readonly credentialVersion: number;
  /** What this JWT was obtained with: its refresh family, or an opaque token. */
  readonly sid: string | null;
  /** The parents of what `sid` names. */
  readonly parentIds: readonly string[];
  /** Set where `sid` is an API token: "end all API tokens" ends this JWT too. */
  readonly apiTokenVersion: number | null;
  /** Set where `sid` is null: "log out everywhere else" ends this JWT too. */
  readonly loginVersion: number | null;
  /**
   * The `jti` of the first JWT of its chain: what `GET /rest/auth` gave, each with the one before.
   * Null for a pair's JWTs, which are in no chain.
   */
  readonly rootJti: string | null;
  /** The pair's access JWT that the chain's first JWT was obtained with. */
  readonly fromJti: string | null;
  /** Unix seconds at which all that can be derived from this JWT has ended. */
  readonly endsAt: number;
  /** Refresh JWTs: how often the family's token was replaced before this one. */
  readonly rotation: number | null;
  /** Unix seconds, whole. */
  readonly authTime: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Set in the JWT of `GET /rest/auth` only, as its origin has it. */
  readonly role: string | null;
  /** The place of the login behind it in the status lists, or null where it has none. */
  readonly statusIndex: number | null;
  /** Null: all that its user may do. */
  readonly scopes: readonly Scope[] | null;
}

/** A refresh JWT is always of a family. */
export interface RefreshClaims extends JwtClaims {
  readonly type: "refresh";
  readonly sid: string;
  readonly rotation: number;
}

export interface Rotation {
  readonly jti: string;
  readonly rotation: number;
  readonly rotatedAtMs: number;
}

export interface Jwts {
  sign(claims: JwtClaims): Promise<string>;
  /** @returns null for all that is not exactly one of ours and unexpired */
  verify(jwt: string, nowMs: number): Promise<JwtClaims | null>;
  /** Whether it is one of ours that has merely expired: whoever refreshes after a 401 shows such. */
  hasExpired(jwt: string, nowMs: number): Promise<boolean>;
}

export interface StatusListStore {
  /** @returns the places in `from` to before `to` whose login was ended, or null where none is taken yet */
  ended(from: number, to: number, nowMs: number): Promise<readonly number[] | null>;
}

export interface SignedStatusList {
  readonly jwt: string;
  /** The same for two JWTs that say the same, by the same key, and expire at nearly the same time. */
  readonly version: string;
}

export interface StatusListSigner {
  /** @param bits one a login, set where it was ended */
  signStatusList(
    list: number,
    bits: Uint8Array<ArrayBuffer>,
    nowMs: number,
  ): Promise<SignedStatusList>;
}

export interface Secrets {
  /** @returns a new secret of the kind and the id that it is known by */
  create(kind: Token["kind"]): Promise<{ secret: string; id: string }>;
  /** @returns the id, or null where the text is no well-formed secret of the kind; reads nothing */
  idOf(kind: Token["kind"], secret: string): Promise<string | null>;
  /** A digest of `text` that nobody can try texts against who does not hold the secret. */
  keyedDigest(secret: string, text: string): Promise<string>;
}

export interface ActionRegistry {
  readonly all: readonly Action[];
  find(name: string): Action | undefined;
}
