import type { CallerRef } from "./ports.ts";
import type { UserWithPassword } from "./user.ts";

/** Somebody as an OpenID issuer knows her. */
export interface Identity {
  readonly issuer: string;
  /** Who she is there, for ever: an e-mail can go to somebody else. */
  readonly subject: string;
  /** As e-mails compare; null where the issuer names none that could be an account's. */
  readonly email: string | null;
  /** By an issuer that has authority over it, and equal without any fold. */
  readonly emailVerified: boolean;
  readonly issuedAtMs: number;
}

/** An identity, as it is kept. */
export type IdentityRef = Pick<Identity, "issuer" | "subject">;

/** A way in that somebody has beside her password. */
export interface LinkedIdentity extends IdentityRef {
  /** Made of issuer and subject: the same whenever it is linked. */
  readonly id: string;
  /** The account's e-mail when it was linked; null where that is not known. */
  readonly email: string | null;
  readonly linkedAtMs: number;
  /** To the hour. */
  readonly lastUsedAtMs: number | null;
}

export interface IdentityStore {
  /** Of one user; there is at most one of an issuer. */
  list(userId: string): Promise<readonly LinkedIdentity[]>;
  /** Ends one of the caller's own, unless nothing else opens the account. */
  remove(
    id: string,
    caller: CallerRef,
    nowMs: number,
  ): Promise<"removed" | "unknown" | "last" | "caller_gone">;
}

export interface IdTokens {
  /**
   * @param issuer the name of its row
   * @returns null for all that is not an ID token of that issuer for this service, and unexpired
   * @throws FaultError `unavailable` where the issuer's keys cannot be had
   */
  verify(issuer: string, token: string, nowMs: number): Promise<Identity | null>;
}

export interface Identities {
  /** Notes the use: after the answer, and without failing it. */
  find(identity: Identity, nowMs: number): Promise<UserWithPassword | null>;
  /**
   * First use, in one batch: links the identity to the account that has its e-mail, if both sides
   * have proven it, or makes an account. Harmless when it is done twice, or by two at once. An ID token that
   * was issued before the account's identities were ended links none.
   * @param newUserId of the account to be made, or null where none may be
   * @returns the account that the identity opens now; `conflict` where its e-mail has an account
   *   that it may not be linked to; null where there is none
   */
  open(
    identity: Identity & { readonly email: string },
    newUserId: string | null,
    nowMs: number,
  ): Promise<UserWithPassword | "conflict" | null>;
}

/** What an HA1B token is, and what is kept of it. */
export interface Ha1bHashes {
  /** `md5(<e-mail>:<domain of the e-mail>:<password>)` in lower-case hex. */
  digest(email: string, password: string): Promise<string>;
  /** One password hash of work. The same for the same digest, so that an account is found by it. */
  hash(digest: string): Promise<string>;
  /** False where `hash` would make another by now. */
  isCurrent(hash: string): Promise<boolean>;
}

export interface Ha1bUsers {
  byHa1b(hash: string): Promise<UserWithPassword | null>;
  /** Keeps it if the e-mail and the password are still those that it was made of. A courtesy: never fails. */
  keepHa1b(user: UserWithPassword, hash: string): Promise<void>;
}
