import type { Caller, CallerRef } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { Page, PageRequest } from "./page.ts";

export interface Contact {
  readonly id: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly createdAtMs: number;
}

/** How two users met: one of them showed a code to the other, or someone else introduced them. */
export type Meeting = "own_code" | "their_code" | "introduced";

/** One direction: that a user has another in their contacts, as this user sees it. */
export interface ContactLink {
  readonly createdAtMs: number;
  /** Null where nothing is recorded. */
  readonly meeting: Meeting | null;
  /** The display name of whoever introduced them; null where they set none, or are gone. */
  readonly introducer: string | null;
  /** The user's own code over which they met, while it is kept. */
  readonly tokenId: string | null;
}

/** Of the two directions, at least one is there. */
export interface MetContact extends Omit<Contact, "createdAtMs"> {
  /** They are in this user's contacts. */
  readonly own: ContactLink | null;
  /** This user is in theirs. */
  readonly theirs: ContactLink | null;
}

/** Someone who has this user in their contacts, and is not in this user's. */
export interface Follower extends Contact {
  readonly introducer: string | null;
}

/** How many contacts a search looks at. */
export const CONTACT_SEARCH = 10_000;

export interface ContactStore {
  /** @param words each must be in the name; a search looks at CONTACT_SEARCH contacts from the cursor on */
  list(userId: string, page: PageRequest, words: readonly string[]): Promise<Page<Contact>>;
  /** At most CONTACT_SEARCH of those who have this user are looked at from the cursor on. */
  followers(userId: string, page: PageRequest): Promise<Page<Follower>>;
  find(userId: string, contactId: string): Promise<MetContact | null>;
  /** Removes the link in both directions, no matter who created it. @returns false where the caller is no longer active */
  remove(caller: CallerRef, contactId: string, nowMs: number): Promise<boolean>;
}

const MAX_WORDS = 5;
/** Characters of a search. */
export const CONTACT_SEARCH_MAX = 100;

export type OwnContacts = ReturnType<typeof ownContacts>;

/** The people whom a user has met. */
export function ownContacts(store: ContactStore) {
  return {
    /** Newest first. @param search words of the name, or the beginning of an id; empty for all */
    list: (userId: string, page: PageRequest, search = ""): Promise<Page<Contact>> =>
      store.list(userId, page, search.split(/\s+/u).filter(Boolean).slice(0, MAX_WORDS)),

    /** Who was introduced to this user, while this user was not to them: newest first. */
    followers: (userId: string, page: PageRequest): Promise<Page<Follower>> =>
      store.followers(userId, page),

    /**
     * Whoever is a contact in either direction.
     * @throws FaultError `not_found`, `unavailable`
     */
    find: async (userId: string, contactId: string): Promise<MetContact> =>
      (await store.find(userId, contactId.toLowerCase())) ??
      refuse({ code: "not_found", what: "Contact" }),

    /**
     * Removes the contact for both. Harmless if they were none.
     * @throws FaultError `token_invalid`, `unavailable`
     */
    async remove(caller: Caller, contactId: string, nowMs: number): Promise<void> {
      const removed = await store.remove(caller, contactId.toLowerCase(), nowMs);
      if (!removed) refuse({ code: "token_invalid" });
    },
  };
}
